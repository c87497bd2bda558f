/* Measures the status of a server whose log goes to a paused terminal, beside a server whose log
 * goes to a terminal that is read. Meanwhile workers join and leave both servers, and clients send
 * bad messages, so that log lines are due all the time. */
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"
#include "tests/bench/pool/roles.h"

#define TRIPS      2500
#define COMMANDS   300
#define PATH_BYTES 256
#define PAUSE_US   1000  /* between two measurements of one server */
#define VISIT_US   10000 /* between two workers that join: 100 join and 100 leave per second */
#define WARM_UP_NS (3 * NS_PER_S) /* after it the log of the paused terminal is full */

enum reader { READ, PAUSED, READERS };

static const char *const reader_names[READERS] = {"read", "paused"};

struct subject {
    int terminal; /* the side that shows the lines */
    pthread_t reader;
    struct bench_server server;
    struct child visitor; /* causes the log lines */
    void *client;
};

/* ---- the role visit ---------------------------------------------------------------------- */

/* Joins and disconnects, and sends a bad message, on and on. */
int log_visit(char **arguments)
{
    void *context = zmq_ctx_new();
    void *client = bench_peer_new(context, arguments[1]);

    for (;;) {
        void *worker = bench_peer_new(context, arguments[2]);
        bench_peer_join(worker, 1);
        zmq_close(worker);
        zmq_send(client, "bad", strlen("bad"), ZMQ_DONTWAIT);
        usleep(VISIT_US);
    }
}

/* ---- servers with terminals -------------------------------------------------------------- */

static void *read_terminal(void *argument)
{
    const struct subject *subject = argument;
    char bytes[4096];

    while (read(subject->terminal, bytes, sizeof bytes) > 0)
        continue;
    return NULL;
}

/* A pause with tcflow() is that of Ctrl-S. */
static void subject_start(struct subject *subject, const struct bench *bench, enum reader reader)
{
    const char *options[] = {"--threads", "1",          "--bind", ENDPOINT_ANY,
                             "--workers", ENDPOINT_ANY, NULL};
    int line;

    if (openpty(&subject->terminal, &line, NULL, NULL, NULL) == -1)
        bench_fail("openpty");
    fcntl(subject->terminal, F_SETFD, FD_CLOEXEC);
    children_stderr(line);
    bench_server_start(&subject->server, bench->server, options);
    children_stderr(-1);
    if (reader == PAUSED)
        tcflow(line, TCOOFF);
    else
        pthread_create(&subject->reader, NULL, read_terminal, subject);
    close(line);
    child_start_role(&subject->visitor, "visit", subject->server.clients, subject->server.workers);
    subject->client = bench_peer_new(bench->context, subject->server.clients);
}

/* The read of a terminal ends when the last process that has it open ends. */
static void subject_end(struct subject *subject, enum reader reader)
{
    zmq_close(subject->client);
    child_end(&subject->visitor);
    child_end(&subject->server.child);
    if (reader == READ)
        pthread_join(subject->reader, NULL);
    close(subject->terminal);
}

/* ---- measurements ------------------------------------------------------------------------ */

static double trip_ms(struct subject *subject)
{
    static struct status_reply status;
    int64_t began_at_ns = bench_now_ns();

    bench_peer_status(subject->client, &status);
    return ns_to_ms(bench_now_ns() - began_at_ns);
}

static double program_ms(const char *const *arguments)
{
    struct child program;
    int64_t began_at_ns = bench_now_ns();

    child_start(&program, arguments);
    while (getc(program.from) != EOF)
        continue;
    int64_t ns = bench_now_ns() - began_at_ns;
    child_end(&program);
    return ns_to_ms(ns);
}

static const char *program_path(const struct bench *bench)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof path, "%.*s", (int)(strlen(bench->server) - strlen("-server")),
             bench->server);
    return path;
}

static double command_ms(const struct bench *bench, struct subject *subject)
{
    const char *arguments[] = {program_path(bench), "status", "--connect", subject->server.clients,
                               NULL};

    return program_ms(arguments);
}

static double start_ms(const struct bench *bench)
{
    const char *arguments[] = {program_path(bench), "--version", NULL};

    return program_ms(arguments);
}

static void print_ratio(const struct figures figures[READERS])
{
    struct figures ratio = {.count = 0};

    figures_add(&ratio,
                figures_quantile(&figures[PAUSED], 0.99) / figures_quantile(&figures[READ], 0.99));
    figures_print("  99 % of paused / 99 % of read", "", &ratio, NULL);
}

static void print_both(const char *of, const struct figures figures[READERS],
                       const struct wanted *wanted)
{
    char what[128];

    for (int reader = 0; reader < READERS; reader++) {
        snprintf(what, sizeof what, "%s, log terminal is %s", of, reader_names[reader]);
        figures_print(what, "ms", &figures[reader], reader == PAUSED ? wanted : NULL);
    }
    print_ratio(figures);
}

static void measure_trips(struct subject subjects[READERS])
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.99, 5};
    static struct figures trips[READERS];

    for (int i = 0; i < TRIPS; i++)
        for (int reader = 0; reader < READERS; reader++) {
            usleep(PAUSE_US);
            figures_add(&trips[reader], trip_ms(&subjects[reader]));
        }
    print_both("status, open connection", trips, &wanted);
}

static void measure_commands(const struct bench *bench, struct subject subjects[READERS])
{
    static struct figures commands[READERS], starts;

    for (int i = 0; i < COMMANDS; i++) {
        figures_add(&starts, start_ms(bench));
        for (int reader = 0; reader < READERS; reader++)
            figures_add(&commands[reader], command_ms(bench, &subjects[reader]));
    }
    print_both("meantime status", commands, NULL);
    figures_print("  start of meantime alone: meantime --version", "ms", &starts, NULL);
}

void part_log(const struct bench *bench)
{
    static struct subject subjects[READERS];

    for (enum reader reader = 0; reader < READERS; reader++)
        subject_start(&subjects[reader], bench, reader);
    usleep(WARM_UP_NS / NS_PER_US);
    measure_trips(subjects);
    measure_commands(bench, subjects);
    for (enum reader reader = 0; reader < READERS; reader++)
        subject_end(&subjects[reader], reader);
}
