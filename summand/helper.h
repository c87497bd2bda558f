/* The helper process: loads one summand, and sums spans of one request for the server. */
#ifndef MEANTIME_SUMMAND_HELPER_H
#define MEANTIME_SUMMAND_HELPER_H

#include <stdbool.h>

/* True if these are the arguments of a helper process. Call it first in main(), and then
 * helper_main(). */
bool helper_is_wanted(int argc, char **argv);

/* Serves until the server closes its socket. Returns the exit status. */
int helper_main(char **argv);

#endif
