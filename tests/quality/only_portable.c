/* The table of kernels for the deliberately broken programs. They need only the portable kernel. */
#include <stddef.h>

#include "sums/kernel.h"
#include "sums/kernel_portable.h"

const struct kernel kernels[] = {
    KERNEL(portable),
    {.name = NULL},
};

const struct kernel *kernel_best(void)
{
    return kernels;
}
