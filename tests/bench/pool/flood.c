/* Measures a server's memory and reply times while peers send as much as they can and read nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

#define PEERS 20

/* Floods of each kind. */
#define FLOOD_NS (5 * NS_PER_S)
#define PAUSE_US 1000

/* The least number of bytes per send(). */
#define BURST_BYTES (1 << 20)

/* A ZMTP frame that the flood repeats: its header, and the length of its body of zeros. */
static const struct flood {
    const char *name;
    const char *of;
    uint8_t header[9];
    size_t header_bytes;
    size_t body_bytes;
} floods[] = {
    {"empty", "empty messages", {0, 0}, 2, 0},
    {"small", "messages of 200 bytes", {0, 200}, 2, 200},
    {"large", "messages of 2 KiB", {2, [7] = 8}, 9, 2048},
    {"endless", "one message of empty frames", {1, 0}, 2, 0},
    {"huge", "one message of frames of 64 KiB", {3, [6] = 1}, 9, 65536},
};

/* ---- the peers -------------------------------------------------------------------------- */

/* Negative: not connected. */
static int dealer_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int file = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(file, (struct sockaddr *)&address, sizeof address) == 0 && zmtp_shake_hands(file))
        return file;
    close(file);
    return -1;
}

static size_t burst_fill(const struct flood *flood, uint8_t *burst)
{
    size_t size = 0;

    while (size < BURST_BYTES) {
        memcpy(burst + size, flood->header, flood->header_bytes);
        size += flood->header_bytes + flood->body_bytes;
    }
    return size;
}

/* Reconnects after a disconnect. */
int flood_play(char **arguments)
{
    static uint8_t burst[2 * BURST_BYTES];
    const struct flood *flood = floods;
    uint16_t port = (uint16_t)atoi(strrchr(arguments[1], ':') + 1);

    while (strcmp(flood->name, arguments[2]) != 0)
        flood++;
    size_t size = burst_fill(flood, burst);
    for (;;) {
        int file = dealer_connect(port);
        while (file >= 0 && send(file, burst, size, MSG_NOSIGNAL) == (ssize_t)size)
            ;
        if (file >= 0)
            close(file);
        usleep(PAUSE_US);
    }
}

/* ---- the server ------------------------------------------------------------------------ */

static void trips_measure(void *client, struct figures *trips)
{
    static struct status_reply status;
    int64_t end_at_ns = bench_now_ns() + FLOOD_NS;

    while (bench_now_ns() < end_at_ns) {
        int64_t began_at_ns = bench_now_ns();
        bench_peer_status(client, &status);
        figures_add(trips, ns_to_ms(bench_now_ns() - began_at_ns));
        usleep(PAUSE_US);
    }
}

static void flood_measure(const struct bench *bench, const struct flood *flood)
{
    const char *options[] = {"--bind", ENDPOINT_ANY, NULL};
    struct figures trips = {.count = 0};
    static struct status_reply status;
    struct child peers[PEERS];
    struct bench_server server;
    char what[128];

    bench_server_start(&server, bench->server, options);
    void *client = bench_peer_new(bench->context, server.clients);
    bench_peer_status(client, &status);
    for (int i = 0; i < PEERS; i++)
        child_start_role(&peers[i], "flood", server.clients, flood->name);
    trips_measure(client, &trips);
    snprintf(what, sizeof what, "status during %d floods: %s", PEERS, flood->of);
    figures_print(what, "ms", &trips, NULL);
    child_print_memory("  peak memory of the server (VmHWM)", &server.child, "VmHWM", NULL);
    for (int i = 0; i < PEERS; i++)
        child_end(&peers[i]);
    zmq_close(client);
    child_end(&server.child);
}

void part_flood(const struct bench *bench)
{
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++)
        flood_measure(bench, &floods[i]);
}
