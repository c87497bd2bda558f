/* Peers that use the vectors of this machine: xoshiro256+ (Blackman and Vigna, 2019) with a
 * generator in each lane, and Box and Muller's method (1958) on top of it with SLEEF's functions.
 * Without AVX2 there are no such peers, and VECTOR_LANES is not defined. */
#ifndef MEANTIME_BENCH_VECTOR_PEERS_H
#define MEANTIME_BENCH_VECTOR_PEERS_H

#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#include <sleef.h>
#endif

#define TEXT_OF_SLEEF(number) #number
#define SLEEF_TEXT(major, minor, patch)                                                            \
    TEXT_OF_SLEEF(major) "." TEXT_OF_SLEEF(minor) "." TEXT_OF_SLEEF(patch)

/* SLEEF's fastest functions have errors of up to 3.5 units of the last place. */
#if defined(__AVX512F__)
#define VECTOR_LANES 8
#define VECTOR_ISA   "AVX-512"
#define vector_sqrt  _mm512_sqrt_pd
#define vector_log   Sleef_logd8_u35avx512f
#define vector_turn  Sleef_sincospid8_u35avx512f
typedef __m512d vector_native;
typedef Sleef___m512d_2 vector_pair;
#elif defined(__AVX2__)
#define VECTOR_LANES 4
#define VECTOR_ISA   "AVX2"
#define vector_sqrt  _mm256_sqrt_pd
#define vector_log   Sleef_logd4_u35avx2
#define vector_turn  Sleef_sincospid4_u35avx2
typedef __m256d vector_native;
typedef Sleef___m256d_2 vector_pair;
#endif

#ifdef VECTOR_LANES
#define VECTOR_MADE_WITH VECTOR_ISA ", " CONTEST_COMPILER
#define BOX_MULLER_MADE_WITH                                                                       \
    "SLEEF " SLEEF_TEXT(SLEEF_VERSION_MAJOR, SLEEF_VERSION_MINOR,                                  \
                        SLEEF_VERSION_PATCHLEVEL) ", " VECTOR_MADE_WITH

typedef uint64_t vector_words __attribute__((vector_size(8 * VECTOR_LANES)));
typedef double vector_doubles __attribute__((vector_size(8 * VECTOR_LANES)));

struct vector_rng {
    vector_words s0, s1, s2, s3;
};

/* splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t splitmix_next(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void vector_rng_init(struct vector_rng *rng, uint64_t seed)
{
    for (int lane = 0; lane < VECTOR_LANES; lane++) {
        rng->s0[lane] = splitmix_next(&seed);
        rng->s1[lane] = splitmix_next(&seed);
        rng->s2[lane] = splitmix_next(&seed);
        rng->s3[lane] = splitmix_next(&seed);
    }
}

static inline vector_words vector_rotl(vector_words x, int count)
{
    return (x << count) | (x >> (64 - count));
}

static inline vector_words vector_rng_next(struct vector_rng *rng)
{
    vector_words out = rng->s0 + rng->s3;
    vector_words t = rng->s1 << 17;
    rng->s2 ^= rng->s0;
    rng->s3 ^= rng->s1;
    rng->s1 ^= rng->s2;
    rng->s0 ^= rng->s3;
    rng->s2 ^= t;
    rng->s3 = vector_rotl(rng->s3, 45);
    return out;
}

/* 52 random bits as doubles in [1, 2). */
static inline vector_doubles vector_one_to_two(struct vector_rng *rng)
{
    return (vector_doubles)((vector_rng_next(rng) >> 12) | UINT64_C(0x3ff0000000000000));
}

static inline double vector_total(vector_doubles lanes)
{
    double total = 0;
    for (int lane = 0; lane < VECTOR_LANES; lane++)
        total += lanes[lane];
    return total;
}

/* A step waits for the one before, so one generator leaves a part of the core idle. Two use it. */
static double vector_uniform_sum(void *state, uint64_t samples)
{
    struct vector_rng *rngs = static_cast<struct vector_rng *>(state);
    struct vector_rng a = rngs[0], b = rngs[1];
    vector_doubles sum_a = {0}, sum_b = {0};
    for (uint64_t n = 0; n < samples; n += 2 * VECTOR_LANES) {
        sum_a += vector_one_to_two(&a) - 1.0;
        sum_b += vector_one_to_two(&b) - 1.0;
    }
    rngs[0] = a, rngs[1] = b;
    return vector_total(sum_a + sum_b);
}

/* Two uniform samples make two Gaussian samples: the coordinates of a point with a random radius
 * and a random angle. */
static double box_muller_sum(void *state, uint64_t samples)
{
    struct vector_rng rng = *static_cast<struct vector_rng *>(state);
    vector_doubles sum = {0};
    for (uint64_t n = 0; n < samples; n += 2 * VECTOR_LANES) {
        vector_doubles u = 2.0 - vector_one_to_two(&rng); /* (0, 1] */
        vector_doubles half_turns = 2.0 * vector_one_to_two(&rng);
        vector_doubles log_u = (vector_doubles)vector_log((vector_native)u);
        vector_doubles radius = (vector_doubles)vector_sqrt((vector_native)(-2.0 * log_u));
        vector_pair turn = vector_turn((vector_native)half_turns);
        sum += radius * ((vector_doubles)turn.x + (vector_doubles)turn.y);
    }
    *static_cast<struct vector_rng *>(state) = rng;
    return vector_total(sum);
}

#else
struct vector_rng {
    int unused;
};
static void vector_rng_init(struct vector_rng *, uint64_t)
{
}
#endif

#endif
