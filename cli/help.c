/* Prints the help of a program or of one of its commands, with argp. */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 4096

/* argp prints negative groups last. */
#define GROUP_HELP (-1)

const struct argp_option help_options[] = {
    {"help", HELP_HELP, 0, 0, "Print this help", GROUP_HELP},
    {"usage", HELP_USAGE, 0, 0, "Print a short list of the options", GROUP_HELP},
    {"version", HELP_VERSION, 0, 0, "Print the version", GROUP_HELP},
    {0},
};

static void exit_after_printing(void) __attribute__((noreturn));

static void exit_after_printing(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        exit(EXIT_SUCCESS);
    fprintf(stderr, "%s: cannot print: %s\n", program_invocation_short_name, strerror(errno));
    exit(EXIT_FAILURE);
}

static bool is_shown(const struct argp_option *option, const struct command *command)
{
    if (!command)
        return true;
    return option->name && (command->groups & GROUP_BIT(option->group));
}

/* Writes the options that the command takes, and help_options, into `rows`. */
static void list_options(const struct program_line *program, const struct command *command,
                         struct argp_option rows[OPTIONS_MAX])
{
    size_t count = 0;

    for (const struct argp_option *option = program->options; option->group; option++)
        if (is_shown(option, command))
            rows[count++] = *option;
    for (const struct argp_option *option = help_options; option->group; option++)
        rows[count++] = *option;
    rows[count] = (struct argp_option){0};
}

/* What stands before the options. */
static void write_head(const struct program_line *program, const struct command *command, FILE *to)
{
    fputs(command ? command->details : program->summary, to);
    if (command || !program->commands)
        return;
    fputs("\n\nCommands:\n", to);
    for (const struct command *each = program->commands; each->name; each++)
        fprintf(to, "  %-14s %s\n", each->name, each->summary);
    fprintf(to, "  %-14s %s\n\nOptions:", "help COMMAND", "print the options of a command");
}

/* What stands after the options. */
static void write_tail(const struct program_line *program, const struct command *command, FILE *to)
{
    if (!command)
        fprintf(to, "%s\n\n", program->details);
    fprintf(to,
            "Each option has an environment variable: MEANTIME_ and the option's name in capitals, "
            "such as %s. The command line takes precedence. See the manual page for more.",
            program->commands ? "MEANTIME_CONNECT" : "MEANTIME_BIND");
}

static void print(const struct program_line *program, const struct command *command, unsigned flags)
{
    struct argp_option rows[OPTIONS_MAX];
    char text[TEXT_BYTES] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    struct argp help = {
        .options = rows,
        .args_doc = command             ? command->usage
                    : program->commands ? "COMMAND"
                                        : NULL,
        .doc = text,
    };

    if (!to)
        abort(); /* out of memory for a few bytes */
    list_options(program, command, rows);
    write_head(program, command, to);
    fputc('\v', to); /* argp puts the options here */
    write_tail(program, command, to);
    fclose(to);
    argp_help(&help, stdout, flags, program_invocation_short_name);
}

void help_print(const struct program_line *program, const struct command *command)
{
    print(program, command, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
    exit_after_printing();
}

void help_print_usage(const struct program_line *program, const struct command *command)
{
    print(program, command, ARGP_HELP_USAGE);
    exit_after_printing();
}

void help_print_version(void)
{
    argp_program_version_hook(stdout, NULL);
    exit_after_printing();
}
