/* The command status: asks one server after the other and prints each answer. */
#include "client/status/status_command.h"

#include <stdio.h>

#include "client/common/exit_status.h"
#include "client/status/server_status.h"

static bool print_status(const struct client_options *options, const char *endpoint)
{
    struct server_status status;
    bool success = server_status_ask(&status, endpoint, options->question.timeout_ns);

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

int status_command(const struct client_options *options)
{
    bool success = true;

    for (size_t i = 0; i < options->endpoints.count && !interrupted(); i++)
        success = print_status(options, options->endpoints.names[i]) && success;
    return exit_status(success);
}
