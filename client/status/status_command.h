/* The command status: prints the state of each server that --connect names. */
#ifndef MEANTIME_CLIENT_STATUS_STATUS_COMMAND_H
#define MEANTIME_CLIENT_STATUS_STATUS_COMMAND_H

#include "client/options.h"

/* Returns the exit status of the program. */
int status_command(const struct client_options *options);

#endif
