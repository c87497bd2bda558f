/* Parses and prints counts, durations, seeds and rates. */
#include "cli/quantity.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "proto/bounds.h"

/* Largest exponent that is accepted. It is far beyond any result, and no sum of exponents
 * overflows. */
#define EXPONENT_MAX 9999

/* The number digits * 10^exponent. Trailing zeros are counted in the exponent until another digit
 * follows. So 64 bits hold every number with a whole result, even if it has very many zeros. */
struct decimal {
    uint64_t digits;
    int exponent;
};

struct unit {
    const char *name;
    uint64_t factor; /* the unit is factor * 10^exponent */
    int exponent;
};

static const struct unit count_units[] = {
    {"", 1, 0},  {"k", 1, 3},  {"K", 1, 3},  {"M", 1, 6},
    {"G", 1, 9}, {"T", 1, 12}, {"P", 1, 15}, {NULL, 0, 0},
};

static const struct unit duration_units[] = {
    {"", 1, 0},   {"ns", 1, 0}, {"us", 1, 3},   {"\u00b5s", 1, 3}, {"\u03bcs", 1, 3},
    {"ms", 1, 6}, {"s", 1, 9},  {"min", 6, 10}, {"h", 36, 11},     {NULL, 0, 0},
};

static const struct unit *unit_named(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool decimal_append(struct decimal *number, unsigned digit)
{
    number->exponent++;
    if (digit == 0)
        return true;
    for (; number->exponent > 0; number->exponent--)
        if (__builtin_mul_overflow(number->digits, 10, &number->digits))
            return false;
    return !__builtin_add_overflow(number->digits, digit, &number->digits);
}

/* Returns the number of digits; -1: the number is too large for any result. */
static int read_digits(const char **at, struct decimal *number)
{
    int length = 0;
    for (; is_digit(**at); ++*at, length++)
        if (!decimal_append(number, (unsigned)(**at - '0')))
            return -1;
    return length;
}

static bool read_whole(const char **at, struct decimal *number)
{
    int length = read_digits(at, number);
    char separator = **at;
    bool thousands = separator == ',';
    if (length < 1 || (thousands && length > 3))
        return false;
    while (**at == separator && (separator == '_' || thousands)) {
        ++*at;
        length = read_digits(at, number);
        if (length < 1 || (thousands && length != 3))
            return false;
    }
    return true;
}

static bool read_fraction(const char **at, struct decimal *number)
{
    if (**at != '.')
        return true;
    ++*at;
    int length = read_digits(at, number);
    number->exponent -= length;
    return length > 0;
}

static bool read_exponent(const char **at, struct decimal *number)
{
    if (**at != 'e' && **at != 'E')
        return true;
    ++*at;
    bool negative = **at == '-';
    if (negative || **at == '+')
        ++*at;
    const char *begin = *at;
    int exponent = 0;
    for (; is_digit(**at); ++*at) {
        exponent = exponent * 10 + (**at - '0');
        if (exponent > EXPONENT_MAX)
            return false;
    }
    number->exponent += negative ? -exponent : exponent;
    return *at > begin;
}

/* Computes number * unit. Returns false if the product is not whole or exceeds `limit`. */
static bool decimal_to_whole(const struct decimal *number, const struct unit *unit, uint64_t limit,
                             uint64_t *whole)
{
    uint64_t value;
    int exponent = number->exponent + unit->exponent;
    if (__builtin_mul_overflow(number->digits, unit->factor, &value))
        return false;
    for (; value && exponent > 0; exponent--)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    for (; value && exponent < 0; exponent++, value /= 10)
        if (value % 10)
            return false;
    *whole = value;
    return value <= limit;
}

/* Returns the unit at the end of `text`; NULL: the text is refused. */
static const struct unit *quantity_parse(const char *text, const struct unit *units, uint64_t limit,
                                         uint64_t *whole)
{
    struct decimal number = {0, 0};
    if (!read_whole(&text, &number) || !read_fraction(&text, &number) ||
        !read_exponent(&text, &number))
        return NULL;
    const struct unit *unit = unit_named(units, text);
    return unit && decimal_to_whole(&number, unit, limit, whole) ? unit : NULL;
}

bool count_parse(const char *text, uint64_t *count)
{
    uint64_t whole;
    if (!quantity_parse(text, count_units, SAMPLE_END_MAX, &whole))
        return false;
    *count = whole;
    return true;
}

bool duration_parse(const char *text, int64_t *ns)
{
    uint64_t whole;
    const struct unit *unit = quantity_parse(text, duration_units, DURATION_NS_MAX, &whole);
    if (!unit || (unit->name[0] == '\0' && whole != 0))
        return false;
    *ns = (int64_t)whole;
    return true;
}

/* Returns 16 if `c` is not a digit. */
static unsigned digit_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = strchr(digits, c);
    return found && c ? (unsigned)(found - digits) % 16 : 16;
}

bool seed_parse(const char *text, uint64_t *seed)
{
    bool hexadecimal = strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0;
    unsigned base = hexadecimal ? 16 : 10;
    const char *at = hexadecimal ? text + 2 : text;
    uint64_t value = 0;
    if (*at == '\0')
        return false;
    for (; *at; at++) {
        unsigned digit = digit_value(*at);
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *seed = value;
    return true;
}

char *count_print(uint64_t count, char *text)
{
    char backwards[COUNT_TEXT_BYTES];
    int length = 0;
    for (int digits = 0; digits == 0 || count; digits++, count /= 10) {
        if (digits && digits % 3 == 0)
            backwards[length++] = ',';
        backwards[length++] = (char)('0' + count % 10);
    }
    for (int i = 0; i < length; i++)
        text[i] = backwards[length - 1 - i];
    text[length] = '\0';
    return text;
}

/* ---- rounded ----------------------------------------------------------------------------- */

struct rough_unit {
    const char *name;
    double worth; /* the size of the unit, in base units */
    double limit; /* values below this limit, in units, are printed in this unit */
};

static const struct rough_unit rate_units[] = {
    {"/s", 1, 999.5},    {"k/s", 1e3, 999.5},  {"M/s", 1e6, 999.5},
    {"G/s", 1e9, 999.5}, {"T/s", 1e12, 999.5}, {NULL, 0, 0},
};

static const struct rough_unit time_units[] = {
    {"s", 1, 99.5}, {"min", 60, 99.5}, {"h", 3600, 47.5}, {"days", 86400, 9999.5}, {NULL, 0, 0},
};

/* Prints two digits; all digits of a whole number above 99. */
static char *rough_print(const struct rough_unit *unit, double value, char *text)
{
    while (unit->name && !(value / unit->worth < unit->limit))
        unit++;
    if (!unit->name)
        return strcpy(text, "?");
    value /= unit->worth;
    snprintf(text, ROUGH_TEXT_BYTES, "%.*f %s", value < 9.95 ? 1 : 0, value, unit->name);
    return text;
}

char *rate_print(double rate, char *text)
{
    return rough_print(rate_units, rate, text);
}

char *time_print(double time_s, char *text)
{
    return rough_print(time_units, time_s, text);
}
