/* A summand whose terms depend on a static variable. */
#include "one_line.h"

static double calls;

ONE_LINE("static-state", ++calls)
