/* A summand that calls rand(). */
#include "one_line.h"

ONE_LINE("random", rand())
