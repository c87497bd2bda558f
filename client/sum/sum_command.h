/* The command sum: asks servers for one sum of any length. */
#ifndef MEANTIME_CLIENT_SUM_SUM_COMMAND_H
#define MEANTIME_CLIENT_SUM_SUM_COMMAND_H

#include "client/lib/meantime.h"
#include "client/options.h"

/* Returns the exit status of the program. */
int sum_command(const struct client_options *options, struct meantime *session);

#endif
