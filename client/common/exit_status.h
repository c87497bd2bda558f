/* The exit status of the program. */
#ifndef MEANTIME_CLIENT_COMMON_EXIT_STATUS_H
#define MEANTIME_CLIENT_COMMON_EXIT_STATUS_H

#include <stdbool.h>
#include <stdlib.h>

#include "client/common/interrupt.h"

#define EXIT_USAGE 2

/* The status of a command that has ended. A signal has precedence over `success`. */
static inline int exit_status(bool success)
{
    if (interrupted())
        return interrupt_exit_status();
    return success ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
