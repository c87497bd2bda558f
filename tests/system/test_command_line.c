/* Command lines: help, misspelt names, options given twice, environment variables, --quiet. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/story.h"

TestSuite(command_line, .fini = story_end);

/* Help must fit on a terminal of 80 columns. */
#define COLUMNS_MAX 80

#define WORDS_MAX 6

/* What a program prints and returns. */
struct output {
    int status;
    const char *out, *err;
};

static struct output run(const char *const *words)
{
    struct process *process = process_start(words);
    int status = process_wait(process);

    return (struct output){status, process_text(process, PROCESS_OUT),
                           process_text(process, PROCESS_ERR)};
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;

    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        size_t size = strcspn(text, "\n");
        longest = size > longest ? size : longest;
    }
    return longest;
}

/* ---- help -------------------------------------------------------------------------------- */

static void expect_same_output(const char *const *words, const char *const *same)
{
    struct output one = run(words), other = run(same);

    cr_assert(one.status == 0 && other.status == 0, "%s", one.err);
    cr_assert_str_eq(one.out, other.out);
    cr_assert_str_eq(one.err, "");
}

Test(command_line, help_has_many_spellings)
{
    expect_same_output(WORDS(MEANTIME, "-h"), WORDS(MEANTIME, "--help"));
    expect_same_output(WORDS(MEANTIME, "-?"), WORDS(MEANTIME, "--help"));
    expect_same_output(WORDS(MEANTIME, "help"), WORDS(MEANTIME, "--help"));
    expect_same_output(WORDS(MEANTIME, "help", "help"), WORDS(MEANTIME, "--help"));
    expect_same_output(WORDS(MEANTIME, "help", "sum"), WORDS(MEANTIME, "sum", "--help"));
    expect_same_output(WORDS(MEANTIME, "-h", "sum"), WORDS(MEANTIME, "sum", "--help"));
    expect_same_output(WORDS(MEANTIME, "sum", "1", "-h"), WORDS(MEANTIME, "sum", "--help"));
    expect_same_output(WORDS(MEANTIME_SERVER, "-h"), WORDS(MEANTIME_SERVER, "--help"));
    expect_same_output(WORDS(MEANTIME_SERVER, "help"), WORDS(MEANTIME_SERVER, "--help"));
}

static void expect_option(const char *command, const char *option, bool expected)
{
    struct output help = run(WORDS(MEANTIME, command, "--help"));

    cr_assert(help.status == 0);
    cr_assert(!!strstr(help.out, option) == expected, "%s %s: %s", command, option, help.out);
}

Test(command_line, the_help_of_a_command_lists_its_options_only)
{
    static const struct {
        const char *command;
        bool slice, checkpoint;
    } rows[] = {
        {"serial", true, false}, {"async", true, false},   {"compare", true, false},
        {"sum", false, true},    {"status", false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_option(rows[i].command, "--connect=", true);
        expect_option(rows[i].command, "--slice=", rows[i].slice);
        expect_option(rows[i].command, "--checkpoint=", rows[i].checkpoint);
    }
}

Test(command_line, help_fits_80_columns)
{
    static const char *const rows[][4] = {
        {MEANTIME, "--help"},          {MEANTIME, "help", "serial"}, {MEANTIME, "help", "async"},
        {MEANTIME, "help", "compare"}, {MEANTIME, "help", "sum"},    {MEANTIME, "help", "status"},
        {MEANTIME, "--usage"},         {MEANTIME, "sum", "--usage"}, {MEANTIME, "--version"},
        {MEANTIME_SERVER, "--help"},   {MEANTIME_SERVER, "--usage"}, {MEANTIME_SERVER, "--version"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct output help = run(rows[i]);
        cr_assert(help.status == 0, "row %zu: %s", i, help.err);
        cr_assert(lines_count(help.out) > 0);
        cr_assert(longest_line(help.out) <= COLUMNS_MAX, "row %zu: %s", i, help.out);
    }
}

/* ---- errors ------------------------------------------------------------------------------ */

struct command_line_error {
    const char *words[WORDS_MAX];
    const char *first_line; /* a pattern */
};

static void expect_errors(const char *program, const struct command_line_error *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *words[WORDS_MAX + 2] = {program};
        memcpy(words + 1, rows[i].words, sizeof rows[i].words);
        struct output error = run(words);
        cr_assert(error.status == 2, "row %zu: exit status %d", i, error.status);
        cr_assert(lines_are(error.err, WORDS(rows[i].first_line, "Try '* --help' *")),
                  "row %zu: %s", i, error.err);
        cr_assert_str_eq(error.out, "");
    }
}

Test(command_line, a_misspelt_name_gets_a_suggestion)
{
    static const struct command_line_error client[] = {
        {{"asnyc"}, "meantime: asnyc: expected *; did you mean async?"},
        {{"Sum", "1"}, "*; did you mean sum?"},
        {{"hlep"}, "*; did you mean help?"},
        {{"help", "statsu"}, "*; did you mean status?"},
        {{"idle"},
         "meantime: idle: expected serial, async, compare, sum, status, new-summand or keys"},
        {{"async", "--timline", "a"},
         "meantime: unknown option --timline; did you mean --timeline?"},
        {{"async", "--sede=1"}, "meantime: unknown option --sede; did you mean --seed?"},
        {{"-json", "async"}, "meantime: unknown option -json; did you mean --json?"},
        {{"async", "--fast"}, "meantime: unknown option --fast"},
        {{"async", "-qx"}, "meantime: unknown option -x in -qx"},
        {{"async", "--ti", "1s"}, "meantime: --ti is ambiguous: --timeout, --timeline"},
        {{"async", "--quiet=1"}, "meantime: --quiet takes no value"},
        {{"async", "-c"}, "meantime: --connect needs a value: ENDPOINT,..."},
    };
    static const struct command_line_error server[] = {
        {{"--span_us", "1"}, "meantime-server: unknown option --span_us; did you mean --span-us?"},
        {{"--thread=1", "--socket=rpe"}, "meantime-server: --socket rpe: expected router or rep"},
        {{"--treads", "1"}, "meantime-server: unknown option --treads; did you mean --threads?"},
        {{"help", "me"}, "meantime-server: unexpected argument: me"},
    };

    expect_errors(MEANTIME, client, sizeof client / sizeof *client);
    expect_errors(MEANTIME_SERVER, server, sizeof server / sizeof *server);
}

Test(command_line, an_option_given_twice_is_an_error)
{
    static const struct command_line_error client[] = {
        {{"sum", "1", "--seed", "1", "--seed=2"}, "meantime: --seed is given twice"},
        {{"sum", "1", "-s1", "--seed=1"}, "meantime: --seed is given twice"},
        {{"sum", "-ctcp://a:1", "1", "-ctcp://b:1"}, "meantime: --connect is given twice"},
        {{"status", "-qq"}, "meantime: --quiet is given twice"},
        {{"async", "--slice", "1ms", "--sli", "1ms"}, "meantime: --slice is given twice"},
    };
    static const struct command_line_error server[] = {
        {{"--bind", "tcp://*:*", "-b", "tcp://*:*"}, "meantime-server: --bind is given twice"},
        {{"-t1", "-t1"}, "meantime-server: --threads is given twice"},
        {{"-j", "tcp://a:1", "--join", "tcp://a:1"},
         "meantime-server: --join tcp://a:1: given twice"},
        {{"-j", "tcp://a:1", "--join", "tcp://b:1", "-k?"},
         "meantime-server: --kernel [?]: this machine runs *"}, /* --join is repeatable */
    };

    expect_errors(MEANTIME, client, sizeof client / sizeof *client);
    expect_errors(MEANTIME_SERVER, server, sizeof server / sizeof *server);
}

/* ---- environment ------------------------------------------------------------------------- */

#define SUM_OF_SEED_0 "-104.0668469302687\n"

/* The programs inherit these variables. */
static void set(const char *const *variables)
{
    for (; *variables; variables += 2)
        setenv(variables[0], variables[1], 1);
}

Test(command_line, variables_stand_for_options)
{
    struct test_server server = server_start(NULL);

    set(WORDS("MEANTIME_CONNECT", server.endpoint, "MEANTIME_SEED", "0", "MEANTIME_QUIET", "yes"));
    cr_assert_str_eq(run(WORDS(MEANTIME, "sum", "65536")).out, SUM_OF_SEED_0);
    server_drain(&server);
}

Test(command_line, the_command_line_takes_precedence_over_variables)
{
    struct test_server server = server_start(NULL);

    set(WORDS("MEANTIME_CONNECT", "tcp://[::1]:1", "MEANTIME_SEED", "nonsense", "MEANTIME_QUIET",
              "0", "MEANTIME_TIMEOUT", ""));
    cr_assert_str_eq(run(WORDS(MEANTIME, "sum", "65536", "-q", "-s0", "-c", server.endpoint)).out,
                     SUM_OF_SEED_0);
    server_drain(&server);
}

Test(command_line, variables_of_other_commands_are_ignored)
{
    struct test_server server = server_start(NULL);

    set(WORDS("MEANTIME_CHECKPOINT", "", "MEANTIME_UNIFORM", "many", "MEANTIME_TRACE", "/no/file",
              "MEANTIME_SEED", "0"));
    struct output sum = run(WORDS(MEANTIME, "sum", "65536", "-q", "-c", server.endpoint));
    cr_assert_str_eq(sum.out, SUM_OF_SEED_0, "%s", sum.err);
    server_drain(&server);
}

Test(command_line, the_server_reads_variables)
{
    set(WORDS("MEANTIME_BIND", "tcp://127.0.0.1:*", "MEANTIME_THREADS", "1"));
    struct process *server = process_start(WORDS(MEANTIME_SERVER));
    process_line(server, PROCESS_OUT, "Listening on tcp://127.0.0.1:* (ROUTER, 1 thread*");
}

Test(command_line, an_error_in_a_variable_names_the_variable)
{
    static const struct {
        const char *program, *variable, *text, *sentence;
    } rows[] = {
        {MEANTIME, "MEANTIME_SEED", "x", "meantime: MEANTIME_SEED=x: expected a number *"},
        {MEANTIME, "MEANTIME_QUIET", "maybe", "meantime: MEANTIME_QUIET=maybe: expected 1 or 0"},
        {MEANTIME, "MEANTIME_CONNECT", "tcp://a:1,tcp://b",
         "meantime: MEANTIME_CONNECT=tcp://b: the port is missing; *"},
        {MEANTIME, "MEANTIME_CONNECT", "plain://a",
         "meantime: MEANTIME_CONNECT plain://a: expected plain://host:port"},
        {MEANTIME, "MEANTIME_GAUSSIAN", "0",
         "meantime: MEANTIME_GAUSSIAN=0: the server cannot sum 0 samples"},
        {MEANTIME_SERVER, "MEANTIME_THREADS", "0",
         "meantime-server: MEANTIME_THREADS 0 without --workers: *"},
        {MEANTIME, "MEANTIME_KERNEL", "fast",
         "meantime: MEANTIME_KERNEL=fast: this machine runs *"},
        {MEANTIME_SERVER, "MEANTIME_THREADS", "two",
         "meantime-server: MEANTIME_THREADS=two: expected a number *"},
        {MEANTIME_SERVER, "MEANTIME_SPAN_US", "0",
         "meantime-server: MEANTIME_SPAN_US=0: expected a number *"},
        {MEANTIME_SERVER, "MEANTIME_JOIN", "tcp://a:1,here",
         "meantime-server: MEANTIME_JOIN=here: expected an endpoint *"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv(rows[i].variable, rows[i].text, 1);
        bool client = rows[i].program[0] && strcmp(rows[i].program, MEANTIME) == 0;
        struct output error = run(WORDS(rows[i].program, client ? "async" : NULL));
        unsetenv(rows[i].variable);
        cr_assert(error.status == 2, "row %zu", i);
        cr_assert(lines_are(error.err, WORDS(rows[i].sentence, "Try *")), "row %zu: %s", i,
                  error.err);
    }
}
