/* Servers that have joined another one as workers: they come, go, freeze and lie, and every sum is
 * what one thread sums. */
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

/* Many spans, and neither end of it at the end of a block. */
static const struct sum_request asked = {
    .id = 1,
    .seed = 11,
    .kind = MESSAGE_KIND_GAUSSIAN,
    .first = 1000,
    .count = 300 * BLOCK_SAMPLES + 17,
};

/* A worker that the test plays itself is one no longer, or never was. */
static void peer_expect_dropped(struct peer *peer, enum status status)
{
    struct message message;

    do
        message = peer_recv(peer);
    while (message.type != MESSAGE_REFUSAL);
    cr_assert(message.refusal.id == 0);
    cr_assert(message.refusal.status == status, "%s", message.refusal.text);
}

/* ---- they sum ---------------------------------------------------------------------------- */

Test(pool, workers_that_have_joined_sum_what_one_thread_sums)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    worker_start(front.workers_endpoint, NULL);
    worker_start(front.workers_endpoint, WORDS("--threads", "2"));
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
    cr_assert_str_eq(server_drain(&front), "Done: 1 requests answered, 0 refused.");
}

Test(pool, a_request_waits_for_the_first_worker)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    peer_ask(client, &asked);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}

Test(pool, a_tree_of_servers_sums_too)
{
    struct server front = front_start(NULL, NULL);
    struct server middle = front_start(NULL, WORDS("--join", front.workers_endpoint));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    worker_start(middle.workers_endpoint, NULL);
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
}

Test(pool, a_worker_joins_two_fronts_and_serves_clients_itself)
{
    struct server fronts[] = {front_start(NULL, NULL), front_start(NULL, NULL)};
    char both[2 * sizeof fronts[0].workers_endpoint];

    snprintf(both, sizeof both, "%s,%s", fronts[0].workers_endpoint, fronts[1].workers_endpoint);
    struct server worker = server_start(WORDS("--threads", "1", "--join", both));
    const char *const endpoints[] = {fronts[0].endpoint, fronts[1].endpoint, worker.endpoint};
    struct peer *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = peer_new(PEER_DEALER, endpoints[i]);
        peer_ask(clients[i], &asked);
    }
    for (int i = 0; i < 3; i++)
        peer_expect_sum(clients[i], &asked);
}

/* ---- who is there ------------------------------------------------------------------------ */

/* A front with one worker and a request that does not end. */
static struct server busy_front(void)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    struct sum_request endless = asked;

    endless.count = ENDLESS;
    peer_ask(client, &endless);
    process_await_computing(worker);
    return front;
}

Test(pool, status_tells_who_computes_what)
{
    struct server front = busy_front();
    struct process *client = CLIENT(front, "status");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    const char *out = process_text(client, PROCESS_OUT);
    cr_assert(lines_include(out, WORDS("*: 1 worker with 1 core, 1 request in flight.",
                                       "Requests: 0 answered, 0 refused. Spans: *",
                                       "Workers lost: 0. Bad messages: 0.", "*0  joined *",
                                       "*127.0.0.1 *Gaussian *1,152,921,504,606,846,976 *")),
              "%s", out);
}

Test(pool, status_as_json)
{
    struct server front = busy_front();
    struct process *client = CLIENT(front, "status", "--json");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);
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

Test(pool, status_of_nobody_is_a_sentence)
{
    struct process *client = process_start(
        WORDS(MEANTIME, "status", "--connect", "tcp://127.0.0.7:1", "--timeout", "100ms"));

    cr_assert(process_wait(client) == 1);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: no answer from tcp://127.0.0.7:1; *")));
}

/* The samples of a whole stream are 2^63: one more than an integer of jansson can be. */
Test(pool, status_as_json_tells_of_the_largest_request)
{
    struct server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request whole = asked;

    whole.first = 0;
    whole.count = UINT64_C(1) << 63;
    peer_ask(peer, &whole);
    process_await_computing(server.process);
    struct process *client = CLIENT(server, "status", "--json");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);
    json_t *request = json_array_get(json_object_get(object, "requests"), 0);
    cr_assert(json_number_value(json_object_get(request, "count")) == 0x1p63, "%s",
              process_text(client, PROCESS_OUT));
    cr_assert(json_is_integer(json_object_get(request, "done")));
    json_decref(object);
}

/* ---- they go ----------------------------------------------------------------------------- */

Test(pool, what_a_lost_worker_had_is_summed_by_others)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    peer_span(peer);
    worker_start(front.workers_endpoint, NULL);
    peer_destroy(&peer);
    peer_expect_sum(client, &asked);
    process_line(front.process, PROCESS_ERR, "*worker peer has gone");
}

Test(pool, what_a_silent_worker_had_is_summed_by_others_and_its_total_comes_too_late)
{
    struct server front = front_start(NULL, WORDS("--heartbeat-ms", "100"));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    struct sum_request span = peer_span(peer);
    peer_expect_dropped(peer, STATUS_NOT_JOINED);
    peer_reply(peer, &span, span.count);
    peer_expect_dropped(peer, STATUS_NOT_JOINED);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}

Test(pool, a_worker_told_to_stop_finishes_what_it_has)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    struct sum_request endless = asked;

    endless.count = ENDLESS;
    peer_ask(client, &endless);
    process_await_computing(worker);
    process_signal(worker, SIGTERM);
    cr_assert(process_wait(worker) == 0, "%s", process_text(worker, PROCESS_ERR));
    process_line(worker, PROCESS_OUT, "Done: *");
    process_line(front.process, PROCESS_ERR, "*has gone");
    struct process *status = CLIENT(front, "status");
    process_wait(status);
    cr_assert(lines_include(process_text(status, PROCESS_OUT), WORDS("Workers lost: 0. *")), "%s",
              process_text(status, PROCESS_OUT));
}

Test(pool, a_front_without_workers_ends_all_the_same)
{
    struct server front = front_start(NULL, WORDS("--heartbeat-ms", "100"));
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);

    peer_ask(client, &asked);
    struct peer *peer = peer_new_worker(front.workers_endpoint);
    peer_span(peer);
    peer_destroy(&peer);
    process_line(front.process, PROCESS_ERR, "*has gone");
    cr_assert_str_eq(server_drain(&front), "Done: 0 requests answered, 1 refused.");
    peer_expect_refusal(client, asked.id, STATUS_STOPPING);
}

/* ---- they go round ----------------------------------------------------------------------- */

static void front_kill(struct server *front)
{
    process_signal(front->process, SIGKILL);
    process_wait(front->process);
}

/* All cores that its workers claim. */
static json_int_t cores_told(const struct server *server)
{
    struct process *client = CLIENT(*server, "status", "--json");
    json_int_t cores = 0;
    json_t *worker;
    size_t i;

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);
    json_array_foreach(json_object_get(object, "workers"), i, worker) cores +=
        json_integer_value(json_object_get(worker, "capacity"));
    json_decref(object);
    return cores;
}

/* Each word that goes round a circle adds the cores of all that are in it, and a level for each. */
static void circle_sums_and_does_not_grow(const struct server *server, unsigned threads)
{
    struct peer *client = peer_new(PEER_DEALER, server->endpoint);

    process_line(server->process, PROCESS_ERR,
                 "*levels of servers below it; have they joined in a circle?");
    for (int i = 0; i < 3; i++) {
        peer_ask(client, &asked);
        peer_expect_sum(client, &asked);
        cr_assert(cores_told(server) <= (HEIGHT_MAX + 1) * threads);
    }
}

/* The endpoints of both have to be known before: one is had by another server first. */
Test(pool, two_servers_that_join_each_other_say_so_and_sum_all_the_same)
{
    struct server before = front_start(NULL, NULL);
    struct server a = front_start(NULL, WORDS("--threads", "1", "--join", before.workers_endpoint));

    front_kill(&before);
    front_start(before.workers_endpoint, WORDS("--threads", "1", "--join", a.workers_endpoint));
    circle_sums_and_does_not_grow(&a, 2);
}

Test(pool, a_server_that_joins_itself_says_so_and_sums_all_the_same)
{
    struct server before = front_start(NULL, NULL);

    front_kill(&before);
    struct server own = front_start(before.workers_endpoint,
                                    WORDS("--threads", "1", "--join", before.workers_endpoint));
    circle_sums_and_does_not_grow(&own, 1);
}

/* As it is in two containers of one host. */
Test(pool, two_servers_of_one_name_may_join_each_other)
{
    struct server front = front_start(NULL, NULL);
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

Test(pool, a_front_that_comes_back_has_its_workers_back)
{
    struct server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    process_signal(front.process, SIGKILL);
    process_wait(front.process);
    process_line(worker, PROCESS_ERR, "*connection was lost*");
    front = front_start(front.workers_endpoint, NULL);
    process_line(worker, PROCESS_ERR, "*joined tcp://*");
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    peer_ask(client, &asked);
    peer_expect_sum(client, &asked);
}

Test(pool, a_front_that_cannot_be_reached_is_told)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "tcp://%s:9", server_address()); /* nobody is there */
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", endpoint));

    process_line(worker, PROCESS_ERR, "*:9: no server can be reached there; dialling on");
    process_signal(worker, SIGTERM);
    cr_assert(process_wait(worker) == 0);
}

Test(pool, one_that_joins_where_clients_ask_is_told_so)
{
    struct server server = server_start(NULL);
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", server.endpoint));

    process_line(worker, PROCESS_ERR, "*: workers do not join here, but at *--workers");
    process_line(server.process, PROCESS_ERR, "*: workers do not join here, *");
}

Test(pool, a_client_that_asks_where_workers_join_is_told_so)
{
    struct server front = front_start(NULL, NULL);
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1M", "--connect", front.workers_endpoint));

    cr_assert(process_wait(client) == 1);
    process_line(client, PROCESS_ERR, "*workers join here; clients ask at *--bind*");
    process_line(front.process, PROCESS_ERR, "*bad message*: workers join here; clients ask at *");
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = listener != -1 && bind(listener, (struct sockaddr *)&here, sizeof here) == 0;

    close(listener);
    return has;
}

Test(pool, servers_are_joined_at_addresses_of_ipv6)
{
    if (!has_ipv6())
        cr_skip_test("no IPv6");
    struct server front =
        server_start_at("tcp://[::1]:*", WORDS("--workers", "tcp://[::1]:*", "--threads", "0"));
    const char *line = process_line(front.process, PROCESS_OUT, "Workers join at *");
    unsigned port;
    char endpoint[64];

    cr_assert(sscanf(line, "Workers join at tcp://[::1]:%u.", &port) == 1, "%s", line);
    snprintf(endpoint, sizeof endpoint, "tcp://[::1]:%u", port);
    worker_start(endpoint, NULL);
    process_line(front.process, PROCESS_ERR, "*worker * has joined");
    struct process *client = CLIENT(front, "sum", "1M"), *status = CLIENT(front, "status");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert(process_wait(status) == 0, "%s", process_text(status, PROCESS_ERR));
}

Test(pool, status_as_json_tells_of_each_endpoint)
{
    struct server front = front_start(NULL, NULL);
    char endpoint[64], list[2 * sizeof endpoint];
    json_t *objects[2];
    size_t at = 0;

    snprintf(endpoint, sizeof endpoint, "tcp://%s:9", server_address()); /* nobody is there */
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

/* ---- they lie ---------------------------------------------------------------------------- */

Test(pool, a_worker_that_would_sum_other_bits_gets_no_work)
{
    struct server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);

    peer_join(peer, sums_digest(kernel_best()) + 1);
    peer_expect_dropped(peer, STATUS_OTHER_SUMS);
    process_line(front.process, PROCESS_ERR, "*worker peer would sum other bits: its digest is *");
}

Test(pool, a_worker_logs_why_it_is_not_taken)
{
    struct impostor *front = impostor_new();
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", impostor_endpoint(front)));
    struct message refusal = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.status = STATUS_OTHER_SUMS, .text = "its digest is another one"},
    };
    struct message message = impostor_recv(front);

    cr_assert(message.type == MESSAGE_JOIN);
    cr_assert(message.join.digest == sums_digest(kernel_best()));
    cr_assert(message.join.capacity == 1);
    impostor_send(front, &refusal);
    process_line(worker, PROCESS_ERR, "*tcp://*: its digest is another one");
}

Test(pool, a_worker_logs_that_its_front_speaks_another_version_and_rests)
{
    static const uint8_t refusal[] = "\x08\x02"                               /* version 2 */
                                     "\x32\x11\x10\x02\x1a\x0dI speak 2 now"; /* status, text */
    struct impostor *front = impostor_new();
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", impostor_endpoint(front)));

    cr_assert(impostor_recv(front).type == MESSAGE_JOIN);
    impostor_send_bytes(front, refusal, sizeof refusal - 1);
    process_line(worker, PROCESS_ERR, "*tcp://*: I speak 2 now");
}

Test(pool, a_stranger_is_told_to_join)
{
    struct server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);
    struct message message = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = 1}};

    peer_send(peer, &message);
    peer_expect_dropped(peer, STATUS_NOT_JOINED);
}

Test(pool, a_total_of_too_few_samples_is_not_believed)
{
    struct server front = front_start(NULL, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct peer *peer = peer_new_worker(front.workers_endpoint);

    peer_ask(client, &asked);
    struct sum_request span = peer_span(peer);
    peer_reply(peer, &span, span.count - 1);
    peer_expect_dropped(peer, STATUS_NOT_JOINED);
    worker_start(front.workers_endpoint, NULL);
    peer_expect_sum(client, &asked);
}
