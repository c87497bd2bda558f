/* Measures example summands beside the same simulations written by hand, for scripts/bench summand.
 *
 * usage: bench_summand [ROUNDS]
 *
 * All rows take turns, round after round. The table has the median of the million terms a second,
 * and of the ratio to the program by hand in the same round. Each summand is compiled for each
 * level of instructions, and runs with the kernel of that level, in the engine of a helper process.
 * The exact sums always have the fastest kernel. All rows of a summand must have the same totals,
 * and a mean that agrees with that by hand. */
#include <assert.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "summand/engine.h"
#include "sums/exact_total.h"
#include "sums/moments.h"
#include "tests/bench/hand.h"
#include "tests/bench/rounds.h"

#define ROWS_MAX    16
#define SHARE_TURNS 31

static const struct example {
    const char *name;
    uint64_t terms; /* of a turn */
    struct hand_result (*hand)(uint64_t terms);
} examples[] = {
    {"asian", 1 << 17, hand_asian},
    {"darts", 1 << 22, hand_darts},
};

/* The levels of CMakeLists.txt, and the kernels that need no more instructions. */
static const struct {
    const char *level, *kernel;
} levels[] = {
    {"v4", "avx512"},    {"v4", "avx512dq"},      {"v3", "avx2"},
    {"default", "neon"}, {"default", "portable"},
};

struct row {
    const struct example *example;
    const char *level;
    const struct kernel *kernel; /* NULL: by hand */
    struct engine *engine;
    struct hand_result sum; /* by hand: of all turns */
    uint64_t next;          /* number of the first term of the next turn */
    double terms_per_us[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

static const struct meantime_summand *load(const char *name, const char *level)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s_%s.so", BENCH_SUMMANDS, name, level);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert(library);
    const struct meantime_summand *summand = dlsym(library, "meantime_summand");
    assert(summand);
    return summand;
}

static void row_init(struct row *row, const struct example *example, const char *level,
                     const struct kernel *kernel)
{
    static const struct engine_watch nobody;
    *row = (struct row){.example = example, .level = level, .kernel = kernel};
    if (!kernel)
        return;
    row->engine = engine_new(load(example->name, level), kernel, &nobody);
    assert(row->engine);
    enum engine_end end = engine_begin(row->engine, 1, "");
    assert(end == ENGINE_DONE);
}

/* The program by hand is the first row of its example. */
static int rows_init(struct row *rows)
{
    int count = 0;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        row_init(&rows[count++], &examples[i], "by hand", NULL);
        for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
            const struct kernel *kernel = kernel_named(levels[k].kernel);
            assert(count < ROWS_MAX);
            if (kernel)
                row_init(&rows[count++], &examples[i], levels[k].level, kernel);
        }
    }
    return count;
}

static void turn_by_hand(struct row *row)
{
    struct hand_result result = row->example->hand(row->example->terms);
    row->sum.mean += result.mean;
    row->sum.error_squared += result.error_squared;
}

static void turn_of_engine(struct row *row)
{
    enum engine_end end = engine_sum(row->engine, row->next, row->example->terms);
    assert(end == ENGINE_DONE);
    row->next += row->example->terms;
}

static void row_turn(struct row *row, int round, const struct row *hand)
{
    double start = cpu_ns();
    if (row->kernel)
        turn_of_engine(row);
    else
        turn_by_hand(row);
    row->terms_per_us[round] = (double)row->example->terms * 1e3 / (cpu_ns() - start);
    row->ratio[round] = row->terms_per_us[round] / hand->terms_per_us[round];
}

static void totals_of(const struct row *row, struct exact_total *sum, struct exact_total *squares)
{
    memset(sum, 0, sizeof *sum);
    memset(squares, 0, sizeof *squares);
    engine_totals(row->engine, 0, sum, squares);
}

/* `other` is the row before of the same example. */
static void check_same_totals(const struct row *row, const struct row *other)
{
    struct exact_total sum, squares, other_sum, other_squares;
    totals_of(row, &sum, &squares);
    totals_of(other, &other_sum, &other_squares);
    assert(sum.length == other_sum.length && sum.unit_log2 == other_sum.unit_log2);
    assert(memcmp(sum.units, other_sum.units, sum.length) == 0);
    assert(squares.length == other_squares.length && squares.unit_log2 == other_squares.unit_log2);
    assert(memcmp(squares.units, other_squares.units, squares.length) == 0);
}

static void check_mean(const struct row *row, const struct row *hand, int rounds)
{
    struct exact_total sum, squares;
    struct moments moments;
    totals_of(row, &sum, &squares);
    bool possible = moments_init(&moments, row->next, &sum, &squares);
    assert(possible);
    double difference = moments.mean - hand->sum.mean / rounds;
    double error = sqrt(hand->sum.error_squared) / rounds;
    assert(fabs(difference) < 6 * hypot(error, moments.standard_error));
}

static void check(const struct row *rows, int count, int rounds)
{
    const struct row *hand = rows;
    for (int i = 0; i < count; i++) {
        hand = rows[i].kernel ? hand : &rows[i];
        if (rows[i].kernel)
            check_mean(&rows[i], hand, rounds);
        if (rows[i].kernel && rows[i - 1].kernel)
            check_same_totals(&rows[i], &rows[i - 1]);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The shares of fills and of exact sums, from the shortest times of several turns. These turns are
 * apart, because reading the clock for each exact sum takes time, too. */
static void print_shares(struct row *row)
{
    uint64_t fill_ns = UINT64_MAX, value_ns = UINT64_MAX, sum_ns = UINT64_MAX;
    engine_time_sums(row->engine);
    for (int i = 0; i < SHARE_TURNS; i++) {
        engine_empty(row->engine);
        turn_of_engine(row);
        struct engine_times times = engine_times(row->engine);
        fill_ns = least(fill_ns, times.fill_ns);
        value_ns = least(value_ns, times.value_ns);
        sum_ns = least(sum_ns, times.sum_ns);
    }
    double all = (double)(fill_ns + value_ns);
    printf("%8.0f %%%8.0f %%", 100 * (double)fill_ns / all, 100 * (double)sum_ns / all);
}

static void print(struct row *row, int rounds)
{
    printf("%-8s%-12s%-10s%12.1f%10.2f", row->example->name, row->level,
           row->kernel ? row->kernel->name : "-", median(row->terms_per_us, rounds),
           median(row->ratio, rounds));
    if (row->kernel)
        print_shares(row);
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct row rows[ROWS_MAX];
    int rounds = rounds_of(argc, argv), count = rows_init(rows);
    const struct row *hand = rows;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            hand = rows[i].kernel ? hand : &rows[i];
            row_turn(&rows[i], round, hand);
        }
    check(rows, count, rounds);
    printf("\n%-8s%-12s%-10s%12s%10s%10s%10s\n", "summand", "compiled", "kernel", "M terms/s",
           "x by hand", "fill", "sums");
    for (int i = 0; i < count; i++)
        print(&rows[i], rounds);
    for (int i = 0; i < count; i++)
        engine_destroy(&rows[i].engine);
    return 0;
}
