/* Parses the option --kernel. */
#include "cli/kernel_option.h"

const struct kernel *kernel_option(const struct command_line *line, const char *name)
{
    const struct kernel *kernel = kernel_named(name);
    char names[KERNEL_NAMES_BYTES];

    if (!kernel)
        command_line_refuse(line, name, "this machine runs %s", kernel_names(names, sizeof names));
    return kernel;
}
