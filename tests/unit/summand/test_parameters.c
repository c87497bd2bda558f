/* The parser of parameters in meantime_summand.h: values, defaults, and an error sentence for each
 * mistake. */
#include <criterion/criterion.h>
#include <math.h>

#include "meantime_summand.h"

struct option {
    double strike, rate, level;
};

static const struct meantime_parameter table[] = {
    {"strike", offsetof(struct option, strike), 1, 0.5, 100},
    {"rate", offsetof(struct option, rate), 0.05, -1, 1},
    {"level", offsetof(struct option, level), 0, -INFINITY, INFINITY},
    {NULL, 0, 0, 0, 0},
};

Test(parameters, names_and_numbers_set_values_in_any_order_and_the_rest_is_standard)
{
    static const struct {
        const char *text;
        struct option values;
    } rows[] = {
        {"", {1, 0.05, 0}},
        {"   ", {1, 0.05, 0}},
        {"strike=2", {2, 0.05, 0}},
        {"strike=100", {100, 0.05, 0}},
        {"strike=0.5", {0.5, 0.05, 0}},
        {"rate=-1 strike=3", {3, -1, 0}},
        {"  rate=-1   strike=3  level=7 ", {3, -1, 7}},
        {"rate=-0x1p-2 strike=+1e1", {10, -0.25, 0}},
        {"level=1e999", {1, 0.05, INFINITY}},
        {"level=-inf", {1, 0.05, -INFINITY}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct option values = {9, 9, 9};
        const char *error = meantime_parameters(rows[i].text, table, &values);
        cr_expect_null(error, "\"%s\": %s", rows[i].text, error);
        cr_expect(memcmp(&values, &rows[i].values, sizeof values) == 0, "\"%s\"", rows[i].text);
    }
}

Test(parameters, each_mistake_has_its_sentence)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"strik=1", "There is no parameter \"strik\"."},
        {"strikes=1", "There is no parameter \"strikes\"."},
        {"Strike=1", "There is no parameter \"Strike\"."},
        {"rate=0 volatility", "There is no parameter \"volatility\"."},
        {"=1", "There is no parameter \"\"."},
        {"a-name-that-is-longer-than-what-a-sentence-can-hold=1",
         "There is no parameter \"a-name-that-is-longer-than-what-a-senten\"."},
        {"strike", "The parameter \"strike\" needs a value: strike=1."},
        {"strike 2", "The parameter \"strike\" needs a value: strike=1."},
        {"rate =2", "The parameter \"rate\" needs a value: rate=0.05."},
        {"strike=", "The value of \"strike\" is not a number."},
        {"strike= 2", "The value of \"strike\" is not a number."},
        {"strike==2", "The value of \"strike\" is not a number."},
        {"strike=two", "The value of \"strike\" is not a number."},
        {"strike=2%", "The value of \"strike\" is not a number."},
        {"strike=2,rate=0", "The value of \"strike\" is not a number."},
        {"strike=1 rate=0.1;", "The value of \"rate\" is not a number."},
        {"strike=0.49", "The parameter \"strike\" must be from 0.5 to 100."},
        {"strike=101", "The parameter \"strike\" must be from 0.5 to 100."},
        {"strike=1e999", "The parameter \"strike\" must be from 0.5 to 100."},
        {"strike=nan", "The parameter \"strike\" must be from 0.5 to 100."},
        {"level=nan", "The parameter \"level\" must be from -inf to inf."},
        {"strike=1 strike=2", "The parameter \"strike\" occurs twice."},
        {"  rate=0 strike=1  rate=0", "The parameter \"rate\" occurs twice."},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct option values;
        const char *error = meantime_parameters(rows[i].text, table, &values);
        cr_expect_str_eq(error ? error : "", rows[i].error, "\"%s\": %s", rows[i].text, error);
    }
}

/* Fills a text of MEANTIME_PARAMETERS_MAX bytes: `start`, many times `filler`, and `end`. */
static void longest_text(char *text, const char *start, char filler, const char *end)
{
    memset(text, filler, MEANTIME_PARAMETERS_MAX);
    memcpy(text, start, strlen(start));
    memcpy(text + MEANTIME_PARAMETERS_MAX - strlen(end), end, strlen(end) + 1);
}

/* The text ends where its memory ends, so that AddressSanitizer sees a byte too many. */
Test(parameters, the_longest_text_is_read_to_its_last_byte)
{
    char *text = malloc(MEANTIME_PARAMETERS_MAX + 1);
    struct option values;

    longest_text(text, "strike=2", ' ', "rate=1");
    cr_expect_null(meantime_parameters(text, table, &values));
    cr_expect(values.strike == 2 && values.rate == 1);

    longest_text(text, "strike=", '0', "2.5");
    cr_expect_null(meantime_parameters(text, table, &values));
    cr_expect(values.strike == 2.5);

    longest_text(text, "strike=", '9', "9");
    cr_expect_str_eq(meantime_parameters(text, table, &values),
                     "The parameter \"strike\" must be from 0.5 to 100.");

    longest_text(text, "x", 'x', "x");
    cr_expect_str_eq(meantime_parameters(text, table, &values),
                     "There is no parameter \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\".");
    free(text);
}

Test(parameters, a_wrong_text_leaves_no_value_outside_the_range)
{
    struct option values;
    const char *error = meantime_parameters("strike=2 rate=7", table, &values);
    cr_expect_not_null(error);
    cr_expect(values.strike == 2 && values.rate == 0.05);
}
