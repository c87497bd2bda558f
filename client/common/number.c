#include "client/common/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define SPACES " \t\r\n"

/* Each of these passes over what it is named for, and tells whether there was any. */
static bool pass_digits(const char **at)
{
    size_t count = strspn(*at, DIGITS);

    *at += count;
    return count > 0;
}

static bool pass_one_of(const char **at, const char *set)
{
    bool there = **at && strchr(set, **at);

    *at += there;
    return there;
}

static bool pass_number(const char **at)
{
    pass_one_of(at, "+-");
    bool digits = pass_digits(at);
    if (pass_one_of(at, "."))
        digits = pass_digits(at) || digits;
    if (!digits || !pass_one_of(at, "eE"))
        return digits;
    pass_one_of(at, "+-");
    return pass_digits(at);
}

/* strtod() alone would take "nan", "0x1p3" and what follows a number. The program sets no locale in
 * which the point is another character. */
bool number_parse(const char *text, size_t size, double *number)
{
    char copy[NUMBER_BYTES_MAX + 1];

    if (size > NUMBER_BYTES_MAX || memchr(text, '\0', size))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    const char *begin = copy + strspn(copy, SPACES), *end = begin;
    if (!pass_number(&end) || end[strspn(end, SPACES)] != '\0')
        return false;
    double value = strtod(begin, NULL);
    if (!isfinite(value))
        return false;
    *number = value;
    return true;
}
