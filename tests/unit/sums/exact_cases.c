/* Answers exact_cases.py: sums doubles exactly, and converts totals.
 *
 * Each line of stdin is a question, and each line of stdout its answer. Doubles are their 64 bits
 * in hexadecimal. A total is UNIT_LOG2:BYTES, where BYTES are the units in hexadecimal, lowest
 * first.
 *
 *     add KERNEL sum|squares PIECE,PIECE... DOUBLE...
 *         sums each piece, of that many doubles, by itself and combines the totals: TOTAL VALUE
 *     moments COUNT SUM SQUARES
 *         MEAN VARIANCE STANDARD-ERROR, or "impossible"
 *     kernels
 *         the names of the kernels that run here */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums/exact.h"
#include "sums/ieee.h"
#include "sums/moments.h"

#define NUMBERS_MAX 10000
#define LINE_BYTES  (17 * NUMBERS_MAX + 60000)

static void print_total(const struct exact_total *total)
{
    printf("%" PRId32 ":", total->unit_log2);
    for (size_t i = 0; i < total->length; i++)
        printf("%02x", total->units[i]);
}

static struct exact_total read_total(const char *text, enum exact_form form)
{
    struct exact_total total = {0};
    char *end;
    total.unit_log2 = (int32_t)strtol(text, &end, 10);
    unsigned byte;
    for (end++; sscanf(end, "%2x", &byte) == 1; end += 2)
        total.units[total.length++] = (uint8_t)byte;
    assert(exact_total_valid(&total, form, UINT64_C(1) << 63));
    return total;
}

static void add_piece(struct exact_total *total, const struct exact_kernel *kernel,
                      enum exact_form form, const double *y, size_t n)
{
    struct exact *exact = exact_new_with(kernel);
    struct exact_total part;
    size_t bad;
    assert(exact);
    assert((form == EXACT_SUM ? exact_add : exact_add_squares)(exact, y, n, &bad));
    (form == EXACT_SUM ? exact_sum : exact_squares)(exact, &part);
    assert(exact_total_valid(&part, form, n));
    exact_total_add(total, &part);
    exact_destroy(&exact);
}

static size_t read_doubles(double *y, char **rest)
{
    size_t n = 0;
    for (char *word; (word = strtok_r(NULL, " \n", rest)); n++) {
        assert(n < NUMBERS_MAX);
        y[n] = bits_double(strtoull(word, NULL, 16));
    }
    return n;
}

static void answer_add(char **rest)
{
    static double y[NUMBERS_MAX];
    const struct exact_kernel *kernel = exact_kernel_named(strtok_r(NULL, " \n", rest));
    enum exact_form form = strcmp(strtok_r(NULL, " \n", rest), "sum") ? EXACT_SQUARES : EXACT_SUM;
    char *pieces = strtok_r(NULL, " \n", rest);
    size_t n = read_doubles(y, rest), at = 0;
    struct exact_total total = {0};
    assert(kernel);
    for (char *piece = strtok(pieces, ","); piece; piece = strtok(NULL, ",")) {
        size_t length = strtoul(piece, NULL, 10);
        assert(at + length <= n);
        add_piece(&total, kernel, form, y + at, length);
        at += length;
    }
    print_total(&total);
    printf(" %016" PRIx64 "\n", double_bits(exact_total_value(&total)));
}

static void answer_moments(char **rest)
{
    uint64_t count = strtoull(strtok_r(NULL, " \n", rest), NULL, 10);
    struct exact_total sum = read_total(strtok_r(NULL, " \n", rest), EXACT_SUM);
    struct exact_total squares = read_total(strtok_r(NULL, " \n", rest), EXACT_SQUARES);
    struct moments moments;
    if (moments_init(&moments, count, &sum, &squares))
        printf("%016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", double_bits(moments.mean),
               double_bits(moments.variance), double_bits(moments.standard_error));
    else
        puts("impossible");
}

static void answer_kernels(void)
{
    for (const struct exact_kernel *kernel = exact_kernels; kernel->name; kernel++)
        if (kernel->runs_here())
            printf("%s ", kernel->name);
    puts("");
}

int main(void)
{
    static char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        char *rest, *question = strtok_r(line, " \n", &rest);
        assert(question);
        if (strcmp(question, "add") == 0)
            answer_add(&rest);
        else if (strcmp(question, "moments") == 0)
            answer_moments(&rest);
        else
            answer_kernels();
        fflush(stdout);
    }
    return 0;
}
