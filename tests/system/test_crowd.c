/* System tests of load: many clients at once, and clients that flood the server with requests. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "sums/stream.h"
#include "tests/support/story.h"

TestSuite(crowd, .fini = story_end);

/* ---- fifty clients ----------------------------------------------------------------------- */

#define PEERS           45
#define PROCESSES       5
#define ROUNDS          4
#define DEALER_REQUESTS 6

/* A new connection has the descriptor of another only if one of the processes has ended. */
#define CROWD_REFUSED_MAX (PROCESSES * DEALER_REQUESTS)

static unsigned crowd_refused; /* requests of the peers */

/* Each request has another stream, kind, first sample and count. Most of them cross the
 * boundary of a block. */
static struct sum_request crowd_request(int peer, int round, int number)
{
    uint64_t n = (uint64_t)(peer * 1000 + round * 100 + number);

    return (struct sum_request){
        .id = n + 1,
        .seed = n * UINT64_C(0x9e3779b97f4a7c15),
        .kind = n % 3 ? MESSAGE_KIND_GAUSSIAN : MESSAGE_KIND_UNIFORM,
        .first = n * 4099,
        .count = 1 + n * 7919 % (2 * BLOCK_SAMPLES),
    };
}

static enum peer_type crowd_type(int peer)
{
    static const enum peer_type types[] = {PEER_REQ, PEER_DEALER, PEER_DELIMITED};

    return types[peer % 3];
}

static int crowd_requests(int peer)
{
    return crowd_type(peer) == PEER_REQ ? 1 : DEALER_REQUESTS;
}

/* Returns the next sum for the peer. Asks again if the server is busy: on a slow machine a new
 * connection may be refused, because it has the descriptor of one whose messages are still being
 * read. */
static struct message recv_crowd_sum(struct peer *peer, int number, int round)
{
    uint64_t first_id = crowd_request(number, round, 0).id;
    struct message message;

    while ((message = peer_recv(peer)).type == MESSAGE_REFUSAL) {
        int which = (int)(message.refusal.id - first_id);
        struct sum_request again = crowd_request(number, round, which);
        cr_assert(message.refusal.code == REFUSAL_BUSY, "%s", message.refusal.text);
        crowd_refused++;
        usleep(message.refusal.retry_after_ms * 1000);
        peer_ask(peer, &again);
    }
    return message;
}

/* The answers may come in any order. */
static void expect_crowd_sums(struct peer *peer, int number, int round)
{
    uint64_t first_id = crowd_request(number, round, 0).id;
    bool seen[DEALER_REQUESTS] = {false};

    for (int i = 0; i < crowd_requests(number); i++) {
        struct message message = recv_crowd_sum(peer, number, round);
        uint64_t which = message.sum_reply.id - first_id;
        cr_assert(message.type == MESSAGE_SUM_REPLY);
        cr_assert(which < DEALER_REQUESTS && !seen[which], "answer %" PRIu64 " of peer %d",
                  message.sum_reply.id, number);
        seen[which] = true;
        struct sum_request asked = crowd_request(number, round, (int)which);
        cr_assert(message.sum_reply.units == peer_units(&asked), "request %" PRIu64, asked.id);
    }
}

static void start_crowd_clients(const struct test_server *server, struct process **clients)
{
    for (int i = 0; i < PROCESSES; i++)
        clients[i] = CLIENT(*server, "sum", "3M", "--first", "31", "--seed", "7", "--quiet");
}

/* All of them have asked for the same sum. */
static void expect_crowd_clients(struct process **clients)
{
    for (int i = 0; i < PROCESSES; i++) {
        int status = process_wait(clients[i]);
        cr_assert(status == 0, "%s", process_text(clients[i], PROCESS_ERR));
        cr_assert_str_eq(process_text(clients[i], PROCESS_OUT),
                         process_text(clients[0], PROCESS_OUT));
    }
}

Test(crowd, fifty_clients_at_once_all_get_the_right_sums)
{
    struct test_server server = server_start(NULL);
    struct process *clients[PROCESSES];
    struct peer *peers[PEERS];

    start_crowd_clients(&server, clients);
    for (int i = 0; i < PEERS; i++)
        peers[i] = peer_new(crowd_type(i), server.endpoint);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PEERS; i++)
            for (int k = 0; k < crowd_requests(i); k++) {
                struct sum_request request = crowd_request(i, round, k);
                peer_ask(peers[i], &request);
            }
        for (int i = 0; i < PEERS; i++)
            expect_crowd_sums(peers[i], i, round);
    }
    expect_crowd_clients(clients);
    unsigned refused;
    cr_assert(sscanf(server_drain(&server), "Done: 785 requests answered, %u refused.", &refused) ==
              1);
    cr_assert(refused >= crowd_refused && refused <= CROWD_REFUSED_MAX, "%u refused", refused);
}

/* ---- one client that sends many requests ------------------------------------------------- */

#define IN_FLIGHT   1024
#define FLOOD_COUNT BLOCK_SAMPLES

/* More answers than the buffers between the server and a peer that does not read can hold. */
#define UNREAD_FLOOD 100000

/* This is also more than the number of answers that the server keeps for one connection,
 * KEPT_BYTES_MAX. */
#define ABANDONED_FLOOD 300000

/* To make room in its buffers, a slow peer reads this many frames. */
#define FRAMES_READ 2000

static struct sum_request flood_request(uint64_t id, uint64_t count)
{
    return (struct sum_request){
        .id = id,
        .seed = 1,
        .kind = MESSAGE_KIND_GAUSSIAN,
        .first = id * BLOCK_SAMPLES,
        .count = count,
    };
}

static void ask_flood(struct peer *peer, uint64_t requests, uint64_t count)
{
    for (uint64_t id = 1; id <= requests; id++) {
        struct sum_request request = flood_request(id, count);
        peer_ask(peer, &request);
    }
}

/* Fails unless the next answer is a sum or BUSY for an id that has no answer yet. */
static void take_flood_answer(struct peer *peer, uint64_t requests, bool *answered)
{
    struct message message = peer_recv(peer);
    bool sum = message.type == MESSAGE_SUM_REPLY;
    uint64_t id = sum ? message.sum_reply.id : message.refusal.id;
    struct sum_request asked = flood_request(id, FLOOD_COUNT);

    cr_assert(id >= 1 && id <= requests && !answered[id], "an answer to %" PRIu64, id);
    answered[id] = true;
    if (sum) {
        cr_assert(message.sum_reply.units == peer_units(&asked));
        return;
    }
    cr_assert(message.type == MESSAGE_REFUSAL && message.refusal.code == REFUSAL_BUSY, "%s",
              message.refusal.text);
    cr_assert(message.refusal.retry_after_ms > 0);
}

static void expect_flood_answers(struct peer *peer, uint64_t requests)
{
    bool *answered = calloc(requests + 1, sizeof *answered);

    for (uint64_t i = 0; i < requests; i++)
        take_flood_answer(peer, requests, answered);
    free(answered);
}

Test(crowd, three_thousand_requests_without_reading_get_one_answer_each)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    ask_flood(peer, 3000, FLOOD_COUNT);
    expect_flood_answers(peer, 3000);
    server_drain(&server);
}

/* While the buffers are full, the server keeps the answers and serves other clients. */
Test(crowd, a_client_that_reads_late_gets_one_answer_for_each_request)
{
    struct test_server server = server_start(NULL);
    struct peer *stalled = peer_new_with_small_buffers(server.endpoint);
    struct peer *other = peer_new(PEER_REQ, server.endpoint);
    struct sum_request small = flood_request(1, FLOOD_COUNT);

    ask_flood(stalled, UNREAD_FLOOD, FLOOD_COUNT);
    for (int i = 0; i < 100; i++) {
        peer_ask(other, &small);
        peer_expect_sum(other, &small);
    }
    expect_flood_answers(stalled, UNREAD_FLOOD);
    cr_assert_str_eq(process_text(server.process, PROCESS_ERR), "");
    server_drain(&server);
}

/* Waits until the server abandons the peer. If a peer never reads, Linux 6.18 drops all segments
 * from the server, together with the acknowledgements that they carry, so the requests of the peer
 * do not arrive. Therefore this peer reads some frames every second. */
static void await_abandoned(struct test_server *server, struct peer *stalled, const char *pattern)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (!process_try_line(server->process, PROCESS_ERR, pattern, 1000)) {
        cr_assert(process_now_ms() < limit_at_ms, "the server abandons no client");
        for (int frame = 0; frame < FRAMES_READ; frame++)
            zmq_recv(peer_socket(stalled), NULL, 0, ZMQ_DONTWAIT);
    }
}

/* The server cancels the endless requests of this client, so the server can end. */
Test(crowd, a_client_that_hardly_reads_is_abandoned)
{
    struct test_server server = server_start(NULL);
    struct peer *stalled = peer_new_with_small_buffers(server.endpoint);
    struct peer *other = peer_new(PEER_REQ, server.endpoint);
    struct sum_request small = flood_request(1, FLOOD_COUNT);

    ask_flood(stalled, ABANDONED_FLOOD, ENDLESS);
    await_abandoned(&server, stalled, "*abandoned the connection from *: it does not read*");
    peer_ask(other, &small);
    peer_expect_sum(other, &small);
    peer_destroy(&stalled);
    server_drain(&server);
}

Test(crowd, more_requests_in_flight_than_a_client_may_have_are_refused)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct peer *other = peer_new(PEER_REQ, server.endpoint);
    struct sum_request small = flood_request(1, FLOOD_COUNT);

    ask_flood(peer, IN_FLIGHT + 10, ENDLESS);
    for (uint64_t id = IN_FLIGHT + 1; id <= IN_FLIGHT + 10; id++)
        cr_assert(peer_expect_refusal(peer, id, REFUSAL_BUSY).retry_after_ms > 0);
    peer_ask(other, &small); /* the queue still has room for other clients */
    peer_expect_sum(other, &small);
    for (uint64_t id = 1; id <= IN_FLIGHT; id++) {
        peer_cancel(peer, id);
        peer_expect_refusal(peer, id, REFUSAL_CANCELLED);
    }
    server_drain(&server);
}

/* ---- one connection of many clients ------------------------------------------------------ */

/* The same value as CONNECTION_REQUESTS_MAX. */
#define CONNECTION_IN_FLIGHT 4096

/* Sends with the envelope of that client, as a proxy between clients and server does. */
static void send_as_client(struct peer *peer, uint32_t client, const struct message *message)
{
    zmq_send(peer_socket(peer), &client, sizeof client, ZMQ_SNDMORE);
    peer_send(peer, message);
}

static void ask_as_client(struct peer *peer, uint32_t client, const struct sum_request *request)
{
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = *request};

    send_as_client(peer, client, &message);
}

/* Receives the envelope of the next answer. Returns its client. */
static uint32_t recv_client(struct peer *peer)
{
    uint32_t client;

    cr_assert(zmq_recv(peer_socket(peer), &client, sizeof client, 0) == sizeof client);
    cr_assert(peer_has_more(peer));
    return client;
}

static void ask_as_clients(struct peer *peer, uint32_t clients)
{
    struct sum_request endless = flood_request(1, ENDLESS);

    for (uint32_t client = 0; client < clients; client++)
        ask_as_client(peer, client, &endless);
}

Test(crowd, thousands_of_clients_behind_one_connection_get_one_answer_each)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    bool answered[CONNECTION_IN_FLIGHT] = {false};

    for (uint32_t client = 0; client < CONNECTION_IN_FLIGHT; client++) {
        struct sum_request request = flood_request(client, 1);
        request.id = 1;
        ask_as_client(peer, client, &request);
    }
    for (int i = 0; i < CONNECTION_IN_FLIGHT; i++) {
        uint32_t client = recv_client(peer);
        struct sum_request request = flood_request(client, 1);
        request.id = 1;
        peer_expect_sum(peer, &request);
        cr_assert(!answered[client]);
        answered[client] = true;
    }
    server_drain(&server);
}

/* Each client behind the connection is below the limit of one client. */
Test(crowd, more_requests_in_flight_than_a_connection_may_have_are_refused)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct message cancel = {.type = MESSAGE_CANCEL, .cancel = {.id = 1}};

    ask_as_clients(peer, CONNECTION_IN_FLIGHT + 10);
    for (uint32_t i = 0; i < 10; i++) {
        cr_assert(recv_client(peer) == CONNECTION_IN_FLIGHT + i);
        cr_assert(peer_expect_refusal(peer, 1, REFUSAL_BUSY).retry_after_ms > 0);
    }
    for (uint32_t client = 0; client < CONNECTION_IN_FLIGHT; client++) {
        send_as_client(peer, client, &cancel);
        cr_assert(recv_client(peer) == client);
        peer_expect_refusal(peer, 1, REFUSAL_CANCELLED);
    }
    server_drain(&server);
}

static size_t count_occurrences(const char *text, const char *words)
{
    size_t times = 0;

    while ((text = strstr(text, words))) {
        text += strlen(words);
        times++;
    }
    return times;
}

/* The server abandons the whole connection, however many envelopes it uses. The server can end
 * while this peer is still connected. The server does not abandon another slow peer with fewer
 * unread answers. */
Test(crowd, only_the_peer_with_too_many_unread_answers_is_abandoned_once)
{
    struct test_server server = server_start(NULL);
    struct peer *stalled = peer_new_with_small_buffers(server.endpoint);
    struct peer *slow = peer_new_with_small_buffers(server.endpoint);
    struct peer *other = peer_new(PEER_REQ, server.endpoint);
    struct sum_request small = flood_request(1, FLOOD_COUNT);

    ask_flood(slow, ABANDONED_FLOOD / 10, FLOOD_COUNT);
    ask_as_clients(stalled, ABANDONED_FLOOD);
    await_abandoned(&server, stalled,
                    "*abandoned the connection from 127.0.0.1: it does not read*");
    ask_as_clients(stalled, 1000);
    peer_ask(other, &small);
    peer_expect_sum(other, &small);
    expect_flood_answers(slow, ABANDONED_FLOOD / 10);
    server_drain(&server);
    const char *text = process_text(server.process, PROCESS_ERR);
    cr_assert(count_occurrences(text, "abandoned the connection") == 1, "%s", text);
}
