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

enum column {
    COLUMN_NAME,
    COLUMN_MEAN,
    COLUMN_ERROR,
    COLUMN_INTERVAL,
    COLUMN_SUM,
    COLUMNS,
};

#define CELL_BYTES (2 * DOUBLE_TEXT_BYTES + 8)

struct row {
    char cells[COLUMNS][CELL_BYTES];
};

static const struct row headings = {{"output", "mean", "standard error", "95 % interval", "sum"}};

/* Returns the significant digits of `value` down to the first digits of its error. */
static int digits_of(double value, double error)
{
    double digits = floor(log10(fabs(value))) - floor(log10(error)) + 1 + INTERVAL_DIGITS;

    if (!(digits >= 1 + INTERVAL_DIGITS)) /* also if the value is 0 */
        return 1 + INTERVAL_DIGITS;
    return digits < DIGITS_MAX ? (int)digits : DIGITS_MAX;
}

static void print_error(const struct meantime_estimate *estimate, struct row *row)
{
    double error = estimate->standard_error;

    snprintf(row->cells[COLUMN_ERROR], CELL_BYTES, "%.2g", error);
    snprintf(row->cells[COLUMN_INTERVAL], CELL_BYTES, "%.*g to %.*g",
             digits_of(estimate->low, error), estimate->low, digits_of(estimate->high, error),
             estimate->high);
}

static struct row row_of(const struct tally *tally, uint64_t i)
{
    const struct meantime_output *output = &tally->outputs[i];
    struct meantime_estimate estimate = {.mean = 0};
    struct row row = {{"", "", "-", "-", ""}};

    tally_estimate(tally, i, &estimate);
    snprintf(row.cells[COLUMN_NAME], CELL_BYTES, "%s", output->name);
    double_print(estimate.mean, row.cells[COLUMN_MEAN]);
    if (output->has_squares && isfinite(estimate.standard_error))
        print_error(&estimate, &row);
    double_print(meantime_total_value(&output->sum), row.cells[COLUMN_SUM]);
    return row;
}

static void widen(int *widths, const struct row *row)
{
    for (int i = 0; i < COLUMNS; i++) {
        int width = (int)strlen(row->cells[i]);
        widths[i] = width > widths[i] ? width : widths[i];
    }
}

/* The last cell has no spaces after it. */
static void print_row(FILE *out, const struct row *row, const int *widths)
{
    for (int i = 0; i < COLUMN_SUM; i++)
        fprintf(out, "%-*s  ", widths[i], row->cells[i]);
    fprintf(out, "%s\n", row->cells[COLUMN_SUM]);
}

/* Each row is made twice: for the widths, and to print it. */
void outputs_table_print(FILE *out, const struct tally *tally, bool heading)
{
    int widths[COLUMNS] = {0};

    if (heading)
        widen(widths, &headings);
    for (uint64_t i = 0; i < tally->output_count; i++) {
        struct row row = row_of(tally, i);
        widen(widths, &row);
    }
    if (heading)
        print_row(out, &headings, widths);
    for (uint64_t i = 0; i < tally->output_count; i++) {
        struct row row = row_of(tally, i);
        print_row(out, &row, widths);
    }
}
