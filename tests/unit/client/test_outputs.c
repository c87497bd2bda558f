/* The results of a summand: tallies, the table, and numbers as text. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/sum/outputs_table.h"
#include "client/sum/tally.h"

/* ---- tallies ------------------------------------------------------------------------------ */

static struct meantime_total total(int8_t value)
{
    return (struct meantime_total){.length = value != 0, .units = {(uint8_t)value}};
}

/* Terms with this sum and these squares; 0: no squares. */
static struct tally tally_of(uint64_t count, const char *name, int8_t sum, int8_t squares)
{
    struct meantime_output output = {
        .sum = total(sum), .squares = total(squares), .has_squares = squares != 0};
    struct meantime_result result = {.count = count, .output_count = 1, .outputs = &output};
    struct tally tally;

    strcpy(output.name, name);
    tally_init(&tally, &result);
    return tally;
}

Test(tally, the_sums_of_two_ranges_add_up)
{
    struct tally whole = {.count = 0}, part = tally_of(4, "y", 10, 30);
    struct tally rest = tally_of(2, "y", 3, 5);
    struct meantime_estimate estimate;

    cr_assert(tally_add(&whole, &part) && tally_add(&whole, &rest));
    cr_assert(part.outputs == NULL && rest.outputs == NULL);
    cr_assert(whole.count == 6 && whole.outputs[0].sum.units[0] == 13);
    cr_assert(tally_estimate(&whole, 0, &estimate));
    cr_assert_float_eq(estimate.mean, 13 / 6.0, 1e-15);
    cr_assert_float_eq(estimate.variance, 35 / 6.0 - 169 / 36.0, 1e-15);
    tally_clear(&whole);
}

Test(tally, other_outputs_do_not_add_up)
{
    struct tally whole = tally_of(1, "y", 1, 1);
    struct tally parts[] = {tally_of(1, "z", 1, 1), tally_of(1, "y", 1, 0)};

    for (size_t i = 0; i < 2; i++) {
        cr_assert_not(tally_add(&whole, &parts[i]));
        cr_assert(whole.count == 1 && parts[i].outputs == NULL);
    }
    tally_clear(&whole);
}

Test(tally, outputs_have_names)
{
    struct tally tally = tally_of(1, "y", 1, 1);

    cr_assert(tally_find(&tally, NULL) == 0 && tally_find(&tally, "y") == 0);
    cr_assert_eq(tally_find(&tally, "z"), 1);
    tally_clear(&tally);
}

/* ---- numbers as text ---------------------------------------------------------------------- */

Test(outputs, doubles_have_the_shortest_text_that_is_exact)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.1, "0.1"}, {1 / 3.0, "0.3333333333333333"},    {-2.5, "-2.5"},   {1e300, "1e+300"},
        {0, "0"},     {0.1 + 0.2, "0.30000000000000004"}, {INFINITY, "inf"}};
    char text[DOUBLE_TEXT_BYTES];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_str_eq(double_print(rows[i].value, text), rows[i].text);
}

Test(outputs, units_are_decimal_integers)
{
    static const struct {
        struct meantime_total total;
        const char *text;
    } rows[] = {
        {{0, 0, {0}}, "0"},
        {{0, 1, {7}}, "7"},
        {{0, 1, {0xff}}, "-1"},
        {{0, 1, {0x81}}, "-127"},
        {{0, 4, {0x01, 0xca, 0x9a, 0x3b}}, "1000000001"},
        {{0, 9, {1, 0, 0, 0, 0, 0, 0, 0, 1}}, "18446744073709551617"},
        {{0, 9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}}, "-18446744073709551617"},
    };
    char text[TOTAL_TEXT_BYTES];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_str_eq(total_print(&rows[i].total, text), rows[i].text);
}

/* -2^(8 * 536 - 1) + 1 has 1,291 digits; the first and the last ones are from Python. */
Test(outputs, the_longest_units_fit)
{
    struct meantime_total longest = {.length = MEANTIME_UNITS_BYTES_MAX};
    char text[TOTAL_TEXT_BYTES];

    longest.units[0] = 1;
    longest.units[MEANTIME_UNITS_BYTES_MAX - 1] = 0x80;
    total_print(&longest, text);
    cr_assert_eq(strlen(text), 1292);
    cr_assert(strncmp(text, "-32778676299", 12) == 0, "%.20s", text);
    cr_assert_str_eq(text + strlen(text) - 12, "273515286527");
}

/* ---- the table ---------------------------------------------------------------------------- */

static const char *table_of(struct tally *tally, bool heading)
{
    static char text[1024];
    FILE *out = fmemopen(text, sizeof text, "w");

    outputs_table_print(out, tally, heading);
    fclose(out);
    tally_clear(tally);
    return text;
}

Test(outputs, a_table_has_one_line_for_each_output)
{
    struct tally tally = tally_of(4, "call", 10, 30);

    cr_assert_str_eq(table_of(&tally, true), "output  mean  standard error  95 % interval  sum\n"
                                             "call    2.5   0.65            1.23 to 3.77   10\n");
}

Test(outputs, an_error_that_is_not_known_is_left_out)
{
    struct tally one_term = tally_of(1, "y", 3, 9), no_squares = tally_of(3, "primes", 2, 0);
    struct tally constant = tally_of(2, "y", 6, 18);

    cr_assert_str_eq(table_of(&one_term, false), "y  3  -  -  3\n");
    cr_assert_str_eq(table_of(&no_squares, false), "primes  0.6666666666666666  -  -  2\n");
    cr_assert_str_eq(table_of(&constant, false), "y  3  0  3 to 3  6\n");
}
