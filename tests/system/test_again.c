/* Tests of retries: servers crash, freeze, restart and return while a client waits for an answer.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/impostor.h"
#include "tests/support/lasting.h"
#include "tests/support/story.h"

TestSuite(again, .fini = story_end);

/* The uniform_sum of these tests. */
#define LOCAL      "--seed", "0", "--uniform", "196608"
#define LOCAL_DONE "====== Done uniform_sum. total: 98112.59 ======"

#define ENDPOINTS_BYTES 160

/* Uses one thread, so that its work takes about as long on every machine. */
static struct test_server start_server(const char *type)
{
    return server_start(WORDS("--threads", "1", "--socket", type));
}

static struct test_server slow_server(void)
{
    return start_server("router");
}

/* Kills the server, and starts it again at the same endpoint. */
static void restart(struct test_server *server)
{
    process_signal(server->process, SIGKILL);
    process_wait(server->process);
    *server = server_start_at(server->endpoint, WORDS("--threads", "1"));
}

static const char *list_of(const char *first, const char *second, char *list)
{
    snprintf(list, ENDPOINTS_BYTES, "%s,%s", first, second);
    return list;
}

static json_t *json_of(struct process *client)
{
    int status = process_wait(client);
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);

    cr_assert(status == 0, "exit status %d: %s", status, process_text(client, PROCESS_ERR));
    cr_assert(json_is_object(object), "%s", process_text(client, PROCESS_OUT));
    return object;
}

static json_int_t attempts_of(const json_t *run)
{
    return json_integer_value(json_object_get(run, "attempts"));
}

static const char *units_of(const json_t *run, const char *kind)
{
    return json_string_value(json_object_get(json_object_get(run, kind), "units"));
}

static void expect_same_bits(const json_t *disturbed, const json_t *undisturbed)
{
    cr_assert_eq(attempts_of(undisturbed), 1);
    cr_assert_str_eq(units_of(disturbed, "gaussian"), units_of(undisturbed, "gaussian"));
    cr_assert_str_eq(units_of(disturbed, "uniform"), units_of(undisturbed, "uniform"));
}

/* ---- servers that crash ------------------------------------------------------------------ */

static void kill_times(int times)
{
    struct test_server server = slow_server();
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server.process, PROCESS_NETWORK_OURS, server.endpoint, word);
    struct process *client =
        CLIENT(server, "async", LOCAL, "--gaussian", count, "--timeout", "1h", "--json");

    for (int i = 0; i < times; i++) {
        process_await_computing(server.process);
        restart(&server);
    }
    json_t *disturbed = json_of(client);
    cr_assert_eq(attempts_of(disturbed), times + 1);
    cr_assert_str_eq(process_text(client, PROCESS_ERR), "");
    json_t *undisturbed = json_of(CLIENT(server, "async", LOCAL, "--gaussian", count, "--json"));
    expect_same_bits(disturbed, undisturbed);
    json_decref(disturbed);
    json_decref(undisturbed);
    server_drain(&server);
}

Test(again, a_server_that_was_killed_and_restarted_gives_the_same_bits)
{
    kill_times(1);
}

Test(again, a_server_that_was_restarted_twice_gives_the_same_bits)
{
    kill_times(2);
}

Test(again, the_transcript_reports_each_retry)
{
    struct test_server server = slow_server();
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server.process, PROCESS_NETWORK_OURS, server.endpoint, word);
    struct process *async = CLIENT(server, "async", LOCAL, "--gaussian", count, "--timeout", "1h");
    struct process *serial =
        CLIENT(server, "serial", LOCAL, "--gaussian", count, "--timeout", "1h");

    process_line(async, PROCESS_OUT, LOCAL_DONE);
    process_await_computing(server.process);
    restart(&server);
    cr_assert(process_wait(async) == 0, "%s", process_text(async, PROCESS_ERR));
    cr_assert(process_wait(serial) == 0, "%s", process_text(serial, PROCESS_ERR));
    const char *const *lines =
        WORDS("The server at tcp://127.* disconnected. Asking again.",
              "====== Done server_request. total: *", "Total time elapsed: *s.");
    cr_assert(lines_include(process_text(async, PROCESS_OUT), lines), "%s",
              process_text(async, PROCESS_OUT));
    cr_assert(lines_include(process_text(serial, PROCESS_OUT), lines), "%s",
              process_text(serial, PROCESS_OUT));
    server_drain(&server);
}

Test(again, the_next_server_replaces_one_that_was_killed)
{
    struct test_server first = slow_server(), second = slow_server();
    char list[ENDPOINTS_BYTES], word[COUNT_WORD_BYTES];
    const char *count = lasting_count(first.process, PROCESS_NETWORK_OURS, first.endpoint, word);
    struct process *client =
        process_start(WORDS(MEANTIME, "serial", "--uniform", "0", "--gaussian", count, "--json",
                            "--connect", list_of(first.endpoint, second.endpoint, list)));

    process_await_computing(first.process);
    process_signal(first.process, SIGKILL);
    json_t *object = json_of(client);
    cr_assert_eq(attempts_of(object), 2);
    json_decref(object);
    server_drain(&second);
}

Test(again, the_next_server_gets_the_request_if_the_first_never_listens)
{
    struct test_server server = slow_server();
    char refused[ENDPOINT_BYTES], list[ENDPOINTS_BYTES];
    int refuser = refuser_open(refused);
    json_t *object = json_of(process_start(WORDS(MEANTIME, "sum", "1", "--json", "--connect",
                                                 list_of(refused, server.endpoint, list))));

    cr_assert_eq(attempts_of(object), 1);
    json_decref(object);
    close(refuser);
    server_drain(&server);
}

/* ---- servers that freeze ----------------------------------------------------------------- */

Test(again, the_next_server_replaces_one_that_froze)
{
    struct test_server first = slow_server(), second = slow_server();
    char list[ENDPOINTS_BYTES], word[COUNT_WORD_BYTES];
    const char *count = lasting_count(first.process, PROCESS_NETWORK_OURS, first.endpoint, word);
    struct process *client =
        process_start(WORDS(MEANTIME, "async", LOCAL, "--gaussian", count, "--connect",
                            list_of(first.endpoint, second.endpoint, list)));

    process_await_computing(first.process);
    process_signal(first.process, SIGSTOP);
    process_line(client, PROCESS_OUT, "The server at tcp://* stopped responding. Asking again.");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    server_drain(&second);
    process_signal(first.process, SIGCONT);
    server_drain(&first); /* this server got the cancel, or the client's disconnect */
}

Test(again, a_frozen_server_that_resumes_gets_the_request_again)
{
    struct test_server server = slow_server();
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server.process, PROCESS_NETWORK_OURS, server.endpoint, word);
    struct process *client = CLIENT(server, "async", LOCAL, "--gaussian", count, "--timeout", "1h");

    process_await_computing(server.process);
    process_signal(server.process, SIGSTOP);
    process_line(client, PROCESS_OUT, "The server at tcp://* stopped responding. Asking again.");
    process_signal(server.process, SIGCONT);
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    server_drain(&server);
}

/* A REP server sends no progress. This one works for another client for long. */
Test(again, a_client_waits_for_a_rep_server_although_it_is_silent)
{
    struct test_server server = start_server("rep");
    struct sum_request endless = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS};
    struct peer *peer = peer_new(PEER_REQ, server.endpoint);

    endless.deadline_ms = 7000;
    peer_ask(peer, &endless);
    process_await_computing(server.process);
    json_t *object = json_of(CLIENT(server, "sum", "1", "--json"));
    cr_assert_eq(attempts_of(object), 1);
    json_decref(object);
    peer_expect_refusal(peer, endless.id, REFUSAL_DEADLINE_EXCEEDED);
    server_drain(&server);
}

/* ---- all servers lost -------------------------------------------------------------------- */

static void expect_server_lost(struct process *client)
{
    int status = process_wait(client);
    const char *err = process_text(client, PROCESS_ERR);

    cr_assert(status == 1, "exit status %d: %s", status, err);
    cr_assert(
        lines_are(err, WORDS("meantime: the server at tcp://* disconnected before it answered; "
                             "retried for * s without success")),
        "%s", err);
}

static void expect_local_sum(struct process *client)
{
    const char *out = process_text(client, PROCESS_OUT);

    cr_assert(lines_include(out, WORDS(LOCAL_DONE, "Total time elapsed: *s.")), "%s", out);
}

static void expect_local_object(struct process *client)
{
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);

    cr_assert(json_is_null(json_object_get(object, "gaussian")));
    cr_assert(json_is_string(json_object_get(object, "error")));
    cr_assert_str_eq(units_of(object, "uniform"), "883719685216309901622");
    json_decref(object);
}

static struct process *lose_all(const char *mode, const char *last)
{
    struct test_server first = slow_server(), second = slow_server();
    char list[ENDPOINTS_BYTES];
    struct process *client = process_start(
        WORDS(MEANTIME, mode, "--connect", list_of(first.endpoint, second.endpoint, list), LOCAL,
              "--gaussian", ENDLESS_WORD, "--patience", "1s", last));

    process_await_computing(first.process);
    process_signal(second.process, SIGKILL);
    process_wait(second.process);
    process_signal(first.process, SIGKILL);
    expect_server_lost(client);
    return client;
}

Test(again, when_all_servers_are_lost_serial_finishes_its_own_sum)
{
    expect_local_sum(lose_all("serial", NULL));
}

Test(again, when_all_servers_are_lost_async_finishes_its_own_sum)
{
    expect_local_sum(lose_all("async", NULL));
}

Test(again, when_all_servers_are_lost_json_has_the_error)
{
    expect_local_object(lose_all("async", "--json"));
}

/* ---- servers that refuse, and servers that send too much ----------------------------------- */

static struct message answer(const struct sum_request *asked)
{
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = asked->id, .count = asked->count, .units = -1, .unit_log2 = -49},
    };
}

Test(again, a_busy_server_gets_the_request_again_with_another_id)
{
    struct impostor *impostor = impostor_new();
    struct process *client = process_start(
        WORDS(MEANTIME, "sum", "1", "--json", "--connect", impostor_endpoint(impostor)));
    struct sum_request first = impostor_recv(impostor).sum_request;
    struct message busy = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = first.id, .code = REFUSAL_BUSY, .retry_after_ms = 300, .text = "Zzz"},
    };

    impostor_send(impostor, &busy);
    struct sum_request second = impostor_recv(impostor).sum_request;
    cr_assert(second.id != first.id && second.seed == first.seed && second.count == 1);
    struct message message = answer(&second);
    impostor_send(impostor, &message);
    json_t *object = json_of(client);
    cr_assert_eq(attempts_of(object), 2);
    json_decref(object);
}

/* Sends more messages than the client reads in one look, and then the answer. */
Test(again, an_answer_behind_many_messages_is_found)
{
    struct impostor *impostor = impostor_new();
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1", "--connect", impostor_endpoint(impostor)));
    struct sum_request asked = impostor_recv(impostor).sum_request;
    struct message progress = {.type = MESSAGE_PROGRESS,
                               .progress = {.id = asked.id, .done = 0, .count = asked.count}};
    struct message message = answer(&asked);

    for (int i = 0; i < 500; i++)
        impostor_send(impostor, &progress);
    impostor_send(impostor, &message);
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
}

/* ---- lists ------------------------------------------------------------------------------- */

Test(again, an_invalid_list_of_endpoints_is_a_usage_error)
{
    static const char *const lists[] = {"", ",", "tcp://a:1,", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
                                        "tcp://127.0.0.1:1,here"};
    static const char *const sentences[] = {
        "*: --connect: expected endpoints, separated by commas",
        "*: --connect: expected endpoints, separated by commas",
        "*: --connect: expected endpoints, separated by commas",
        "*: --connect *: expected at most 16 endpoints",
        "meantime: cannot connect to here: *",
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct process *client = process_start(WORDS(MEANTIME, "sum", "1", "--connect", lists[i]));
        cr_assert(process_wait(client) == 2, "%s", lists[i]);
        cr_assert(lines_include(process_text(client, PROCESS_ERR), WORDS(sentences[i])), "%s",
                  process_text(client, PROCESS_ERR));
    }
}
