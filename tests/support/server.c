/* A meantime-server under test: see server.h. */
#include "tests/support/server.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 16

/* Appends the list `more` to the list `words`, an array of WORDS_MAX + 1 entries. */
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

/* Derives the address from the process id, which has 22 bits. No test gets an address in
 * 127.0.0.0/16, which any program may use. */
const char *server_address(void)
{
    static char address[sizeof "127.255.255.255"];
    unsigned pid = (unsigned)getpid();

    snprintf(address, sizeof address, "127.%u.%u.%u", 1 + (pid >> 16) % 255, pid >> 8 & 255,
             pid & 255);
    return address;
}

const char *server_any_port(void)
{
    static char endpoint[sizeof "tcp://127.255.255.255:*"];

    snprintf(endpoint, sizeof endpoint, "tcp://%s:*", server_address());
    return endpoint;
}

struct test_server server_start_at(const char *endpoint, const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {MEANTIME_SERVER, "--bind", endpoint, NULL};
    struct test_server server = {.port = 0};

    words_add(words, options);
    server.process = process_start(words);
    const char *line = process_line(server.process, PROCESS_OUT, "Listening on *");
    cr_assert(sscanf(line, "Listening on %63s (", server.endpoint) == 1, "%s", line);
    cr_assert(sscanf(strrchr(server.endpoint, ':'), ":%hu", &server.port) == 1, "%s", line);
    return server;
}

struct test_server server_start(const char *const *options)
{
    return server_start_at(server_any_port(), options);
}

static bool words_have(const char *const *words, const char *word)
{
    while (words && *words)
        if (strcmp(*words++, word) == 0)
            return true;
    return false;
}

/* An option may be given once, so the default is left out if the test names the number. */
static void words_add_threads(const char **words, const char *count, const char *const *options)
{
    if (!words_have(options, "--threads"))
        words_add(words, WORDS("--threads", count));
}

struct test_server front_start(const char *workers_endpoint, const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {"--workers", NULL};
    struct test_server front;

    words_add(words, WORDS(workers_endpoint ? workers_endpoint : server_any_port()));
    words_add_threads(words, "0", options);
    words_add(words, options);
    front = server_start(words);
    const char *line = process_line(front.process, PROCESS_OUT, "Workers join at *");
    cr_assert(sscanf(line, "Workers join at %63s", front.workers_endpoint) == 1, "%s", line);
    front.workers_endpoint[strlen(front.workers_endpoint) - 1] =
        '\0'; /* remove the full stop of the sentence */
    return front;
}

struct process *worker_start(const char *workers_endpoint, const char *const *options)
{
    const char *words[WORDS_MAX + 1] = {MEANTIME_SERVER, "--join", NULL};
    struct process *worker;

    words_add(words, WORDS(workers_endpoint));
    words_add_threads(words, "1", options);
    words_add(words, options);
    worker = process_start(words);
    process_line(worker, PROCESS_ERR, "*joined tcp://*");
    return worker;
}

const char *server_drain(struct test_server *server)
{
    process_signal(server->process, SIGTERM);
    int status = process_wait(server->process);
    cr_assert(status == 0, "the exit status of the server is %d:\n%s", status,
              process_text(server->process, PROCESS_ERR));
    return process_line(server->process, PROCESS_OUT, "Done: *");
}
