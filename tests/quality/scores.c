/* Tests sums of blocks as standard scores. */
#include "tests/quality/scores.h"

#include <math.h>
#include <stdlib.h>

#include "sums/sum.h"
#include "tests/quality/chances.h"
#include "tests/quality/kinds.h"

/* A uniform sum is not exactly normal: its kurtosis is lower by 1.2 / 65536, which changes each
 * probability by at most 5e-7. A test would need 4e12 blocks to detect this. */
double block_score(const struct stream *stream, uint64_t block)
{
    struct total total = {0, 0};
    sum_range(kernel_best(), stream, block * BLOCK_SAMPLES, BLOCK_SAMPLES, &total);
    if (stream->kind == STREAM_UNIFORM)
        total.units -= (__int128)BLOCK_SAMPLES * UNIFORM_CENTRE;
    double sum = total_value(total.units, stream_unit_log2(stream->kind));
    double variance = stream->kind == STREAM_UNIFORM ? 1.0 / 12 : 1;
    return sum / sqrt(variance * BLOCK_SAMPLES);
}

/* Returns the largest distance between the share of scores up to a point and its probability. */
double kolmogorov_smirnov_distance(const double *sorted, uint64_t count)
{
    double n = (double)count, distance = 0;
    for (uint64_t i = 0; i < count; i++) {
        double p = normal_p(-sorted[i]);
        distance = fmax(distance, fmax(p - (double)i / n, (double)(i + 1) / n - p));
    }
    return distance;
}

double anderson_darling_square(const double *sorted, uint64_t count)
{
    double n = (double)count, sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        double below = normal_p(-sorted[i]), above = normal_p(sorted[count - 1 - i]);
        sum += (double)(2 * i + 1) * (log(below) + log(above));
    }
    return -n - sum / n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report_sums(const double *scores, uint64_t count, const char *kind,
                        struct findings *findings)
{
    double n = (double)count, sum = 0, squares = 0, products = 0;
    for (uint64_t i = 0; i < count; i++) {
        sum += scores[i];
        squares += scores[i] * scores[i];
        products += i > 0 ? scores[i] * scores[i - 1] : 0;
    }
    double z_mean = sum / sqrt(n), z_products = products / sqrt(n - 1);
    findings_add(findings, normal_p(z_mean), "%s sums, mean: z = %.2f", kind, z_mean);
    findings_add(findings, chi_square_p(squares, n), "%s sums, variance: %.6f, z = %.2f", kind,
                 squares / n, (squares - n) / sqrt(2 * n));
    findings_add(findings, normal_p(z_products), "%s sums, neighbours: z = %.2f", kind, z_products);
}

void scores_report(double *scores, uint64_t count, enum stream_kind kind, struct findings *findings)
{
    const char *name = kind_name(kind);
    report_sums(scores, count, name, findings);
    qsort(scores, count, sizeof *scores, compare);
    double distance = kolmogorov_smirnov_distance(scores, count);
    double a_square = anderson_darling_square(scores, count);
    findings_add(findings, kolmogorov_smirnov_p(distance, (double)count),
                 "%s sums, Kolmogorov-Smirnov: D = %.3g", name, distance);
    findings_add(findings, anderson_darling_p(a_square), "%s sums, Anderson-Darling: A^2 = %.3f",
                 name, a_square);
}
