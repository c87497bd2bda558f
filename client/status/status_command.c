/* The command status: asks one server after the other and prints each answer. */
#include "client/status/status_command.h"

#include <stdio.h>

#include "client/common/exit_status.h"
#include "client/status/server_status.h"

static bool print_status(const struct client_options *options, const struct identity *identity,
                         const char *endpoint)
{
    struct server_status status;
    bool success = server_status_ask(&status, endpoint, identity, options->question.timeout_ns);

    if (!success) {
        fprintf(stderr, "meantime: %s\n", status.error_text);
        if (options->json)
            server_status_report_error(stdout, &status);
    } else if (options->json)
        server_status_report(stdout, &status);
    else
        server_status_print(stdout, &status);
    server_status_clear(&status);
    return success;
}

static int ask_all(const struct client_options *options, const struct identity *identity)
{
    bool success = true;

    for (size_t i = 0; i < options->endpoints.count && !interrupted(); i++)
        success = print_status(options, identity, options->endpoints.names[i]) && success;
    return exit_status(success);
}

int status_command(const struct client_options *options)
{
    struct key_problem problem;
    struct identity *identity = NULL;

    if (options->key_file)
        identity = identity_load(options->key_file, options->server_key, &problem);
    if (options->key_file && !identity) {
        fprintf(stderr, "meantime: %s\n", problem.text);
        return EXIT_FAILURE;
    }
    int status = ask_all(options, identity);
    identity_destroy(&identity);
    return status;
}
