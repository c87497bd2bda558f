/* System tests of the plain endpoint: good and bad clients on bare TCP sockets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/plain_listener.h"
#include "sums/stream.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"

TestSuite(plain, .fini = story_end);

#define PLAIN "--plain", server_any_port()

/* 20 standard deviations of the sum of 10 million samples of variance 1. No sum is so large. */
#define SUM_MAX (20 * 3163.0)

/* The port of the server's plain endpoint. */
static uint16_t plain_port(struct process *server)
{
    const char *line = process_line(server, PROCESS_OUT, "Plain TCP at *");
    uint16_t port = 0;

    cr_assert(sscanf(line, "Plain TCP at tcp://%*[0-9.]:%hu (", &port) == 1, "%s", line);
    return port;
}

/* ---- connections ------------------------------------------------------------------------- */

static void await_readable(int file)
{
    struct pollfd item = {.fd = file, .events = POLLIN};

    cr_assert(poll(&item, 1, PROCESS_PATIENCE_MS) == 1);
}

/* Reads until the server closes the connection. */
static const char *read_all(int file)
{
    static char text[64];
    size_t size = 0;
    ssize_t more;

    while ((more = recv(file, text + size, sizeof text - 1 - size, 0)) > 0)
        size += (size_t)more;
    cr_assert(more == 0, "%s after %zu bytes", strerror(errno), size);
    text[size] = '\0';
    return text;
}

static double sum_in(const char *text)
{
    char *end;
    double sum = strtod(text, &end);

    cr_assert(end > text && strcmp(end, "\n") == 0, "\"%s\"", text);
    cr_assert(fabs(sum) < SUM_MAX, "%s", text);
    return sum;
}

/* Reads the sum of a client that has not closed its half of the connection. */
static double expect_sum(int file)
{
    const char *text = read_all(file);

    cr_assert(text[0] != ' ', "\"%s\"", text);
    return sum_in(text);
}

/* Reads the sum of a client that has closed its half. The server sends a blank first. */
static double expect_sum_after_blank(int file)
{
    const char *text = read_all(file);

    cr_assert(text[0] == ' ' && text[1] != ' ', "\"%s\"", text);
    return sum_in(text);
}

/* ---- a server without workers ------------------------------------------------------------ */

/* A front on which requests wait until the test starts a worker. */
static struct test_server idle_front(uint16_t *port)
{
    struct test_server front = front_start(NULL, WORDS(PLAIN));

    *port = plain_port(front.process);
    return front;
}

/* Waits until a line of the server's status matches the pattern `line`. */
static void await_status(const struct test_server *server, const char *line)
{
    int64_t limit_at_ms = process_limit_at_ms();

    for (;;) {
        struct process *status = CLIENT(*server, "status");
        cr_assert(process_wait(status) == 0, "%s", process_text(status, PROCESS_ERR));
        if (lines_include(process_text(status, PROCESS_OUT), WORDS(line)))
            return;
        process_pause(limit_at_ms, process_text(status, PROCESS_OUT));
    }
}

static void await_requests(const struct test_server *server, int count)
{
    char line[64];

    snprintf(line, sizeof line, "* %d request%s in flight*", count, count == 1 ? "" : "s");
    await_status(server, line);
}

/* Waits until the server accepts no connection. */
static void await_refusal(uint16_t port)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int file;

    while ((file = tcp_client_try(port)) != -1) {
        close(file);
        process_pause(limit_at_ms, "the server still accepts");
    }
}

/* ---- good clients ------------------------------------------------------------------------ */

Test(plain, every_connection_gets_its_own_sum_and_is_closed)
{
    struct test_server server = server_start(WORDS(PLAIN));
    uint16_t port = plain_port(server.process);
    int first = tcp_client_new(port), second = tcp_client_new(port);

    cr_assert(expect_sum(first) != expect_sum(second));
    close(first);
    close(second);
    cr_assert(lines_include(server_drain(&server), WORDS("Done: 2 requests answered, 0 refused.")));
}

Test(plain, a_client_that_has_closed_one_half_is_answered)
{
    uint16_t port;
    struct test_server front = idle_front(&port);
    int file = tcp_client_new(port);

    shutdown(file, SHUT_WR);
    await_requests(&front, 1);
    worker_start(front.workers_endpoint, NULL);
    expect_sum_after_blank(file);
    close(file);
    server_drain(&front);
}

Test(plain, bytes_from_the_client_are_ignored)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    struct test_server server = server_start(WORDS(PLAIN));
    int file = tcp_client_new(plain_port(server.process));

    send(file, request, sizeof request - 1, MSG_NOSIGNAL);
    expect_sum(file);
    close(file);
    server_drain(&server);
}

Test(plain, a_server_may_have_only_a_plain_endpoint)
{
    struct process *server = process_start(WORDS(MEANTIME_SERVER, PLAIN));
    int file = tcp_client_new(plain_port(server));

    expect_sum(file);
    close(file);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
    cr_assert(lines_count(process_text(server, PROCESS_OUT)) == 2, "%s",
              process_text(server, PROCESS_OUT));
}

Test(plain, the_name_of_an_interface_is_its_address)
{
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--plain", "tcp://lo:*"));

    process_line(server, PROCESS_OUT, "Plain TCP at tcp://127.0.0.1:[0-9]*");
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

/* ---- bad clients ------------------------------------------------------------------------- */

Test(plain, a_reset_cancels_the_request)
{
    uint16_t port;
    struct test_server front = idle_front(&port);
    int open = tcp_client_new(port), half_closed = tcp_client_new(port);

    shutdown(half_closed, SHUT_WR);
    await_requests(&front, 2);
    tcp_client_reset(open);
    await_requests(&front, 1);
    tcp_client_reset(half_closed);
    await_requests(&front, 0);
    server_drain(&front);
}

/* More clients close than there are places. The server accepts the last of them only after it has
 * noticed that others have closed. */
Test(plain, a_closed_client_gets_no_sum_but_a_half_closed_one_does)
{
    enum { CLOSED = PLAIN_MAX + 44 };
    uint16_t port;
    struct test_server front = idle_front(&port);
    int half_closed = tcp_client_new(port), open;
    char line[64];

    shutdown(half_closed, SHUT_WR);
    for (int i = 0; i < CLOSED; i++)
        close(tcp_client_new(port));
    open = tcp_client_new(port);
    snprintf(line, sizeof line, "Requests: 0 answered, %d refused.*", CLOSED);
    await_status(&front, line);
    await_requests(&front, 2);
    worker_start(front.workers_endpoint, NULL);
    expect_sum_after_blank(half_closed);
    expect_sum(open);
    close(half_closed);
    close(open);
    snprintf(line, sizeof line, "Done: 2 requests answered, %d refused.", CLOSED);
    cr_assert_str_eq(server_drain(&front), line);
}

Test(plain, a_client_that_floods_is_disconnected_and_its_request_cancelled)
{
    static const char zeros[65536];
    uint16_t port;
    struct test_server front = idle_front(&port);
    int file = tcp_client_new(port);

    tcp_client_send_until_disconnect(file, zeros, sizeof zeros, 0);
    process_line(front.process, PROCESS_ERR,
                 "*bad message from 127.*: a plain client sends too much data");
    await_requests(&front, 0);
    close(file);
    server_drain(&front);
}

/* The client never closes the connection. Its sends fail after the server has closed it. */
Test(plain, a_client_that_never_closes_is_disconnected)
{
    struct test_server server = server_start(WORDS(PLAIN));
    int file = tcp_client_new(plain_port(server.process));

    expect_sum(file);
    size_t sent = tcp_client_send_until_disconnect(file, "", 1, PROCESS_POLL_MS);
    cr_assert(sent < PLAIN_READ_MAX);
    close(file);
    server_drain(&server);
}

/* These clients read their answers only after other clients have been answered, and lose nothing.
 */
Test(plain, clients_that_never_close_do_not_delay_other_clients)
{
    struct test_server server = server_start(WORDS(PLAIN));
    uint16_t port = plain_port(server.process);
    int crowd[PLAIN_MAX], last;

    for (int i = 0; i < PLAIN_MAX; i++)
        crowd[i] = tcp_client_new(port);
    for (int i = 0; i < PLAIN_MAX; i++)
        await_readable(crowd[i]);
    last = tcp_client_new(port);
    expect_sum(last);
    close(last);
    struct process *client = CLIENT(server, "sum", "10M");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    for (int i = 0; i < PLAIN_MAX; i++) {
        expect_sum(crowd[i]);
        close(crowd[i]);
    }
    server_drain(&server);
    cr_assert(!strstr(process_text(server.process, PROCESS_ERR), "wait to be accepted"));
}

Test(plain, a_crowd_beyond_the_places_and_a_zeromq_client_are_all_answered)
{
    enum { CROWD = PLAIN_MAX + 44 };
    uint16_t port;
    struct test_server front = idle_front(&port);
    struct process *client = CLIENT(front, "sum", "10M", "--timeout", "90s");
    int crowd[CROWD];

    for (int i = 0; i < CROWD; i++)
        crowd[i] = tcp_client_new(port);
    process_line(front.process, PROCESS_ERR, "*clients wait to be accepted *: all places *");
    await_requests(&front, PLAIN_MAX + 1);
    worker_start(front.workers_endpoint, NULL);
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    for (int i = 0; i < CROWD; i++) {
        expect_sum(crowd[i]);
        close(crowd[i]);
    }
    server_drain(&front);
}

/* The test itself is the worker, and counts the turns. */
Test(plain, a_plain_crowd_gets_as_many_turns_as_one_zeromq_client)
{
    enum { CROWD = 100, TURNS = 10 };
    struct sum_request asked = {.seed = 11, .kind = MESSAGE_KIND_GAUSSIAN, .count = BLOCK_SAMPLES};
    uint16_t port;
    struct test_server front = idle_front(&port);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    int crowd[CROWD], turns_of_client = 0, turns_of_crowd = 0;

    for (int i = 0; i < CROWD; i++)
        crowd[i] = tcp_client_new(port);
    await_requests(&front, CROWD);
    for (asked.id = 1; asked.id <= TURNS; asked.id++)
        peer_ask(client, &asked);
    await_requests(&front, CROWD + TURNS);
    struct peer *worker = peer_new_worker(front.workers_endpoint);
    while (turns_of_client < TURNS) {
        struct sum_request span = peer_span(worker);
        peer_reply(worker, &span, span.count);
        *(span.seed == asked.seed ? &turns_of_client : &turns_of_crowd) += 1;
    }
    cr_assert(turns_of_crowd == TURNS, "%d turns of the crowd", turns_of_crowd);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

/* ---- signals ----------------------------------------------------------------------------- */

/* The front waits three heartbeat intervals for a worker. */
Test(plain, after_sigterm_waiting_clients_are_still_answered)
{
    uint16_t port;
    struct test_server front = front_start(NULL, WORDS(PLAIN, "--heartbeat-ms", "10000"));
    port = plain_port(front.process);
    int files[] = {tcp_client_new(port), tcp_client_new(port), tcp_client_new(port)};

    await_requests(&front, 3);
    process_signal(front.process, SIGTERM);
    await_refusal(port);
    worker_start(front.workers_endpoint, NULL);
    for (int i = 0; i < 3; i++) {
        expect_sum(files[i]);
        close(files[i]);
    }
    cr_assert(process_wait(front.process) == 0);
}

Test(plain, a_second_signal_closes_connections_without_an_answer)
{
    uint16_t port;
    struct test_server front = idle_front(&port);
    int file = tcp_client_new(port);

    await_requests(&front, 1);
    process_signal(front.process, SIGTERM);
    await_refusal(port);
    process_signal(front.process, SIGTERM);
    cr_assert_str_eq(read_all(file), "");
    close(file);
    cr_assert(process_wait(front.process) == 1);
}

/* ---- places ------------------------------------------------------------------------------ */

/* A listener without a server. Its time is always 0, so no timeout ever passes. */
static struct plain_listener *listener_without_server(uint16_t *port)
{
    const char *why = "";
    struct plain_listener *plain = plain_listener_new(server_any_port(), &why);

    cr_assert(plain, "%s", why);
    cr_assert(sscanf(plain_listener_endpoint(plain), "tcp://%*[0-9.]:%hu", port) == 1);
    return plain;
}

/* Waits for the event. Returns the number of its client. */
static uint32_t await_event(struct plain_listener *plain, enum plain_event expected)
{
    enum plain_event event;
    uint32_t number;

    while ((event = plain_listener_next(plain, 0, &number)) != expected) {
        cr_assert(event == PLAIN_EVENT_NOTHING || event == PLAIN_EVENT_HANDLED, "event %d",
                  (int)event);
        await_readable(plain_listener_fd(plain));
    }
    return number;
}

/* Sends more bytes than the server reads in one turn, so some remain unread. Waits until all of
 * them have arrived. */
static void send_much(int file)
{
    static const char zeros[20000];

    cr_assert(send(file, zeros, sizeof zeros, MSG_NOSIGNAL) == sizeof zeros);
    tcp_client_await_acknowledged(file);
}

/* A reset could destroy bytes that the client has not read. */
static void expect_end_without_reset(int file, const char *text)
{
    struct pollfd item = {.fd = file};

    cr_assert_str_eq(read_all(file), text);
    cr_assert(poll(&item, 1, 0) == 0, "the connection was reset");
}

Test(plain, the_client_that_was_answered_first_frees_its_place_and_loses_nothing)
{
    uint16_t port;
    struct plain_listener *plain = listener_without_server(&port);
    uint32_t numbers[PLAIN_MAX];
    int crowd[PLAIN_MAX], next[2];

    for (int i = 0; i < PLAIN_MAX; i++) {
        crowd[i] = tcp_client_new(port);
        numbers[i] = await_event(plain, PLAIN_EVENT_CONNECTED);
    }
    next[0] = tcp_client_new(port);
    await_event(plain, PLAIN_EVENT_FULL);
    send_much(crowd[7]);
    plain_listener_answer(plain, numbers[7], 0, 7);
    plain_listener_answer(plain, numbers[3], 0, 3);
    cr_assert(await_event(plain, PLAIN_EVENT_CONNECTED) == numbers[7]);
    next[1] = tcp_client_new(port);
    cr_assert(await_event(plain, PLAIN_EVENT_CONNECTED) == numbers[3]);
    expect_end_without_reset(crowd[7], "7\n");
    expect_end_without_reset(crowd[3], "3\n");
    plain_listener_destroy(&plain, 0);
    for (int i = 0; i < PLAIN_MAX; i++)
        close(crowd[i]);
    close(next[0]);
    close(next[1]);
}

/* ---- endpoints --------------------------------------------------------------------------- */

#define INSECURE "*warning: --insecure: *"

static void expect_no_start(const char *endpoint, const char *const *sentences)
{
    struct process *server =
        process_start(WORDS(MEANTIME_SERVER, "--insecure", "--plain", endpoint));

    cr_assert(process_wait(server) == 1);
    cr_assert(lines_are(process_text(server, PROCESS_ERR), sentences), "%s",
              process_text(server, PROCESS_ERR));
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
}

Test(plain, an_invalid_endpoint_is_an_error_with_a_reason)
{
    struct test_server server = server_start(NULL);

    expect_no_start("tcp://nowhere.invalid:1",
                    WORDS(INSECURE, "*cannot listen on tcp://nowhere.invalid:1: *"));
    expect_no_start(server.endpoint,
                    WORDS("*cannot listen on tcp://*: Address already in use; *--plain"));
    server_drain(&server);
}
