/* Tests of the protocol: what a server answers to a peer, over each kind of socket. */
#include <criterion/criterion.h>
#include <signal.h>

#include "sums/stream.h"
#include "tests/support/story.h"

TestSuite(exchange, .fini = story_end);

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct sum_request endless = {
    .id = 1,
    .seed = 5,
    .kind = MESSAGE_KIND_GAUSSIAN,
    .count = ENDLESS,
};

/* A million samples, with a part of a block at both ends. */
static const struct sum_request small = {
    .id = 2,
    .seed = 5,
    .kind = MESSAGE_KIND_GAUSSIAN,
    .first = 1000,
    .count = 1000000,
};

/* ---- the same bits everywhere ------------------------------------------------------------ */

static void expect_all_sums(const struct test_server *server, enum peer_type type)
{
    static const struct {
        uint64_t first, count;
    } ranges[] = {
        {0, 1},
        {0, BLOCK_SAMPLES},
        {BLOCK_SAMPLES - 1, 2},
        {1, 3 * BLOCK_SAMPLES},
        {12345, 40 * BLOCK_SAMPLES + 678},
        {SAMPLE_END_MAX - BLOCK_SAMPLES - 1, BLOCK_SAMPLES + 1},
    };
    struct peer *peer = peer_new(type, server->endpoint);

    for (size_t i = 0; i < 2 * COUNT_OF(ranges); i++) {
        struct sum_request request = {
            .id = i + 1,
            .seed = UINT64_MAX - i,
            .kind = i % 2 ? MESSAGE_KIND_UNIFORM : MESSAGE_KIND_GAUSSIAN,
            .first = ranges[i / 2].first,
            .count = ranges[i / 2].count,
        };
        peer_ask(peer, &request);
        peer_expect_sum(peer, &request);
    }
    peer_destroy(&peer);
}

static void expect_all_sums_with_threads(const char *threads)
{
    struct test_server server = server_start(WORDS("--threads", threads));

    expect_all_sums(&server, PEER_DEALER);
    server_drain(&server);
}

Test(exchange, one_thread_sums_to_the_bit)
{
    expect_all_sums_with_threads("1");
}

Test(exchange, two_threads_sum_to_the_bit)
{
    expect_all_sums_with_threads("2");
}

Test(exchange, seven_threads_sum_to_the_bit)
{
    expect_all_sums_with_threads("7");
}

Test(exchange, a_router_serves_req_and_dealer_with_and_without_delimiter)
{
    struct test_server server = server_start(NULL);

    expect_all_sums(&server, PEER_REQ);
    expect_all_sums(&server, PEER_DEALER);
    expect_all_sums(&server, PEER_DELIMITED);
    server_drain(&server);
}

Test(exchange, a_rep_serves_req_and_dealer_with_delimiter)
{
    struct test_server server = server_start(WORDS("--socket", "rep"));

    expect_all_sums(&server, PEER_REQ);
    expect_all_sums(&server, PEER_DELIMITED);
    server_drain(&server);
}

Test(exchange, the_client_works_with_a_rep_server_too)
{
    struct test_server server = server_start(WORDS("--socket", "rep"));
    struct process *client = CLIENT(server, "compare", "--gaussian", "1M", "--uniform", "1M");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    server_drain(&server);
}

/* ---- many requests at once --------------------------------------------------------------- */

Test(exchange, a_small_request_is_answered_beside_an_endless_one)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    peer_ask(peer, &endless);
    peer_ask(peer, &small);
    peer_expect_sum(peer, &small);
    peer_cancel(peer, endless.id);
    peer_expect_refusal(peer, endless.id, REFUSAL_CANCELLED);
    cr_assert_str_eq(server_drain(&server), "Done: 1 requests answered, 1 refused.");
}

Test(exchange, a_small_request_is_answered_beside_another_clients_endless_ones)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *greedy = peer_new(PEER_DEALER, server.endpoint);
    struct peer *modest = peer_new(PEER_REQ, server.endpoint);
    struct sum_request request = endless;

    for (request.id = 1; request.id <= 100; request.id++)
        peer_ask(greedy, &request);
    peer_ask(modest, &small);
    peer_expect_sum(modest, &small);
    peer_destroy(&greedy);
    server_drain(&server);
}

Test(exchange, a_second_request_with_an_id_in_flight_is_refused_and_the_first_continues)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct peer *other = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request same_id = small;

    same_id.id = endless.id;
    peer_ask(peer, &endless);
    peer_ask(peer, &same_id);
    peer_expect_refusal(peer, endless.id, REFUSAL_DUPLICATE_ID);
    peer_ask(other, &same_id); /* each client has its own ids */
    peer_expect_sum(other, &same_id);
    peer_cancel(peer, endless.id);
    peer_expect_refusal(peer, endless.id, REFUSAL_CANCELLED);
    peer_ask(peer, &same_id); /* the id is free again */
    peer_expect_sum(peer, &same_id);
    server_drain(&server);
}

Test(exchange, a_cancel_without_a_request_is_ignored)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    peer_cancel(peer, small.id);
    peer_ask(peer, &small);
    peer_expect_sum(peer, &small);
    peer_cancel(peer, small.id);
    peer_ask(peer, &small);
    peer_expect_sum(peer, &small);
    cr_assert_str_eq(server_drain(&server), "Done: 2 requests answered, 0 refused.");
}

/* ---- deadlines and progress -------------------------------------------------------------- */

Test(exchange, a_deadline_ends_a_request)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request hurried = endless;
    int64_t began_at_ms = process_now_ms();

    hurried.deadline_ms = 300;
    peer_ask(peer, &hurried);
    peer_expect_refusal(peer, hurried.id, REFUSAL_DEADLINE_EXCEEDED);
    cr_assert(process_now_ms() - began_at_ms >= 300, "too early");
    server_drain(&server);
}

static struct progress expect_progress(struct peer *peer)
{
    struct message message = peer_recv(peer);

    cr_assert(message.type == MESSAGE_PROGRESS, "no progress, but a message of type %d",
              message.type);
    cr_assert(message.progress.id == endless.id);
    cr_assert(message.progress.count == endless.count);
    return message.progress;
}

Test(exchange, a_dealer_gets_the_progress_that_it_asks_for)
{
    struct test_server server = server_start(NULL);
    struct peer *peer = peer_new(PEER_DELIMITED, server.endpoint);
    struct sum_request watched = endless;

    watched.progress = true;
    peer_ask(peer, &watched);
    uint64_t done = expect_progress(peer).done;
    for (int i = 0; i < 3; i++) {
        struct progress progress = expect_progress(peer);
        cr_assert(progress.done >= done);
        done = progress.done;
    }
    cr_assert(done > 0);
    peer_destroy(&peer);
    server_drain(&server);
}

/* This peer would take progress for the answer. */
static void expect_no_progress(const char *socket, enum peer_type type)
{
    struct test_server server = server_start(WORDS("--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);
    struct sum_request watched = endless;

    watched.progress = true;
    watched.deadline_ms = 1300;
    peer_ask(peer, &watched);
    peer_expect_refusal(peer, watched.id, REFUSAL_DEADLINE_EXCEEDED);
    server_drain(&server);
}

Test(exchange, a_req_that_asks_for_progress_gets_none)
{
    expect_no_progress("router", PEER_REQ);
}

Test(exchange, no_peer_of_a_rep_gets_progress)
{
    expect_no_progress("rep", PEER_DELIMITED);
}

/* ---- clients that disconnect ------------------------------------------------------------- */

/* After the client has disconnected no request is in flight, else the server would not end. */
static void expect_cancelled(const char *socket, enum peer_type type)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--socket", socket));
    struct peer *peer = peer_new(type, server.endpoint);

    peer_ask(peer, &endless);
    process_await_computing(server.process);
    peer_destroy(&peer);
    cr_assert_str_eq(server_drain(&server), "Done: 0 requests answered, 0 refused.");
}

Test(exchange, the_request_of_a_req_that_disconnects_is_cancelled)
{
    expect_cancelled("router", PEER_REQ);
}

Test(exchange, the_request_of_a_dealer_that_disconnects_is_cancelled)
{
    expect_cancelled("router", PEER_DEALER);
}

Test(exchange, the_request_of_a_peer_that_disconnects_from_a_rep_is_cancelled)
{
    expect_cancelled("rep", PEER_REQ);
}

Test(exchange, the_request_of_a_killed_client_is_cancelled)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client = CLIENT(server, "async", "--gaussian", ENDLESS_WORD);

    process_await_computing(server.process);
    process_signal(client, SIGKILL);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGKILL));
    cr_assert_str_eq(server_drain(&server), "Done: 0 requests answered, 0 refused.");
}

/* Repeats this, because each client leaves a REP socket that still owes an answer. */
Test(exchange, a_rep_serves_the_next_client_after_one_disconnects_midway)
{
    struct test_server server = server_start(WORDS("--socket", "rep"));

    for (int i = 0; i < 3; i++) {
        struct peer *leaves = peer_new(PEER_REQ, server.endpoint);
        struct peer *next = peer_new(PEER_REQ, server.endpoint);
        peer_ask(leaves, &endless);
        process_await_computing(server.process);
        peer_ask(next, &small);
        peer_destroy(&leaves);
        peer_expect_sum(next, &small);
        peer_destroy(&next);
    }
    server_drain(&server);
}
