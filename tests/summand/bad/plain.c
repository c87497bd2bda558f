/* A summand without a fault. One test links it with -ffast-math. */
#include "one_line.h"

ONE_LINE("plain", 1 / (n + 1))
