/* The command new-summand: writes a starter file for a function of the user's. */
#ifndef MEANTIME_CLIENT_STARTER_NEW_SUMMAND_H
#define MEANTIME_CLIENT_STARTER_NEW_SUMMAND_H

/* Writes NAME.c in the current folder. Never overwrites a file. name: valid for a summand.
 * Returns the exit status of the program. */
int new_summand_command(const char *name);

#endif
