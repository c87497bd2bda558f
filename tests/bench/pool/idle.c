/* Measures what idle connections cost: the reply times of a good client with and without them, in
 * turns, and the memory of the server. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/instant.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"
#include "tests/bench/pool/roles.h"
#include "tests/support/zmtp.h"

/* Idle connections; fewer if the limit of descriptors is lower. */
#define IDLE_MAX 10000

/* Descriptors that are left to other uses. */
#define SPARE_FILES 100

#define ROUNDS  5
#define TRIPS   300
#define TRIP_US 2000

/* The quantile of reply times that is compared. */
#define QUANTILE 0.99

static rlim_t raise_files(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur;
}

static int idle_count(void)
{
    rlim_t files = raise_files();

    return files > IDLE_MAX + SPARE_FILES ? IDLE_MAX : (int)files - SPARE_FILES;
}

/* ---- the peers --------------------------------------------------------------------------- */

/* A Cancel of a request that does not exist: valid, and without an answer. */
static bool speak(int file)
{
    static const uint8_t cancel[] = {0, 6, 8, 1, 0x2a, 2, 8, 1};

    return send(file, cancel, sizeof cancel, MSG_NOSIGNAL) == sizeof cancel;
}

int idle_play(char **arguments)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(strrchr(arguments[1], ':') + 1)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int count = idle_count();

    for (int i = 0; i < count; i++) {
        int file = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(file, (struct sockaddr *)&address, sizeof address) == -1 ||
            !zmtp_shake_hands(file) || !speak(file))
            bench_fail("cannot open an idle connection");
    }
    printf("%d\n", count);
    fflush(stdout);
    for (;;)
        pause();
}

/* ---- the server -------------------------------------------------------------------------- */

static double trips_quantile(void *client)
{
    struct figures trips = {.count = 0};
    static struct status_reply status;

    for (int i = 0; i < TRIPS; i++) {
        int64_t began_at_ns = bench_now_ns();
        bench_peer_status(client, &status);
        figures_add(&trips, ns_to_ms(bench_now_ns() - began_at_ns));
        usleep(TRIP_US);
    }
    return figures_quantile(&trips, QUANTILE);
}

static long resident_kib(const struct child *server)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", server->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "VmRSS: %ld kB", &kib);
    if (file)
        fclose(file);
    return kib;
}

void part_idle(const struct bench *bench)
{
    static const struct wanted added_wanted = {WANTED_AT_MOST, 0.5, 2};
    static const struct wanted memory_wanted = {WANTED_AT_MOST, 0.5, 35};
    const char *options[] = {"--bind", ENDPOINT_ANY, NULL};
    struct figures without = {.count = 0}, with = {.count = 0};
    struct figures added = {.count = 0}, memory = {.count = 0};

    raise_files();
    for (int round = 0; round < ROUNDS; round++) {
        struct bench_server server;
        struct child idle;
        int count;
        bench_server_start(&server, bench->server, options);
        void *client = bench_peer_new(bench->context, server.clients);
        double before = trips_quantile(client);
        long kib = resident_kib(&server.child);
        child_start_role(&idle, "idle", server.clients, NULL);
        child_scan(&idle, 1, "%d", &count);
        double after = trips_quantile(client);
        figures_add(&without, before);
        figures_add(&with, after);
        figures_add(&added, after - before);
        figures_add(&memory, (double)(resident_kib(&server.child) - kib) / count);
        zmq_close(client);
        child_end(&idle);
        child_end(&server.child);
    }
    figures_print("p99 of status without idle connections", "ms", &without, NULL);
    figures_print("  beside 10,000 that have spoken once", "ms", &with, NULL);
    figures_print("  difference in each round", "ms", &added, &added_wanted);
    figures_print("  memory of each connection", "KiB", &memory, &memory_wanted);
}
