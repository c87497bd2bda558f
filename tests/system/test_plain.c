/* The plain endpoint: peers that speak no ZeroMQ, good ones and others, on bare sockets. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sockios.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/plain_listener.h"
#include "sums/stream.h"
#include "tests/support/story.h"

TestSuite(plain, .fini = story_end);

#define PLAIN "--plain", server_any_port()

/* Time between two looks at what cannot be waited for. */
#define LOOK_MS 5

/* 10 million samples of variance 1: 20 standard deviations, which no sum ever has. */
#define SUM_MAX (20 * 3163.0)

/* Where the server's plain endpoint is. */
static uint16_t plain_port(struct process *server)
{
    const char *line = process_line(server, PROCESS_OUT, "Plain TCP at *");
    uint16_t port = 0;

    cr_assert(sscanf(line, "Plain TCP at tcp://%*[0-9.]:%hu (", &port) == 1, "%s", line);
    return port;
}

/* ---- calls ------------------------------------------------------------------------------- */

/* -1 with errno set where nobody accepts. */
static int try_call(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = inet_addr(server_address())};
    struct timeval patience = {.tv_sec = PROCESS_PATIENCE_MS / 1000};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(file, (struct sockaddr *)&at, sizeof at) == 0)
        return file;
    int reason = errno;
    close(file);
    errno = reason;
    return -1;
}

static int call(uint16_t port)
{
    int file = try_call(port);

    cr_assert(file != -1, "cannot connect: %s", strerror(errno));
    return file;
}

static void await_readable(int file)
{
    struct pollfd item = {.fd = file, .events = POLLIN};

    cr_assert(poll(&item, 1, PROCESS_PATIENCE_MS) == 1);
}

/* All that comes until the server closes its end. */
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

/* Of a peer that has closed nothing. */
static double expect_sum(int file)
{
    const char *text = read_all(file);

    cr_assert(text[0] != ' ', "\"%s\"", text);
    return sum_in(text);
}

/* Of one that has closed its half. */
static double expect_sum_after_blank(int file)
{
    const char *text = read_all(file);

    cr_assert(text[0] == ' ' && text[1] != ' ', "\"%s\"", text);
    return sum_in(text);
}

/* Ends it without the courtesy of a FIN. */
static void reset(int file)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(file, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(file);
}

/* Sends until the connection is cut. Returns how many bytes were taken. */
static size_t send_until_cut(int file, const void *bytes, size_t size, int pause_ms)
{
    int64_t until_ms = process_now_ms() + PROCESS_PATIENCE_MS;
    size_t sent = 0;
    ssize_t more;

    while ((more = send(file, bytes, size, MSG_NOSIGNAL)) > 0) {
        sent += (size_t)more;
        poll(NULL, 0, pause_ms);
        cr_assert(process_now_ms() < until_ms, "the connection is open after %zu bytes", sent);
    }
    cr_assert(errno == EPIPE || errno == ECONNRESET, "%s", strerror(errno));
    return sent;
}

/* ---- a server on which nobody computes --------------------------------------------------- */

/* Until a worker joins, so that what waits there waits for as long as a test likes. */
static struct server idle_front(uint16_t *port)
{
    struct server front = front_start(NULL, WORDS(PLAIN));

    *port = plain_port(front.process);
    return front;
}

/* Until a line of its status is like that. */
static void await_status(const struct server *server, const char *line)
{
    int64_t until_ms = process_now_ms() + PROCESS_PATIENCE_MS;

    for (;;) {
        struct process *status = CLIENT(*server, "status");
        cr_assert(process_wait(status) == 0, "%s", process_text(status, PROCESS_ERR));
        if (lines_include(process_text(status, PROCESS_OUT), WORDS(line)))
            return;
        cr_assert(process_now_ms() < until_ms, "%s", process_text(status, PROCESS_OUT));
        poll(NULL, 0, LOOK_MS);
    }
}

static void await_requests(const struct server *server, int count)
{
    char line[64];

    snprintf(line, sizeof line, "* %d request%s in flight*", count, count == 1 ? "" : "s");
    await_status(server, line);
}

static void await_refusal(uint16_t port)
{
    int64_t until_ms = process_now_ms() + PROCESS_PATIENCE_MS;
    int file;

    while ((file = try_call(port)) != -1) {
        close(file);
        cr_assert(process_now_ms() < until_ms, "the server still accepts");
    }
}

/* ---- good peers -------------------------------------------------------------------------- */

Test(plain, every_connection_gets_a_sum_of_its_own_and_its_end)
{
    struct server server = server_start(WORDS(PLAIN));
    uint16_t port = plain_port(server.process);
    int first = call(port), second = call(port);

    cr_assert(expect_sum(first) != expect_sum(second));
    close(first);
    close(second);
    cr_assert(lines_include(server_drain(&server), WORDS("Done: 2 requests answered, 0 refused.")));
}

Test(plain, who_has_closed_one_half_is_answered)
{
    uint16_t port;
    struct server front = idle_front(&port);
    int file = call(port);

    shutdown(file, SHUT_WR);
    await_requests(&front, 1);
    worker_start(front.workers_endpoint, NULL);
    expect_sum_after_blank(file);
    close(file);
    server_drain(&front);
}

Test(plain, what_is_sent_is_ignored)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    struct server server = server_start(WORDS(PLAIN));
    int file = call(plain_port(server.process));

    send(file, request, sizeof request - 1, MSG_NOSIGNAL);
    expect_sum(file);
    close(file);
    server_drain(&server);
}

Test(plain, the_endpoint_may_be_the_only_one)
{
    struct process *server = process_start(WORDS(MEANTIME_SERVER, PLAIN));
    int file = call(plain_port(server));

    expect_sum(file);
    close(file);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
    cr_assert(lines_count(process_text(server, PROCESS_OUT)) == 2, "%s",
              process_text(server, PROCESS_OUT));
}

/* ---- bad ones ---------------------------------------------------------------------------- */

Test(plain, who_resets_the_connection_has_its_request_cancelled)
{
    uint16_t port;
    struct server front = idle_front(&port);
    int goes = call(port), half_closes = call(port);

    shutdown(half_closes, SHUT_WR);
    await_requests(&front, 2);
    reset(goes);
    await_requests(&front, 1);
    reset(half_closes);
    await_requests(&front, 0);
    server_drain(&front);
}

/* Some of those who have gone are accepted only when the others are found to have gone. */
Test(plain, who_closes_is_not_summed_for_but_who_closes_one_half_is)
{
    enum { GONE = PLAIN_MAX + 44 };
    uint16_t port;
    struct server front = idle_front(&port);
    int half_closed = call(port), open;
    char line[64];

    shutdown(half_closed, SHUT_WR);
    for (int i = 0; i < GONE; i++)
        close(call(port));
    open = call(port);
    snprintf(line, sizeof line, "Requests: 0 answered, %d refused.*", GONE);
    await_status(&front, line);
    await_requests(&front, 2);
    worker_start(front.workers_endpoint, NULL);
    expect_sum_after_blank(half_closed);
    expect_sum(open);
    close(half_closed);
    close(open);
    snprintf(line, sizeof line, "Done: 2 requests answered, %d refused.", GONE);
    cr_assert_str_eq(server_drain(&front), line);
}

Test(plain, a_flood_is_cut_off_and_its_request_cancelled)
{
    static const char zeros[65536];
    uint16_t port;
    struct server front = idle_front(&port);
    int file = call(port);

    send_until_cut(file, zeros, sizeof zeros, 0);
    process_line(front.process, PROCESS_ERR, "*1 bad message *a plain client sends without end");
    await_requests(&front, 0);
    close(file);
    server_drain(&front);
}

/* Its end is never closed; but what it sends shows when the server has done without that. */
Test(plain, who_never_closes_is_given_up)
{
    struct server server = server_start(WORDS(PLAIN));
    int file = call(plain_port(server.process));

    expect_sum(file);
    size_t sent = send_until_cut(file, "", 1, LOOK_MS);
    cr_assert(sent < PLAIN_READ_MAX);
    close(file);
    server_drain(&server);
}

/* They are answered, and read nothing until others have been; that costs them nothing. */
Test(plain, a_crowd_that_never_closes_keeps_nobody_waiting)
{
    struct server server = server_start(WORDS(PLAIN));
    uint16_t port = plain_port(server.process);
    int crowd[PLAIN_MAX], last;

    for (int i = 0; i < PLAIN_MAX; i++)
        crowd[i] = call(port);
    for (int i = 0; i < PLAIN_MAX; i++)
        await_readable(crowd[i]);
    last = call(port);
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

Test(plain, all_of_a_crowd_are_answered_and_so_is_a_zeromq_client)
{
    enum { CROWD = PLAIN_MAX + 44 };
    uint16_t port;
    struct server front = idle_front(&port);
    struct process *client = CLIENT(front, "sum", "10M", "--timeout", "90s");
    int crowd[CROWD];

    for (int i = 0; i < CROWD; i++)
        crowd[i] = call(port);
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

/* The turns are seen by a worker that the test plays itself. */
Test(plain, a_crowd_has_no_more_turns_than_one_zeromq_client)
{
    enum { CROWD = 100, TURNS = 10 };
    struct sum_request asked = {.seed = 11, .kind = MESSAGE_KIND_GAUSSIAN, .count = BLOCK_SAMPLES};
    uint16_t port;
    struct server front = idle_front(&port);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    int crowd[CROWD], turns_of_client = 0, turns_of_crowd = 0;

    for (int i = 0; i < CROWD; i++)
        crowd[i] = call(port);
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

/* ---- the server's end -------------------------------------------------------------------- */

Test(plain, those_who_wait_are_answered_before_the_server_ends)
{
    uint16_t port;
    struct server front = idle_front(&port);
    int files[] = {call(port), call(port), call(port)};

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

Test(plain, a_second_signal_closes_without_a_number)
{
    uint16_t port;
    struct server front = idle_front(&port);
    int file = call(port);

    await_requests(&front, 1);
    process_signal(front.process, SIGTERM);
    await_refusal(port);
    process_signal(front.process, SIGTERM);
    cr_assert_str_eq(read_all(file), "");
    close(file);
    cr_assert(process_wait(front.process) == 1);
}

/* ---- places ------------------------------------------------------------------------------ */

/* An endpoint without a server, whose time stands still: whatever happens was not waited for. */
static struct plain_listener *endpoint_open(uint16_t *port)
{
    const char *why = "";
    struct plain_listener *plain = plain_listener_new(server_any_port(), &why);

    cr_assert(plain, "%s", why);
    cr_assert(sscanf(plain_listener_endpoint(plain), "tcp://%*[0-9.]:%hu", port) == 1);
    return plain;
}

/* Whose news it is. */
static uint32_t await_news(struct plain_listener *plain, enum plain_event expected)
{
    enum plain_event news;
    uint32_t number;

    while ((news = plain_listener_next(plain, 0, &number)) != expected) {
        cr_assert(news == PLAIN_EVENT_NOTHING || news == PLAIN_EVENT_HEARD, "news %d", (int)news);
        await_readable(plain_listener_fd(plain));
    }
    return number;
}

/* More than is read at once, so that some is unread when others have their turn. Until all of it is
 * at the other end. */
static void send_much(int file)
{
    static const char zeros[20000];
    int64_t until_ms = process_now_ms() + PROCESS_PATIENCE_MS;
    int left;

    cr_assert(send(file, zeros, sizeof zeros, MSG_NOSIGNAL) == sizeof zeros);
    while (ioctl(file, SIOCOUTQ, &left) == 0 && left > 0) {
        cr_assert(process_now_ms() < until_ms, "%d bytes have not arrived", left);
        poll(NULL, 0, LOOK_MS);
    }
}

/* And nothing that was sent to it can have been destroyed. */
static void expect_end_without_reset(int file, const char *text)
{
    struct pollfd item = {.fd = file};

    cr_assert_str_eq(read_all(file), text);
    cr_assert(poll(&item, 1, 0) == 0, "the connection was reset");
}

Test(plain, who_was_answered_first_makes_room_for_the_next_and_loses_nothing)
{
    uint16_t port;
    struct plain_listener *plain = endpoint_open(&port);
    uint32_t numbers[PLAIN_MAX];
    int crowd[PLAIN_MAX], next[2];

    for (int i = 0; i < PLAIN_MAX; i++) {
        crowd[i] = call(port);
        numbers[i] = await_news(plain, PLAIN_EVENT_ASKED);
    }
    next[0] = call(port);
    await_news(plain, PLAIN_EVENT_FULL);
    send_much(crowd[7]);
    plain_listener_answer(plain, numbers[7], 0, 7);
    plain_listener_answer(plain, numbers[3], 0, 3);
    cr_assert(await_news(plain, PLAIN_EVENT_ASKED) == numbers[7]);
    next[1] = call(port);
    cr_assert(await_news(plain, PLAIN_EVENT_ASKED) == numbers[3]);
    expect_end_without_reset(crowd[7], "7\n");
    expect_end_without_reset(crowd[3], "3\n");
    plain_listener_destroy(&plain, 0);
    for (int i = 0; i < PLAIN_MAX; i++)
        close(crowd[i]);
    close(next[0]);
    close(next[1]);
}

/* ---- endpoints --------------------------------------------------------------------------- */

static void expect_no_start(const char *endpoint, const char *sentence)
{
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--plain", endpoint));

    cr_assert(process_wait(server) == 1);
    cr_assert(lines_are(process_text(server, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(server, PROCESS_ERR));
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
}

Test(plain, an_endpoint_that_cannot_be_is_told)
{
    struct server server = server_start(NULL);

    expect_no_start("8197", "*cannot listen on 8197: expected tcp://host:port; *--plain");
    expect_no_start("tcp://127.0.0.1:65536", "*: expected tcp://host:port; *--plain");
    expect_no_start("tcp://nowhere.invalid:1", "*cannot listen on tcp://nowhere.invalid:1: *");
    expect_no_start(server.endpoint, "*cannot listen on tcp://*: Address already in use; *--plain");
    server_drain(&server);
}
