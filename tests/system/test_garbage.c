/* What no client should send: the server lives, keeps its log short, and serves whoever comes next.
 * SEED=n in the environment draws other garbage than that of seed 1. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/support/story.h"
#include "tests/support/zmtp.h"

TestSuite(garbage, .fini = story_end);

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define MESSAGES    10000
#define CONNECTIONS 200

/* Kinds of wrongs that the server logs apart. */
#define KINDS 5

static const struct sum_request proper = {
    .id = UINT64_C(0xfedcba9876543210),
    .seed = 3,
    .kind = MESSAGE_KIND_UNIFORM,
    .first = 7,
    .count = 70000,
};

/* ---- random numbers ---------------------------------------------------------------------- */

static uint64_t seed_given(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

    fprintf(stderr, "SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t draw_below(uint64_t *state, uint64_t bound)
{
    return draw(state) % bound;
}

static void draw_bytes(uint64_t *state, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)draw(state);
}

/* Mostly short; now and then as long as a frame may be. */
static size_t draw_size(uint64_t *state)
{
    return draw_below(state, 100) == 0 ? draw_below(state, FRAME_BYTES_MAX + 1)
                                       : draw_below(state, 200);
}

/* ---- what must hold afterwards ----------------------------------------------------------- */

/* A connection that takes the place of one that has just gone may be told to ask again. */
static void expect_service(const struct server *server, enum peer_type type)
{
    struct peer *peer = peer_new(type, server->endpoint);

    peer_ask_until_served(peer, &proper);
    peer_destroy(&peer);
}

/* One line a second at most for each kind of wrong. */
static void expect_short_log(struct server *server, int64_t began_at_ms)
{
    server_drain(server);
    int64_t seconds = (process_now_ms() - began_at_ms) / 1000 + 1;
    size_t lines = lines_count(process_text(server->process, PROCESS_ERR));
    cr_assert(lines > 0, "nothing is said of the garbage");
    cr_assert(lines <= KINDS * (size_t)(seconds + 1), "%zu lines in %" PRId64 " s", lines, seconds);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void send_random_message(struct peer *peer, uint64_t *state)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    uint64_t parts = 1 + draw_below(state, 8);

    while (parts-- > 0) {
        size_t size = draw_size(state);
        draw_bytes(state, bytes, size);
        zmq_send(peer_socket(peer), bytes, size, parts > 0 ? ZMQ_SNDMORE : 0);
    }
}

/* The number of the request that the next message answers; 0 for none. Its envelope may be any. */
static uint64_t recv_answered(struct peer *peer)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct message message;
    struct message_error error;
    int size;

    do {
        size = zmq_recv(peer_socket(peer), bytes, sizeof bytes, 0);
        cr_assert(size != -1, "no answer");
    } while (peer_has_more(peer));
    cr_assert(message_decode(bytes, (size_t)size, &message, &error), "%s", error.reason);
    switch (message.type) {
    case MESSAGE_SUM_REPLY: return message.sum_reply.id;
    case MESSAGE_REFUSAL: return message.refusal.id;
    default: return 0;
    }
}

/* Then all has been read that the peer sent before. */
static void expect_answer_to_proper(struct peer *peer)
{
    peer_ask(peer, &proper);
    while (recv_answered(peer) != proper.id)
        ;
}

static void flood_with_random_messages(const char *socket, enum peer_type type)
{
    int64_t began_at_ms = process_now_ms();
    struct server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);
    uint64_t state = seed_given();

    for (int i = 0; i < MESSAGES; i++)
        send_random_message(peer, &state);
    expect_answer_to_proper(peer);
    expect_service(&server, PEER_REQ);
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

/* Without an envelope every one of them is answered, and the peer that sent them is served next. */
Test(garbage, a_peer_is_answered_after_its_own_garbage)
{
    int64_t began_at_ms = process_now_ms();
    struct server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    uint64_t state = seed_given();
    uint8_t bytes[200];

    for (int i = 0; i < 1000; i++) {
        size_t size = 1 + draw_below(&state, sizeof bytes);
        draw_bytes(&state, bytes, size);
        bytes[0] = 0xff; /* never a message */
        zmq_send(peer_socket(peer), bytes, size, 0);
    }
    for (int i = 0; i < 1000; i++)
        peer_expect_refusal(peer, 0, STATUS_MALFORMED);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    expect_short_log(&server, began_at_ms);
}

/* Requests with some bytes changed: a good many are good ones, and endless. */
static void send_damaged_request(struct peer *peer, uint64_t *state, uint64_t id)
{
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = proper};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    message.sum_request.id = id;
    message.sum_request.progress = true;
    size_t size = message_encode(&message, bytes);
    for (uint64_t changes = 1 + draw_below(state, 3); changes > 0; changes--)
        bytes[draw_below(state, size)] = (uint8_t)draw(state);
    zmq_send(peer_socket(peer), bytes, size - draw_below(state, 2), 0);
}

Test(garbage, damaged_requests_do_no_harm)
{
    struct server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    uint64_t state = seed_given();

    for (uint64_t id = 1; id <= MESSAGES; id++)
        send_damaged_request(peer, &state, id);
    expect_answer_to_proper(peer);
    expect_service(&server, PEER_REQ);
    peer_destroy(&peer);
    server_drain(&server);
}

/* ---- frames and envelopes ---------------------------------------------------------------- */

static void send_frame(struct peer *peer, size_t size, bool more)
{
    static const uint8_t zeros[FRAME_BYTES_MAX + 1];

    zmq_send(peer_socket(peer), zeros, size, more ? ZMQ_SNDMORE : 0);
}

Test(garbage, the_longest_frame_is_read_and_one_byte_more_cuts_the_connection)
{
    struct server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request endless = proper;

    send_frame(peer, FRAME_BYTES_MAX, false);
    peer_expect_refusal(peer, 0, STATUS_MALFORMED);
    endless.count = ENDLESS;
    peer_ask(peer, &endless);
    send_frame(peer, FRAME_BYTES_MAX + 1, false);
    peer_await_cut(peer);
    expect_service(&server, PEER_REQ);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 1 refused.");
}

/* With the routing id: 4 frames and 512 bytes are the limits, each frame counted with a byte more;
 * a ROUTER's own routing ids have 5 bytes. */
Test(garbage, an_envelope_as_long_as_it_may_be_comes_back_and_a_longer_one_is_dropped)
{
    struct server server = server_start(NULL);
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
    struct server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    for (int i = 0; i < 20000; i++)
        send_frame(peer, 10, true);
    peer_ask(peer, &proper);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 0 refused.");
}

/* ---- messages that cannot be taken ------------------------------------------------------- */

static const struct message server_messages[] = {
    {.type = MESSAGE_SUM_REPLY, .sum_reply = {.id = 1, .count = 1, .unit_log2 = -49}},
    {.type = MESSAGE_PROGRESS, .progress = {.id = 1, .done = 1, .count = 2}},
    {.type = MESSAGE_REFUSAL, .refusal = {.id = 1, .status = STATUS_BUSY, .text = "Not now"}},
};

/* Two servers that talk to each other by mistake fall silent. */
Test(garbage, what_only_servers_say_is_dropped)
{
    struct server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(server_messages); i++)
        peer_send(peer, &server_messages[i]);
    peer_ask(peer, &proper);
    peer_expect_sum(peer, &proper);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 0 refused.");
}

/* Who can say nothing more before it is answered is answered. */
static void expect_lockstep_answers(const char *socket)
{
    struct server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(PEER_REQ, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(server_messages); i++) {
        peer_send(peer, &server_messages[i]);
        peer_expect_refusal(peer, 0, STATUS_MALFORMED);
    }
    peer_cancel(peer, 1);
    peer_expect_refusal(peer, 1, STATUS_MALFORMED);
    send_frame(peer, 3, false);
    peer_expect_refusal(peer, 0, STATUS_MALFORMED);
    send_frame(peer, 0, false);
    peer_expect_refusal(peer, 0, STATUS_MALFORMED);
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

/* Version 2; count 0; kind 9; nothing but the version. */
static void expect_refusals_of_bytes(const char *socket, enum peer_type type)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t id;
        enum status status;
    } rows[] = {
        {"\x08\x02\x12\x06\x08\x07\x18\x01\x28\x01", 10, 7, STATUS_WRONG_VERSION},
        {"\x08\x01\x12\x04\x08\x07\x18\x01", 8, 7, STATUS_OUT_OF_RANGE},
        {"\x08\x01\x12\x06\x08\x07\x18\x09\x28\x01", 10, 7, STATUS_OUT_OF_RANGE},
        {"\x08\x01", 2, 0, STATUS_MALFORMED},
    };
    struct server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (type == PEER_DELIMITED)
            send_frame(peer, 0, true);
        zmq_send(peer_socket(peer), rows[i].bytes, rows[i].size, 0);
        peer_expect_refusal(peer, rows[i].id, rows[i].status);
    }
    server_drain(&server);
}

Test(garbage, a_router_says_why_it_cannot_take_a_request)
{
    expect_refusals_of_bytes("router", PEER_DEALER);
}

Test(garbage, a_rep_says_why_it_cannot_take_a_request)
{
    expect_refusals_of_bytes("rep", PEER_DELIMITED);
}

/* ---- bytes on the port ------------------------------------------------------------------- */

static int connect_to(const struct server *server)
{
    struct timeval patience = {.tv_sec = PROCESS_PATIENCE_MS / 1000};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = inet_addr(server_address())};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    cr_assert(connect(file, (struct sockaddr *)&address, sizeof address) == 0);
    return file;
}

/* Waits until the server hangs up, whatever it says before. */
static void await_hang_up(int connection)
{
    uint8_t bytes[1024];
    ssize_t size;

    do
        size = recv(connection, bytes, sizeof bytes, 0);
    while (size > 0);
    cr_assert(size == 0 || errno == ECONNRESET, "not cut");
    close(connection);
}

/* A handshake, or a begin of it, and then anything at all. The server may hang up at any time. */
static void send_random_bytes(int connection, uint64_t *state)
{
    uint8_t bytes[1024];
    size_t handshake = zmtp_put_handshake(bytes);
    size_t begin = draw_below(state, 4) ? handshake : draw_below(state, handshake);

    draw_bytes(state, bytes + begin, sizeof bytes - begin);
    send(connection, bytes, begin + draw_below(state, sizeof bytes - begin), MSG_NOSIGNAL);
    if (draw_below(state, 2))
        send(connection, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static void send_bytes_to_port(const char *socket)
{
    struct server server = server_start(WORDS("--socket", socket));
    uint64_t state = seed_given();
    int connections[CONNECTIONS];

    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = connect_to(&server);
        send_random_bytes(connections[i], &state);
    }
    expect_service(&server, PEER_REQ);
    for (int i = 0; i < CONNECTIONS; i++) {
        shutdown(connections[i], SHUT_WR);
        await_hang_up(connections[i]);
    }
    expect_service(&server, PEER_REQ);
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

Test(garbage, a_connection_that_says_nothing_is_cut)
{
    struct server server = server_start(NULL);

    await_hang_up(connect_to(&server));
    server_drain(&server);
}

/* ---- what the dead have left behind ------------------------------------------------------ */

/* Stops the thread that owns the sockets. libzmq's goes on: it takes connections, reads, and sees
 * them end. */
static void hold(const struct server *server)
{
    pid_t thread = process_pid(server->process);

    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) == -1)
        cr_skip_test("no thread can be stopped here: %s", strerror(errno));
    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL);
    cr_assert(waitpid(thread, NULL, __WALL) == thread);
}

static void let_go(const struct server *server)
{
    ptrace(PTRACE_DETACH, process_pid(server->process), NULL, NULL);
}

/* A message with its delimiter, in frames of ZMTP. */
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
    uint8_t header[4], bytes[UINT8_MAX];
    struct message message;
    struct message_error error;

    recv_bytes(connection, header, sizeof header);
    recv_bytes(connection, bytes, header[3]);
    cr_assert(message_decode(bytes, header[3], &message, &error), "%s", error.reason);
    return message;
}

/* A REP that always has another request to go on with does not see that it has read all: it may say
 * BUSY more than once. */
static void ask_until_answered(int connection, const struct sum_request *request)
{
    struct message message;

    do {
        send_request(connection, request);
        message = recv_answer(connection);
    } while (message.type == MESSAGE_REFUSAL && message.refusal.status == STATUS_BUSY);
    cr_assert(message.type == MESSAGE_SUM_REPLY && message.sum_reply.id == request->id);
}

/* A request is read when its client has gone and another has its file descriptor. It is not worked
 * on for that one, who is there to the end and is served as ever. */
static void leave_behind(const char *socket)
{
    struct server server = server_start(WORDS("--socket", socket, "--threads", "1"));
    struct sum_request endless = proper;

    endless.count = ENDLESS;
    hold(&server);
    int dead = connect_to(&server);
    shake_hands(dead);
    send_request(dead, &endless);
    shutdown(dead, SHUT_WR);
    await_hang_up(dead);
    int next = connect_to(&server);
    shake_hands(next);
    let_go(&server);
    expect_service(&server, PEER_REQ);
    ask_until_answered(next, &proper);
    cr_assert(lines_are(server_drain(&server), WORDS("Done: 2 requests answered, * refused.")));
    close(next);
}

Test(garbage, a_router_does_not_work_for_the_dead)
{
    leave_behind("router");
}

Test(garbage, a_rep_does_not_work_for_the_dead)
{
    leave_behind("rep");
}

/* ---- what is more than can be read ------------------------------------------------------- */

#define FLOOD_MESSAGES 50000
#define FLOOD_BYTES    200
#define PINGS          3000

/* A message of no sense and a PING, which libzmq answers before it reads on. */
static void send_pings(int connection)
{
    static const uint8_t message_and_ping[] = "\x01\0\0\x01x\x04\x07\x04PING\0\0";

    for (int i = 0; i < PINGS; i++)
        send(connection, message_and_ping, sizeof message_and_ping - 1, MSG_NOSIGNAL);
}

/* As of one whose machine has crashed: the server finds it dead in the midst of what it has sent.
 */
static void reset(int connection)
{
    static const struct linger at_once = {.l_onoff = 1};

    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection);
}

static void await_read(int connection)
{
    int unsent = 1;

    while (ioctl(connection, SIOCOUTQ, &unsent) == 0 && unsent > 0)
        usleep(1000);
    usleep(100000); /* by TCP, that is */
}

/* libzmq fails an assertion over that where its queues have a limit: issue #4364. */
static void die_behind_pings(const char *socket)
{
    struct server server = server_start(WORDS("--socket", socket));
    int connection = connect_to(&server);

    shake_hands(connection);
    hold(&server);
    send_pings(connection);
    await_read(connection);
    reset(connection);
    usleep(100000);
    let_go(&server);
    expect_service(&server, PEER_REQ);
    server_drain(&server);
}

Test(garbage, a_router_survives_who_dies_behind_many_pings)
{
    die_behind_pings("router");
}

Test(garbage, a_rep_survives_who_dies_behind_many_pings)
{
    die_behind_pings("rep");
}

/* Sends the same all the time until the server hangs up. */
static void send_until_cut(int connection, const uint8_t *bytes, size_t size)
{
    while (send(connection, bytes, size, MSG_NOSIGNAL) > 0)
        ;
    cr_assert(errno == EPIPE || errno == ECONNRESET, "not cut: %s", strerror(errno));
    close(connection);
}

/* Frames that are never the last: there is nothing to read. */
static void send_endless_message(const char *socket)
{
    static uint8_t frame[9 + FRAME_BYTES_MAX] = {3, [6] = FRAME_BYTES_MAX >> 16};
    struct server server = server_start(WORDS("--socket", socket));
    int connection = connect_to(&server);

    shake_hands(connection);
    send_until_cut(connection, frame, sizeof frame);
    process_line(server.process, PROCESS_ERR, "*does not end its message*127.*");
    expect_service(&server, PEER_REQ);
    server_drain(&server);
}

Test(garbage, a_message_without_an_end_is_not_kept_by_a_router)
{
    send_endless_message("router");
}

Test(garbage, a_message_without_an_end_is_not_kept_by_a_rep)
{
    send_endless_message("rep");
}

/* The thread that reads does not run, as on a busy machine, while libzmq's takes all in. */
Test(garbage, who_sends_more_than_is_read_waits_and_others_do_not)
{
    static uint8_t messages[FLOOD_MESSAGES][4 + FLOOD_BYTES];
    struct server server = server_start(NULL);
    struct peer *other = peer_new(PEER_DEALER, server.endpoint);
    int connection = connect_to(&server);

    shake_hands(connection);
    for (int i = 0; i < FLOOD_MESSAGES; i++)
        memcpy(messages[i], (uint8_t[]){1, 0, 0, FLOOD_BYTES}, 4);
    hold(&server);
    cr_assert(send(connection, messages, sizeof messages, MSG_NOSIGNAL) == sizeof messages);
    await_read(connection);
    let_go(&server);
    process_line(server.process, PROCESS_ERR, "*more comes from 127.* than is read*");
    peer_ask(other, &proper);
    peer_expect_sum(other, &proper);
    for (int i = 0; i < FLOOD_MESSAGES; i++)
        cr_assert(recv_answer(connection).type == MESSAGE_REFUSAL);
    ask_until_answered(connection, &proper);
    close(connection);
    server_drain(&server);
}
