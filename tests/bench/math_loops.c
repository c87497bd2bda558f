/* Loops over the functions of meantime_math.h. LOOPS_NAME is the table's name. */
#include "tests/bench/math_loops.h"

#include <meantime_math.h>

#define LOOP_OF(name) LOOP(name, meantime_##name(x[i]))

LOOP_OF(exp)
LOOP_OF(exp2)
LOOP_OF(expm1)
LOOP_OF(log)
LOOP_OF(log1p)
LOOP_OF(log2)
LOOP_OF(log10)
LOOP(pow, meantime_pow(x[i], y[i]))
LOOP_OF(sqrt)
LOOP_OF(sin)
LOOP_OF(cos)
LOOP_OF(tan)
LOOP_OF(sinpi)
LOOP_OF(cospi)
LOOP_OF(erf)
LOOP_OF(erfc)
LOOP_OF(normal_cdf)
LOOP_OF(normal_quantile)

math_loop *const LOOPS_NAME[LOOPS] = {
    loop_exp,   loop_exp2,  loop_expm1, loop_log,  loop_log1p,      loop_log2,
    loop_log10, loop_pow,   loop_sqrt,  loop_sin,  loop_cos,        loop_tan,
    loop_sinpi, loop_cospi, loop_erf,   loop_erfc, loop_normal_cdf, loop_normal_quantile,
};
