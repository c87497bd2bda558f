/* Parses the option --kernel. */
#include "sums/kernel_option.h"

const struct kernel *kernel_option(const struct argp_state *state, const char *name)
{
    const struct kernel *kernel = kernel_named(name);
    char names[KERNEL_NAMES_BYTES];

    if (!kernel)
        argp_error(state, "--kernel %s: this machine runs %s", name,
                   kernel_names(names, sizeof names));
    return kernel;
}
