/* Checks every kernel that runs on this machine against the vectors of tests/vectors.
 *
 *     check_vectors FILE [KERNEL...]
 *
 * Fails if a named kernel cannot run here. The program needs only the C library, so it can be
 * compiled and run for any machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sums/digest.h"
#include "sums/kernel.h"
#include "sums/samples.h"
#include "sums/sum.h"
#include "tests/vectors/vector.h"

#define LINE_BYTES 256

/* A range with whole blocks and with parts at both ends. */
#define FIRST_SAMPLE ((UINT64_C(1) << 62) + 12345)
#define SAMPLES      (20 * BLOCK_SAMPLES + 7)

struct result {
    int vectors, digests, wrong;
};

static void check_digest(const char *line, const struct kernel *kernel, struct result *result)
{
    uint64_t wanted;
    if (!vector_parse_digest(line, &wanted))
        return;
    result->digests++;
    uint64_t digest = sums_digest(kernel);
    if (digest == wanted)
        return;
    result->wrong++;
    printf("%s gives %016" PRIx64 " for %s", kernel->name, digest, line);
}

static void check_line(const char *line, const struct kernel *kernel, struct result *result)
{
    struct vector vector;
    char units[UNITS_TEXT_BYTES];
    if (!vector_parse(line, &vector))
        return;
    result->vectors++;
    if (vector_holds(&vector, kernel, units))
        return;
    result->wrong++;
    printf("%s gives %s for %s", kernel->name, units, line);
}

static struct result check_file(FILE *file, const struct kernel *kernel)
{
    struct result result = {0};
    char line[LINE_BYTES];
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        check_line(line, kernel, &result);
        check_digest(line, kernel, &result);
    }
    return result;
}

/* Returns true if the samples of a range add up to its total. */
static bool samples_add_up(const struct kernel *kernel, enum stream_kind kind)
{
    static double samples[SAMPLES];
    struct stream stream;
    struct total total = {0};
    __int128 units = 0;
    double units_in_one = kind == STREAM_GAUSSIAN ? 0x1p49 : 0x1p53;
    stream_init(&stream, 1, kind);
    sum_range(kernel, &stream, FIRST_SAMPLE, SAMPLES, &total);
    samples_fill(kernel, &stream, FIRST_SAMPLE, SAMPLES, samples);
    for (int i = 0; i < SAMPLES; i++)
        units += (int64_t)(samples[i] * units_in_one);
    if (units == total.units)
        return true;
    printf("%s: the samples of kind %d do not add up to their total\n", kernel->name, kind);
    return false;
}

static bool check_kernels(FILE *file)
{
    bool right = true;
    for (const struct kernel *kernel = kernels; kernel->name; kernel++) {
        if (!kernel->runs_here()) {
            printf("%-9s does not run on this machine\n", kernel->name);
            continue;
        }
        struct result result = check_file(file, kernel);
        printf("%-9s %d vectors, %d wrong\n", kernel->name, result.vectors, result.wrong);
        right = right && result.vectors > 0 && result.digests == 1 && result.wrong == 0 &&
                samples_add_up(kernel, STREAM_GAUSSIAN) && samples_add_up(kernel, STREAM_UNIFORM);
    }
    return right;
}

static bool run_here(char **names)
{
    bool all = true;
    for (; *names; names++)
        if (!kernel_named(*names)) {
            printf("%s does not run here\n", *names);
            all = false;
        }
    return all;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: check_vectors FILE [KERNEL...]\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    bool right = check_kernels(file) && run_here(argv + 2);
    fclose(file);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
