/* Parses decimal numbers that programs write. */
#include "client/common/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define SPACES " \t\r\n"

/* Each skip_ function moves `at` behind the text that its name describes. Returns false if that
 * text is missing. */
static bool skip_digits(const char **at)
{
    size_t count = strspn(*at, DIGITS);

    *at += count;
    return count > 0;
}

static bool skip_one_of(const char **at, const char *set)
{
    bool found = **at && strchr(set, **at);

    *at += found;
    return found;
}

static bool skip_number(const char **at)
{
    skip_one_of(at, "+-");
    bool digits = skip_digits(at);
    if (skip_one_of(at, "."))
        digits = skip_digits(at) || digits;
    if (!digits || !skip_one_of(at, "eE"))
        return digits;
    skip_one_of(at, "+-");
    return skip_digits(at);
}

/* strtod() alone would accept "nan", "0x1p3" and text after a number. The program sets no locale
 * with another decimal point. */
bool number_parse(const char *text, size_t size, double *number)
{
    char copy[NUMBER_BYTES_MAX + 1];

    if (size > NUMBER_BYTES_MAX || memchr(text, '\0', size))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    const char *begin = copy + strspn(copy, SPACES), *end = begin;
    if (!skip_number(&end) || end[strspn(end, SPACES)] != '\0')
        return false;
    double value = strtod(begin, NULL);
    if (!isfinite(value))
        return false;
    *number = value;
    return true;
}
