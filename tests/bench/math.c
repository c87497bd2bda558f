/* Measures the functions of meantime_math.h beside those of the C library, for scripts/bench
 * summand.
 *
 * usage: bench_math [ROUNDS]
 *
 * All loops take turns, round after round. The table has the median of the nanoseconds for one
 * number in an array, and in parentheses how many times as fast as the C library in the same
 * round. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sums/cpu.h"
#include "tests/bench/math_loops.h"
#include "tests/bench/rounds.h"
#include "tests/support/chance.h"

#define TURN       8 /* calls of a loop in a turn */
#define LEVELS_MAX 4

/* The numbers are from an interval in which the function does all of its work. */
static const struct function {
    const char *name;
    double low, high;
} functions[LOOPS] = {
    {"exp", -30, 30},      {"exp2", -30, 30},         {"expm1", -3, 3},  {"log", 0, 100},
    {"log1p", -1, 10},     {"log2", 0, 100},          {"log10", 0, 100}, {"pow", 0, 100},
    {"sqrt", 0, 100},      {"sin", -20, 20},          {"cos", -20, 20},  {"tan", -20, 20},
    {"sinpi", -4, 4},      {"cospi", -4, 4},          {"erf", -4, 4},    {"erfc", -4, 4},
    {"normal_cdf", -4, 4}, {"normal_quantile", 0, 1},
};

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_v3(void)
{
    return CPU_HAS("avx2") && CPU_HAS("fma") && CPU_HAS("bmi2");
}

static bool has_v4(void)
{
    return has_v3() && CPU_HAS("avx512f") && CPU_HAS("avx512bw") && CPU_HAS("avx512cd") &&
           CPU_HAS("avx512dq") && CPU_HAS("avx512vl");
}
#endif

/* The C library is first. */
static const struct level {
    const char *name;
    math_loop *const *loops;
    bool (*runs_here)(void);
} levels[] = {
    {"libm", loops_libm, always},
#if defined(__x86_64__)
    {"x86-64-v4", loops_v4, has_v4},
    {"x86-64-v3", loops_v3, has_v3},
#endif
    {"default", loops_default, always},
};

#define LEVELS (sizeof levels / sizeof *levels)

struct column {
    double ns[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

static double x[LOOP_NUMBERS], y[LOOP_NUMBERS], out[LOOP_NUMBERS];

static double between(struct chance *chance, double low, double high)
{
    return low + (high - low) * ((double)(chance_next(chance) >> 11) * 0x1p-53);
}

static double ns_of(math_loop *loop)
{
    double start = cpu_ns();
    for (int i = 0; i < TURN; i++) {
        loop(x, y, out);
        __asm__ volatile("" : : "m"(out) : "memory");
    }
    return (cpu_ns() - start) / (TURN * LOOP_NUMBERS);
}

static void measure(int function, int rounds, struct column *columns)
{
    for (int round = 0; round < rounds; round++)
        for (size_t k = 0; k < LEVELS; k++) {
            math_loop *loop = levels[k].loops[function];
            if (!loop || !levels[k].runs_here())
                continue;
            columns[k].ns[round] = ns_of(loop);
            columns[k].ratio[round] = columns[0].ns[round] / columns[k].ns[round];
        }
}

static void print(int function, int rounds, struct column *columns)
{
    bool in_libm = levels[0].loops[function];
    printf("%-16s", functions[function].name);
    for (size_t k = 0; k < LEVELS; k++)
        if (!levels[k].loops[function])
            printf("%8s%7s", "-", "");
        else if (!levels[k].runs_here())
            continue;
        else if (k == 0 || !in_libm)
            printf("%8.2f%7s", median(columns[k].ns, rounds), "");
        else
            printf("%8.2f (%4.1f)", median(columns[k].ns, rounds),
                   median(columns[k].ratio, rounds));
    printf("\n");
}

int main(int argc, char **argv)
{
    static struct column columns[LEVELS_MAX];
    struct chance chance = {1};
    int rounds = rounds_of(argc, argv);
    assert(LEVELS <= LEVELS_MAX);
    printf("\n%-16s", "ns for a number");
    for (size_t k = 0; k < LEVELS; k++)
        if (levels[k].runs_here())
            printf("%15s", levels[k].name);
    printf("\n");
    for (int i = 0; i < LOOPS; i++) {
        for (int k = 0; k < LOOP_NUMBERS; k++) {
            x[k] = between(&chance, functions[i].low, functions[i].high);
            y[k] = between(&chance, -5, 5);
        }
        measure(i, rounds, columns);
        print(i, rounds, columns);
    }
    return 0;
}
