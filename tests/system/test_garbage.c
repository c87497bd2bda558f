/* System tests of invalid input: whatever a client sends, the server survives, keeps its log short
 * and serves the next client. If MEANTIME_TEST_SEED is
 * set, this seed selects the random input. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "sums/total.h"
#include "tests/support/chance.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"
#include "tests/support/tcp_table.h"
#include "tests/support/zmtp.h"

TestSuite(garbage, .fini = story_end);

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define MESSAGES    10000
#define CONNECTIONS 200

/* How long to wait for an answer before the request is sent again, and how often to send it. */
#define ANSWER_MS 5000
#define TRIES_MAX 20

/* The kinds of errors that random messages cause and that the server logs separately: malformed,
 * wrong version, out of range, long envelope, unexpected, throttled, abandoned and refused. */
#define LOG_KINDS 8

static const struct sum_request proper = {
    .id = UINT64_C(0xfedcba9876543210),
    .seed = 3,
    .kind = MESSAGE_KIND_UNIFORM,
    .first = 7,
    .count = 70000,
};

/* ---- random numbers ---------------------------------------------------------------------- */

static void draw_bytes(struct chance *chance, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)chance_next(chance);
}

/* A frame's size: below 200 bytes in 99 of 100 draws, else up to FRAME_BYTES_MAX. */
static size_t draw_size(struct chance *chance)
{
    return chance_below(chance, 100) == 0 ? chance_below(chance, FRAME_BYTES_MAX + 1)
                                          : chance_below(chance, 200);
}

/* ---- checks ------------------------------------------------------------------------------ */

/* A new client gets the exact sum of `proper`. */
static void expect_service(const struct test_server *server)
{
    char units[UNITS_TEXT_BYTES], pattern[UNITS_TEXT_BYTES + 16];
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "70000", "--seed", "3", "--kind", "uniform", "--first",
                            "7", "--json", "--connect", server->endpoint, "--timeout", "60s"));

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    snprintf(pattern, sizeof pattern, "*\"units\":\"%s\"*",
             units_print(peer_units(&proper), units));
    cr_assert(lines_are(process_text(client, PROCESS_OUT), WORDS(pattern)), "%s",
              process_text(client, PROCESS_OUT));
}

/* The log has at least one line, and at most one line per second for each kind of error. */
static void expect_short_log(struct test_server *server, int64_t began_at_ms)
{
    server_drain(server);
    int64_t seconds = (process_now_ms() - began_at_ms) / 1000 + 1;
    size_t lines = lines_count(process_text(server->process, PROCESS_ERR));
    cr_assert(lines > 0, "the log is empty");
    cr_assert(lines <= LOG_KINDS * (size_t)(seconds + 1), "%zu lines in %" PRId64 " s", lines,
              seconds);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void send_random_message(struct peer *peer, struct chance *chance)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    uint64_t parts = 1 + chance_below(chance, 8);

    while (parts-- > 0) {
        size_t size = draw_size(chance);
        draw_bytes(chance, bytes, size);
        zmq_send(peer_socket(peer), bytes, size, parts > 0 ? ZMQ_SNDMORE : 0);
    }
}

/* The id of the request that the next message answers, or 0. The message may have any envelope. */
static uint64_t recv_answered(struct peer *peer)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    static struct decode_arena arena;
    struct message message;
    struct message_error error;
    int size;

    do {
        size = zmq_recv(peer_socket(peer), bytes, sizeof bytes, 0);
        cr_assert(size != -1, "no answer");
    } while (peer_has_more(peer));
    cr_assert(message_decode(&arena, bytes, (size_t)size, &message, &error), "%s", error.reason);
    switch (message.type) {
    case MESSAGE_SUM_REPLY: return message.sum_reply.id;
    case MESSAGE_REFUSAL: return message.refusal.id;
    default: return 0;
    }
}

static bool has_message(struct peer *peer)
{
    return zmq_poll(&(zmq_pollitem_t){.socket = peer_socket(peer), .events = ZMQ_POLLIN}, 1,
                    ANSWER_MS) > 0;
}

/* After this the server has read everything that the peer sent before. Asks again and again,
 * because a server may close a connection that sends nothing but garbage, and then the request is
 * lost. */
static void expect_answer_to_proper(struct peer *peer)
{
    uint64_t answered = 0;

    for (int tries = 0; answered != proper.id; tries++) {
        cr_assert(tries < TRIES_MAX, "no answer");
        peer_ask(peer, &proper);
        while (answered != proper.id && has_message(peer))
            answered = recv_answered(peer);
    }
}

static void flood_with_random_messages(const char *socket, enum peer_type type)
{
    int64_t began_at_ms = process_now_ms();
    struct test_server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);
    struct chance chance = chance_init();

    for (int i = 0; i < MESSAGES; i++)
        send_random_message(peer, &chance);
    expect_answer_to_proper(peer);
    expect_service(&server);
    expect_short_log(&server, began_at_ms);
}

Test(garbage, a_router_survives_random_messages)
{
    flood_with_random_messages("router", PEER_DEALER);
}

Test(garbage, a_rep_survives_random_messages)
{
    flood_with_random_messages("rep", PEER_DELIMITED);
}

/* Without an envelope, the server refuses each invalid message. */
Test(garbage, a_peer_is_served_after_its_own_invalid_messages)
{
    int64_t began_at_ms = process_now_ms();
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct chance chance = chance_init();
    uint8_t bytes[200];

    for (int i = 0; i < 1000; i++) {
        size_t size = 1 + chance_below(&chance, sizeof bytes);
        draw_bytes(&chance, bytes, size);
        bytes[0] = 0xff; /* no message begins with this byte */
        zmq_send(peer_socket(peer), bytes, size, 0);
    }
    for (int i = 0; i < 1000; i++)
        peer_expect_refusal(peer, 0, REFUSAL_MALFORMED);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    expect_short_log(&server, began_at_ms);
}

/* Sends a request with some changed bytes. Many of these requests are valid and endless. */
static void send_damaged_request(struct peer *peer, struct chance *chance, uint64_t id)
{
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = proper};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    message.sum_request.id = id;
    message.sum_request.progress = true;
    size_t size = message_encode(&message, bytes);
    for (uint64_t changes = 1 + chance_below(chance, 3); changes > 0; changes--)
        bytes[chance_below(chance, size)] = (uint8_t)chance_next(chance);
    zmq_send(peer_socket(peer), bytes, size - chance_below(chance, 2), 0);
}

Test(garbage, a_server_survives_damaged_requests)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct chance chance = chance_init();

    for (uint64_t id = 1; id <= MESSAGES; id++)
        send_damaged_request(peer, &chance, id);
    expect_answer_to_proper(peer);
    expect_service(&server);
    peer_destroy(&peer);
    server_drain(&server);
}

/* ---- frames and envelopes ---------------------------------------------------------------- */

static void send_frame(struct peer *peer, size_t size, bool more)
{
    static const uint8_t zeros[FRAME_BYTES_MAX + 1];

    zmq_send(peer_socket(peer), zeros, size, more ? ZMQ_SNDMORE : 0);
}

Test(garbage, the_longest_frame_is_read_and_one_byte_more_disconnects_the_peer)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request endless = proper;

    send_frame(peer, FRAME_BYTES_MAX, false);
    peer_expect_refusal(peer, 0, REFUSAL_MALFORMED);
    endless.count = ENDLESS;
    peer_ask(peer, &endless);
    send_frame(peer, FRAME_BYTES_MAX + 1, false);
    peer_await_disconnect(peer);
    expect_service(&server);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 1 refused.");
}

/* The limits of an envelope are 4 frames and 512 bytes. They include the routing id, which has 5
 * bytes if the ROUTER generates it, and count one more byte for each frame. */
Test(garbage, the_longest_envelope_is_returned_and_a_longer_one_is_dropped)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    static const size_t fits[] = {255, 248, 0};
    static const size_t too_long[] = {255, 249, 0}, too_many[] = {1, 1, 1, 1}, too_large[] = {256};
    static const struct {
        const size_t *frames;
        size_t count;
    } bad[] = {{too_long, 3}, {too_many, 4}, {too_large, 1}};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (size_t k = 0; k < bad[i].count; k++)
            send_frame(peer, bad[i].frames[k], true);
        peer_ask(peer, &proper);
    }
    for (size_t k = 0; k < COUNT_OF(fits); k++)
        send_frame(peer, fits[k], true);
    peer_ask(peer, &proper);
    for (size_t k = 0; k < COUNT_OF(fits); k++) {
        uint8_t frame[FRAME_BYTES_MAX];
        cr_assert(zmq_recv(peer_socket(peer), frame, sizeof frame, 0) == (int)fits[k]);
    }
    peer_expect_sum(peer, &proper);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 0 refused.");
}

Test(garbage, a_message_of_very_many_frames_is_dropped)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    for (int i = 0; i < 20000; i++)
        send_frame(peer, 10, true);
    peer_ask(peer, &proper);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 0 refused.");
}

/* ---- messages that a server refuses or drops --------------------------------------------- */

static const struct message server_messages[] = {
    {.type = MESSAGE_SUM_REPLY, .sum_reply = {.id = 1, .count = 1, .unit_log2 = -49}},
    {.type = MESSAGE_PROGRESS, .progress = {.id = 1, .done = 1, .count = 2}},
    {.type = MESSAGE_REFUSAL, .refusal = {.id = 1, .code = REFUSAL_BUSY, .text = "Not now"}},
};

/* A server does not answer these messages, so two servers that are connected to each other by
 * mistake do not exchange messages for ever. */
Test(garbage, messages_that_only_servers_send_are_dropped)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(server_messages); i++)
        peer_send(peer, &server_messages[i]);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 0 refused.");
}

/* A REQ cannot send before it has received an answer. So the server answers each of its messages.
 */
static void expect_lockstep_answers(const char *socket)
{
    struct test_server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(PEER_REQ, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(server_messages); i++) {
        peer_send(peer, &server_messages[i]);
        peer_expect_refusal(peer, 0, REFUSAL_MALFORMED);
    }
    peer_cancel(peer, 1);
    peer_expect_refusal(peer, 1, REFUSAL_MALFORMED);
    send_frame(peer, 3, false);
    peer_expect_refusal(peer, 0, REFUSAL_MALFORMED);
    send_frame(peer, 0, false);
    peer_expect_refusal(peer, 0, REFUSAL_MALFORMED);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    server_drain(&server);
}

Test(garbage, a_req_is_always_answered_by_a_router)
{
    expect_lockstep_answers("router");
}

Test(garbage, a_req_is_always_answered_by_a_rep)
{
    expect_lockstep_answers("rep");
}

/* The rows: version 2; count 0; kind 9; no body behind the version. */
static void expect_refusals_of_bytes(const char *socket, enum peer_type type)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t id;
        enum refusal_code code;
    } rows[] = {
        {"\x08\x02\x12\x06\x08\x07\x18\x01\x28\x01", 10, 7, REFUSAL_WRONG_VERSION},
        {"\x08\x01\x12\x04\x08\x07\x18\x01", 8, 7, REFUSAL_OUT_OF_RANGE},
        {"\x08\x01\x12\x06\x08\x07\x18\x09\x28\x01", 10, 7, REFUSAL_OUT_OF_RANGE},
        {"\x08\x01", 2, 0, REFUSAL_MALFORMED},
    };
    struct test_server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (type == PEER_DELIMITED)
            send_frame(peer, 0, true);
        zmq_send(peer_socket(peer), rows[i].bytes, rows[i].size, 0);
        peer_expect_refusal(peer, rows[i].id, rows[i].code);
    }
    server_drain(&server);
}

Test(garbage, a_router_tells_why_it_refuses_a_request)
{
    expect_refusals_of_bytes("router", PEER_DEALER);
}

Test(garbage, a_rep_tells_why_it_refuses_a_request)
{
    expect_refusals_of_bytes("rep", PEER_DELIMITED);
}

/* ---- bytes over TCP ---------------------------------------------------------------------- */

/* Waits until the server disconnects. Ignores what the server sends before. */
static void await_disconnect(int connection)
{
    uint8_t bytes[1024];
    ssize_t size;

    do
        size = recv(connection, bytes, sizeof bytes, 0);
    while (size > 0);
    cr_assert(size == 0 || errno == ECONNRESET, "the server does not disconnect");
    close(connection);
}

/* Sends a handshake, or its first bytes, and then random bytes. The server may disconnect at any
 * time. */
static void send_random_bytes(int connection, struct chance *chance)
{
    uint8_t bytes[1024];
    size_t handshake = zmtp_put_handshake(bytes);
    size_t begin = chance_below(chance, 4) ? handshake : chance_below(chance, handshake);

    draw_bytes(chance, bytes + begin, sizeof bytes - begin);
    send(connection, bytes, begin + chance_below(chance, sizeof bytes - begin), MSG_NOSIGNAL);
    if (chance_below(chance, 2))
        send(connection, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static void send_bytes_to_port(const char *socket)
{
    struct test_server server = server_start(WORDS("--socket", socket));
    struct chance chance = chance_init();
    int connections[CONNECTIONS];

    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = tcp_client_new(server.port);
        send_random_bytes(connections[i], &chance);
    }
    expect_service(&server);
    for (int i = 0; i < CONNECTIONS; i++) {
        shutdown(connections[i], SHUT_WR);
        await_disconnect(connections[i]);
    }
    expect_service(&server);
    server_drain(&server);
}

Test(garbage, a_router_survives_random_bytes_on_its_port)
{
    send_bytes_to_port("router");
}

Test(garbage, a_rep_survives_random_bytes_on_its_port)
{
    send_bytes_to_port("rep");
}

Test(garbage, a_connection_that_sends_nothing_is_closed)
{
    struct test_server server = server_start(NULL);

    await_disconnect(tcp_client_new(server.port));
    server_drain(&server);
}

/* ---- messages of clients that have disconnected ------------------------------------------ */

/* Stops the thread that owns the sockets. libzmq's I/O thread continues: it accepts connections,
 * reads from them and notices their end. */
static void freeze(const struct test_server *server)
{
    pid_t thread = process_pid(server->process);

    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) == -1)
        cr_skip_test("ptrace cannot stop a thread: %s", strerror(errno));
    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
    cr_assert(waitpid(thread, NULL, __WALL) == thread);
}

static void unfreeze(const struct test_server *server)
{
    ptrace(PTRACE_DETACH, process_pid(server->process), NULL, NULL);
}

/* Sends a delimiter and a request as two frames of ZMTP. */
static void send_request(int connection, const struct sum_request *request)
{
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = *request};
    uint8_t bytes[4 + MESSAGE_BYTES_MAX] = {1, 0, 0};
    size_t size = message_encode(&message, bytes + 4);

    cr_assert(size <= UINT8_MAX);
    bytes[3] = (uint8_t)size;
    send(connection, bytes, 4 + size, MSG_NOSIGNAL);
}

static void recv_bytes(int connection, void *bytes, size_t size)
{
    cr_assert(recv(connection, bytes, size, MSG_WAITALL) == (ssize_t)size);
}

static void shake_hands(int connection)
{
    cr_assert(zmtp_shake_hands(connection));
}

static struct message recv_answer(int connection)
{
    static struct decode_arena arena;
    uint8_t header[4], bytes[UINT8_MAX];
    struct message message;
    struct message_error error;

    recv_bytes(connection, header, sizeof header);
    recv_bytes(connection, bytes, header[3]);
    cr_assert(message_decode(&arena, bytes, header[3], &message, &error), "%s", error.reason);
    return message;
}

/* While a REP server has other requests to read, it may refuse more than one request as busy,
 * because it does not know whether it has read everything. */
static void ask_until_answered(int connection, const struct sum_request *request)
{
    struct message message;

    do {
        send_request(connection, request);
        message = recv_answer(connection);
    } while (message.type == MESSAGE_REFUSAL && message.refusal.code == REFUSAL_BUSY);
    cr_assert(message.type == MESSAGE_SUM_REPLY && message.sum_reply.id == request->id);
}

/* The server reads a request after its client has disconnected and after the next client has got
 * the same descriptor. The server must not compute that request, and must serve the next client. */
static void disconnect_before_the_request_is_read(const char *socket)
{
    struct test_server server = server_start(WORDS("--socket", socket, "--threads", "1"));
    struct sum_request endless = proper;

    endless.count = ENDLESS;
    freeze(&server);
    int first = tcp_client_new(server.port);
    shake_hands(first);
    send_request(first, &endless);
    shutdown(first, SHUT_WR);
    await_disconnect(first);
    int next = tcp_client_new(server.port);
    shake_hands(next);
    unfreeze(&server);
    expect_service(&server);
    ask_until_answered(next, &proper);
    cr_assert(lines_are(server_drain(&server), WORDS("Done: 2 requests answered, * refused.")));
    close(next);
}

Test(garbage, a_router_does_not_compute_for_a_client_that_has_disconnected)
{
    disconnect_before_the_request_is_read("router");
}

Test(garbage, a_rep_does_not_compute_for_a_client_that_has_disconnected)
{
    disconnect_before_the_request_is_read("rep");
}

/* ---- floods ------------------------------------------------------------------------------ */

#define FLOOD_MESSAGES 50000
#define FLOOD_BYTES    200
#define PINGS          3000

/* Sends invalid messages, each with a PING behind it. libzmq answers a PING before it reads on. */
static void send_pings(int connection)
{
    static const uint8_t message_and_ping[] = "\x01\0\0\x01x\x04\x07\x04PING\0\0";

    for (int i = 0; i < PINGS; i++)
        send(connection, message_and_ping, sizeof message_and_ping - 1, MSG_NOSIGNAL);
}

/* Waits until libzmq's I/O thread has read everything from this connection. */
static void await_read(const struct test_server *server, int connection)
{
    int64_t limit_at_ms = process_limit_at_ms();

    tcp_client_await_acknowledged(connection);
    while (tcp_table_read(server->port).unread > 0)
        process_pause(limit_at_ms, "the server does not read");
}

/* Waits until libzmq's I/O thread has closed all connections. */
static void await_closed(const struct test_server *server)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (tcp_table_read(server->port).connections > 0)
        process_pause(limit_at_ms, "the server does not close the connection");
}

/* If libzmq's queues have a limit, its I/O thread stops reading before the end of the messages.
 * Then the reset makes it fail an assertion, which aborts the server: issue #4364 of libzmq. */
static void reset_behind_pings(const char *socket)
{
    struct test_server server = server_start(WORDS("--socket", socket));
    int connection = tcp_client_new(server.port);

    shake_hands(connection);
    freeze(&server);
    send_pings(connection);
    await_read(&server, connection);
    tcp_client_reset(connection); /* as a machine does that has crashed and restarted */
    await_closed(&server);
    unfreeze(&server);
    expect_service(&server);
    server_drain(&server);
}

Test(garbage, a_router_survives_a_reset_behind_many_pings)
{
    reset_behind_pings("router");
}

Test(garbage, a_rep_survives_a_reset_behind_many_pings)
{
    reset_behind_pings("rep");
}

/* Each frame says that another frame follows. So the message never ends and cannot be read. */
static void send_endless_message(const char *socket)
{
    static uint8_t frame[9 + FRAME_BYTES_MAX] = {3, [6] = FRAME_BYTES_MAX >> 16};
    struct test_server server = server_start(WORDS("--socket", socket));
    int connection = tcp_client_new(server.port);

    shake_hands(connection);
    tcp_client_send_until_disconnect(connection, frame, sizeof frame, 0);
    close(connection);
    process_line(server.process, PROCESS_ERR,
                 "*abandoned the connection from 127.*: its message does not end");
    expect_service(&server);
    server_drain(&server);
}

Test(garbage, a_router_disconnects_a_client_whose_message_never_ends)
{
    send_endless_message("router");
}

Test(garbage, a_rep_disconnects_a_client_whose_message_never_ends)
{
    send_endless_message("rep");
}

/* The server's thread does not run, as on a busy machine, while libzmq's I/O thread reads
 * everything. */
Test(garbage, a_client_that_floods_is_throttled_and_other_clients_are_served)
{
    static uint8_t messages[FLOOD_MESSAGES][4 + FLOOD_BYTES];
    struct test_server server = server_start(NULL);
    struct peer *other = peer_new(PEER_DEALER, server.endpoint);
    int connection = tcp_client_new(server.port);

    shake_hands(connection);
    for (int i = 0; i < FLOOD_MESSAGES; i++)
        memcpy(messages[i], (uint8_t[]){1, 0, 0, FLOOD_BYTES}, 4);
    freeze(&server);
    cr_assert(send(connection, messages, sizeof messages, MSG_NOSIGNAL) == sizeof messages);
    await_read(&server, connection);
    unfreeze(&server);
    process_line(server.process, PROCESS_ERR,
                 "*throttled the connection from 127.*: it sends faster than this server reads");
    peer_ask(other, &proper);
    peer_expect_sum(other, &proper);
    for (int i = 0; i < FLOOD_MESSAGES; i++)
        cr_assert(recv_answer(connection).type == MESSAGE_REFUSAL);
    ask_until_answered(connection, &proper);
    close(connection);
    server_drain(&server);
}
