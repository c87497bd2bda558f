/* A hostile peer: ZMTP over bare TCP, and what the server must still do. */
#include "tests/hostile/attacker.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sums/total.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"
#include "tests/support/zmtp.h"

/* Flags of a frame. */
#define MORE    1
#define LONG    2
#define COMMAND 4

int attacker_try(uint16_t port, const void *id, uint8_t id_size)
{
    int connection = tcp_client_try(port);

    if (connection != -1 && !zmtp_shake_hands_as(connection, id, id_size)) {
        close(connection);
        return -1;
    }
    return connection;
}

uint8_t *attacker_put_frame(uint8_t *bytes, const void *body, size_t size, bool more)
{
    *bytes++ = more ? MORE : 0;
    *bytes++ = (uint8_t)size;
    memcpy(bytes, body, size);
    return bytes + size;
}

uint8_t *attacker_put_message(uint8_t *bytes, const struct message *message)
{
    uint8_t body[REQUEST_BYTES_MAX];

    return attacker_put_frame(bytes, body, message_encode(message, body), false);
}

bool attacker_send(int connection, const uint8_t *bytes, size_t size)
{
    return send(connection, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool recv_all(int connection, void *bytes, size_t size)
{
    return recv(connection, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

/* Receives one frame of up to FRAME_BYTES_MAX bytes. False if the connection has ended. */
static bool recv_frame(int connection, uint8_t *flags, uint8_t *body, size_t *size)
{
    uint8_t length[8] = {0};

    if (!recv_all(connection, flags, 1) ||
        !recv_all(connection, *flags & LONG ? length : length + 7, *flags & LONG ? 8 : 1))
        return false;
    *size = (size_t)length[6] << 8 | length[7];
    return recv_all(connection, body, *size);
}

bool attacker_await(int connection, enum message_type type)
{
    static uint8_t body[FRAME_BYTES_MAX];
    static struct decode_arena arena;
    struct message message;
    struct message_error error;
    uint8_t flags;
    size_t size;

    while (recv_frame(connection, &flags, body, &size))
        if (!(flags & (MORE | COMMAND)) && message_decode(&arena, body, size, &message, &error) &&
            message.type == type)
            return true;
    return false;
}

bool attacker_connected(int connection)
{
    struct pollfd end = {.fd = connection, .events = POLLRDHUP};

    return poll(&end, 1, 0) == 0;
}

long server_peak_mib(const struct test_server *server)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", process_pid(server->process));
    FILE *status = fopen(path, "r");
    cr_assert(status, "the server has ended");
    while (fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %ld kB", &kib);
    fclose(status);
    return kib / 1024;
}

void expect_peak_below(const struct test_server *server, long limit_mib)
{
#ifndef HOSTILE_SANITIZED
    long peak_mib = server_peak_mib(server);

    cr_assert(peak_mib < limit_mib, "the server has used %ld MiB", peak_mib);
#else
    (void)server, (void)limit_mib;
#endif
}

/* The client repeats its request if the server is busy. */
void expect_good_client(const struct test_server *server)
{
    static const struct sum_request good = {
        .seed = 3, .kind = MESSAGE_KIND_UNIFORM, .first = 7, .count = 70000};
    char units[UNITS_TEXT_BYTES], pattern[UNITS_TEXT_BYTES + 16];
    struct process *client = CLIENT(*server, "sum", "70000", "--seed", "3", "--kind", "uniform",
                                    "--first", "7", "--json", "--timeout", "60s");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    snprintf(pattern, sizeof pattern, "*\"units\":\"%s\"*", units_print(peer_units(&good), units));
    cr_assert(lines_are(process_text(client, PROCESS_OUT), WORDS(pattern)), "%s",
              process_text(client, PROCESS_OUT));
}

void raise_descriptor_limit(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}
