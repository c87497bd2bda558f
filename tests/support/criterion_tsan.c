/* Makes Criterion run under ThreadSanitizer. Linked only into builds with ThreadSanitizer.
 *
 * Criterion's sandbox maps its arena at a random address from rand_r(): 2^45 + (draw << 24). On
 * x86-64 nearly all of these addresses are ThreadSanitizer's shadow memory, and the runner aborts.
 * This rand_r() draws addresses that ThreadSanitizer leaves to the program. */
#include <stdlib.h>

int rand_r(unsigned *seed)
{
    static int draws;

    ++*seed;
    return 0x367000 + ++draws;
}
