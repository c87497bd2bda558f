/* The functions of meantime_math.h in loops over arrays, compiled for several levels of
 * instructions, and the C library's functions in the same loops. */
#ifndef MEANTIME_BENCH_MATH_LOOPS_H
#define MEANTIME_BENCH_MATH_LOOPS_H

/* The numbers of one call. */
#define LOOP_NUMBERS 1024

typedef void math_loop(const double *restrict x, const double *restrict y, double *restrict out);

/* In the order of the table in math.c. NULL: the C library has no such function. */
#define LOOPS 18

extern math_loop *const loops_libm[LOOPS];
extern math_loop *const loops_default[LOOPS]; /* the level of the compiler's default */
extern math_loop *const loops_v3[LOOPS];      /* x86-64-v3: AVX2 */
extern math_loop *const loops_v4[LOOPS];      /* x86-64-v4: AVX-512 */

/* A loop over the numbers of x and y. */
#define LOOP(name, value)                                                                          \
    static void loop_##name(const double *restrict x, const double *restrict y,                    \
                            double *restrict out)                                                  \
    {                                                                                              \
        (void)y;                                                                                   \
        for (int i = 0; i < LOOP_NUMBERS; i++)                                                     \
            out[i] = value;                                                                        \
    }

#endif
