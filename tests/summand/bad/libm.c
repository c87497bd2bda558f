/* A summand that calls libm's sin() and sqrt(): sin() has other bits without FMA. */
#include <math.h>

#include "one_line.h"

ONE_LINE("libm", sin(n) * sqrt(n))
