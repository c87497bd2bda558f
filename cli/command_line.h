/* The command line of both programs: reads commands and options, takes options that are not given
 * from the environment, prints help, and explains errors. getopt_long(3) reads the options and
 * argp prints the help. argp does not read them, because argp cannot suggest the right name for a
 * misspelt option, cannot find options that are given twice, and knows no commands.
 *
 *     command_line_read(&line, &program, argc, argv, &my_options);
 *     ... check options that depend on each other; on an error call command_line_fail() ...
 *
 * All functions end the program after an error, with a sentence on stderr and exit status 2. */
#ifndef MEANTIME_CLI_COMMAND_LINE_H
#define MEANTIME_CLI_COMMAND_LINE_H

#include <argp.h>
#include <stdbool.h>

#include "cli/environment.h"

/* Keys of options without a letter are from 256 to this number. */
#define OPTION_KEY_MAX 319

#define OPTIONS_MAX 64

/* Options of this group are accepted by every command. */
#define GROUP_ALL 1

/* The bit of a group in command.groups. */
#define GROUP_BIT(group) (1U << (group))

struct command {
    const char *name;
    const char *usage;   /* what follows in the usage lines; lines are separated by \n */
    const char *summary; /* one line of the list of commands, at most 60 bytes */
    const char *details; /* for the help of this command */
    unsigned groups;     /* GROUP_BIT() of each group whose options the command takes */
};

struct command_line;

struct program_line {
    const struct argp_option *options; /* ends with {0}; a row without name is a heading */
    const struct command *commands;    /* ends with {0}; NULL: the program has no commands */
    const char *summary;               /* what the program does */
    const char *details;               /* printed after the options */
    const char *repeatable;            /* letters of options that may be given several times */

    /* Parses the value of an option, from the command line or from its variable. text: NULL if the
     * option has no argument. */
    void (*option)(struct command_line *line, int key, char *text);

    /* Parses an argument that is no option. The first one is the command, if there are any, and is
     * not passed. */
    void (*argument)(struct command_line *line, char *text);
};

struct command_line {
    const struct program_line *program;
    const struct command *command; /* NULL: the program has no commands */
    void *input;                   /* of command_line_read() */

    /* The rest is private. */
    struct argp_option options[OPTIONS_MAX]; /* without headings, with help_options */
    bool given[OPTION_KEY_MAX + 1];          /* [key]: the option is on the command line */
    bool set[OPTION_KEY_MAX + 1];            /* [key]: the same, or its variable is set */
    const struct argp_option *option;        /* whose value is parsed now */
    bool from_variable;                      /* the value comes from the environment */
};

/* Reads all options and arguments. Prints help or version and exits with 0 if the user asks for it.
 * Strings that are passed to the callbacks live as long as the process. */
void command_line_read(struct command_line *line, const struct program_line *program, int argc,
                       char **argv, void *input);

/* True if the option is on the command line. */
bool command_line_given(const struct command_line *line, int key);

/* True if the option is on the command line or its variable is set. */
bool command_line_has(const struct command_line *line, int key);

/* Writes where the value of an option comes from: "--threads" or "MEANTIME_THREADS". Returns
 * `origin`. */
const char *command_line_origin(const struct command_line *line, int key,
                                char origin[VARIABLE_BYTES_MAX]);

/* Prints "PROGRAM: " and the sentence, and where to find help. Exits with 2. */
void command_line_fail(const struct command_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The same for the value of the option that is parsed now: puts "--OPTION VALUE: " or
 * "VARIABLE=VALUE: " before the sentence. */
void command_line_refuse(const struct command_line *line, const char *value, const char *format,
                         ...) __attribute__((format(printf, 3, 4), noreturn));

#endif
