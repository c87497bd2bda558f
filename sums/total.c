/* Combines exact totals, and converts them to doubles and to text. */
#include "sums/total.h"

#include <assert.h>
#include <string.h>

#include "sums/ieee.h"

void total_add(struct total *into, const struct total *part)
{
    into->units += part->units;
    into->count += part->count;
}

/* The conversion of an integer rounds to nearest, ties to even. The product with a power of two is
 * exact, because 2^-200 is far above the subnormal numbers. */
double total_value(__int128 units, int unit_log2)
{
    assert(unit_log2 >= -200 && unit_log2 <= 0);
    return (double)units * power_of_two(unit_log2);
}

/* Writes the digits of a magnitude, so that the last digit is before `end`. Returns the first. */
static char *print_digits(unsigned __int128 magnitude, char *end)
{
    do {
        *--end = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude);
    return end;
}

char *units_print(__int128 units, char *text)
{
    char digits[UNITS_TEXT_BYTES];
    char *end = digits + sizeof digits;
    unsigned __int128 magnitude = (unsigned __int128)units;
    if (units < 0)
        magnitude = -magnitude;
    *--end = '\0';
    end = print_digits(magnitude, end);
    if (units < 0)
        *--end = '-';
    return memcpy(text, end, (size_t)(digits + sizeof digits - end));
}
