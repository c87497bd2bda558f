/* Prints a digest of the bits of meantime_math.h and of the generator of meantime_summand.h, for
 * any machine.
 *
 *     summand_digest [DIGEST]
 *
 * With DIGEST, exits with 1 if the bits differ. All NaN count as one value. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "meantime_math.h"
#include "meantime_summand.h"

#define RUNS     64
#define RUN      251 /* odd, so that vectors have a tail */
#define FUNCTION static __attribute__((noinline)) void

static uint64_t digest;

static void add(uint64_t value)
{
    digest = (digest ^ value) * 0x9e3779b97f4a7c15;
    digest ^= digest >> 29;
}

static void add_doubles(const double *values)
{
    for (int i = 0; i < RUN; i++)
        add(values[i] != values[i] ? 1 : meantime_math_bits(values[i]));
}

#define LOOP(name, value)                                                                          \
    FUNCTION loop_##name(const double *x, const double *y, double *out)                            \
    {                                                                                              \
        (void)y;                                                                                   \
        for (int i = 0; i < RUN; i++)                                                              \
            out[i] = value;                                                                        \
    }
#define LOOP_OF(name) LOOP(name, meantime_##name(x[i]))

LOOP_OF(exp)
LOOP_OF(exp2)
LOOP_OF(expm1)
LOOP_OF(log)
LOOP_OF(log1p)
LOOP_OF(log2)
LOOP_OF(log10)
LOOP_OF(sin)
LOOP_OF(cos)
LOOP_OF(tan)
LOOP_OF(sinpi)
LOOP_OF(cospi)
LOOP_OF(erf)
LOOP_OF(erfc)
LOOP_OF(normal_cdf)
LOOP_OF(normal_quantile)
LOOP_OF(sqrt)
LOOP(pow, meantime_pow(x[i], y[i]))
/* A product and a sum in the user's own code: contraction would change it. */
LOOP(contraction, x[i] * y[i] + x[i])

typedef void loop(const double *x, const double *y, double *out);

static loop *const loops[] = {
    loop_exp,
    loop_exp2,
    loop_expm1,
    loop_log,
    loop_log1p,
    loop_log2,
    loop_log10,
    loop_sin,
    loop_cos,
    loop_tan,
    loop_erf,
    loop_erfc,
    loop_normal_cdf,
    loop_sqrt,
    loop_sinpi,
    loop_cospi,
    loop_pow,
    loop_contraction,
    loop_normal_quantile,
};

/* Half of the arguments have random bits. The magnitudes of the others are below `size`. */
static void draw(struct meantime_generator *generator, double size, double *out)
{
    for (int i = 0; i < RUN; i++) {
        uint64_t bits = meantime_generator_bits(generator);
        double part = meantime_generator_uniform(generator);
        out[i] = i % 2 ? meantime_math_from(bits) : (2 * part - 1) * size;
    }
}

int main(int argc, char **argv)
{
    static const double sizes[] = {1, 4, 30, 750, 1e5, 1e-3, 2, 10};
    double x[RUN], y[RUN], out[RUN];
    for (uint64_t run = 0; run < RUNS; run++) {
        struct meantime_generator generator = meantime_generator_of(7, run);
        draw(&generator, sizes[run % 8], x);
        draw(&generator, sizes[run / 8], y);
        for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
            loops[i](x, y, out);
            add_doubles(out);
        }
        add(meantime_generator_bits(&generator));
    }
    printf("%016" PRIx64 "\n", digest);
    return argc > 1 && strtoull(argv[1], NULL, 16) != digest;
}
