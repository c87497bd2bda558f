/* Criterion's sandbox maps its arena at an address that it draws with rand_r(): 2^45 + (draw <<
 * 24). Nearly all of that is ThreadSanitizer's shadow memory on x86-64, and the runner aborts.
 * These draws land in what ThreadSanitizer leaves to the program. Linked into its builds alone. */
#include <stdlib.h>

int rand_r(unsigned *seed)
{
    static int draws;

    ++*seed;
    return 0x367000 + ++draws;
}
