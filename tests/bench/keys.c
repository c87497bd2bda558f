/* Measures what keys cost: a round trip, 64 requests in flight, and a new connection until its
 * first answer, each with and without CURVE, for a server and for a bare libzmq echo of the same
 * bytes. The four take turns, so that their ratios hold on a busy machine as well. Usage:
 * bench_keys PATH-OF-meantime-server [ROUNDS] */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "keys/identity.h"
#include "keys/key_folder.h"
#include "proto/message.h"
#include "tests/bench/clock.h"
#include "tests/bench/rounds.h"

#define ENDPOINT_ANY   "tcp://127.0.0.1:*"
#define ENDPOINT_BYTES 128

/* Of one round. */
#define TRIPS       200
#define DISPATCHES  4000
#define IN_FLIGHT   64
#define CONNECTIONS 20

enum { BARE, BARE_KEYS, OURS, OURS_KEYS, TARGETS };

extern char **environ;

struct target {
    pid_t pid;
    char endpoint[ENDPOINT_BYTES];
    const struct identity *identity; /* of the client; NULL: no keys */
    void *dealer;
};

static char folder[] = "/tmp/meantime-bench-XXXXXX";
static void *context;

/* ---- keys -------------------------------------------------------------------------------- */

static void write_key(const char *name, enum key_role role, const char *part)
{
    struct certificate certificate = {.role = role};
    struct key_problem problem;
    char path[PATH_MAX];

    snprintf(certificate.name, sizeof certificate.name, "%s", name);
    if (!key_pair_new(&certificate, &problem) ||
        !key_folder_path(folder, "", name, KEY_SECRET_SUFFIX, path, &problem) ||
        !key_file_write(path, &certificate, true, &problem) ||
        !key_folder_path(folder, part, name, "", path, &problem) ||
        !key_file_write(path, &certificate, false, &problem))
        die(problem.text);
}

static struct identity *load(const char *name, const char *server)
{
    struct key_problem problem;
    struct identity *identity = identity_load(name, server, &problem);

    if (!identity)
        die(problem.text);
    return identity;
}

static void write_keys(void)
{
    if (!mkdtemp(folder) || chdir(folder) == -1 || mkdir(KEY_FOLDER_ALLOWED, 0700) == -1)
        die(folder);
    write_key(KEY_NAME_SERVER, KEY_ROLE_NONE, "");
    write_key("client", KEY_ROLE_CLIENT, KEY_FOLDER_ALLOWED);
}

/* ---- servers ----------------------------------------------------------------------------- */

static void echo(int out, bool keys)
{
    char endpoint[ENDPOINT_BYTES];
    size_t size = sizeof endpoint;
    void *router = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
    zmq_msg_t frame;

    if (keys && !identity_secure_server(load(KEY_NAME_SERVER, NULL), router))
        die("CURVE");
    if (zmq_bind(router, ENDPOINT_ANY) == -1 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size) == -1 ||
        write(out, endpoint, sizeof endpoint) != sizeof endpoint)
        die("the echo");
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, router, 0) != -1)
        zmq_msg_send(&frame, router, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0);
}

/* Call it before the first context is created. */
static void echo_start(struct target *target, bool keys)
{
    int ends[2];

    if (pipe(ends) == -1)
        die("pipe");
    target->pid = fork();
    if (target->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        echo(ends[1], keys);
        _exit(EXIT_FAILURE);
    }
    if (target->pid == -1 || read(ends[0], target->endpoint, ENDPOINT_BYTES) != ENDPOINT_BYTES)
        die("cannot start the echo");
}

static void server_start(struct target *target, const char *program, bool keys)
{
    const char *words[] = {program, "--bind", ENDPOINT_ANY, "--threads",
                           "1",     "--keys", folder,       NULL};
    posix_spawn_file_actions_t actions;
    char line[ENDPOINT_BYTES + 64];
    int ends[2];

    if (!keys)
        words[5] = NULL;
    if (pipe(ends) == -1)
        die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (posix_spawn(&target->pid, program, &actions, NULL, (char **)words, environ) != 0)
        die(program);
    FILE *out = fdopen(ends[0], "r");
    if (!fgets(line, sizeof line, out) || sscanf(line, "Listening on %127s", target->endpoint) != 1)
        die("the server does not listen");
}

/* ---- measuring --------------------------------------------------------------------------- */

static void *dealer_to(const struct target *target)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);

    zmq_setsockopt(dealer, ZMQ_LINGER, &(int){0}, sizeof(int));
    if ((target->identity && !identity_secure_client(target->identity, dealer)) ||
        zmq_connect(dealer, target->endpoint) == -1)
        die(target->endpoint);
    return dealer;
}

static void ask(void *dealer)
{
    static uint64_t id;
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = 1 + id++ % (2 * IN_FLIGHT),
                        .seed = 1,
                        .kind = MESSAGE_KIND_GAUSSIAN,
                        .count = 1},
    };

    zmq_send(dealer, bytes, message_encode(&message, bytes), 0);
}

static void take(void *dealer)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    if (zmq_recv(dealer, bytes, sizeof bytes, 0) == -1)
        die("no answer");
}

static double trip_us(const struct target *target)
{
    double began_us = now_us();

    for (int i = 0; i < TRIPS; i++) {
        ask(target->dealer);
        take(target->dealer);
    }
    return (now_us() - began_us) / TRIPS;
}

static double dispatch_us(const struct target *target)
{
    double began_us = now_us();

    for (int i = 0; i < DISPATCHES + IN_FLIGHT; i++) {
        if (i >= IN_FLIGHT)
            take(target->dealer);
        if (i < DISPATCHES)
            ask(target->dealer);
    }
    return (now_us() - began_us) / DISPATCHES;
}

static double connection_us(const struct target *target)
{
    double began_us = now_us();

    for (int i = 0; i < CONNECTIONS; i++) {
        void *dealer = dealer_to(target);
        ask(dealer);
        take(dealer);
        zmq_close(dealer);
    }
    return (now_us() - began_us) / CONNECTIONS;
}

static const struct {
    const char *name;
    double (*us)(const struct target *target);
} figures[] = {
    {"round trip", trip_us},
    {"64 requests in flight, each", dispatch_us},
    {"new connection to first answer", connection_us},
};

/* Each round begins with another target. The ratio is taken round by round. */
static void measure(size_t figure, const struct target targets[TARGETS], int rounds)
{
    static double us[TARGETS][ROUNDS_MAX], ratios[ROUNDS_MAX];

    for (int round = 0; round < rounds; round++) {
        for (int turn = 0; turn < TARGETS; turn++) {
            int i = (turn + round) % TARGETS;
            us[i][round] = figures[figure].us(&targets[i]);
        }
        ratios[round] =
            us[OURS_KEYS][round] / us[OURS][round] / (us[BARE_KEYS][round] / us[BARE][round]);
    }
    double medians[TARGETS];
    for (int i = 0; i < TARGETS; i++)
        medians[i] = median(us[i], rounds);
    printf("%-32s %8.1f %8.1f %6.2f   %8.1f %8.1f %6.2f   %6.2f\n", figures[figure].name,
           medians[BARE], medians[BARE_KEYS], medians[BARE_KEYS] / medians[BARE], medians[OURS],
           medians[OURS_KEYS], medians[OURS_KEYS] / medians[OURS], median(ratios, rounds));
}

static void end(struct target *target)
{
    zmq_close(target->dealer);
    kill(target->pid, SIGKILL);
    waitpid(target->pid, NULL, 0);
}

static void remove_keys(void)
{
    char command[sizeof folder + 16];

    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        die(command);
}

int main(int argc, char **argv)
{
    static struct target targets[TARGETS];

    if (argc < 2) {
        fprintf(stderr, "usage: bench_keys PATH-OF-meantime-server [ROUNDS]\n");
        return 2;
    }
    char *program = realpath(argv[1], NULL);
    int rounds = rounds_of(argc - 1, argv + 1);
    if (!program)
        die(argv[1]);
    write_keys();
    echo_start(&targets[BARE], false);
    echo_start(&targets[BARE_KEYS], true);
    server_start(&targets[OURS], program, false);
    server_start(&targets[OURS_KEYS], program, true);
    targets[BARE_KEYS].identity = targets[OURS_KEYS].identity = load("client_secret", "server");
    context = zmq_ctx_new();
    for (int i = 0; i < TARGETS; i++) {
        targets[i].dealer = dealer_to(&targets[i]);
        trip_us(&targets[i]); /* the caches are warm from now on */
    }
    printf("Microseconds, medians of %d rounds. The last column, (meantime with / without keys) / "
           "(bare with / without), must be at most 1.1.\n",
           rounds);
    printf("%-32s %8s %8s %6s   %8s %8s %6s   %6s\n", "", "bare", "keys", "ratio", "meantime",
           "keys", "ratio", "ours/bare");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        measure(i, targets, rounds);
    for (int i = 0; i < TARGETS; i++)
        end(&targets[i]);
    zmq_ctx_term(context);
    remove_keys();
    free(program);
    return EXIT_SUCCESS;
}
