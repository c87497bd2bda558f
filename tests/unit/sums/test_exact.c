/* Tests of exact sums: fuzz against a simple big integer, errors, the mode of rounding, and totals.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "sums/exact.h"
#include "sums/ieee.h"
#include "sums/moments.h"
#include "sums/rounding.h"
#include "tests/support/chance.h"

#define NUMBERS_MAX 10000
#define FUZZ_ROUNDS 400
#define COUNT_MAX   (UINT64_C(1) << 63)

/* The reference: digits of 16 bits in units of 2^EXACT_SQUARES_UNIT_LOG2, without carries until
 * reference_total(). */
#define DIGITS (EXACT_SQUARES_WORDS * 4)

struct reference {
    int64_t digit[DIGITS];
};

static void reference_add(struct reference *reference, unsigned __int128 magnitude, int log2,
                          int sign)
{
    unsigned bit = (unsigned)(log2 - EXACT_SQUARES_UNIT_LOG2);
    for (unsigned i = bit / 16, shift = bit % 16; magnitude; i++, shift = 0) {
        reference->digit[i] += sign * (int64_t)((magnitude << shift) & 0xffff);
        magnitude >>= 16 - shift;
    }
}

static void reference_add_double(struct reference *reference, double y, enum exact_form form)
{
    int exponent;
    double fraction = frexp(y, &exponent); /* 0.5 <= |fraction| < 1, or 0 */
    uint64_t magnitude = (uint64_t)ldexp(fabs(fraction), 53);
    if (exponent < -1021) { /* a subnormal number has fewer bits */
        magnitude >>= -1021 - exponent;
        exponent = -1021;
    }
    if (form == EXACT_SUM)
        reference_add(reference, magnitude, exponent - 53, y < 0 ? -1 : 1);
    else
        reference_add(reference, (unsigned __int128)magnitude * magnitude, 2 * (exponent - 53), 1);
}

static struct exact_total reference_total(const struct reference *reference)
{
    struct exact_total total;
    uint64_t word[EXACT_SQUARES_WORDS] = {0};
    int64_t carry = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        carry += reference->digit[i];
        word[i / 4] |= (uint64_t)(carry & 0xffff) << i % 4 * 16;
        carry >>= 16;
    }
    exact_total_set(&total, word, EXACT_SQUARES_WORDS, EXACT_SQUARES_UNIT_LOG2);
    return total;
}

static bool totals_equal(const struct exact_total *a, const struct exact_total *b)
{
    return a->length == b->length && a->unit_log2 == b->unit_log2 &&
           memcmp(a->units, b->units, a->length) == 0;
}

static bool add(struct exact *exact, enum exact_form form, const double *y, size_t n, size_t *bad)
{
    return form == EXACT_SUM ? exact_add(exact, y, n, bad) : exact_add_squares(exact, y, n, bad);
}

static struct exact_total total_of(const struct exact *exact, enum exact_form form)
{
    struct exact_total total;
    if (form == EXACT_SUM)
        exact_sum(exact, &total);
    else
        exact_squares(exact, &total);
    return total;
}

/* Numbers whose exponents lie in a random range, some of them 0 or opposite to the one before. */
static void random_numbers(struct chance *chance, double *y, size_t n)
{
    uint64_t low = chance_below(chance, 2047), range = 1 + chance_below(chance, 2047 - low);
    if (chance_below(chance, 2) && range > 50)
        range = 50;
    for (size_t i = 0; i < n; i++) {
        uint64_t exponent = low + chance_below(chance, range);
        y[i] = bits_double((chance_next(chance) & ~(UINT64_C(2047) << 52)) | exponent << 52);
        if (chance_below(chance, 8) == 0)
            y[i] = i > 0 && chance_below(chance, 2) ? -y[i - 1] : 0.0;
    }
}

static void expect_references_total(struct chance *chance, const struct exact_kernel *kernel,
                                    enum exact_form form)
{
    static double y[NUMBERS_MAX];
    struct reference reference = {{0}};
    struct exact *exact = exact_new_with(kernel), *part = exact_new_with(kernel);
    for (unsigned pieces = 1 + (unsigned)chance_below(chance, 4); pieces > 0; pieces--) {
        size_t n = chance_below(chance, chance_below(chance, 4) ? 300 : NUMBERS_MAX), bad;
        bool in_parts = chance_below(chance, 2);
        random_numbers(chance, y, n);
        for (size_t i = 0; i < n; i++)
            reference_add_double(&reference, y[i], form);
        exact_clear(part);
        cr_assert(add(in_parts ? part : exact, form, y, n, &bad));
        exact_combine(exact, part);
    }
    struct exact_total expected = reference_total(&reference), total = total_of(exact, form);
    cr_expect(totals_equal(&total, &expected), "%s, form %d", kernel->name, form);
    cr_expect(exact_total_valid(&total, form, 4 * NUMBERS_MAX));
    exact_destroy(&part);
    exact_destroy(&exact);
}

Test(exact, every_kernel_gives_the_total_of_a_simple_big_integer)
{
    struct chance chance = chance_init();
    for (const struct exact_kernel *kernel = exact_kernels; kernel->name; kernel++)
        for (int round = 0; round < FUZZ_ROUNDS && kernel->runs_here(); round++)
            expect_references_total(&chance, kernel, round % EXACT_FORMS);
}

Test(exact, a_number_that_is_not_finite_is_found_and_nothing_is_added)
{
    static double y[NUMBERS_MAX];
    static const size_t places[] = {
        0, 1, 63, 64, 70, 4095, 4096, 4097, 8191, 9983, NUMBERS_MAX - 1};
    const double wrong[] = {INFINITY, -INFINITY, NAN};
    struct chance chance = chance_init();
    random_numbers(&chance, y, NUMBERS_MAX);
    for (int form = 0; form < EXACT_FORMS; form++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            struct exact *exact = exact_new();
            size_t at = places[k], bad = SIZE_MAX;
            cr_assert(add(exact, form, y, 100, &bad));
            struct exact_total before = total_of(exact, form);
            double right = y[at];
            y[at] = wrong[k % 3];
            cr_expect(!add(exact, form, y, NUMBERS_MAX, &bad));
            cr_expect(bad == at, "%zu instead of %zu", bad, at);
            y[at] = right;
            struct exact_total after = total_of(exact, form);
            cr_expect(totals_equal(&before, &after));
            exact_destroy(&exact);
        }
}

#if defined(__x86_64__)
#define ROUND_UP_AND_FLUSH (0x1f80 | 0x8040 | 0x4000) /* FTZ, DAZ, towards +infinity */

Test(exact, the_mode_of_rounding_of_the_caller_does_not_matter_and_stays)
{
    static double y[300];
    struct chance chance = chance_init();
    for (int round = 0; round < 100; round++)
        for (int form = 0; form < EXACT_FORMS; form++) {
            struct exact *exact = exact_new(), *other = exact_new();
            size_t bad;
            random_numbers(&chance, y, 300);
            cr_assert(add(exact, form, y, 300, &bad));
            unsigned mode = _mm_getcsr();
            _mm_setcsr(ROUND_UP_AND_FLUSH);
            bool added = add(other, form, y, 300, &bad);
            unsigned after = _mm_getcsr();
            _mm_setcsr(mode);
            struct exact_total expected = total_of(exact, form), total = total_of(other, form);
            cr_expect(added);
            cr_expect(after == ROUND_UP_AND_FLUSH);
            cr_expect(totals_equal(&total, &expected));
            exact_destroy(&other);
            exact_destroy(&exact);
        }
}
#endif

Test(exact, totals_combine_to_the_same_bytes_in_any_order)
{
    static double y[100];
    struct chance chance = chance_init();
    for (int round = 0; round < 200; round++) {
        struct exact_total parts[8], forwards = {0}, backwards = {0};
        for (int i = 0; i < 8; i++) {
            struct exact *exact = exact_new();
            size_t bad;
            random_numbers(&chance, y, 100);
            cr_assert(exact_add(exact, y, chance_below(&chance, 100), &bad));
            parts[i] = total_of(exact, EXACT_SUM);
            exact_destroy(&exact);
        }
        for (int i = 0; i < 8; i++) {
            exact_total_add(&forwards, &parts[i]);
            exact_total_add(&backwards, &parts[7 - i]);
        }
        cr_expect(totals_equal(&forwards, &backwards));
    }
}

/* What a peer may send */

static const struct {
    const char *why;
    struct exact_total total;
    enum exact_form form;
    uint64_t count;
    bool valid;
} totals[] = {
    {"nothing", {0, 0, {0}}, EXACT_SUM, 0, true},
    {"one", {0, 1, {1}}, EXACT_SUM, 1, true},
    {"minus one", {0, 1, {255}}, EXACT_SUM, 1, true},
    {"a negative square", {0, 1, {255}}, EXACT_SQUARES, 1, false},
    {"something of no numbers", {0, 1, {1}}, EXACT_SUM, 0, false},
    {"nothing with a unit", {8, 0, {0}}, EXACT_SUM, 1, false},
    {"a byte 0 below", {0, 2, {0, 1}}, EXACT_SUM, 1, false},
    {"a byte 0 above", {0, 2, {1, 0}}, EXACT_SUM, 1, false},
    {"a byte 0 above 128", {0, 2, {128, 0}}, EXACT_SUM, 1, true},
    {"a byte 255 above 128", {0, 2, {128, 255}}, EXACT_SUM, 1, false},
    {"a byte 255 above 127", {0, 2, {127, 255}}, EXACT_SUM, 1, true},
    {"a unit of 2^1", {1, 1, {1}}, EXACT_SUM, 1, false},
    {"a unit below doubles", {-1088, 1, {1}}, EXACT_SUM, 1, false},
    {"the same of squares", {-1088, 1, {1}}, EXACT_SQUARES, 1, true},
    {"2^1024 of one number",
     {1024, 1, {1}},
     EXACT_SUM,
     1,
     true}, /* the test allows a factor of 2 */
    {"2^1026 of one number", {1024, 1, {4}}, EXACT_SUM, 1, false},
    {"2^1026 of four numbers", {1024, 1, {4}}, EXACT_SUM, 4, true},
    {"2^1088 of all numbers", {1088, 1, {1}}, EXACT_SUM, COUNT_MAX, false},
    {"the lowest unit", {INT32_MIN, 1, {1}}, EXACT_SQUARES, COUNT_MAX, false},
    {"the highest unit", {INT32_MAX - 7, 1, {1}}, EXACT_SQUARES, COUNT_MAX, false},
};

Test(exact, totals_of_peers_are_checked)
{
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        cr_expect(exact_total_valid(&totals[i].total, totals[i].form, totals[i].count) ==
                      totals[i].valid,
                  "%s", totals[i].why);
}

/* Mean and error */

static struct moments moments_of(const double *y, size_t n)
{
    struct exact *exact = exact_new();
    struct moments moments;
    size_t bad;
    cr_assert(exact_add(exact, y, n, &bad));
    cr_assert(exact_add_squares(exact, y, n, &bad));
    struct exact_total sum = total_of(exact, EXACT_SUM), squares = total_of(exact, EXACT_SQUARES);
    cr_assert(moments_init(&moments, n, &sum, &squares));
    exact_destroy(&exact);
    return moments;
}

Test(moments, a_constant_has_no_error)
{
    static const double constants[] = {3.7, 1e300, -1e300, 1e-300, 5e-324, 0.0};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        double y[1000];
        for (size_t k = 0; k < 1000; k++)
            y[k] = constants[i];
        struct moments moments = moments_of(y, 1000);
        cr_expect(moments.mean == constants[i] && moments.variance == 0.0);
        cr_expect(moments.standard_error == 0.0);
    }
}

Test(moments, nothing_cancels)
{
    const double large[] = {1e9, 1e9 + 1}, huge[] = {1e300, -1e300}, tiny[] = {1e-300, -1e-300};
    cr_expect(moments_of(large, 2).variance == 0.25);
    cr_expect(moments_of(large, 2).standard_error == 0.5);
    cr_expect(moments_of(huge, 2).mean == 0.0 && moments_of(huge, 2).standard_error == 1e300);
    cr_expect(moments_of(tiny, 2).mean == 0.0 && moments_of(tiny, 2).standard_error == 1e-300);
}

Test(moments, one_number_says_nothing_about_the_error)
{
    const double one = 3.7;
    struct moments moments = moments_of(&one, 1);
    cr_expect(moments.mean == 3.7 && moments.variance == 0.0 && isinf(moments.standard_error));
}

Test(moments, totals_that_no_numbers_have_are_refused)
{
    const struct exact_total sum = {0, 1, {3}}, squares = {0, 1, {4}};
    struct moments moments;
    cr_expect(!moments_init(&moments, 2, &sum, &squares)); /* 3^2 > 2 * 4 */
    cr_expect(moments_init(&moments, 3, &sum, &squares));
}

Test(moments, the_interval_lies_around_the_mean)
{
    struct interval interval = moments_interval(&(struct moments){10.0, 1.0, 0.5});
    cr_expect(fabs(interval.low - 9.02001800772973) < 1e-12);
    cr_expect(fabs(interval.high - 10.97998199227027) < 1e-12);
}
