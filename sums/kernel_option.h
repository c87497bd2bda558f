/* The option --kernel, which both programs have. */
#ifndef MEANTIME_SUMS_KERNEL_OPTION_H
#define MEANTIME_SUMS_KERNEL_OPTION_H

#include <argp.h>

#include "sums/kernel.h"

/* The kernel of that name. If this machine cannot run it, prints the names of those that it runs
 * and ends the program as argp_error() does. */
const struct kernel *kernel_option(const struct argp_state *state, const char *name);

#endif
