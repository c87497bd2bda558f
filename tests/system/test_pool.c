/* System tests of joined workers: workers join, leave, freeze and send wrong totals, and every sum
 * still equals the sum of one thread. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sums/digest.h"
#include "sums/kernel.h"
#include "sums/stream.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(pool, .fini = story_end);

/* Has many spans. Neither its first nor its last sample is at the boundary of a block. */
static const struct sum_request asked = {
    .id = 1,
    .seed = 11,
    .kind = MESSAGE_KIND_GAUSSIAN,
    .first = 1000,
    .count = 300 * BLOCK_SAMPLES + 17,
};

/* Waits until the front refuses `peer` as a worker. */
static void peer_expect_not_a_worker(struct peer *peer, enum refusal_code code)
{
    struct message message;

    do
        message = peer_recv(peer);
    while (message.type != MESSAGE_REFUSAL);
    cr_assert(message.refusal.id == 0);
    cr_assert(message.refusal.code == code, "%s", message.refusal.text);
}

/* ---- sums -------------------------------------------------------------------------------- */

Test(pool, joined_workers_compute_the_same_sum_as_one_thread)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    worker_start(front.workers_endpoint, NULL);
    worker_start(front.workers_endpoint, WORDS("--threads", "2"));
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
    cr_assert_str_eq(server_drain(&front), "Done: 1 requests answered, 0 refused.");
}

Test(pool, a_request_waits_for_the_first_worker)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    peer_ask(client, &asked);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}

Test(pool, a_tree_of_servers_computes_the_same_sum)
{
    struct test_server front = front_start(NULL, NULL);
    struct test_server middle = front_start(NULL, WORDS("--join", front.workers_endpoint));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    worker_start(middle.workers_endpoint, NULL);
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
}

Test(pool, a_server_joins_two_fronts_and_serves_its_own_clients)
{
    struct test_server fronts[] = {front_start(NULL, NULL), front_start(NULL, NULL)};
    char both[2 * sizeof fronts[0].workers_endpoint];

    snprintf(both, sizeof both, "%s,%s", fronts[0].workers_endpoint, fronts[1].workers_endpoint);
    struct test_server worker = server_start(WORDS("--threads", "1", "--join", both));
    const char *const endpoints[] = {fronts[0].endpoint, fronts[1].endpoint, worker.endpoint};
    struct peer *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = peer_new(PEER_DEALER, endpoints[i]);
        peer_ask(clients[i], &asked);
    }
    for (int i = 0; i < 3; i++)
        peer_expect_sum(clients[i], &asked);
}

/* ---- status ------------------------------------------------------------------------------ */

/* A front whose only worker computes an endless request. */
struct busy_front {
    struct test_server front;
    struct process *worker;
};

static struct busy_front busy_front_start(void)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    struct sum_request endless = asked;

    endless.count = ENDLESS;
    peer_ask(client, &endless);
    process_await_computing(worker);
    return (struct busy_front){front, worker};
}

/* What `meantime status` prints about a server. */
static const char *printed_status(const struct test_server *server)
{
    struct process *client = CLIENT(*server, "status");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    return process_text(client, PROCESS_OUT);
}

/* The object that `meantime status --json` prints about a server. The caller owns it. */
static json_t *printed_status_json(const struct test_server *server)
{
    struct process *client = CLIENT(*server, "status", "--json");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    const char *text = process_text(client, PROCESS_OUT);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(object, "%s", text);
    return object;
}

Test(pool, status_lists_the_workers_and_the_requests_in_flight)
{
    struct test_server front = busy_front_start().front;
    const char *out = printed_status(&front);

    cr_assert(
        lines_include(out, WORDS("*: 1 worker with 1 core, 1 request in flight.",
                                 "Requests: 0 answered, 0 refused. Workers lost: 0. *", "Spans: *",
                                 "*0  joined *", "Gaussian *1,152,921,504,606,846,976 *127.0.0.1")),
        "%s", out);
}

Test(pool, status_json_has_the_workers_and_the_requests_in_flight)
{
    struct test_server front = busy_front_start().front;
    json_t *object = printed_status_json(&front);
    json_t *worker = json_array_get(json_object_get(object, "workers"), 0);
    json_t *request = json_array_get(json_object_get(object, "requests"), 0);

    cr_assert(json_array_size(json_object_get(object, "workers")) == 1);
    cr_assert_str_eq(json_string_value(json_object_get(worker, "state")), "joined");
    cr_assert(json_integer_value(json_object_get(worker, "credit")) == 2);
    cr_assert(json_real_value(json_object_get(worker, "gaussian_rate")) > 0);
    cr_assert_str_eq(json_string_value(json_object_get(request, "seed")), "11");
    cr_assert_str_eq(json_string_value(json_object_get(request, "owner")), "127.0.0.1");
    json_decref(object);
}

Test(pool, status_without_a_server_prints_one_sentence)
{
    struct process *client =
        process_start(WORDS(MEANTIME, "status", "--connect", "tcp://127.0.0.7:1"));

    cr_assert(process_wait(client) == 1);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: no server at tcp://127.0.0.7:1 (connection refused)")));
}

/* A whole stream has 2^63 samples. This is one more than the largest integer of jansson. */
Test(pool, status_json_shows_the_count_of_the_largest_request)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request whole = asked;

    whole.first = 0;
    whole.count = UINT64_C(1) << 63;
    peer_ask(peer, &whole);
    process_await_computing(server.process);
    json_t *object = printed_status_json(&server);
    json_t *request = json_array_get(json_object_get(object, "requests"), 0);
    double count = json_number_value(json_object_get(request, "count"));
    cr_assert(count == 0x1p63, "%.17g", count);
    cr_assert(json_is_integer(json_object_get(request, "done")));
    json_decref(object);
}

/* ---- workers leave ----------------------------------------------------------------------- */

Test(pool, spans_of_a_lost_worker_are_requeued)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    peer_span(peer);
    worker_start(front.workers_endpoint, NULL);
    peer_destroy(&peer);
    peer_expect_sum(client, &asked);
    process_line(front.process, PROCESS_ERR,
                 "*worker peer at 127.* is lost: its connection was closed");
}

Test(pool, spans_of_a_silent_worker_are_requeued_and_its_late_total_is_refused)
{
    struct test_server front = front_start(NULL, WORDS("--heartbeat-ms", "100"));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    struct sum_request span = peer_span(peer);
    peer_expect_not_a_worker(peer, REFUSAL_NOT_JOINED);
    peer_reply(peer, &span, span.count);
    peer_expect_not_a_worker(peer, REFUSAL_NOT_JOINED);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}

Test(pool, a_worker_that_is_stopped_finishes_its_spans_and_is_not_counted_as_lost)
{
    struct busy_front busy = busy_front_start();
    struct process *worker = busy.worker;

    process_signal(worker, SIGTERM);
    cr_assert(process_wait(worker) == 0, "%s", process_text(worker, PROCESS_ERR));
    process_line(worker, PROCESS_OUT, "Done: *");
    process_line(busy.front.process, PROCESS_ERR, "* has left: it has finished its spans");
    const char *out = printed_status(&busy.front);
    cr_assert(lines_include(out, WORDS("* Workers lost: 0. *")), "%s", out);
}

Test(pool, a_front_that_has_lost_its_only_worker_can_be_stopped)
{
    struct test_server front = front_start(NULL, WORDS("--heartbeat-ms", "100"));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    peer_ask(client, &asked);
    struct peer *peer = peer_new_worker(front.workers_endpoint);
    peer_span(peer);
    peer_destroy(&peer);
    process_line(front.process, PROCESS_ERR, "* is lost: its connection was closed");
    cr_assert_str_eq(server_drain(&front), "Done: 0 requests answered, 1 refused.");
    peer_expect_refusal(client, asked.id, REFUSAL_STOPPING);
}

/* ---- cycles and restarts ----------------------------------------------------------------- */

static void front_kill(struct test_server *front)
{
    process_signal(front->process, SIGKILL);
    process_wait(front->process);
}

/* The number of cores that the workers of a server report. */
static json_int_t reported_cores(const struct test_server *server)
{
    json_t *object = printed_status_json(server);
    json_int_t cores = 0;
    json_t *worker;
    size_t i;

    json_array_foreach(json_object_get(object, "workers"), i, worker) cores +=
        json_integer_value(json_object_get(worker, "capacity"));
    json_decref(object);
    return cores;
}

/* In a cycle, each round of heartbeats adds the cores of all members, and one level for each
 * member. The front must log the cycle, still sum, and limit the number of cores. */
static void expect_bounded_cycle(const struct test_server *server, unsigned threads)
{
    struct peer *client = peer_new(PEER_DEALER, server->endpoint);

    process_line(server->process, PROCESS_ERR,
                 "*levels of servers below it; have servers joined each other in a cycle?");
    for (int i = 0; i < 3; i++) {
        peer_ask(client, &asked);
        peer_expect_sum(client, &asked);
        cr_assert(reported_cores(server) <= (HEIGHT_MAX + 1) * threads);
    }
}

/* Each server must know the endpoint of the other before its start. So another server binds one of
 * the endpoints first. */
Test(pool, two_servers_that_join_each_other_log_the_cycle_and_still_sum)
{
    struct test_server before = front_start(NULL, NULL);
    struct test_server a =
        front_start(NULL, WORDS("--threads", "1", "--join", before.workers_endpoint));

    front_kill(&before);
    front_start(before.workers_endpoint, WORDS("--threads", "1", "--join", a.workers_endpoint));
    expect_bounded_cycle(&a, 2);
}

Test(pool, a_server_that_joins_itself_logs_the_cycle_and_still_sums)
{
    struct test_server before = front_start(NULL, NULL);

    front_kill(&before);
    struct test_server own = front_start(
        before.workers_endpoint, WORDS("--threads", "1", "--join", before.workers_endpoint));
    expect_bounded_cycle(&own, 1);
}

/* Two containers of one host can have the same host name and process id. */
Test(pool, a_worker_with_the_same_name_as_its_front_may_join)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);
    struct message join = {
        .type = MESSAGE_JOIN,
        .join = {.digest = sums_digest(kernel_best()), .capacity = 1, .kernel = "none"},
    };
    char host[sizeof join.join.name - 20] = "";

    gethostname(host, sizeof host - 1);
    snprintf(join.join.name, sizeof join.join.name, "%s:%d", host, (int)process_pid(front.process));
    peer_send(peer, &join);
    cr_assert(peer_recv(peer).type == MESSAGE_WELCOME);
}

Test(pool, workers_rejoin_a_front_that_restarts)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    front_kill(&front);
    process_line(worker, PROCESS_ERR, "*front tcp://* is lost: its connection was closed*");
    front = front_start(front.workers_endpoint, NULL);
    process_line(worker, PROCESS_ERR, "*joined tcp://*");
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
}

Test(pool, a_worker_logs_that_its_front_is_unreachable)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "tcp://%s:9",
             server_address()); /* no server listens there */
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", endpoint));

    process_line(worker, PROCESS_ERR,
                 "*:9: no server can be reached there: connection refused; dialling on");
    process_signal(worker, SIGTERM);
    cr_assert(process_wait(worker) == 0);
}

Test(pool, a_worker_that_joins_at_the_endpoint_for_clients_is_refused)
{
    struct test_server server = server_start(NULL);
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", server.endpoint));

    process_line(worker, PROCESS_ERR, "*: workers do not join here, but at *--workers");
    process_line(server.process, PROCESS_ERR, "*: workers do not join here, *");
}

Test(pool, a_client_that_asks_at_the_endpoint_for_workers_is_refused)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1M", "--connect", front.workers_endpoint));

    cr_assert(process_wait(client) == 1);
    process_line(client, PROCESS_ERR, "*workers join here; clients ask at *--bind*");
    process_line(front.process, PROCESS_ERR, "*bad message*: workers join here; clients ask at *");
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = listener != -1 && bind(listener, (struct sockaddr *)&loopback, sizeof loopback) == 0;

    close(listener);
    return has;
}

Test(pool, workers_join_a_front_over_ipv6)
{
    if (!has_ipv6())
        cr_skip_test("no IPv6");
    struct test_server front =
        server_start_at("tcp://[::1]:*", WORDS("--workers", "tcp://[::1]:*", "--threads", "0"));
    const char *line = process_line(front.process, PROCESS_OUT, "Workers join at *");
    unsigned port;
    char endpoint[64];

    cr_assert(sscanf(line, "Workers join at tcp://[::1]:%u.", &port) == 1, "%s", line);
    snprintf(endpoint, sizeof endpoint, "tcp://[::1]:%u", port);
    worker_start(endpoint, NULL);
    process_line(front.process, PROCESS_ERR, "*worker * has joined");
    struct process *client = CLIENT(front, "sum", "1M");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    printed_status(&front);
}

Test(pool, status_json_has_one_object_for_each_endpoint)
{
    struct test_server front = front_start(NULL, NULL);
    char endpoint[64], list[2 * sizeof endpoint];
    json_t *objects[2];
    size_t at = 0;

    snprintf(endpoint, sizeof endpoint, "tcp://%s:9",
             server_address()); /* no server listens there */
    snprintf(list, sizeof list, "%s,%s", endpoint, front.endpoint);
    struct process *client = process_start(WORDS(MEANTIME, "status", "--json", "--connect", list));
    cr_assert(process_wait(client) == 1);
    const char *text = process_text(client, PROCESS_OUT);
    for (int i = 0; i < 2; i++) {
        json_error_t end;
        objects[i] = json_loads(text + at, JSON_DISABLE_EOF_CHECK, &end);
        cr_assert(objects[i], "%s", text);
        at += (size_t)end.position;
    }
    cr_assert_str_eq(json_string_value(json_object_get(objects[0], "endpoint")), endpoint);
    cr_assert(json_object_get(objects[0], "error"));
    cr_assert_str_eq(json_string_value(json_object_get(objects[1], "endpoint")), front.endpoint);
    cr_assert(json_object_get(objects[1], "workers"));
    json_decref(objects[0]);
    json_decref(objects[1]);
}

/* ---- workers that are refused ------------------------------------------------------------ */

Test(pool, a_worker_with_another_digest_is_refused)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);

    peer_join(peer, sums_digest(kernel_best()) + 1);
    peer_expect_not_a_worker(peer, REFUSAL_OTHER_SUMS);
    process_line(front.process, PROCESS_ERR, "*worker peer would sum other bits: its digest is *");
}

Test(pool, a_worker_logs_why_its_front_refuses_it)
{
    struct impostor *front = impostor_new();
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", impostor_endpoint(front)));
    struct message refusal = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.code = REFUSAL_OTHER_SUMS, .text = "its digest is another one"},
    };
    struct message message = impostor_recv(front);

    cr_assert(message.type == MESSAGE_JOIN);
    cr_assert(message.join.digest == sums_digest(kernel_best()));
    cr_assert(message.join.capacity == 1);
    impostor_send(front, &refusal);
    process_line(worker, PROCESS_ERR, "*tcp://*: its digest is another one");
}

Test(pool, a_worker_logs_the_refusal_of_a_front_of_another_version)
{
    static const uint8_t refusal[] = "\x08\x02"                               /* version 2 */
                                     "\x32\x11\x10\x02\x1a\x0dI speak 2 now"; /* code, text */
    struct impostor *front = impostor_new();
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", impostor_endpoint(front)));

    cr_assert(impostor_recv(front).type == MESSAGE_JOIN);
    impostor_send_bytes(front, refusal, sizeof refusal - 1);
    process_line(worker, PROCESS_ERR, "*tcp://*: I speak 2 now");
}

Test(pool, a_heartbeat_of_a_peer_that_has_not_joined_is_refused)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);
    struct message message = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = 1}};

    peer_send(peer, &message);
    peer_expect_not_a_worker(peer, REFUSAL_NOT_JOINED);
}

Test(pool, a_worker_that_sends_a_total_of_too_few_samples_is_dropped)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    struct sum_request span = peer_span(peer);
    peer_reply(peer, &span, span.count - 1);
    peer_expect_not_a_worker(peer, REFUSAL_NOT_JOINED);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}
