/* Prints the help of a program or of one of its commands. */
#ifndef MEANTIME_CLI_HELP_H
#define MEANTIME_CLI_HELP_H

#include "cli/command_line.h"

/* The options that every program has: help, usage and version. Ends with {0}. */
extern const struct argp_option help_options[];

/* Keys of help_options. */
enum {
    HELP_HELP = 'h',
    HELP_VERSION = 'V',
    HELP_USAGE = OPTION_KEY_MAX,
};

/* command: NULL: the whole program. Prints to stdout and exits: with 0, or with 1 if stdout
 * failed. */
void help_print(const struct program_line *program, const struct command *command)
    __attribute__((noreturn));

void help_print_usage(const struct program_line *program, const struct command *command)
    __attribute__((noreturn));

/* Calls argp_program_version_hook. */
void help_print_version(void) __attribute__((noreturn));

#endif
