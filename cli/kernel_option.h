/* Parses the option --kernel of both programs. */
#ifndef MEANTIME_CLI_KERNEL_OPTION_H
#define MEANTIME_CLI_KERNEL_OPTION_H

#include "cli/command_line.h"
#include "sums/kernel.h"

/* Returns the kernel with this name. If this machine cannot run it, prints the names of the kernels
 * that it can run, and ends the program as command_line_refuse() does. */
const struct kernel *kernel_option(const struct command_line *line, const char *name);

#endif
