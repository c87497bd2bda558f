/* Sums the powers of samples and compares their means with the distribution. */
#include "tests/quality/moments.h"

#include <math.h>

#include "tests/quality/chances.h"
#include "tests/quality/kinds.h"

#define AT_ONCE 4 /* independent sums, so that no addition waits for the one before */

static void add_powers(double sums[MOMENTS][AT_ONCE], const double *values)
{
    for (unsigned i = 0; i < AT_ONCE; i++) {
        double x = values[i], x2 = x * x, x4 = x2 * x2;
        sums[0][i] += x;
        sums[1][i] += x2;
        sums[2][i] += x2 * x;
        sums[3][i] += x4;
        sums[4][i] += x4 * x;
        sums[5][i] += x4 * x2;
        sums[6][i] += x4 * x2 * x;
        sums[7][i] += x4 * x4;
    }
}

void moments_add(struct moments *moments, const double *values)
{
    double sums[MOMENTS][AT_ONCE] = {0};
    for (unsigned j = 0; j < BLOCK_SAMPLES; j += AT_ONCE)
        add_powers(sums, &values[j]);
    for (unsigned n = 0; n < MOMENTS; n++)
        for (unsigned i = 0; i < AT_ONCE; i++)
            moments->power_sum[n] += fixed_from(sums[n][i]);
    moments->count += BLOCK_SAMPLES;
}

void moments_merge(struct moments *into, const struct moments *part)
{
    into->count += part->count;
    for (unsigned n = 0; n < MOMENTS; n++)
        into->power_sum[n] += part->power_sum[n];
}

double moment_expected(enum stream_kind kind, unsigned n)
{
    if (n % 2)
        return 0;
    if (kind == STREAM_UNIFORM)
        return 1.0 / (n + 1);
    return n == 0 ? 1 : (n - 1) * moment_expected(kind, n - 2);
}

void moments_report(const struct moments *moments, enum stream_kind kind, struct findings *findings)
{
    for (unsigned n = 1; n <= MOMENTS; n++) {
        double expected = moment_expected(kind, n);
        double variance = moment_expected(kind, 2 * n) - expected * expected;
        double mean = fixed_value(moments->power_sum[n - 1]) / (double)moments->count;
        double z = (mean - expected) / sqrt(variance / (double)moments->count);
        findings_add(findings, normal_p(z), "%s moment %u: %.9f, z = %.2f", kind_name(kind), n,
                     mean, z);
    }
}
