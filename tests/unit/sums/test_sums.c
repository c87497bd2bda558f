/* Tests of the sums: known answers, the reference's vectors, and laws such as split = whole. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums/digest.h"
#include "sums/ieee.h"
#include "sums/samples.h"
#include "sums/sum.h"
#include "tests/support/chance.h"
#include "tests/vectors/vector.h"

#define INT128_MAX ((__int128)(~(unsigned __int128)0 >> 1))
#define INT128_MIN (-INT128_MAX - 1)

/* A test compares |total_value| with its neighbours as integers, so it must stay below 2^127. */
#define NEIGHBOUR_BITS 125

static struct total sum(const struct kernel *kernel, enum stream_kind kind, uint64_t seed,
                        uint64_t first, uint64_t count)
{
    struct stream stream;
    struct total total = {0};
    stream_init(&stream, seed, kind);
    sum_range(kernel, &stream, first, count, &total);
    return total;
}

static void expect_units(__int128 units, const char *wanted, const char *what)
{
    char text[UNITS_TEXT_BYTES];
    cr_expect_str_eq(units_print(units, text), wanted, "%s", what);
}

/* Known answers */

struct answer {
    enum stream_kind kind;
    uint64_t seed, first, count;
    const char *units;
};

static const struct answer known_answers[] = {
    {STREAM_GAUSSIAN, 0, 0, BLOCK_SAMPLES, "-58584426632097568"},
    {STREAM_GAUSSIAN, 0, 0, 3 * BLOCK_SAMPLES, "-78271286014543298"},
    {STREAM_UNIFORM, 0, 0, BLOCK_SAMPLES, "295076725426664543708"},
    {STREAM_UNIFORM, 0, 0, 3 * BLOCK_SAMPLES, "883719685216309901622"},
};

/* One sample of each level, and one of the tail, found with the reference. */
static const struct answer level_answers[] = {
    {STREAM_GAUSSIAN, 0, 65536, 1, "-815607894271507"},
    {STREAM_GAUSSIAN, 0, 65540, 1, "-146379888725792"},
    {STREAM_GAUSSIAN, 0, 65652, 1, "64352845764714"},
    {STREAM_GAUSSIAN, 0, 104820, 1, "1051410511076431"},
    {STREAM_GAUSSIAN, 0, 178875, 1, "2685697061237910"},
};

static void expect_answer(const struct kernel *kernel, const struct answer *answer)
{
    struct total total = sum(kernel, answer->kind, answer->seed, answer->first, answer->count);
    expect_units(total.units, answer->units, kernel->name);
    cr_expect(total.count == answer->count);
}

static void expect_answers(const struct answer *answers, size_t count)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        for (size_t i = 0; kernel->runs_here() && i < count; i++)
            expect_answer(kernel, &answers[i]);
}

Test(sums, whole_blocks_give_the_known_answers)
{
    expect_answers(known_answers, sizeof known_answers / sizeof *known_answers);
}

Test(sums, every_level_gives_the_known_samples)
{
    expect_answers(level_answers, sizeof level_answers / sizeof *level_answers);
}

static int expect_vectors(const struct kernel *kernel, FILE *file)
{
    char line[200], units[UNITS_TEXT_BYTES];
    struct vector vector;
    int count = 0;
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        if (!vector_parse(line, &vector))
            continue;
        cr_expect(vector_holds(&vector, kernel, units), "%s gives %s for %s", kernel->name, units,
                  line);
        count++;
    }
    return count;
}

Test(sums, every_kernel_gives_the_reference_vectors)
{
    FILE *file = fopen(SUMS_VECTORS, "r");
    cr_assert(file, "cannot read %s", SUMS_VECTORS);
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here())
            cr_expect(expect_vectors(kernel, file) > 400, "%s has lost lines", SUMS_VECTORS);
    fclose(file);
}

/* The digest, which two builds compare before one of them computes for the other */
#define DIGEST UINT64_C(0x8e5e5b86cb34c6e0)

Test(digest, every_kernel_gives_the_known_digest)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here())
            cr_expect(sums_digest(kernel) == DIGEST, "%s", kernel->name);
}

Test(digest, the_reference_gives_the_known_digest)
{
    char line[200];
    uint64_t digest = 0;
    FILE *file = fopen(SUMS_VECTORS, "r");
    cr_assert(file, "cannot read %s", SUMS_VECTORS);
    while (digest == 0 && fgets(line, sizeof line, file))
        vector_parse_digest(line, &digest);
    fclose(file);
    cr_expect(digest == DIGEST);
}

static int64_t one_off(uint64_t key, uint64_t block)
{
    return kernel_best()->uniform_block(key, block) + (block == 1);
}

Test(digest, one_unit_in_one_block_changes_the_digest)
{
    struct kernel wrong = *kernel_best();
    wrong.uniform_block = one_off;
    cr_expect(sums_digest(&wrong) != DIGEST);
}

/* Laws */

/* Cuts the range in two at random, cuts both parts again, and adds the totals in reverse order. */
static struct total sum_in_pieces(struct chance *chance, const struct stream *stream,
                                  uint64_t first, uint64_t count, int depth)
{
    struct total total = {0};
    if (depth == 0) {
        sum_range(kernel_best(), stream, first, count, &total);
        return total;
    }
    uint64_t cut = chance_below(chance, count + 1);
    total = sum_in_pieces(chance, stream, first + cut, count - cut, depth - 1);
    struct total left = sum_in_pieces(chance, stream, first, cut, depth - 1);
    total_add(&total, &left);
    return total;
}

static void expect_split_is_whole(struct chance *chance, enum stream_kind kind)
{
    struct stream stream;
    struct total whole = {0};
    uint64_t first = chance_next(chance) >> 2;
    uint64_t count = chance_below(chance, 3 * BLOCK_SAMPLES);
    stream_init(&stream, chance_next(chance), kind);
    sum_range(kernel_best(), &stream, first, count, &whole);
    struct total split = sum_in_pieces(chance, &stream, first, count, 3);
    cr_expect(split.units == whole.units, "first %" PRIu64 " count %" PRIu64, first, count);
    cr_expect(split.count == count);
}

Test(sums, a_range_cut_anywhere_sums_to_the_whole)
{
    struct chance chance = chance_init();
    for (int i = 0; i < 40; i++) {
        expect_split_is_whole(&chance, STREAM_GAUSSIAN);
        expect_split_is_whole(&chance, STREAM_UNIFORM);
    }
}

/* The range crosses the border of a block and has samples of all levels. */
static void expect_singles_are_the_range(enum stream_kind kind, uint64_t first, uint64_t count)
{
    struct stream stream;
    struct total singles = {0}, range = {0};
    stream_init(&stream, 0, kind);
    for (uint64_t i = 0; i < count; i++)
        sum_range(kernel_best(), &stream, first + i, 1, &singles);
    sum_range(kernel_best(), &stream, first, count, &range);
    cr_expect(singles.units == range.units);
    cr_expect(singles.count == range.count);
}

Test(sums, single_samples_add_up_to_their_range)
{
    expect_singles_are_the_range(STREAM_GAUSSIAN, BLOCK_SAMPLES - 80, 240);
    expect_singles_are_the_range(STREAM_GAUSSIAN, 104820 - 40, 80);
    expect_singles_are_the_range(STREAM_UNIFORM, BLOCK_SAMPLES - 80, 240);
}

/* Samples as doubles */

#define FILL_MAX (3 * BLOCK_SAMPLES)

/* Checks that the samples of a range add up to its total, and that nothing is written beside them.
 */
static void expect_samples(const struct kernel *kernel, enum stream_kind kind, uint64_t first,
                           size_t count)
{
    static double samples[FILL_MAX + 2];
    struct stream stream;
    struct total total = {0};
    __int128 units = 0;
    cr_assert(count <= FILL_MAX);
    stream_init(&stream, 7, kind);
    sum_range(kernel, &stream, first, count, &total);
    samples[0] = samples[count + 1] = -100.0;
    samples_fill(kernel, &stream, first, count, samples + 1);
    for (size_t i = 1; i <= count; i++)
        units += (int64_t)ldexp(samples[i], -stream_unit_log2(kind));
    cr_expect(units == total.units, "%s: first %" PRIu64 " count %zu", kernel->name, first, count);
    cr_expect(samples[0] == -100.0 && samples[count + 1] == -100.0);
}

struct range {
    uint64_t first;
    size_t count;
};

static const struct range sample_ranges[] = {
    {0, 0},
    {0, 1},
    {65535, 2},
    {65536, 65536},
    {1, 65535},
    {12345, 100},
    {511, 514},
    {65000, 140001},
    {UINT64_C(1) << 62, 65536},
    {(UINT64_C(1) << 62) + 77, 70000},
    {(UINT64_C(1) << 63) - 131073, 131073},
};

Test(samples, any_range_adds_up_to_its_total)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        for (size_t i = 0; kernel->runs_here() && i < sizeof sample_ranges / sizeof *sample_ranges;
             i++) {
            const struct range *range = &sample_ranges[i];
            expect_samples(kernel, STREAM_GAUSSIAN, range->first, range->count);
            expect_samples(kernel, STREAM_UNIFORM, range->first, range->count);
        }
}

/* The order of samples is not visible in a sum. So this compares every piece with the same samples
 * of the whole. */
static void expect_pieces(const struct kernel *kernel, enum stream_kind kind, struct chance *chance)
{
    static double whole[2 * BLOCK_SAMPLES], piece[2 * BLOCK_SAMPLES];
    struct stream stream;
    uint64_t first = chance_next(chance) >> 2;
    stream_init(&stream, chance_next(chance), kind);
    samples_fill(kernel, &stream, first, 2 * BLOCK_SAMPLES, whole);
    for (int i = 0; i < 20; i++) {
        size_t begin = chance_below(chance, 2 * BLOCK_SAMPLES);
        size_t count = chance_below(chance, 2 * BLOCK_SAMPLES - begin + 1);
        samples_fill(kernel, &stream, first + begin, count, piece);
        cr_expect(memcmp(whole + begin, piece, count * sizeof *piece) == 0);
    }
}

Test(samples, pieces_are_the_samples_of_the_whole)
{
    struct chance chance = chance_init();
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here()) {
            expect_pieces(kernel, STREAM_GAUSSIAN, &chance);
            expect_pieces(kernel, STREAM_UNIFORM, &chance);
        }
}

Test(samples, every_level_gives_the_known_samples)
{
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        for (size_t i = 0; kernel->runs_here() && i < sizeof level_answers / sizeof *level_answers;
             i++) {
            struct stream stream;
            double sample;
            stream_init(&stream, level_answers[i].seed, level_answers[i].kind);
            samples_fill(kernel, &stream, level_answers[i].first, 1, &sample);
            cr_expect(sample == strtod(level_answers[i].units, NULL) * 0x1p-49, "%s", kernel->name);
        }
}

Test(samples, a_range_beyond_the_end_of_a_stream_is_a_bug, .signal = SIGABRT)
{
    struct stream stream;
    double samples[2];
    stream_init(&stream, 7, STREAM_GAUSSIAN);
    samples_fill(kernel_best(), &stream, (UINT64_C(1) << 63) - 1, 2, samples);
}

Test(sums, totals_add_up_in_any_order)
{
    struct total a = {INT128_MAX / 3, 5}, b = {-7, 1}, c = {INT128_MIN / 5, UINT64_C(1) << 62};
    struct total abc = a, cba = c, ab = a;
    total_add(&abc, &b);
    total_add(&abc, &c);
    total_add(&cba, &b);
    total_add(&cba, &a);
    total_add(&ab, &b);
    total_add(&c, &ab);
    cr_expect(abc.units == cba.units && abc.units == c.units);
    cr_expect(abc.count == cba.count && abc.count == c.count);
}

Test(sums, an_empty_range_adds_nothing)
{
    struct total total = sum(kernel_best(), STREAM_UNIFORM, 0, UINT64_C(1) << 63, 0);
    cr_expect(total.units == 0 && total.count == 0);
}

Test(sums, a_range_beyond_the_end_of_a_stream_is_a_bug, .signal = SIGABRT)
{
    sum(kernel_best(), STREAM_UNIFORM, 0, (UINT64_C(1) << 63) - 1, 2);
}

Test(sums, different_seeds_and_kinds_have_different_streams)
{
    struct stream gaussian, uniform, other;
    stream_init(&gaussian, 1, STREAM_GAUSSIAN);
    stream_init(&uniform, 1, STREAM_UNIFORM);
    stream_init(&other, 2, STREAM_GAUSSIAN);
    cr_expect(gaussian.key != uniform.key && gaussian.key != other.key);
}

/* Values */

struct value_case {
    __int128 units;
    int unit_log2;
    double value;
};

#define TWO(n) ((__int128)1 << (n))

static const struct value_case value_cases[] = {
    {0, 0, 0.0},
    {1, 0, 1.0},
    {-1, -1, -0.5},
    {1, -200, 0x1p-200},
    {-3, -200, -0x3p-200},
    {TWO(53) + 1, 0, 0x1p53},                              /* tie, down to even */
    {TWO(53) + 3, 0, 0x1.0000000000002p53},                /* tie, up to even */
    {-TWO(53) - 1, 0, -0x1p53},                            /* the same below zero */
    {-TWO(53) - 3, 0, -0x1.0000000000002p53},              /* */
    {TWO(54) - 1, -53, 2.0},                               /* tie that carries */
    {TWO(100) + TWO(47), 0, 0x1p100},                      /* tie */
    {TWO(100) + TWO(47) + 1, 0, 0x1.0000000000001p100},    /* just above: the last bit decides */
    {TWO(100) + TWO(47) - 1, 0, 0x1p100},                  /* just below */
    {-TWO(100) - TWO(47) - 1, -49, -0x1.0000000000001p51}, /* */
    {TWO(63) - 1, 0, 0x1p63},
    {TWO(63), 0, 0x1p63},
    {-TWO(63), -49, -0x1p14},
    {TWO(63) + 1, 0, 0x1p63},
    {TWO(64) - 1, -53, 0x1p11},
    {TWO(64) + TWO(11), 0, 0x1p64},                   /* tie */
    {TWO(64) + TWO(11) + 1, 0, 0x1.0000000000001p64}, /* sticky bit below the low word's top */
    {INT128_MAX, 0, 0x1p127},
    {INT128_MIN, 0, -0x1p127},
    {INT128_MIN, -200, -0x1p-73},
};

Test(total, value_rounds_once_to_nearest_even)
{
    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        const struct value_case *v = &value_cases[i];
        double value = total_value(v->units, v->unit_log2);
        cr_expect(value == v->value, "case %zu: %a instead of %a", i, value, v->value);
    }
}

static unsigned __int128 distance(__int128 units, double value)
{
    __int128 d = units - (__int128)value;
    return d < 0 ? -(unsigned __int128)d : (unsigned __int128)d;
}

/* Checks that `value` is nearer than its neighbours. The last bit of a tie must be even: the number
 * is a multiple of two of its units. */
static void expect_nearest(__int128 units)
{
    double value = total_value(units, 0);
    unsigned __int128 here = distance(units, value);
    unsigned __int128 above = distance(units, nextafter(value, INFINITY));
    unsigned __int128 below = distance(units, nextafter(value, -INFINITY));
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool tie = here > 0 && (here == above || here == below);
    cr_expect(here <= above && here <= below, "%a is not the nearest", value);
    cr_expect(!tie || bits % 2 == 0, "%a is odd after a tie", value);
}

/* Returns a number of 55 to NEIGHBOUR_BITS bits, often with zeros and ones that make a tie. */
static __int128 chance_units(struct chance *chance)
{
    unsigned bits = 55 + (unsigned)chance_below(chance, NEIGHBOUR_BITS - 54);
    unsigned low = (unsigned)chance_below(chance, bits - 53);
    unsigned __int128 x = (unsigned __int128)chance_next(chance) << 64 | chance_next(chance);
    x = (x >> (127 - bits) | (unsigned __int128)1 << bits) >> low << low;
    __int128 units = (__int128)x + (int)chance_below(chance, 3) - 1;
    return chance_below(chance, 2) ? units : -units;
}

Test(total, value_is_the_nearest_double)
{
    struct chance chance = chance_init();
    for (int i = 0; i < 100000; i++)
        expect_nearest(chance_units(&chance));
}

Test(total, value_scales_by_the_unit_exactly)
{
    struct chance chance = chance_init();
    for (int i = 0; i < 1000; i++) {
        __int128 units = chance_units(&chance);
        int unit_log2 = -(int)chance_below(&chance, 201);
        cr_expect(total_value(units, unit_log2) == ldexp(total_value(units, 0), unit_log2));
    }
}

Test(total, units_print_reaches_both_ends)
{
    expect_units(0, "0", "zero");
    expect_units(-1, "-1", "minus one");
    expect_units(UINT64_MAX, "18446744073709551615", "2^64 - 1");
    expect_units(INT128_MAX, "170141183460469231731687303715884105727", "largest");
    expect_units(INT128_MIN, "-170141183460469231731687303715884105728", "smallest");
}

/* Exact bits of exp and ln, from tests/vectors/reference.py */

struct function_case {
    double (*function)(double);
    double x, y;
};

static const struct function_case function_cases[] = {
    {exp_ieee, 0x0.0p+0, 0x1.0000000000000p+0},
    {exp_ieee, -0x1.999999999999ap-4, 0x1.cf46d99d52b3ap-1},
    {exp_ieee, -0x1.62e33eff19503p-2, 0x1.6a0a3b975afb0p-1},
    {exp_ieee, -0x1.62e5de15ca6cap-2, 0x1.6a094e536e571p-1},
    {exp_ieee, -0x1.0000000000000p+0, 0x1.78b56362cef38p-2},
    {exp_ieee, -0x1.4000000000000p+1, 0x1.50385c094f425p-4},
    {exp_ieee, -0x1.4000000000000p+3, 0x1.7cd79b5647c9bp-15},
    {exp_ieee, -0x1.699999999999ap+3, 0x1.9f2a9c30dbee0p-17},
    {exp_ieee, -0x1.259999999999ap+5, 0x1.0998b04bdd190p-53},
    {exp_ieee, -0x1.3e00000000000p+6, 0x1.3c6e2c8d491e3p-115},
    {log_ieee, 0x1.0000000000000p+0, 0x0.0p+0},
    {log_ieee, 0x1.ccccccccccccdp-1, -0x1.af8e8210a415bp-4},
    {log_ieee, 0x1.8000000000000p-1, -0x1.269621134db92p-2},
    {log_ieee, 0x1.6a09e667f3bcdp-1, -0x1.62e42fefa39edp-2},
    {log_ieee, 0x1.6a09e667f3bccp-1, -0x1.62e42fefa39f1p-2},
    {log_ieee, 0x1.0000000000000p-1, -0x1.62e42fefa39efp-1},
    {log_ieee, 0x1.3333333333333p-2, -0x1.34378fcbda720p+0},
    {log_ieee, 0x1.999999999999ap-4, -0x1.26bb1bbb55515p+1},
    {log_ieee, 0x1.0000000000000p-20, -0x1.bb9d3beb8c86bp+3},
    {log_ieee, 0x1.0000000000000p-53, -0x1.25e4f7b2737fap+5},
};

Test(ieee, exp_and_log_give_the_known_bits)
{
    for (size_t i = 0; i < sizeof function_cases / sizeof *function_cases; i++) {
        const struct function_case *f = &function_cases[i];
        double y = f->function(f->x);
        cr_expect(double_bits(y) == double_bits(f->y), "case %zu: %a instead of %a", i, y, f->y);
    }
}

/* The C library's own error adds half a unit of the last place. */
static bool near(double y, double wanted)
{
    double unit = fabs(nextafter(wanted, INFINITY) - wanted);
    return fabs(y - wanted) <= 3.5 * unit;
}

Test(ieee, exp_and_log_are_within_three_units_of_the_last_place)
{
    struct chance chance = chance_init();
    for (int i = 0; i < 100000; i++) {
        double v = (double)(chance_next(&chance) >> 11) * 0x1p-53;
        cr_expect(near(exp_ieee(-80 * v), exp(-80 * v)), "exp(%a)", -80 * v);
        cr_expect(near(log_ieee(1 - v), log(1 - v)), "log(%a)", 1 - v);
    }
}

/* Kernels */

Test(kernel, an_unknown_name_has_no_kernel)
{
    cr_expect_null(kernel_named("nonsense"));
    cr_expect_null(kernel_named(""));
}

Test(kernel, the_best_kernel_runs_here_and_stays_the_same)
{
    const struct kernel *best = kernel_best();
    cr_assert_not_null(best);
    cr_expect(best->runs_here());
    cr_expect_eq(kernel_best(), best);
    cr_expect_eq(kernel_named(best->name), best);
}

Test(kernel, portable_runs_everywhere)
{
    cr_expect_not_null(kernel_named("portable"));
}

/* Only test builds obey the mask: see sums/kernel.c and tests/unit/sums/test_kernels.c. */
Test(kernel, the_shipped_library_ignores_the_mask)
{
    const struct kernel *best = kernel_best();
    setenv("MEANTIME_CPU_MASK", "avx512f,avx2,neon", 1);
    cr_expect_eq(kernel_best(), best);
}
