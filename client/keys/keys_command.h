/* The command keys: makes, lists, allows, revokes and shows keys in a folder. */
#ifndef MEANTIME_CLIENT_KEYS_KEYS_COMMAND_H
#define MEANTIME_CLIENT_KEYS_KEYS_COMMAND_H

#include "client/options.h"

/* Returns an exit status. On failure prints a sentence on stderr. */
int keys_command(const struct client_options *options);

#endif
