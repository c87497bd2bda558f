/* System tests of ends: servers that are missing, wrong, short of resources or stopped, and clients
 * that are interrupted. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/impostor.h"
#include "tests/support/lasting.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"

TestSuite(ends, .fini = story_end);

/* The local sum beside a request that fails. */
#define LOCAL      "--seed", "0", "--uniform", "196608"
#define LOCAL_DONE "====== Done uniform_sum. total: 98112.59 ======"

/* More answers than the buffers between the server and a peer that does not read can hold. */
#define UNREAD_FLOOD 100000

static const struct sum_request endless = {
    .id = 1,
    .seed = 5,
    .kind = MESSAGE_KIND_GAUSSIAN,
    .count = ENDLESS,
};

/* The process must end with status 1 and print one sentence on stderr. */
static void expect_failure(struct process *client, const char *sentence)
{
    int status = process_wait(client);
    const char *err = process_text(client, PROCESS_ERR);

    cr_assert(status == 1, "exit status %d: %s", status, err);
    cr_assert(lines_are(err, WORDS(sentence)), "%s", err);
}

static void expect_local_sum(struct process *client)
{
    const char *out = process_text(client, PROCESS_OUT);

    cr_assert(lines_include(out, WORDS(LOCAL_DONE, "Total time elapsed: *s.")), "%s", out);
}

/* ---- missing servers --------------------------------------------------------------------- */

static struct process *client_of(const char *mode, const char *endpoint)
{
    return process_start(WORDS(MEANTIME, mode, "--connect", endpoint, LOCAL, "--patience", "4s"));
}

Test(ends, a_client_without_a_server_says_so_and_finishes_its_local_sum)
{
    char endpoint[ENDPOINT_BYTES];
    int refuser = refuser_open(endpoint);
    struct process *serial = client_of("serial", endpoint);
    struct process *async = client_of("async", endpoint);

    expect_failure(serial, "meantime: no server at tcp://*; start one with meantime-server, *");
    expect_failure(async, "meantime: no server at tcp://*; start one with meantime-server, *");
    expect_local_sum(serial);
    expect_local_sum(async);
    close(refuser);
}

/* The client finishes its local sum while it waits for the server. */
Test(ends, a_client_finds_a_server_that_starts_late)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "ipc://@meantime-late-%d", getpid());
    struct process *client =
        process_start(WORDS(MEANTIME, "async", "--connect", endpoint, LOCAL, "--patience", "60s"));
    process_line(client, PROCESS_OUT, LOCAL_DONE);
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--bind", endpoint));
    process_line(server, PROCESS_OUT, "Listening on *");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
}

/* A front without workers sums nothing, however fast the machine is. If a piece was done in time,
 * the client would also say how to sum the rest. */
Test(ends, a_timeout_ends_the_request_with_a_sentence)
{
    struct test_server server = front_start(NULL, NULL);
    struct process *client = CLIENT(server, "sum", ENDLESS_WORD, "--timeout", "500ms");

    expect_failure(client, "meantime: *");
    client = CLIENT(server, "async", "--gaussian", ENDLESS_WORD, LOCAL, "--timeout", "500ms");
    expect_failure(client, "meantime: *");
    expect_local_sum(client);
    server_drain(&server);
}

/* ---- wrong servers ----------------------------------------------------------------------- */

Test(ends, a_tcp_port_that_sends_nothing_is_reported_as_no_server)
{
    char endpoint[ENDPOINT_BYTES];
    int listener = listener_open(endpoint);
    struct process *client = client_of("serial", endpoint);

    expect_failure(client, "meantime: no server at tcp://*");
    expect_local_sum(client);
    close(listener);
}

static void greet(int listener, const char *greeting)
{
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    cr_assert(connection != -1);
    cr_assert(write(connection, greeting, strlen(greeting)) > 0);
    close(connection);
}

/* The port sends a greeting, disconnects, and is silent when the client reconnects. */
Test(ends, a_tcp_port_of_another_protocol_is_reported_as_no_server)
{
    static const char *const greetings[] = {
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\x01",
    };
    enum { COUNT = sizeof greetings / sizeof *greetings };
    struct process *clients[COUNT];
    int listeners[COUNT];

    for (int i = 0; i < COUNT; i++) {
        char endpoint[ENDPOINT_BYTES];
        listeners[i] = listener_open(endpoint);
        clients[i] = client_of("serial", endpoint);
    }
    for (int i = 0; i < COUNT; i++)
        greet(listeners[i], greetings[i]);
    for (int i = 0; i < COUNT; i++) {
        expect_failure(clients[i], "meantime: *");
        expect_local_sum(clients[i]);
        close(listeners[i]);
    }
}

static struct process *client_of_impostor(struct impostor *impostor)
{
    struct process *client = client_of("async", impostor_endpoint(impostor));
    struct message message = impostor_recv(impostor);

    cr_assert(message.type == MESSAGE_SUM_REQUEST);
    return client;
}

Test(ends, an_answer_that_cannot_be_decoded_fails_the_request)
{
    struct impostor *impostor = impostor_new();
    struct process *client = client_of_impostor(impostor);

    impostor_send_bytes(impostor, "Bonjour", 7);
    expect_failure(client, "meantime: the server at tcp://* sent an invalid message: *");
    expect_local_sum(client);
}

/* A valid answer to the default request, with an invented sum. */
static struct message answer(void)
{
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = 1, .count = 10000000, .units = -1, .unit_log2 = -49},
    };
}

Test(ends, a_sum_of_too_few_samples_fails_the_request)
{
    struct impostor *impostor = impostor_new();
    struct process *client = client_of_impostor(impostor);
    struct message message = answer();

    message.sum_reply.count--;
    impostor_send(impostor, &message);
    expect_failure(client, "meantime: the server at * summed 9999999 samples instead of 10000000");
    expect_local_sum(client);
}

Test(ends, a_sum_in_other_units_fails_the_request)
{
    struct impostor *impostor = impostor_new();
    struct process *client = client_of_impostor(impostor);
    struct message message = answer();

    message.sum_reply.unit_log2 = -48;
    impostor_send(impostor, &message);
    expect_failure(client,
                   "meantime: the server at * sent a sum in units of 2^-48 instead of 2^-49");
    expect_local_sum(client);
}

Test(ends, an_answer_to_another_request_is_ignored)
{
    struct impostor *impostor = impostor_new();
    struct process *client = client_of_impostor(impostor);
    struct message message = answer();

    message.sum_reply.id = 2;
    impostor_send(impostor, &message);
    message = answer();
    impostor_send(impostor, &message);
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
}

Test(ends, a_refusal_is_printed_with_the_text_of_the_server)
{
    struct impostor *impostor = impostor_new();
    struct process *client = client_of_impostor(impostor);
    struct message message = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = 1, .code = REFUSAL_OUT_OF_RANGE, .text = "I am asleep"},
    };

    impostor_send(impostor, &message);
    expect_failure(client, "meantime: the server at * refused (out of range): I am asleep");
    expect_local_sum(client);
}

/* ---- scarce resources -------------------------------------------------------------------- */

#define PRLIMIT "/usr/bin/prlimit"
#define SETPRIV "/usr/bin/setpriv"

static void skip_without(const char *program)
{
    if (access(program, X_OK) != 0)
        cr_skip_test("there is no %s", program);
}

Test(ends, a_server_with_too_few_descriptors_says_so_before_it_listens)
{
    skip_without(PRLIMIT);
    struct process *server = process_start(WORDS(PRLIMIT, "--nofile=100", MEANTIME_SERVER, "--bind",
                                                 "tcp://127.0.0.1:*", "--threads", "10"));

    expect_failure(server, "*error: 10 compute threads * take 104 file descriptors, but "
                           "this process may have 100; raise \"ulimit -n\"*--threads");
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
}

Test(ends, a_server_with_as_many_descriptors_as_it_asks_for_starts)
{
    skip_without(PRLIMIT);
    struct process *server = process_start(WORDS(PRLIMIT, "--nofile=104", MEANTIME_SERVER, "--bind",
                                                 "tcp://127.0.0.1:*", "--threads", "10"));

    process_line(server, PROCESS_OUT, "Listening on *");
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

Test(ends, a_server_that_runs_out_of_descriptors_logs_it)
{
    unsigned port;

    skip_without(PRLIMIT);
    struct process *server = process_start(WORDS(PRLIMIT, "--nofile=68", MEANTIME_SERVER, "--bind",
                                                 server_any_port(), "--threads", "1"));
    const char *line = process_line(server, PROCESS_OUT, "Listening on *");
    cr_assert(sscanf(line, "Listening on tcp://%*[0-9.]:%u", &port) == 1, "%s", line);
    for (int i = 0; i < 60; i++)
        tcp_client_try((uint16_t)port); /* sends nothing, and takes a descriptor of the server */
    process_line(server, PROCESS_ERR,
                 "*fewer than 16 file descriptors are left for connections to *");
}

/* The numbers of descriptors with which a client is tried: from too few to enough. */
#define FILES_MIN 5
#define FILES_END 25

/* prlimit's argument: the largest number of descriptors of the process. */
static const char *files_limit(int files)
{
    static char argument[32];

    snprintf(argument, sizeof argument, "--nofile=%d", files);
    return argument;
}

/* libzmq aborts a program that has too few descriptors. The client must report the lack instead,
 * whatever the number of missing descriptors. */
static void expect_clean_end_with_few_files(struct process *(*start)(const char *, const char *),
                                            const char *endpoint)
{
    struct process *clients[FILES_END];

    for (int files = FILES_MIN; files < FILES_END; files++)
        clients[files] = start(files_limit(files), endpoint);
    for (int files = FILES_MIN; files < FILES_END; files++) {
        int status = process_wait(clients[files]);
        const char *err = process_text(clients[files], PROCESS_ERR);
        cr_assert(status == 0 || strstr(err, "Too many open"), "with %d descriptors: %d, %s", files,
                  status, err);
    }
}

static struct process *limited_async(const char *limit, const char *endpoint)
{
    return process_start(WORDS(PRLIMIT, limit, MEANTIME, "async", "--gaussian", "1", "--uniform",
                               "1", "--json", "--connect", endpoint));
}

static struct process *limited_status(const char *limit, const char *endpoint)
{
    return process_start(
        WORDS(PRLIMIT, limit, MEANTIME, "status", "--json", "--connect", endpoint));
}

Test(ends, async_with_too_few_descriptors_says_so)
{
    struct test_server server = server_start(NULL);

    skip_without(PRLIMIT);
    expect_clean_end_with_few_files(limited_async, server.endpoint);
    server_drain(&server);
}

Test(ends, status_with_too_few_descriptors_says_so)
{
    struct test_server server = server_start(NULL);

    skip_without(PRLIMIT);
    expect_clean_end_with_few_files(limited_status, server.endpoint);
    server_drain(&server);
}

Test(ends, a_client_that_cannot_write_its_result_fails)
{
    struct test_server server = server_start(NULL);
    struct process *client = process_start(WORDS("/bin/sh", "-c", "exec \"$@\" >&-", "sh", MEANTIME,
                                                 "sum", "1M", "--connect", server.endpoint));

    cr_assert(process_wait(client) == EXIT_FAILURE);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: cannot write the result: Bad file descriptor")));
    server_drain(&server);
}

static void expect_no_threads(struct process *server)
{
    expect_failure(server, "*error: cannot start 20 compute threads *: Resource "
                           "temporarily unavailable; raise \"ulimit -u\"*--threads");
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
}

/* The limit counts the threads of a user. No other thread belongs to this user. Root has no limit.
 */
Test(ends, a_server_that_cannot_start_its_threads_says_so_before_it_listens)
{
    skip_without(PRLIMIT);
    skip_without(SETPRIV);
    if (geteuid() != 0)
        cr_skip_test("only root can start a server as a user without other threads");
    struct process *server =
        process_start(WORDS(SETPRIV, "--reuid=54321", "--clear-groups", PRLIMIT, "--nproc=10",
                            MEANTIME_SERVER, "--bind", "tcp://127.0.0.1:*", "--threads", "20"));

    expect_no_threads(server);
}

/* Each thread reserves memory for its stack. */
Test(ends, a_server_without_memory_for_its_threads_says_so_before_it_listens)
{
    skip_without(PRLIMIT);
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    cr_skip_test("a sanitizer reserves more memory than the limit");
#endif
    struct process *server =
        process_start(WORDS(PRLIMIT, "--as=150000000", "--stack=8388608", MEANTIME_SERVER, "--bind",
                            "tcp://127.0.0.1:*", "--threads", "20"));

    expect_no_threads(server);
}

/* ---- SIGTERM ----------------------------------------------------------------------------- */

static struct sum_request one_sample(uint64_t id)
{
    return (struct sum_request){.id = id, .kind = MESSAGE_KIND_UNIFORM, .count = 1};
}

/* Sends the signal and waits until the server refuses new requests. A request must be in flight,
 * because the server ends otherwise. */
static void begin_drain(const struct test_server *server, int signal)
{
    struct peer *peer = peer_new(PEER_REQ, server->endpoint);
    struct message message;
    uint64_t id = 1;

    process_signal(server->process, signal);
    do {
        struct sum_request request = one_sample(id++);
        peer_ask(peer, &request);
        message = peer_recv(peer);
    } while (message.type == MESSAGE_SUM_REPLY);
    cr_assert(message.type == MESSAGE_REFUSAL && message.refusal.code == REFUSAL_STOPPING);
    peer_destroy(&peer);
}

/* Sends a request and waits until the request is in flight: the server has answered a later request
 * of the same connection. */
static struct peer *ask_and_await(const struct test_server *server,
                                  const struct sum_request *request)
{
    struct peer *peer = peer_new(PEER_DEALER, server->endpoint);
    struct sum_request later = one_sample(request->id + 1);

    peer_ask(peer, request);
    peer_ask(peer, &later);
    peer_expect_sum(peer, &later);
    return peer;
}

/* A request that takes one thread of this server about a second. */
static struct sum_request long_request(const struct test_server *server)
{
    char word[COUNT_WORD_BYTES];

    lasting_count(server->process, PROCESS_NETWORK_OURS, server->endpoint, word);
    return (struct sum_request){
        .id = 7,
        .kind = MESSAGE_KIND_GAUSSIAN,
        .first = 99,
        .count = strtoull(word, NULL, 10),
    };
}

Test(ends, after_sigterm_the_request_in_flight_is_answered_and_new_ones_are_refused)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct sum_request request = long_request(&server);
    struct peer *peer = ask_and_await(&server, &request);

    begin_drain(&server, SIGTERM);
    peer_expect_sum(peer, &request);
    cr_assert(process_wait(server.process) == 0);
    process_line(server.process, PROCESS_OUT, "Done: *");
}

Test(ends, after_sigterm_a_rep_server_answers_the_request_in_flight)
{
    struct test_server server = server_start(WORDS("--socket", "rep", "--threads", "1"));
    struct sum_request request = long_request(&server);
    struct peer *peer = peer_new(PEER_REQ, server.endpoint);

    peer_ask(peer, &request);
    process_await_computing(server.process);
    process_signal(server.process, SIGTERM);
    peer_expect_sum(peer, &request);
    cr_assert(process_wait(server.process) == 0);
}

static void stop_twice(int signal)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = ask_and_await(&server, &endless);

    begin_drain(&server, signal);
    process_signal(server.process, signal);
    peer_expect_refusal(peer, endless.id, REFUSAL_STOPPING);
    cr_assert(process_wait(server.process) == 1);
    process_line(server.process, PROCESS_OUT, "Stopped: *");
}

Test(ends, a_second_sigterm_stops_at_once)
{
    stop_twice(SIGTERM);
}

Test(ends, a_second_sigint_stops_at_once)
{
    stop_twice(SIGINT);
}

/* The server cannot send the answers for this client. */
Test(ends, a_second_sigterm_stops_although_a_client_does_not_read)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *stalled = peer_new_with_small_buffers(server.endpoint);
    struct peer *peer = ask_and_await(&server, &endless);

    for (uint64_t id = 1; id <= UNREAD_FLOOD; id++) {
        struct sum_request request = one_sample(id);
        peer_ask(stalled, &request);
    }
    begin_drain(&server, SIGTERM);
    process_signal(server.process, SIGTERM);
    peer_expect_refusal(peer, endless.id, REFUSAL_STOPPING);
    cr_assert(process_wait(server.process) == 1);
}

Test(ends, sigterm_ends_an_idle_server_at_once)
{
    struct test_server server = server_start(NULL);

    cr_assert_str_eq(server_drain(&server), "Done: 0 requests answered, 0 refused.");
}

Test(ends, a_server_that_drains_tells_new_clients_to_ask_another_server)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = ask_and_await(&server, &endless);

    begin_drain(&server, SIGTERM);
    struct process *client = CLIENT(server, "serial", "--gaussian", "1", LOCAL, "--patience", "3s");
    expect_failure(client,
                   "meantime: the server at tcp://* refused (stopping): *ask another one; *");
    expect_local_sum(client);
    peer_cancel(peer, endless.id);
    peer_expect_refusal(peer, endless.id, REFUSAL_CANCELLED);
    cr_assert(process_wait(server.process) == 0);
}

/* ---- Ctrl-C ------------------------------------------------------------------------------ */

/* Interrupts a client while the server computes. Returns the stdout of the client. */
static const char *interrupt(const char *mode)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client =
        CLIENT(server, mode, "--gaussian", ENDLESS_WORD, "--uniform", ENDLESS_WORD);

    process_await_computing(server.process);
    process_signal(client, SIGINT);
    int status = process_wait(client);
    cr_assert(status == PROCESS_SIGNALLED(SIGINT), "exit status %d", status);
    cr_assert(lines_include(process_text(client, PROCESS_ERR), WORDS("meantime: interrupted")));
    server_drain(&server); /* the request is no longer in flight */
    return process_text(client, PROCESS_OUT);
}

/* The local sum has not begun. */
Test(ends, ctrl_c_ends_serial_with_130_and_cancels_the_request)
{
    cr_assert(!strstr(interrupt("serial"), "uniform_sum"));
}

Test(ends, ctrl_c_ends_async_with_130_and_cancels_the_request)
{
    cr_assert(strstr(interrupt("async"), "uniform_sum"));
}

Test(ends, ctrl_c_ends_compare_with_130_and_cancels_the_request)
{
    cr_assert(!strstr(interrupt("compare"), "uniform_sum"));
}

/* Waits until the server has answered a request. */
static void await_answer(const struct test_server *server)
{
    int64_t limit_at_ms = process_limit_at_ms();
    bool answered = false;

    while (!answered) {
        struct process *status = CLIENT(*server, "status");
        cr_assert(process_wait(status) == 0, "%s", process_text(status, PROCESS_ERR));
        answered = lines_include(process_text(status, PROCESS_OUT), WORDS("Requests: 1 answered*"));
        process_pause(limit_at_ms, "the server answers no request");
    }
}

/* The first run is interrupted in its local sum, so the object has no second run. */
Test(ends, after_ctrl_c_the_json_object_has_the_results_so_far)
{
    struct test_server server = server_start(NULL);
    struct process *client =
        CLIENT(server, "compare", "--json", "--gaussian", "65536", "--uniform", ENDLESS_WORD);

    await_answer(&server);
    process_await_computing(client);
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);
    json_t *serial = json_object_get(object, "serial");
    cr_assert(json_is_true(json_object_get(object, "interrupted")), "%s",
              process_text(client, PROCESS_OUT));
    cr_assert(json_is_object(json_object_get(serial, "gaussian")));
    cr_assert(json_is_object(json_object_get(serial, "uniform")));
    cr_assert(!json_object_get(object, "async") && !json_object_get(object, "speedup"));
    json_decref(object);
    server_drain(&server);
}

/* The server would also notice the disconnect. But behind a proxy, only the CANCEL message arrives.
 */
Test(ends, ctrl_c_sends_a_cancel)
{
    struct impostor *impostor = impostor_new();
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1", "--connect", impostor_endpoint(impostor)));
    uint64_t id = impostor_recv(impostor).sum_request.id;

    process_signal(client, SIGINT);
    struct message message = impostor_recv(impostor);
    cr_assert(message.type == MESSAGE_CANCEL && message.cancel.id == id);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
}
