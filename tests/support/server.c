#include "tests/support/server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#define WORDS_MAX 16

struct server server_start(const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {MEANTIME_SERVER, "--bind", "tcp://127.0.0.1:*"};
    size_t count = 3;
    struct server server;

    for (; options && *options && count < WORDS_MAX; options++)
        words[count++] = *options;
    server.process = process_start(words);
    const char *line = process_line(server.process, PROCESS_OUT, "Listening on *");
    int found = sscanf(line, "Listening on %63s (", server.endpoint) +
                sscanf(line, "Listening on tcp://127.0.0.1:%hu (", &server.port);
    cr_assert(found == 2, "%s", line);
    return server;
}

const char *server_drain(struct server *server)
{
    process_signal(server->process, SIGTERM);
    int status = process_wait(server->process);
    cr_assert(status == 0, "the server ended with %d:\n%s", status,
              process_text(server->process, PROCESS_ERR));
    return process_line(server->process, PROCESS_OUT, "Done: *");
}
