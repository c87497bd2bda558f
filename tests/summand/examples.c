/* Runs an example summand as a server would: loads it, and checks its mean, its bits, and that
 * chunks do not change bits.
 *
 *     summand_examples FILE MEAN DIGEST
 *
 * The mean of output 0 over 65,536 terms must be within 5 standard errors of MEAN (or within 1e-9).
 * DIGEST is that of all bits of all outputs, with the samples of this test. */
#include <assert.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#include "meantime_math.h"
#include "meantime_summand.h"

#define TERMS   65536
#define SAMPLES 16 /* of each kind; the examples need fewer */

static double gaussian[SAMPLES][TERMS], uniform[SAMPLES][TERMS];
static double first[MEANTIME_OUTPUTS_MAX][TERMS], other[MEANTIME_OUTPUTS_MAX][TERMS];

static void draw_samples(void)
{
    for (uint64_t n = 0; n < TERMS; n++) {
        struct meantime_generator g = meantime_generator_of(1, n);
        for (int d = 0; d < SAMPLES; d++) {
            double size = sqrt(-2 * meantime_log(1 - meantime_generator_uniform(&g)));
            gaussian[d][n] = size * meantime_cospi(2 * meantime_generator_uniform(&g));
            uniform[d][n] = meantime_generator_uniform(&g);
        }
    }
}

static void compute(const struct meantime_summand *summand, const void *state, uint32_t chunk,
                    double (*values)[TERMS])
{
    for (uint32_t n = 0; n < TERMS; n += chunk) {
        const double *gaussians[SAMPLES], *uniforms[SAMPLES];
        double *out[MEANTIME_OUTPUTS_MAX];
        for (int d = 0; d < SAMPLES; d++)
            gaussians[d] = gaussian[d] + n, uniforms[d] = uniform[d] + n;
        for (int k = 0; k < MEANTIME_OUTPUTS_MAX; k++)
            out[k] = values[k] + n;
        struct meantime_terms terms = {n, 1,         chunk < TERMS - n ? chunk : TERMS - n,
                                       0, gaussians, uniforms};
        summand->value(state, &terms, out);
    }
}

static bool near(double mean)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < TERMS; i++)
        sum += first[0][i];
    double own = sum / TERMS;
    for (int i = 0; i < TERMS; i++)
        squares += (first[0][i] - own) * (first[0][i] - own);
    double error = sqrt(squares) / TERMS;
    printf("%.9g, standard error %.2g, expected %.9g\n", own, error, mean);
    return fabs(own - mean) <= fmax(5 * error, 1e-9);
}

static uint64_t digest_of(uint32_t outputs)
{
    uint64_t digest = 0;
    for (uint32_t k = 0; k < outputs; k++)
        for (int i = 0; i < TERMS; i++)
            digest = meantime_generator_mix(digest + 1 + meantime_math_bits(first[k][i]));
    return digest;
}

static bool same_bits(uint32_t outputs, uint64_t expected)
{
    uint64_t digest = digest_of(outputs);
    printf("digest %016" PRIx64 ", expected %016" PRIx64 "\n", digest, expected);
    return digest == expected;
}

int main(int argc, char **argv)
{
    static const uint32_t chunks[] = {1, 8, 333};
    struct meantime_shape shape = {0};
    void *state = NULL;
    assert(argc == 4);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    assert(library);
    const struct meantime_summand *summand = dlsym(library, "meantime_summand");
    assert(summand && summand->abi == MEANTIME_SUMMAND_ABI);
    const char *error = summand->begin("nonsense", &shape, &state);
    assert(error);
    error = summand->begin("", &shape, &state);
    assert(!error);
    assert(shape.gaussians <= SAMPLES && shape.uniforms <= SAMPLES);
    draw_samples();
    compute(summand, state, MEANTIME_TERMS_MAX, first);
    for (int i = 0; i < 3; i++) {
        compute(summand, state, chunks[i], other);
        assert(memcmp(first, other, sizeof first) == 0);
    }
    bool right = near(strtod(argv[2], NULL));
    right = same_bits(shape.outputs, strtoull(argv[3], NULL, 16)) && right;
    if (summand->end)
        summand->end(state);
    dlclose(library);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
