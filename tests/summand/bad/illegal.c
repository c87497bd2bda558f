/* A summand that executes an instruction which no processor has. */
#include "one_line.h"

static double illegal(double value)
{
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile(".inst 0"); /* UDF */
#else
    __builtin_trap();
#endif
    return value;
}

ONE_LINE("illegal", illegal(n))
