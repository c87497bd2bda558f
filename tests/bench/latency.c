/* Measures the round trip of a request of one block to an idle server, and its two parts: the round
 * trip of the same bytes through a bare libzmq DEALER and ROUTER, and the sum of the block itself.
 * Usage: bench_latency PATH-OF-meantime-server */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/instant.h"
#include "proto/message.h"
#include "sums/sum.h"
#include "tests/bench/clock.h"

#define BATCHES        60
#define BATCH          20
#define IDLE_NS        (3 * NS_PER_MS)
#define ENDPOINT_BYTES 128
#define RAW_ENDPOINT   "tcp://127.0.0.1:*"

extern char **environ;

/* ---- the three things measured ----------------------------------------------------------- */

static size_t request_bytes(uint8_t *bytes)
{
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = 1, .seed = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = BLOCK_SAMPLES},
    };

    return message_encode(&message, bytes);
}

static double trip_us(void *dealer)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = request_bytes(bytes);
    double began = now_us();

    zmq_send(dealer, bytes, size, 0);
    if (zmq_recv(dealer, bytes, sizeof bytes, 0) == -1)
        die("no answer");
    return now_us() - began;
}

static double block_us(const struct kernel *kernel)
{
    struct stream stream;
    struct total total = {0};
    double began = now_us();

    stream_init(&stream, 1, STREAM_GAUSSIAN);
    sum_range(kernel, &stream, 0, BLOCK_SAMPLES, &total);
    return now_us() - began;
}

/* ---- servers ----------------------------------------------------------------------------- */

static void echo(void *router)
{
    zmq_msg_t frame;

    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, router, 0) != -1)
        zmq_msg_send(&frame, router, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0);
}

/* Starts the echo as a process, like the server. Call it before the first context is created. */
static pid_t echo_start(char *endpoint)
{
    int pipe_ends[2];

    if (pipe(pipe_ends) == -1)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        void *router = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
        size_t size = ENDPOINT_BYTES;
        zmq_bind(router, RAW_ENDPOINT);
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size);
        if (write(pipe_ends[1], endpoint, ENDPOINT_BYTES) == ENDPOINT_BYTES)
            echo(router);
        _exit(EXIT_FAILURE);
    }
    if (pid == -1 || read(pipe_ends[0], endpoint, ENDPOINT_BYTES) != ENDPOINT_BYTES)
        die("cannot start the echo");
    return pid;
}

static pid_t server_start(const char *program, char *endpoint)
{
    const char *arguments[] = {program, "--bind", RAW_ENDPOINT, "--threads", "1", NULL};
    posix_spawn_file_actions_t actions;
    int pipe_ends[2];
    char line[ENDPOINT_BYTES + 64];
    pid_t pid;

    if (pipe(pipe_ends) == -1)
        die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    if (posix_spawn(&pid, program, &actions, NULL, (char **)arguments, environ) != 0)
        die(program);
    FILE *out = fdopen(pipe_ends[0], "r");
    if (!fgets(line, sizeof line, out) || sscanf(line, "Listening on %127s", endpoint) != 1)
        die("the server does not listen");
    return pid;
}

/* ---- figures ----------------------------------------------------------------------------- */

enum { RAW, BLOCK, SERVER, FIGURES };

/* The medians of batches of trips. The three figures take turns, batch by batch, so that their
 * medians can be compared although the machine's speed drifts. */
struct batches {
    double us[FIGURES][BATCHES];
};

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double quantile(const double *values, int count, double q)
{
    double sorted[BATCHES > BATCH ? BATCHES : BATCH];

    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return sorted[(int)(q * (count - 1))];
}

/* idle: pause before each trip, so that the cores sleep. */
static double batch_us(int what, void *socket, const struct kernel *kernel, bool idle)
{
    const struct timespec pause = {.tv_nsec = IDLE_NS};
    double us[BATCH];

    for (int i = 0; i < BATCH; i++) {
        if (idle)
            nanosleep(&pause, NULL);
        us[i] = what == BLOCK ? block_us(kernel) : trip_us(socket);
    }
    return quantile(us, BATCH, 0.5);
}

static void print_figure(const char *name, const char *unit, const double *values)
{
    printf("  %-36s %8.2f%s  (%.2f to %.2f)\n", name, quantile(values, BATCHES, 0.5), unit,
           quantile(values, BATCHES, 0.1), quantile(values, BATCHES, 0.9));
}

static void print(const char *cores, const struct batches *batches)
{
    const double *raw = batches->us[RAW], *block = batches->us[BLOCK];
    const double *server = batches->us[SERVER];
    double whole[BATCHES], rest[BATCHES];

    for (int i = 0; i < BATCHES; i++) {
        whole[i] = server[i] / (raw[i] + block[i]);
        rest[i] = (server[i] - block[i]) / raw[i];
    }
    printf("%s cores\n", cores);
    print_figure("bare libzmq round trip", " us", raw);
    print_figure("sum of one block", " us", block);
    print_figure("meantime round trip", " us", server);
    print_figure("meantime / (bare libzmq + block)", "   ", whole);
    print_figure("(meantime - block) / bare libzmq", "   ", rest);
}

static void measure(const char *cores, void *raw, void *server, bool idle)
{
    void *const sockets[FIGURES] = {[RAW] = raw, [SERVER] = server};
    struct batches batches;

    for (int batch = 0; batch < BATCHES; batch++)
        for (int what = 0; what < FIGURES; what++)
            batches.us[what][batch] = batch_us(what, sockets[what], kernel_best(), idle);
    print(cores, &batches);
}

static void *dealer_to(void *context, const char *endpoint)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);

    if (!dealer || zmq_connect(dealer, endpoint) == -1)
        die(endpoint);
    for (int i = 0; i < 100; i++)
        trip_us(dealer);
    return dealer;
}

int main(int argc, char **argv)
{
    char raw_endpoint[ENDPOINT_BYTES], server_endpoint[ENDPOINT_BYTES];

    if (argc != 2) {
        fprintf(stderr, "usage: bench_latency PATH-OF-meantime-server\n");
        return 2;
    }
    pid_t raw_pid = echo_start(raw_endpoint);
    pid_t server_pid = server_start(argv[1], server_endpoint);
    void *context = zmq_ctx_new();
    void *raw = dealer_to(context, raw_endpoint), *server = dealer_to(context, server_endpoint);

    printf("A request of one block (%d Gaussian samples, %s kernel): medians of %d batches of %d "
           "(10 %% to 90 %% of the batches)\n",
           BLOCK_SAMPLES, kernel_best()->name, BATCHES, BATCH);
    measure("awake", raw, server, false);
    measure("idle", raw, server, true);

    zmq_close(raw);
    zmq_close(server);
    zmq_ctx_term(context);
    kill(raw_pid, SIGKILL);
    kill(server_pid, SIGTERM);
    waitpid(raw_pid, NULL, 0);
    waitpid(server_pid, NULL, 0);
    return EXIT_SUCCESS;
}
