/* Prints the results of a summand. */
#include "client/sum/outputs_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits of the interval beyond the first digit of the standard error. */
#define INTERVAL_DIGITS 1

#define DIGITS_MAX 17

/* Each step of total_print() makes this many decimal digits. */
#define CHUNK_DIGITS 9
#define CHUNK        UINT32_C(1000000000)

char *double_print(double value, char text[DOUBLE_TEXT_BYTES])
{
    int digits = 15;

    do
        snprintf(text, DOUBLE_TEXT_BYTES, "%.*g", digits, value);
    while (digits++ < DIGITS_MAX && strtod(text, NULL) != value);
    return text;
}

/* ---- units as decimal digits ------------------------------------------------------------- */

/* Writes the magnitude of the units, highest byte first. Returns true if they are negative. */
static bool magnitude(const struct meantime_total *total, uint8_t *byte)
{
    bool negative = total->length > 0 && total->units[total->length - 1] >> 7;
    unsigned carry = negative;

    for (uint32_t i = 0; i < total->length; i++) {
        carry += negative ? (uint8_t)~total->units[i] : total->units[i];
        byte[total->length - 1 - i] = (uint8_t)carry;
        carry >>= 8;
    }
    return negative;
}

/* Divides by CHUNK and returns the remainder. */
static uint32_t divide(uint8_t *byte, uint32_t length)
{
    uint64_t rest = 0;

    for (uint32_t i = 0; i < length; i++) {
        rest = rest << 8 | byte[i];
        byte[i] = (uint8_t)(rest / CHUNK);
        rest %= CHUNK;
    }
    return (uint32_t)rest;
}

/* Writes the digits from the end of `digits` on. The magnitude of -2^(8 length - 1) needs all
 * bytes, and its highest bit. */
char *total_print(const struct meantime_total *total, char text[TOTAL_TEXT_BYTES])
{
    uint8_t byte[MEANTIME_UNITS_BYTES_MAX];
    char digits[TOTAL_TEXT_BYTES + CHUNK_DIGITS] = "";
    size_t at = sizeof digits - 1;
    bool negative = magnitude(total, byte);

    for (uint32_t bytes_left = total->length; bytes_left > 0;) {
        uint32_t chunk = divide(byte, total->length);
        for (int i = 0; i < CHUNK_DIGITS; i++, chunk /= 10)
            digits[--at] = (char)('0' + chunk % 10);
        while (bytes_left > 0 && byte[total->length - bytes_left] == 0)
            bytes_left--;
    }
    while (digits[at] == '0')
        at++;
    snprintf(text, TOTAL_TEXT_BYTES, "%s%s", negative ? "-" : "", digits[at] ? digits + at : "0");
    return text;
}

/* ---- the table --------------------------------------------------------------------------- */

#define COLUMNS "%-*s  %-22s  %-14s  %s\n"

static int name_columns(const struct tally *tally)
{
    size_t columns = strlen("output");

    for (uint64_t i = 0; i < tally->output_count; i++) {
        size_t length = strlen(tally->outputs[i].name);
        columns = length > columns ? length : columns;
    }
    return (int)columns;
}

/* Returns the significant digits of `value` down to the first digits of its error. */
static int digits_of(double value, double error)
{
    double digits = floor(log10(fabs(value))) - floor(log10(error)) + 1 + INTERVAL_DIGITS;

    if (!(digits >= 1 + INTERVAL_DIGITS)) /* also if the value is 0 */
        return 1 + INTERVAL_DIGITS;
    return digits < DIGITS_MAX ? (int)digits : DIGITS_MAX;
}

static void print_interval(const struct meantime_estimate *estimate, char *text, size_t size)
{
    double error = estimate->standard_error;

    snprintf(text, size, "%.*g to %.*g", digits_of(estimate->low, error), estimate->low,
             digits_of(estimate->high, error), estimate->high);
}

static void print_row(FILE *out, const struct tally *tally, uint64_t i, int columns)
{
    const struct meantime_output *output = &tally->outputs[i];
    struct meantime_estimate estimate = {.mean = 0};
    char mean[DOUBLE_TEXT_BYTES], sum[DOUBLE_TEXT_BYTES];
    char error[DOUBLE_TEXT_BYTES] = "-", range[3 * DOUBLE_TEXT_BYTES] = "-";

    tally_estimate(tally, i, &estimate);
    double_print(estimate.mean, mean);
    if (!output->has_squares)
        snprintf(range, sizeof range, "sum %s",
                 double_print(meantime_total_value(&output->sum), sum));
    else if (isfinite(estimate.standard_error)) {
        snprintf(error, sizeof error, "%.2g", estimate.standard_error);
        print_interval(&estimate, range, sizeof range);
    }
    fprintf(out, COLUMNS, columns, output->name, mean, error, range);
}

void outputs_table_print(FILE *out, const struct tally *tally, bool heading)
{
    int columns = name_columns(tally);

    if (heading)
        fprintf(out, COLUMNS, columns, "output", "mean", "standard error", "95 % interval");
    for (uint64_t i = 0; i < tally->output_count; i++)
        print_row(out, tally, i, columns);
}
