/* The processor's mode of floating-point arithmetic, while functions of users run: round to
 * nearest, ties to even, with subnormal numbers and without traps. */
#ifndef MEANTIME_SUMMAND_FP_MODE_H
#define MEANTIME_SUMMAND_FP_MODE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

#define FP_MODE_NAME    "MXCSR or the x87 control word"
#define FP_MXCSR        0x1f80
#define FP_MXCSR_FLAGS  0x3f /* exceptions that have occurred: no part of the mode */
#define FP_X87_CONTROL  0x37f
#define FP_X87_CONTROLS 0x0f3f /* the bits that have a meaning */

static inline uint16_t fp_x87_control(void)
{
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

/* True if the mode is the right one. 2 ns. */
static inline bool fp_mode_is_standard(void)
{
    return (_mm_getcsr() & ~(unsigned)FP_MXCSR_FLAGS) == FP_MXCSR &&
           (fp_x87_control() & FP_X87_CONTROLS) == (FP_X87_CONTROL & FP_X87_CONTROLS);
}

static inline void fp_mode_set(void)
{
    uint16_t control = FP_X87_CONTROL;
    if (fp_mode_is_standard())
        return;
    _mm_setcsr(FP_MXCSR);
    __asm__ volatile("fldcw %0" : : "m"(control));
}

#elif defined(__aarch64__)
#define FP_MODE_NAME "FPCR"

static inline bool fp_mode_is_standard(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory");
    return mode == 0;
}

static inline void fp_mode_set(void)
{
    if (!fp_mode_is_standard())
        __asm__ volatile("msr fpcr, %0" : : "r"(UINT64_C(0)) : "memory");
}

#else
#include <fenv.h>

#define FP_MODE_NAME "the mode of rounding"

static inline bool fp_mode_is_standard(void)
{
    return fegetround() == FE_TONEAREST;
}

static inline void fp_mode_set(void)
{
    fesetenv(FE_DFL_ENV);
}
#endif

#endif
