/* Sums an example summand in this process, with every kernel that runs on this machine, and checks
 * the digests of its totals.
 *
 *     check_summand FILE
 *
 * FILE: tests/vectors/summands.txt. The build links one example into the program, so it needs only
 * the C library and can be compiled and run for any machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "summand/engine.h"
#include "sums/fnv.h"

#define LINE_BYTES 256

extern const struct meantime_summand meantime_summand;

struct row {
    char name[32];
    uint64_t seed, first, count, digest;
    char parameters[MEANTIME_PARAMETERS_MAX + 1];
};

/* Returns false if the line is not a row. Comments begin with #. */
static bool parse(const char *line, struct row *row)
{
    *row->parameters = '\0';
    return *line != '#' &&
           sscanf(line, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx64 " %200[^\n]", row->name,
                  &row->seed, &row->first, &row->count, &row->digest, row->parameters) >= 5;
}

/* The lowest byte first, on any machine. */
static uint64_t add_number(uint64_t digest, uint32_t number)
{
    for (int byte = 0; byte < 4; byte++)
        digest = fnv_add(digest, (uint8_t)(number >> 8 * byte));
    return digest;
}

static uint64_t add_total(uint64_t digest, const struct exact_total *total)
{
    digest = add_number(digest, (uint32_t)total->unit_log2);
    digest = add_number(digest, total->length);
    return fnv_add_bytes(digest, total->units, total->length);
}

static uint64_t digest_of(const struct engine *engine)
{
    uint64_t digest = FNV_OFFSET;
    for (uint32_t k = 0; k < engine_shape(engine)->outputs; k++) {
        struct exact_total sum = {0}, squares = {0};
        engine_totals(engine, k, &sum, &squares);
        digest = add_total(digest, &sum);
        if (engine_wants_squares(engine, k))
            digest = add_total(digest, &squares);
    }
    return digest;
}

static bool check_row(struct engine *engine, const char *kernel, const struct row *row)
{
    if (engine_begin(engine, row->seed, row->parameters) != ENGINE_DONE ||
        engine_sum(engine, row->first, row->count) != ENGINE_DONE) {
        printf("%s: %s: %s\n", kernel, row->name, engine_text(engine));
        return false;
    }
    uint64_t digest = digest_of(engine);
    printf("%s: %s from term %" PRIu64 " on: %016" PRIx64 "\n", kernel, row->name, row->first,
           digest);
    return digest == row->digest;
}

/* Returns how many rows of the file are those of the summand and right; -1: one is wrong. */
static int check_kernel(FILE *file, const struct kernel *kernel)
{
    static const struct engine_watch nobody;
    struct engine *engine = engine_new(&meantime_summand, kernel, &nobody);
    char line[LINE_BYTES];
    struct row row;
    int right = 0;
    rewind(file);
    while (engine && right != -1 && fgets(line, sizeof line, file))
        if (parse(line, &row) && strcmp(row.name, meantime_summand.name) == 0)
            right = check_row(engine, kernel->name, &row) ? right + 1 : -1;
    engine_destroy(&engine);
    return right;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    bool right = true;
    if (!file) {
        fprintf(stderr, "usage: check_summand FILE\n");
        return 2;
    }
    for (const struct kernel *kernel = kernels; kernel->name; kernel++)
        if (kernel->runs_here() && check_kernel(file, kernel) < 1) {
            printf("WRONG: %s with the kernel %s\n", meantime_summand.name, kernel->name);
            right = false;
        }
    fclose(file);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
