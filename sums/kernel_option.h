/* Parses the option --kernel of both programs. */
#ifndef MEANTIME_SUMS_KERNEL_OPTION_H
#define MEANTIME_SUMS_KERNEL_OPTION_H

#include <argp.h>

#include "sums/kernel.h"

/* Returns the kernel with this name. If this machine cannot run it, prints the names of the kernels
 * that it can run, and ends the program as argp_error() does. */
const struct kernel *kernel_option(const struct argp_state *state, const char *name);

#endif
