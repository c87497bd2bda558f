#include "tests/support/server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 16

/* words: a list that ends with NULL and has room for WORDS_MAX more. */
static void words_add(const char **words, const char *const *more)
{
    size_t count = 0;

    while (words[count])
        count++;
    for (size_t i = 0; more && more[i]; i++) {
        cr_assert(count < WORDS_MAX);
        words[count++] = more[i];
    }
    words[count] = NULL;
}

struct server server_start(const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {MEANTIME_SERVER, "--bind", "tcp://127.0.0.1:*", NULL};
    struct server server = {.port = 0};

    words_add(words, options);
    server.process = process_start(words);
    const char *line = process_line(server.process, PROCESS_OUT, "Listening on *");
    int found = sscanf(line, "Listening on %63s (", server.endpoint) +
                sscanf(line, "Listening on tcp://127.0.0.1:%hu (", &server.port);
    cr_assert(found == 2, "%s", line);
    return server;
}

struct server front_start(const char *workers_endpoint, const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {"--threads", "0", "--workers", NULL};
    struct server front;

    words_add(words, WORDS(workers_endpoint ? workers_endpoint : "tcp://127.0.0.1:*"));
    words_add(words, options);
    front = server_start(words);
    const char *line = process_line(front.process, PROCESS_OUT, "Workers join at *");
    cr_assert(sscanf(line, "Workers join at %63s", front.workers_endpoint) == 1, "%s", line);
    front.workers_endpoint[strlen(front.workers_endpoint) - 1] = '\0'; /* its full stop */
    return front;
}

struct process *worker_start(const char *workers_endpoint, const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {MEANTIME_SERVER, "--threads", "1", "--join", NULL};
    struct process *worker;

    words_add(words, WORDS(workers_endpoint));
    words_add(words, options);
    worker = process_start(words);
    process_line(worker, PROCESS_ERR, "*joined tcp://*");
    return worker;
}

const char *server_drain(struct server *server)
{
    process_signal(server->process, SIGTERM);
    int status = process_wait(server->process);
    cr_assert(status == 0, "the server ended with %d:\n%s", status,
              process_text(server->process, PROCESS_ERR));
    return process_line(server->process, PROCESS_OUT, "Done: *");
}
