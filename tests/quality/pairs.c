/* Tests whether pairs of samples are independent. */
#include "tests/quality/pairs.h"

#include <math.h>

#include "tests/quality/chances.h"

#define FREEDOM ((CELLS - 1) * (CELLS - 1))
#define AT_ONCE 8 /* independent sums, so that no addition waits for the one before */

_Static_assert(BLOCK_SAMPLES / AT_ONCE * AT_ONCE == BLOCK_SAMPLES,
               "a block has a whole number of them");

static void count_cells(struct pairs *pairs, const uint8_t *x, const uint8_t *y, unsigned n)
{
    for (unsigned j = 0; j < n; j++)
        pairs->count[x[j]][y[j]]++;
}

static double sum_products(const float *x, const float *y, unsigned n)
{
    double sums[AT_ONCE] = {0}, sum = 0;
    unsigned j = 0;
    for (; j + AT_ONCE <= n; j += AT_ONCE)
        for (unsigned i = 0; i < AT_ONCE; i++)
            sums[i] += (double)x[j + i] * (double)y[j + i];
    for (; j < n; j++)
        sum += (double)x[j] * (double)y[j];
    for (unsigned i = 0; i < AT_ONCE; i++)
        sum += sums[i];
    return sum;
}

void pairs_add(struct pairs *pairs, const struct column *x, const struct column *y,
               unsigned distance)
{
    unsigned n = BLOCK_SAMPLES - distance;
    count_cells(pairs, x->cell, y->cell + distance, n);
    pairs->products += fixed_from(sum_products(x->value, y->value + distance, n));
    pairs->pairs += n;
}

void pairs_merge(struct pairs *into, const struct pairs *part)
{
    for (unsigned i = 0; i < CELLS; i++)
        for (unsigned k = 0; k < CELLS; k++)
            into->count[i][k] += part->count[i][k];
    into->products += part->products;
    into->pairs += part->pairs;
}

static double deviation(double found, double expected)
{
    return (found - expected) * (found - expected) / expected;
}

double pairs_chi_square(const struct pairs *pairs, struct margins margins)
{
    double n = (double)pairs->pairs, sum = 0;
    for (unsigned i = 0; i < CELLS; i++) {
        double row = 0, column = 0;
        for (unsigned k = 0; k < CELLS; k++) {
            double found = (double)pairs->count[i][k];
            sum += deviation(found, n * margins.x[i] * margins.y[k]);
            row += found;
            column += (double)pairs->count[k][i];
        }
        sum -= deviation(row, n * margins.x[i]) + deviation(column, n * margins.y[i]);
    }
    return sum;
}

double pairs_z(const struct pairs *pairs)
{
    return fixed_value(pairs->products) / sqrt((double)pairs->pairs);
}

/* Sums over the members of a family of pairs. */
struct family {
    unsigned members, worst_cells, worst_products;
    double chi_square, worst_chi_square;
    double squares, worst_square;
};

static void family_add(struct family *family, unsigned member, double chi_square, double z)
{
    family->members++;
    family->chi_square += chi_square;
    family->squares += z * z;
    if (chi_square > family->worst_chi_square) {
        family->worst_chi_square = chi_square;
        family->worst_cells = member;
    }
    if (z * z > family->worst_square) {
        family->worst_square = z * z;
        family->worst_products = member;
    }
}

void pairs_report(const struct pairs *list, unsigned members, struct margins margins,
                  const char *name, struct findings *findings)
{
    struct family family = {0};
    for (unsigned m = 0; m < members; m++)
        if (list[m].pairs)
            family_add(&family, m, pairs_chi_square(&list[m], margins), pairs_z(&list[m]));
    unsigned freedom = FREEDOM * family.members;
    findings_add(findings, chi_square_p(family.chi_square, freedom),
                 "%s, cells: chi-square = %.1f / %u, worst %u", name, family.chi_square, freedom,
                 family.worst_cells);
    findings_add(findings, chi_square_p(family.squares, family.members),
                 "%s, products: chi-square = %.1f / %u, worst %u", name, family.squares,
                 family.members, family.worst_products);
}
