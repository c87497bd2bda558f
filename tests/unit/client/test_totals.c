/* Totals of summands in the public form: adding them, and estimates from them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "client/lib/meantime.h"
#include "client/lib/totals.h"
#include "sums/exact.h"

/* Writes the totals of some numbers. */
static void total_of(const double *y, size_t n, struct meantime_total *sum,
                     struct meantime_total *squares)
{
    struct exact *exact = exact_new();
    struct exact_total total;
    size_t bad;

    cr_assert(exact_add(exact, y, n, &bad) && exact_add_squares(exact, y, n, &bad));
    exact_sum(exact, &total);
    totals_write(&total, sum);
    exact_squares(exact, &total);
    totals_write(&total, squares);
    exact_destroy(&exact);
}

static bool equal(const struct meantime_total *a, const struct meantime_total *b)
{
    return a->unit_log2 == b->unit_log2 && a->length == b->length &&
           memcmp(a->units, b->units, a->length) == 0;
}

static const double numbers[] = {1e300, -3.5, 0x1p-1074, 0, 2e-7, -1e300, 12345.678, 7};

#define NUMBERS (sizeof numbers / sizeof *numbers)

Test(totals, any_split_of_a_range_has_the_same_totals)
{
    struct meantime_total whole_sum, whole_squares, sum, squares, rest_sum, rest_squares;

    total_of(numbers, NUMBERS, &whole_sum, &whole_squares);
    for (size_t cut = 0; cut <= NUMBERS; cut++) {
        total_of(numbers, cut, &sum, &squares);
        total_of(numbers + cut, NUMBERS - cut, &rest_sum, &rest_squares);
        cr_assert_eq(meantime_total_add(&rest_sum, &sum), MEANTIME_OK);
        cr_assert_eq(meantime_total_add(&rest_squares, &squares), MEANTIME_OK);
        cr_assert(equal(&rest_sum, &whole_sum) && equal(&rest_squares, &whole_squares));
    }
}

Test(totals, a_total_of_the_documented_bytes_has_the_documented_value)
{
    struct meantime_total total = {.unit_log2 = -8, .length = 2, .units = {0x80, 0xfe}};

    cr_assert_eq(meantime_total_value(&total), -384 / 256.0);
    cr_assert_eq(meantime_total_add(&total, &total), MEANTIME_OK);
    cr_assert_eq(meantime_total_value(&total), -3);
    cr_assert(total.unit_log2 == 0 && total.length == 1 && total.units[0] == 0xfd);
}

Test(totals, other_forms_are_invalid_and_change_nothing)
{
    static const struct {
        const char *fault;
        struct meantime_total total;
    } rows[] = {
        {"0 has no unit", {8, 0, {0}}},
        {"the unit is no multiple of 8", {-4, 1, {1}}},
        {"the lowest byte is 0", {0, 2, {0, 1}}},
        {"the highest byte repeats the sign", {0, 2, {1, 0}}},
        {"longer than any", {0, MEANTIME_UNITS_BYTES_MAX + 1, {1}}},
        {"larger than any", {2144, 1, {1}}},
        {"smaller than any", {-2160, 1, {1}}},
    };
    const struct meantime_total one = {0, 1, {1}};
    struct meantime_estimate estimate = {.mean = 5};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct meantime_total into = one, bad = rows[i].total;
        cr_assert_eq(meantime_total_add(&into, &bad), MEANTIME_INVALID, "%s", rows[i].fault);
        cr_assert(equal(&into, &one), "%s", rows[i].fault);
        cr_assert_eq(meantime_total_add(&bad, &one), MEANTIME_INVALID, "%s", rows[i].fault);
        cr_assert_eq(meantime_total_value(&bad), 0, "%s", rows[i].fault);
        cr_assert_eq(meantime_estimate(1, &bad, NULL, &estimate), MEANTIME_INVALID);
        cr_assert_eq(meantime_estimate(1, &one, &bad, &estimate), MEANTIME_INVALID);
        cr_assert_eq(estimate.mean, 5);
    }
}

Test(totals, an_estimate_has_the_mean_and_its_error)
{
    const double y[] = {1, 2, 3, 4};
    struct meantime_total sum, squares;
    struct meantime_estimate estimate;

    total_of(y, 4, &sum, &squares);
    cr_assert_eq(meantime_estimate(4, &sum, &squares, &estimate), MEANTIME_OK);
    cr_assert_eq(estimate.mean, 2.5);
    cr_assert_eq(estimate.variance, 1.25);
    cr_assert_float_eq(estimate.standard_error, sqrt(1.25 / 3), 1e-15);
    cr_assert_float_eq(estimate.high - estimate.mean, 1.959964 * estimate.standard_error, 1e-6);
    cr_assert_float_eq(estimate.mean - estimate.low, 1.959964 * estimate.standard_error, 1e-6);
}

Test(totals, without_squares_there_is_only_a_mean)
{
    const double y[] = {1, 2, 3, 4};
    struct meantime_total sum, squares;
    struct meantime_estimate estimate = {1, 1, 1, 1, 1};

    total_of(y, 4, &sum, &squares);
    cr_assert_eq(meantime_estimate(4, &sum, NULL, &estimate), MEANTIME_OK);
    cr_assert(estimate.mean == 2.5 && estimate.standard_error == 0 && estimate.high == 0);
}

Test(totals, totals_of_no_numbers_have_no_estimate)
{
    const double y[] = {3};
    struct meantime_total sum, squares, none = {0};
    struct meantime_estimate estimate;

    total_of(y, 1, &sum, &squares);
    cr_assert_eq(meantime_estimate(0, &none, &none, &estimate), MEANTIME_INVALID);
    cr_assert_eq(meantime_estimate((UINT64_C(1) << 63) + 1, &sum, &squares, &estimate),
                 MEANTIME_INVALID);
    cr_assert_eq(meantime_estimate(1, &sum, &none, &estimate), MEANTIME_INVALID);
    cr_assert_eq(meantime_estimate(1, &sum, &squares, &estimate), MEANTIME_OK);
    cr_assert(isinf(estimate.standard_error) && estimate.variance == 0);
}
