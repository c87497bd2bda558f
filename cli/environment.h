/* The environment variables of the options. */
#ifndef MEANTIME_CLI_ENVIRONMENT_H
#define MEANTIME_CLI_ENVIRONMENT_H

#include <stdbool.h>

/* The start of every variable's name. */
#define VARIABLE_PREFIX    "MEANTIME_"
#define VARIABLE_BYTES_MAX 64

/* Writes the name of the variable of the option --`option` into `variable`: MEANTIME_ and the name
 * of the option in capitals, with _ instead of -. Returns `variable`. */
const char *variable_name(const char *option, char variable[VARIABLE_BYTES_MAX]);

/* The text of the variable of the option --`option`; NULL: the variable is not set, or is empty.
 * The caller may write into the text, because the programs start no other programs. */
char *variable_text(const char *option);

/* Parses the text of a variable whose option has no argument: 1, true, yes and on select the
 * option, 0, false, no and off do not. Returns false for other texts. */
bool variable_switch(const char *text, bool *on);

#endif
