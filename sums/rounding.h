/* The processor's mode of floating-point arithmetic: a sum sets it first and restores it last,
 * because the caller may have changed it. The mode that rounding_set() sets is round to nearest,
 * ties to even, with subnormal numbers and without traps. */
#ifndef MEANTIME_SUMS_ROUNDING_H
#define MEANTIME_SUMS_ROUNDING_H

#if defined(__x86_64__)
#include <stdbool.h>
#include <xmmintrin.h>

typedef unsigned rounding; /* the register MXCSR */
#define ROUNDING_NEAREST 0x1f80
#define ROUNDING_FLAGS   0x3f /* of exceptions that have occurred */

/* Writing the register takes longer than reading it, and nearly every caller has this mode. */
static inline bool rounding_is_nearest(rounding mode)
{
    return (mode & ~(rounding)ROUNDING_FLAGS) == ROUNDING_NEAREST;
}

static inline rounding rounding_set(void)
{
    rounding before = _mm_getcsr();
    if (!rounding_is_nearest(before))
        _mm_setcsr(ROUNDING_NEAREST);
    return before;
}

static inline void rounding_restore(rounding before)
{
    if (!rounding_is_nearest(before))
        _mm_setcsr(before);
}

#elif defined(__aarch64__)
#include <stdint.h>

typedef uint64_t rounding; /* the register FPCR; 0 is round to nearest without traps */

static inline void rounding_restore(rounding before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
}

static inline rounding rounding_set(void)
{
    rounding before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before) : : "memory");
    rounding_restore(0);
    return before;
}

#else
#include <fenv.h>

typedef fenv_t rounding;

static inline rounding rounding_set(void)
{
    rounding before;
    feholdexcept(&before);
    fesetround(FE_TONEAREST);
    return before;
}

static inline void rounding_restore(rounding before)
{
    fesetenv(&before);
}
#endif

#endif
