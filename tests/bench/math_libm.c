/* Loops over the functions of the C library. */
#include <math.h>
#include <stddef.h>

#include "tests/bench/math_loops.h"

#define LOOP_OF(name) LOOP(name, name(x[i]))

LOOP_OF(exp)
LOOP_OF(exp2)
LOOP_OF(expm1)
LOOP_OF(log)
LOOP_OF(log1p)
LOOP_OF(log2)
LOOP_OF(log10)
LOOP(pow, pow(x[i], y[i]))
LOOP_OF(sqrt)
LOOP_OF(sin)
LOOP_OF(cos)
LOOP_OF(tan)
LOOP(sinpi, sin(M_PI *x[i]))
LOOP(cospi, cos(M_PI *x[i]))
LOOP_OF(erf)
LOOP_OF(erfc)
LOOP(normal_cdf, 0.5 * erfc(-M_SQRT1_2 * x[i]))

math_loop *const loops_libm[LOOPS] = {
    loop_exp,   loop_exp2,  loop_expm1, loop_log,  loop_log1p,      loop_log2,
    loop_log10, loop_pow,   loop_sqrt,  loop_sin,  loop_cos,        loop_tan,
    loop_sinpi, loop_cospi, loop_erf,   loop_erfc, loop_normal_cdf, NULL,
};
