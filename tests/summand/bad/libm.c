/* A summand that calls libm's exp() and sqrt(): exp() has other bits without FMA. */
#include <math.h>

#include "one_line.h"

ONE_LINE("libm", exp(n / (n + 1000)) + sqrt(n))
