/* Leaves and cores of the client: quantities, numbers, pacing, the chart and the bar. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/quantity.h"
#include "client/common/bar.h"
#include "client/common/number.h"
#include "client/lib/pacing.h"
#include "client/pictures/chart.h"
#include "proto/bounds.h"
#include "proto/instant.h"
#include "tests/support/chance.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* Counts with any number of bits. */
static uint64_t next_count(struct chance *chance)
{
    uint64_t bits = chance_next(chance);
    return bits >> (1 + chance_next(chance) % 63);
}

static double next_fraction(struct chance *chance)
{
    return (double)(chance_next(chance) >> 11) * 0x1p-53;
}

/* ---- quantity ---- */

#define UNTOUCHED 7777

struct typed {
    const char *text;
    uint64_t value;
};

Test(quantity, counts_are_read_in_the_forms_that_users_type)
{
    static const struct typed rows[] = {
        {"0", 0},
        {"007", 7},
        {"10M", 10000000},
        {"120M", 120000000},
        {"1.2e8", 120000000},
        {"1.2E+08", 120000000},
        {"120_000_000", 120000000},
        {"120,000,000", 120000000},
        {"1_2000_0000", 120000000},
        {"1.5M", 1500000},
        {"1,000.5k", 1000500},
        {"2k", 2000},
        {"2K", 2000},
        {"1G", 1000000000},
        {"1T", 1000000000000},
        {"9P", 9000000000000000},
        {"1e13", 10000000000000},
        {"10e-1", 1},
        {"1.234500e4", 12345},
        {"0.0000000000000000000000000000001e31", 1},
        {"1.50000000000000000000000000000000000000000000k", 1500},
        {"0e400", 0},
        {"9223372036854775808", SAMPLE_END_MAX},
        {"9.223372036854775808e18", SAMPLE_END_MAX},
        {"9,223,372,036,854,775.808k", SAMPLE_END_MAX},
        {"9007199254740993", 9007199254740993}, /* 2^53 + 1: not a double */
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t count = UNTOUCHED;
        cr_expect(count_parse(rows[i].text, &count), "\"%s\" refused", rows[i].text);
        cr_expect(count == rows[i].value, "\"%s\" read as %" PRIu64, rows[i].text, count);
    }
}

static void expect_no_counts(const char *const *texts)
{
    for (; *texts; texts++) {
        uint64_t count = UNTOUCHED;
        cr_expect(!count_parse(*texts, &count), "\"%s\" read as %" PRIu64, *texts, count);
        cr_expect(count == UNTOUCHED, "\"%s\" was refused, but the result has changed", *texts);
    }
}

Test(quantity, a_text_that_is_not_a_number_is_refused)
{
    expect_no_counts((const char *const[]){"", " ", " 1", "1 ", "1 M", "1\n", "1;", "１", "+1",
                                           "-1", "-0", "0x10", "nan", "inf", "1.2.3", NULL});
}

Test(quantity, a_number_that_lacks_a_part_is_refused)
{
    expect_no_counts((const char *const[]){".5M", "5.M", ".", "e8", "M", "1e", "1e+", "1e-",
                                           "1e1.5", "1e8M8", NULL});
}

Test(quantity, a_unit_that_counts_do_not_have_is_refused)
{
    expect_no_counts((const char *const[]){"1m", "1MM", "1Mi", "1kM", "1x", NULL});
}

Test(quantity, separators_in_the_wrong_place_are_refused)
{
    expect_no_counts((const char *const[]){"_1", "1_", "1__0", ",1", "1,", "1,5", "1,50M",
                                           "12,34,567", "1234,567", "1,2345", "1,000_0", "1_0,000",
                                           "1.0_0", NULL});
}

Test(quantity, fractions_of_a_sample_are_refused)
{
    expect_no_counts((const char *const[]){
        "1.2345e3", "0.5", "12e-1", "0.0001k", "1.00000000000000000000000000000000000000000000001",
        "0.00000000000000000000000000000000000000000000001k", NULL});
}

Test(quantity, more_samples_than_a_stream_has_are_refused)
{
    expect_no_counts((const char *const[]){
        "1e400", "1e9999", "1e4294967296", "1e99999", "0.1e99999", "1e19", "9.3e18", "10000P",
        "9223372036854775809", "18446744073709551616", "18446744073709551617",
        "99999999999999999999999999999999999999999999999999", NULL});
}

Test(quantity, a_time_has_a_unit_unless_it_is_zero)
{
    static const struct typed rows[] = {
        {"0", 0},
        {"0.0", 0},
        {"0s", 0},
        {"10ns", 10},
        {"250us", 250000},
        {"250\u00b5s", 250000}, /* micro sign */
        {"250\u03bcs", 250000}, /* Greek mu */
        {"1ms", 1000000},
        {"0.000001ms", 1},
        {"1e3ms", 1000000000},
        {"1s", 1000000000},
        {"1.5s", 1500000000},
        {"2min", 120000000000},
        {"0.05min", 3000000000},
        {"1h", 3600000000000},
        {"0.25h", 900000000000},
        {"4611686018427387904ns", DURATION_NS_MAX},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t ns = UNTOUCHED;
        cr_expect(duration_parse(rows[i].text, &ns), "\"%s\" refused", rows[i].text);
        cr_expect(ns == (int64_t)rows[i].value, "\"%s\" read as %" PRId64, rows[i].text, ns);
    }
}

Test(quantity, a_text_that_is_not_a_time_is_refused)
{
    static const char *const rows[] = {
        "",      "1",      "1.5",    "5e3",    "-1s", "+1s",  " 1s",
        "1 s",   "1s ",    "ms",     "s",      "1m",  "1S",   "1sec",
        "1d",    "0.5ns",  "1e400s", "1e19ns", "1M",  "1ss",  "1e3",
        "0x1ms", "0.0001", "1.s",    "nan",    "inf", "2e6h", "4611686018427387905ns",
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t ns = UNTOUCHED;
        cr_expect(!duration_parse(rows[i], &ns), "\"%s\" read as %" PRId64, rows[i], ns);
        cr_expect(ns == UNTOUCHED, "\"%s\" was refused, but the result has changed", rows[i]);
    }
}

Test(quantity, a_seed_has_64_bits_in_decimal_or_hexadecimal)
{
    static const struct typed rows[] = {
        {"0", 0},
        {"42", 42},
        {"0x2a", 42},
        {"0X2A", 42},
        {"0xdeadBEEF", 0xdeadbeef},
        {"010", 10},
        {"18446744073709551615", UINT64_MAX},
        {"0xffffffffffffffff", UINT64_MAX},
        {"0x0000000000000000000001", 1},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t seed = UNTOUCHED;
        cr_expect(seed_parse(rows[i].text, &seed), "\"%s\" refused", rows[i].text);
        cr_expect(seed == rows[i].value, "\"%s\" read as %" PRIu64, rows[i].text, seed);
    }
}

Test(quantity, a_text_that_is_not_a_seed_is_refused)
{
    static const char *const rows[] = {
        "",
        " ",
        "1 ",
        "-1",
        "+1",
        "0x",
        "x1",
        "0x1g",
        "1a",
        "1e3",
        "1_0",
        "1.0",
        "10M",
        "18446744073709551616",
        "0x10000000000000000",
        "99999999999999999999999",
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t seed = UNTOUCHED;
        cr_expect(!seed_parse(rows[i], &seed), "\"%s\" read as %" PRIu64, rows[i], seed);
        cr_expect(seed == UNTOUCHED, "\"%s\" was refused, but the result has changed", rows[i]);
    }
}

Test(quantity, counts_are_printed_with_commas_between_thousands)
{
    static const struct typed rows[] = {
        {"0", 0},
        {"9", 9},
        {"999", 999},
        {"1,000", 1000},
        {"26,999,999", 26999999},
        {"120,000,000", 120000000},
        {"18,446,744,073,709,551,615", UINT64_MAX},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[COUNT_TEXT_BYTES];
        cr_expect_str_eq(count_print(rows[i].value, text), rows[i].text);
    }
}

Test(quantity, rates_and_times_are_printed_with_two_digits)
{
    static const struct {
        double value;
        const char *rate, *time;
    } rows[] = {
        {0, "0.0 /s", "0.0 s"},
        {9.94, "9.9 /s", "9.9 s"},
        {9.96, "10 /s", "10 s"},
        {99.6, "100 /s", "1.7 min"},
        {999.6, "1.0 k/s", "17 min"},
        {8.12e6, "8.1 M/s", "94 days"},
        {7200, "7.2 k/s", "2.0 h"},
        {8.1e9, "8.1 G/s", "?"},
        {1e15, "?", "?"},
        {NAN, "?", "?"},
        {INFINITY, "?", "?"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[ROUGH_TEXT_BYTES];
        cr_expect_str_eq(rate_print(rows[i].value, text), rows[i].rate);
        cr_expect_str_eq(time_print(rows[i].value, text), rows[i].time);
    }
}

/* A law: all forms of a count give the same count. */
Test(quantity, every_form_of_a_count_is_read_as_that_count)
{
    struct chance chance = {1};
    for (int i = 0; i < 100000; i++) {
        uint64_t count = next_count(&chance);
        char texts[5][64];
        count_print(count, texts[0]);
        snprintf(texts[1], sizeof texts[1], "%" PRIu64, count);
        snprintf(texts[2], sizeof texts[2], "%" PRIu64 ".%03uk", count / 1000,
                 (unsigned)(count % 1000));
        snprintf(texts[3], sizeof texts[3], "%" PRIu64 ".%09uG", count / 1000000000,
                 (unsigned)(count % 1000000000));
        snprintf(texts[4], sizeof texts[4], "%" PRIu64 "000e-3", count);
        for (size_t way = 0; way < LENGTH(texts); way++) {
            uint64_t read = UNTOUCHED;
            cr_assert(count_parse(texts[way], &read), "\"%s\" refused", texts[way]);
            cr_assert(read == count, "\"%s\" read as %" PRIu64, texts[way], read);
        }
    }
}

/* ---- number ---- */

Test(number, numbers_that_programs_write_are_read)
{
    static const struct {
        const char *text;
        double number;
    } rows[] = {
        {"0", 0},
        {"-104.0668469302687", -104.0668469302687},
        {"+3.", 3},
        {".5", .5},
        {"1e-07", 1e-7},
        {"-2E+3", -2000},
        {"12\n", 12},
        {" \t7.25 \r\n", 7.25},
        {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"1e-999", 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        double number = UNTOUCHED;
        cr_assert(number_parse(rows[i].text, strlen(rows[i].text), &number), "%s", rows[i].text);
        cr_assert(number == rows[i].number, "%s: %.17g", rows[i].text, number);
    }
}

Test(number, a_text_that_is_not_a_finite_decimal_number_is_refused)
{
    static const char *const rows[] = {
        "",      " ",   "\n",  "-",    ".",       "-.",     "e5",   "1e",    "1e+",
        "1.2.3", "nan", "inf", "-inf", "1e999",   "-1e999", "0x10", "1_000", "1,5",
        "1 2",   "--1", "1-",  "5 hi", "hello 5", "1e5.0",  "\v1",
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        double number = UNTOUCHED;
        cr_assert(!number_parse(rows[i], strlen(rows[i]), &number), "%s", rows[i]);
        cr_assert(number == UNTOUCHED);
    }
}

Test(number, a_text_that_is_too_long_or_has_a_nul_is_refused)
{
    char text[NUMBER_BYTES_MAX + 1];
    double number = UNTOUCHED;

    memset(text, '1', sizeof text);
    cr_assert(!number_parse(text, sizeof text, &number));
    cr_assert(!number_parse("1\0", 2, &number));
    cr_assert(!number_parse("1\0002", 3, &number));
    cr_assert(number == UNTOUCHED);
    cr_assert(number_parse(text, NUMBER_BYTES_MAX, &number));
    cr_assert(number_parse("12", 1, &number) && number == 1);
}

/* ---- pacing ---- */

#define MS NS_PER_MS
#define US NS_PER_US

/* Measures a slice of as many units as the core wants, each of which takes unit_ns. */
static int64_t do_slice(struct pacing *pacing, int64_t unit_ns)
{
    uint64_t units = pacing_units(pacing);
    int64_t elapsed_ns = (int64_t)units * unit_ns;
    pacing_measured(pacing, units, elapsed_ns);
    return elapsed_ns;
}

Test(pacing, grows_by_steps_and_shrinks_at_once)
{
    static const struct {
        int64_t unit_ns;
        uint64_t units_next;
        const char *reason;
    } rows[] = {
        {100 * US, 4, "the first slice is one unit, the next at most four"},
        {100 * US, 10, "ten fit in a millisecond"},
        {100 * US, 10, "and stay the same"},
        {500 * US, 2, "five times slower: shrinks at once"},
        {100 * US, 8, "fast again: grows by steps"},
        {100 * US, 10, "arrived"},
        {0, 10, "the clock did not advance: no change"},
        {5 * MS, 1, "even one unit is too much"},
        {5 * MS, 1, "but one unit is the least"},
        {MS, 1, "just fits"},
        {MS / 2, 2, "two fit"},
        {1, 8, "very fast: grows by steps"},
        {1, 32, "of four"},
    };
    struct pacing pacing;
    pacing_init(&pacing, MS);
    cr_assert(pacing_units(&pacing) == 1);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        do_slice(&pacing, rows[i].unit_ns);
        cr_expect(pacing_units(&pacing) == rows[i].units_next, "row %zu (%s): %" PRIu64, i,
                  rows[i].reason, pacing_units(&pacing));
    }
}

Test(pacing, measures_the_units_that_were_done)
{
    struct pacing pacing;
    pacing_init(&pacing, MS);
    for (int i = 0; i < 8; i++)
        do_slice(&pacing, 10 * US);
    cr_assert(pacing_units(&pacing) == 100);
    pacing_measured(&pacing, 3, 60 * US);
    cr_expect(pacing_units(&pacing) == 50, "%" PRIu64, pacing_units(&pacing));
    pacing_measured(&pacing, 0, 60 * US);
    cr_expect(pacing_units(&pacing) == 50, "no work: no change: %" PRIu64, pacing_units(&pacing));
}

Test(pacing, a_target_of_zero_means_slices_of_one_unit)
{
    struct pacing pacing;
    pacing_init(&pacing, 0);
    for (int i = 0; i < 8; i++) {
        do_slice(&pacing, 1 + i * US);
        cr_assert(pacing_units(&pacing) == 1);
    }
}

Test(pacing, a_clock_that_does_not_advance_or_runs_backwards_changes_nothing)
{
    struct pacing pacing;
    pacing_init(&pacing, MS);
    for (int i = 0; i < 1000; i++)
        pacing_measured(&pacing, pacing_units(&pacing), -(i % 3));
    cr_expect(pacing_units(&pacing) == 1, "%" PRIu64, pacing_units(&pacing));
}

Test(pacing, the_largest_numbers_stay_in_bounds)
{
    struct pacing pacing;
    pacing_init(&pacing, INT64_MAX);
    for (int i = 0; i < 40; i++)
        pacing_measured(&pacing, UINT64_MAX, 1);
    cr_expect(pacing_units(&pacing) == PACING_UNITS_MAX);
    pacing_measured(&pacing, 1, INT64_MAX);
    cr_expect(pacing_units(&pacing) == 1);
}

Test(pacing, while_a_request_waits_to_leave_slices_take_an_eighth_of_the_wait)
{
    struct pacing pacing;
    pacing_init(&pacing, MS);
    for (int i = 0; i < 8; i++)
        do_slice(&pacing, US);
    cr_assert(pacing_units(&pacing) == 1000);
    cr_expect(pacing_waited(&pacing, 400 * US));
    do_slice(&pacing, US);
    cr_expect(pacing_units(&pacing) == 50, "%" PRIu64, pacing_units(&pacing));
    cr_expect(pacing_waited(&pacing, 1), "the wait has just begun");
    do_slice(&pacing, US);
    cr_expect(pacing_units(&pacing) == 1, "%" PRIu64, pacing_units(&pacing));
    cr_expect(!pacing_waited(&pacing, 0));
    for (int i = 0; i < 8; i++)
        do_slice(&pacing, US);
    cr_expect(pacing_units(&pacing) == 1000, "%" PRIu64, pacing_units(&pacing));
}

Test(pacing, a_request_that_waits_for_long_makes_no_slice_longer)
{
    struct pacing pacing;
    pacing_init(&pacing, MS);
    cr_expect(!pacing_waited(&pacing, INT64_MAX));
    for (int i = 0; i < 8; i++)
        do_slice(&pacing, US);
    cr_expect(pacing_units(&pacing) == 1000, "%" PRIu64, pacing_units(&pacing));
}

/* A law, for speeds at which 10 to 4^7 units fit in the target. */
Test(pacing, eight_slices_reach_a_constant_speed_within_a_tenth)
{
    struct chance chance = {2};
    for (int i = 0; i < 10000; i++) {
        int64_t target_ns = 100 * US + (int64_t)(chance_next(&chance) % (uint64_t)(100 * MS));
        double units = 10 * pow(1600, next_fraction(&chance));
        int64_t unit_ns = (int64_t)((double)target_ns / units);
        struct pacing pacing;
        pacing_init(&pacing, target_ns);
        for (int slice = 0; slice < 8; slice++)
            do_slice(&pacing, unit_ns);
        double took = (double)do_slice(&pacing, unit_ns) / (double)target_ns;
        cr_assert(took >= 0.9 && took <= 1.0, "target %" PRId64 " unit %" PRId64 ": %g", target_ns,
                  unit_ns, took);
    }
}

/* Laws for any sequence of speeds: the bounds hold, and growth is at most fourfold. A slowdown
 * costs one long slice: the next one fits in the target, or is a single unit. */
Test(pacing, any_sequence_of_speeds_keeps_the_bounds)
{
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct chance chance = {seed};
        int64_t target_ns = (int64_t)(chance_next(&chance) >> (24 + chance_next(&chance) % 40));
        struct pacing pacing;
        pacing_init(&pacing, target_ns);
        for (int slice = 0; slice < 200; slice++) {
            uint64_t before = pacing_units(&pacing);
            int64_t elapsed_ns = (int64_t)(chance_next(&chance) >> (1 + chance_next(&chance) % 63));
            pacing_measured(&pacing, before, elapsed_ns);
            uint64_t after = pacing_units(&pacing);
            cr_assert(after >= 1 && after <= PACING_UNITS_MAX, "seed %" PRIu64, seed);
            cr_assert(after <= before * PACING_GROWTH_MAX, "seed %" PRIu64, seed);
            double next_ns = (double)after * (double)elapsed_ns / (double)before;
            cr_assert(after == 1 || next_ns <= (double)target_ns * (1 + 1e-9), "seed %" PRIu64,
                      seed);
        }
    }
}

Test(pacing, slices_become_longer_until_looks_are_cheap_in_comparison)
{
    static const struct {
        int64_t look_ns, slice_ns;
    } rows[] = {
        {500, MS},                            /* 0.05 % of it */
        {4000, 4000 * PACING_SLICE_PER_LOOK}, /* 8 ms */
        {60000, PACING_STRETCH_NS_MAX},       /* the longest slice */
        {0, MS},                              /* the clock did not advance */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pacing pacing;
        pacing_init(&pacing, MS);
        for (int slice = 0; slice < 40; slice++) {
            uint64_t units = pacing_units(&pacing);
            pacing_measured(&pacing, units, (int64_t)units * 100);
            pacing_looked(&pacing, rows[i].look_ns);
        }
        cr_expect(pacing_units(&pacing) == (uint64_t)rows[i].slice_ns / 100,
                  "looks of %" PRId64 " ns: slices of %" PRIu64 " units", rows[i].look_ns,
                  pacing_units(&pacing));
    }
}

/* A look may be slow because it was preempted or has received messages. The next one is not. */
Test(pacing, one_slow_look_lengthens_only_the_next_slice)
{
    struct pacing pacing;

    pacing_init(&pacing, MS);
    for (int slice = 0; slice < 1000; slice++) {
        do_slice(&pacing, 100);
        cr_assert(slice % 10 == 0 || pacing_units(&pacing) <= 10000, "slice %d: %" PRIu64, slice,
                  pacing_units(&pacing));
        pacing_looked(&pacing, slice % 10 == 9 ? 60 * US : 300);
    }
}

Test(pacing, looks_that_stay_slow_lengthen_slices)
{
    struct pacing pacing;

    pacing_init(&pacing, MS);
    pacing_looked(&pacing, 300);
    for (int slice = 0; slice < 4 * PACING_LOOKS; slice++) {
        do_slice(&pacing, 100);
        pacing_looked(&pacing, 4 * US);
    }
    do_slice(&pacing, 100);
    cr_expect(pacing_units(&pacing) > 70000 && pacing_units(&pacing) <= 80000, "%" PRIu64,
              pacing_units(&pacing));
}

/* ---- chart ---- */

static char *chart_text(const struct chart_lesson *lessons, size_t count, int columns, bool utf8,
                        bool colour)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(out, "no memory");
    chart_print(out, lessons, count, columns, utf8, colour);
    fclose(out);
    return text;
}

static void expect_chart(const struct chart_lesson *lessons, size_t count, int columns, bool utf8,
                         bool colour, const char *expected)
{
    char *drawn = chart_text(lessons, count, columns, utf8, colour);
    cr_expect_str_eq(drawn, expected, "drawn:\n%s\nexpected:\n%s", drawn, expected);
    free(drawn);
}

static const struct chart_lesson compared[] = {
    {"serial",
     {[CHART_SERVER_REQUEST] = {0, 2.79, false}, [CHART_UNIFORM_SUM] = {2.79, 4.64, false}}},
    {"async",
     {[CHART_SERVER_REQUEST] = {0, 2.81, false}, [CHART_UNIFORM_SUM] = {0.002, 1.87, false}}},
};

Test(chart, draws_both_lessons_on_one_scale)
{
    expect_chart(compared, 2, 80, true, false,
                 "serial  server_request  ██████████████████████████████▋\n"
                 "        uniform_sum                                   ▐████████████████████\n"
                 "\n"
                 "async   server_request  ██████████████████████████████▉\n"
                 "        uniform_sum     ████████████████████▌\n"
                 "                        └──────────┴──────────┴──────────┴──────────┴───────\n"
                 "                        0 s        1          2          3          4 s\n");
}

Test(chart, draws_in_ascii_without_utf8)
{
    expect_chart(compared, 2, 80, false, false,
                 "serial  server_request  ###############################\n"
                 "        uniform_sum                                    ####################\n"
                 "\n"
                 "async   server_request  ###############################\n"
                 "        uniform_sum     #####################\n"
                 "                        +----------+----------+----------+----------+-------\n"
                 "                        0 s        1          2          3          4 s\n");
}

Test(chart, a_failed_request_has_another_texture_and_label)
{
    static const struct chart_lesson lessons[] = {
        {"async",
         {[CHART_SERVER_REQUEST] = {0, 0.0128, true}, [CHART_UNIFORM_SUM] = {0, 0.0187, false}}},
    };
    expect_chart(lessons, 1, 60, true, false,
                 "async  server_request failed  ░░░░░░░░░░░░░░░░░\n"
                 "       uniform_sum            █████████████████████████\n"
                 "                              └──────┴─────┴──────┴─────\n"
                 "                              0 ms   5     10     15 ms\n");
    expect_chart(lessons, 1, 60, false, false,
                 "async  server_request failed  xxxxxxxxxxxxxxxxx\n"
                 "       uniform_sum            #########################\n"
                 "                              +------+-----+------+-----\n"
                 "                              0 ms   5     10     15 ms\n");
}

Test(chart, the_two_tasks_have_different_colours)
{
    static const struct chart_lesson lessons[] = {
        {"async", {[CHART_SERVER_REQUEST] = {0, 20, false}, [CHART_UNIFORM_SUM] = {10, 20, false}}},
    };
    expect_chart(lessons, 1, 52, true, true,
                 "async  server_request  \033[38;5;33m████████████████████████\033[0m\n"
                 "       uniform_sum     \033[38;5;166m            ████████████\033[0m\n"
                 "                       └─────┴─────┴─────┴─────┴\n"
                 "                       0 s   5     10    15    20 s\n");
}

Test(chart, a_task_without_length_is_a_mark_even_at_the_end)
{
    static const struct chart_lesson lessons[] = {
        {"early", {[CHART_SERVER_REQUEST] = {0, 0, false}, [CHART_UNIFORM_SUM] = {0, 4, false}}},
        {"late", {[CHART_SERVER_REQUEST] = {0, 1e-6, true}, [CHART_UNIFORM_SUM] = {4, 4, false}}},
    };
    expect_chart(lessons, 2, 60, true, false,
                 "early  server_request         ▏\n"
                 "       uniform_sum            █████████████████████████\n"
                 "\n"
                 "late   server_request failed  ░\n"
                 "       uniform_sum                                    ▕\n"
                 "                              └─────┴──────┴─────┴─────┴\n"
                 "                              0 s   1      2     3     4 s\n");
    expect_chart(lessons, 2, 60, false, false,
                 "early  server_request         #\n"
                 "       uniform_sum            #########################\n"
                 "\n"
                 "late   server_request failed  x\n"
                 "       uniform_sum                                    #\n"
                 "                              +-----+------+-----+-----+\n"
                 "                              0 s   1      2     3     4 s\n");
}

Test(chart, lessons_without_length_cause_no_division_by_zero)
{
    static const struct chart_lesson lessons[] = {{"serial", {{0, 0, false}, {0, 0, false}}}};
    expect_chart(lessons, 1, 60, true, false,
                 "serial  server_request  ▏\n"
                 "        uniform_sum     ▏\n"
                 "                        └─────┴─────┴──────┴─────┴─────┴\n"
                 "                        0 us  0.2   0.4    0.6   0.8 us\n");
}

Test(chart, the_axis_has_a_suitable_unit_and_suitable_steps)
{
    static const struct {
        double end_s;
        int columns;
        const char *figures;
    } rows[] = {
        {40e-6, 60, "0 us    10      20      30      40 us"},
        {0.9, 60, "0 ms   200    400    600    800 ms"},
        {1.0, 60, "0 s   0.2    0.4   0.6    0.8   1.0 s"},
        {4.64, 48, "0 s      2       4 s"},
        {599, 80, "0 s      100     200      300      400     500 s"},
        {600, 80, "0 min     2          4         6          8 min"},
        {36000, 80, "0 h       2          4         6          8         10 h"},
        {CHART_SECONDS_MAX, 80, "0 h      500       1000     1500     2000      2500 h"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct chart_lesson lesson = {"async", {{0, rows[i].end_s, false}, {0, 0, false}}};
        char *drawn = chart_text(&lesson, 1, rows[i].columns, true, false);
        const char *figures = strrchr(drawn, '0');
        while (figures > drawn && figures[-1] != '\n')
            figures--;
        figures += strspn(figures, " ");
        cr_expect(strncmp(figures, rows[i].figures, strlen(rows[i].figures)) == 0, "%g s: %s",
                  rows[i].end_s, figures);
        free(drawn);
    }
}

Test(chart, is_not_drawn_in_few_columns_and_does_not_use_more_than_its_maximum)
{
    expect_chart(compared, 2, CHART_COLUMNS_MIN - 1, true, false, "");
    expect_chart(compared, 2, 0, true, false, "");
    char *widest = chart_text(compared, 2, CHART_COLUMNS_MAX, true, true);
    expect_chart(compared, 2, 1000, true, true, widest);
    free(widest);
}

/* Columns of a line: counts bytes that begin a character, and skips escape sequences. */
static int columns_of(const char *line)
{
    int columns = 0;
    for (; *line && *line != '\n'; line++) {
        if (*line == '\033')
            line = strpbrk(line, "mK");
        else
            columns += (*line & 0xc0) != 0x80 && *line != '\r';
    }
    return columns;
}

static const char *line_after(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static struct chart_task random_task(struct chance *chance, double longest_s)
{
    double a = longest_s * next_fraction(chance), b = longest_s * next_fraction(chance);
    return (struct chart_task){fmin(a, b), fmax(a, b), chance_next(chance) % 4 == 0};
}

/* A law, for any times and widths: every line is drawn, no line is too long, and every task is
 * visible. */
Test(chart, any_chart_fits_in_its_columns_and_shows_every_task)
{
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct chance chance = {seed};
        double longest_s = pow(10, -8 + 15 * next_fraction(&chance));
        int columns = CHART_COLUMNS_MIN + (int)(chance_next(&chance) % 150);
        bool utf8 = chance_next(&chance) % 2, colour = chance_next(&chance) % 2;
        struct chart_lesson lessons[2] = {{.name = "serial"}, {.name = "a name that is too long"}};
        for (int row = 0; row < 4; row++)
            lessons[row / 2].tasks[row % 2] = random_task(&chance, longest_s);

        char *drawn = chart_text(lessons, 2, columns, utf8, colour);
        int lines = 0, marked = 0;
        for (const char *line = drawn; *line; line = line_after(line), lines++) {
            cr_assert(columns_of(line) <= columns, "seed %" PRIu64 ":\n%s", seed, drawn);
            marked += columns_of(line) > CHART_NAME_MAX + 18;
        }
        cr_assert(lines == 7, "seed %" PRIu64 ":\n%s", seed, drawn);
        cr_assert(marked >= 5, "seed %" PRIu64 ":\n%s", seed, drawn);
        free(drawn);
    }
}

/* ---- bar ---- */

static char *bar_text(double fraction, double elapsed_s, int columns, bool utf8, bool colour)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(out, "no memory");
    bar_print(out, "uniform_sum", fraction, elapsed_s, columns, utf8, colour);
    fclose(out);
    return text;
}

Test(bar, leaves_out_its_parts_as_the_terminal_becomes_narrow)
{
    static const struct {
        double fraction, elapsed_s;
        int columns;
        bool utf8, colour;
        const char *text;
    } rows[] = {
        {0, 0, 47, true, false, "uniform_sum ▕                ▏   0 %     0.0 s"},
        {0.4267, 1.24, 47, true, false, "uniform_sum ▕██████▊         ▏  42 %     1.2 s"},
        {0.4267, 1.24, 47, false, false, "uniform_sum [######          ]  42 %     1.2 s"},
        {1, 100, 47, true, false, "uniform_sum ▕████████████████▏ 100 %   100.0 s"},
        {1, 9, 47, true, true,
         "uniform_sum ▕\033[38;5;166m████████████████\033[0m▏ 100 %     9.0 s"},
        {0.999, 9, 36, true, false, "uniform_sum ▕████▉▏  99 %     9.0 s"},
        {0.999, 9, 35, true, false, "uniform_sum  99 %     9.0 s"},
        {0.999, 9, 28, true, false, "uniform_sum  99 %     9.0 s"},
        {0.999, 9, 27, true, false, "  99 %     9.0 s"},
        {0.999, 9, 17, true, false, "  99 %     9.0 s"},
        {0.999, 9, 16, true, false, ""},
        {0.999, 9, 0, true, false, ""},
        {NAN, 0, 28, true, false, "uniform_sum   0 %     0.0 s"},
        {-1, 0, 28, true, false, "uniform_sum   0 %     0.0 s"},
        {INFINITY, 0, 28, true, false, "uniform_sum 100 %     0.0 s"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char expected[512];
        snprintf(expected, sizeof expected, "\r%s\033[K", rows[i].text);
        char *drawn = bar_text(rows[i].fraction, rows[i].elapsed_s, rows[i].columns, rows[i].utf8,
                               rows[i].colour);
        cr_expect_str_eq(drawn, expected, "row %zu:\n%s\n%s", i, drawn + 1, expected + 1);
        free(drawn);
    }
}

/* A law: for any numbers, the line begins at the first column and does not reach the last one. */
Test(bar, never_reaches_the_last_column)
{
    struct chance chance = {3};
    for (int i = 0; i < 20000; i++) {
        int columns = 1 + (int)(chance_next(&chance) % 300);
        double fraction = 1.2 * next_fraction(&chance) - 0.1;
        double elapsed_s = pow(10, -3 + 20 * next_fraction(&chance));
        char *drawn = bar_text(fraction, elapsed_s, columns, i & 1, i & 2);
        cr_assert(columns_of(drawn) < columns, "%d columns: %s", columns, drawn + 1);
        cr_assert(drawn[0] == '\r');
        cr_assert_str_eq(drawn + strlen(drawn) - 3, "\033[K");
        free(drawn);
    }
}

Test(bar, clear_leaves_an_empty_line)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    cr_assert(out, "no memory");
    bar_clear(out);
    fclose(out);
    cr_expect_str_eq(text, "\r\033[K");
    free(text);
}
