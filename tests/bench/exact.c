/* Measures exact sums of doubles, for scripts/bench sums: every kernel, beside a plain sum.
 *
 * usage: bench_exact [ROUNDS]
 *
 * All rows take turns, round after round. The table has the median of the nanoseconds for one
 * number, and of the ratio to a plain vectorized sum in the same round. The numbers are in the
 * cache, and each call adds as many as there are terms in a call of a summand. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "sums/exact.h"
#include "tests/bench/rounds.h"
#include "tests/support/chance.h"

#define CALL     1024 /* numbers of one call */
#define CALLS    4    /* arrays of that size: 32 KiB */
#define TURN     100  /* times that a turn adds all arrays */
#define ROWS_MAX 64

typedef double numbers[CALLS][CALL];

static double uniform(struct chance *chance)
{
    return (double)(chance_next(chance) >> 11) * 0x1p-53;
}

/* The sum of 12 uniform numbers is nearly normal. */
static double normal(struct chance *chance)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(chance);
    return sum;
}

/* A call option at the money: 0 in nearly half of all cases. */
static double payoff(struct chance *chance)
{
    return fmax(100 * exp(0.2 * normal(chance) - 0.02) - 100, 0);
}

static double any_size(struct chance *chance, int lowest, int highest)
{
    double size = ldexp(1 + uniform(chance), lowest + (int)(uniform(chance) * (highest - lowest)));
    return uniform(chance) < 0.5 ? -size : size;
}

static double some_sizes(struct chance *chance)
{
    return any_size(chance, -30, 30);
}

static double all_sizes(struct chance *chance)
{
    return any_size(chance, -1022, 1024);
}

static const struct {
    const char *name;
    double (*draw)(struct chance *chance);
} kinds[] = {
    {"normal", normal},
    {"payoffs", payoff},
    {"2^-30 to 2^30", some_sizes},
    {"all exponents", all_sizes},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static _Alignas(64) numbers drawn[KINDS];

struct row {
    const struct exact_kernel *kernel; /* NULL: the plain sum */
    enum exact_form form;
    size_t kind;
    struct exact *exact;
    double ns[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

/* Two lanes in four sums, so that no addition waits for the one before. */
typedef double vec __attribute__((vector_size(16)));

static volatile double sink;

static void plain_sum(const double *y)
{
    const vec *v = (const vec *)y;
    vec a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i < CALL / 2; i += 4) {
        a += v[i];
        b += v[i + 1];
        c += v[i + 2];
        d += v[i + 3];
    }
    a += b + (c + d);
    sink = a[0] + a[1];
}

static void row_add(struct row *row, const double *y)
{
    size_t bad;
    if (!row->kernel)
        plain_sum(y);
    else if (row->form == EXACT_SUM)
        assert(exact_add(row->exact, y, CALL, &bad));
    else
        assert(exact_add_squares(row->exact, y, CALL, &bad));
}

static void row_turn(struct row *row, int round, const struct row *plain)
{
    double start = cpu_ns();
    for (int i = 0; i < TURN; i++)
        for (int k = 0; k < CALLS; k++)
            row_add(row, drawn[row->kind][k]);
    row->ns[round] = (cpu_ns() - start) / (TURN * CALLS * CALL);
    row->ratio[round] = row->ns[round] / plain->ns[round];
}

static int rows_init(struct row *rows)
{
    int count = 1; /* row 0 is the plain sum */
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int form = 0; form < EXACT_FORMS; form++)
            for (const struct exact_kernel *kernel = exact_kernels; kernel->name; kernel++)
                if (kernel->runs_here()) {
                    assert(count < ROWS_MAX);
                    rows[count] = (struct row){.kernel = kernel, .form = form, .kind = kind};
                    rows[count].exact = exact_new_with(kernel);
                    assert(rows[count++].exact);
                }
    return count;
}

static void print(struct row *rows, int count, int rounds)
{
    printf("\n%-32s%-12s%10s%10s\n", "exact sums of doubles", "kernel", "ns", "x plain");
    for (int i = 0; i < count; i++) {
        struct row *row = &rows[i];
        char name[40];
        snprintf(name, sizeof name, "%s%s", kinds[row->kind].name,
                 row->form == EXACT_SQUARES ? ", squares" : "");
        printf("%-32s%-12s%10.3f%10.2f\n", row->kernel ? name : "plain sum, rounded",
               row->kernel ? row->kernel->name : "compiler", median(row->ns, rounds),
               median(row->ratio, rounds));
    }
}

int main(int argc, char **argv)
{
    static struct row rows[ROWS_MAX];
    struct chance chance = {1};
    int rounds = rounds_of(argc, argv);
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < CALLS * CALL; i++)
            drawn[kind][i / CALL][i % CALL] = kinds[kind].draw(&chance);
    int count = rows_init(rows);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++)
            row_turn(&rows[i], round, &rows[0]);
    print(rows, count, rounds);
    for (int i = 1; i < count; i++)
        exact_destroy(&rows[i].exact);
    return 0;
}
