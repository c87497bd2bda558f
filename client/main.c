/* The program meantime: parses the command line, connects, and calls a command. */
#include <argp.h>
#include <czmq.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/patient_stream.h"
#include "client/common/exit_status.h"
#include "client/common/interrupt.h"
#include "client/common/shortage.h"
#include "client/keys/keys_command.h"
#include "client/lesson/compare.h"
#include "client/lesson/lesson_command.h"
#include "client/options.h"
#include "client/pictures/pictures.h"
#include "client/starter/new_summand.h"
#include "client/status/status_command.h"
#include "client/sum/sum_command.h"
#include "keys/identity.h"
#include "proto/standard_files.h"

/* What the program opens before a command and closes after it. */
struct program {
    struct client_options options;
    struct request_target target;
    struct pictures pictures;
};

static void print_version(FILE *out, struct argp_state *state)
{
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    fprintf(out, "meantime %s (kernel %s, libzmq %d.%d.%d, czmq %d.%d.%d)\n", MEANTIME_VERSION,
            kernel_best()->name, major, minor, patch, CZMQ_VERSION_MAJOR, CZMQ_VERSION_MINOR,
            CZMQ_VERSION_PATCH);
}

/* ---- opening ----------------------------------------------------------------------------- */

static int open_plain(struct program *program)
{
    const char *endpoint = program->options.plain_endpoint;

    program->target.plain = plain_server_new(endpoint);
    if (program->target.plain)
        return EXIT_SUCCESS;
    fprintf(stderr, "meantime: cannot prepare the connection to %s: %s\n", endpoint,
            strerror(errno));
    return EXIT_FAILURE;
}

/* Returns an exit status. On failure prints a sentence. */
static int open_session(struct program *program)
{
    const struct client_options *options = &program->options;
    const struct endpoints *endpoints = &options->endpoints;
    struct meantime *session = meantime_new();
    int error = MEANTIME_OK;
    size_t i = 0;

    program->target.session = session;
    if (session && options->key_file)
        error = meantime_set_keys(session, options->key_file, options->server_key);
    if (error == MEANTIME_BAD_KEY) {
        fprintf(stderr, "meantime: %s\n", meantime_key_problem(session));
        return EXIT_FAILURE;
    }
    while (session && error == MEANTIME_OK && i < endpoints->count)
        error = meantime_connect(session, endpoints->names[i++]);
    if (session && error == MEANTIME_OK)
        error = meantime_set_patience(session, options->patience_ns);
    if (session && error == MEANTIME_OK)
        return EXIT_SUCCESS;
    if (error == MEANTIME_BAD_ENDPOINT) {
        fprintf(stderr,
                "meantime: cannot connect to %s: %s; an endpoint is such as tcp://host:8197\n",
                endpoints->names[i - 1], zmq_strerror(errno));
        return EXIT_USAGE;
    }
    fprintf(stderr, "meantime: cannot open a session: %s\n", shortage_text(errno));
    return EXIT_FAILURE;
}

/* Returns an exit status. */
static int open_all(struct program *program)
{
    const struct client_options *options = &program->options;
    int exit = EXIT_SUCCESS;

    if (options->mode != MODE_NEW_SUMMAND && options->mode != MODE_KEYS)
        exit = options->plain_endpoint ? open_plain(program) : open_session(program);
    if (exit == EXIT_SUCCESS &&
        !pictures_begin(&program->pictures, options->timeline, options->trace))
        exit = EXIT_FAILURE;
    return exit;
}

/* ---- commands ---------------------------------------------------------------------------- */

static int call_command(struct program *program)
{
    const struct client_options *options = &program->options;
    struct lesson_setting setting = {options, program->target, &program->pictures};

    switch (options->mode) {
    case MODE_SERIAL: return lesson_command_serial(&setting);
    case MODE_ASYNC: return lesson_command_async(&setting);
    case MODE_COMPARE: return compare_command(&setting);
    case MODE_SUM: return sum_command(options, program->target.session);
    case MODE_STATUS: return status_command(options);
    case MODE_NEW_SUMMAND: return new_summand_command(options->new_summand);
    case MODE_KEYS: return keys_command(options);
    }
    return EXIT_USAGE;
}

static bool flush_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    int error = patient_stdout_error();
    fprintf(stderr, "meantime: cannot write the result: %s\n",
            error == EAGAIN ? "its reader does not read" : strerror(error));
    return false;
}

static void close_all(struct program *program)
{
    pictures_clear(&program->pictures);
    meantime_close(&program->target.session);
    plain_server_destroy(&program->target.plain);
    zsys_shutdown();
}

int main(int argc, char **argv)
{
    static struct program program;

    standard_files_open();
    patient_stderr_open();
    patient_stdout_open(interrupted);
    setlocale(LC_CTYPE, "");
    argp_program_version_hook = print_version;
    client_options_parse(&program.options, argc, argv);
    zsys_handler_set(NULL); /* czmq must not catch signals */
    interrupt_catch();
    if (program.options.key_file)
        identity_forbid_dumps();
    int exit = open_all(&program);
    if (exit == EXIT_SUCCESS) {
        exit = call_command(&program);
        if (!pictures_write(&program.pictures))
            exit = exit ? exit : EXIT_FAILURE;
    }
    if (!flush_stdout() && exit == EXIT_SUCCESS)
        exit = interrupted() ? interrupt_exit_status() : EXIT_FAILURE;
    close_all(&program);
    return exit;
}
