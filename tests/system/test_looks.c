/* Tests of looks: when the descriptor asks for one, and what a late look still finds. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "client/lib/meantime.h"
#include "proto/instant.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(looks, .fini = story_end);

#define MS          NS_PER_MS
#define PATIENCE_NS (PROCESS_PATIENCE_MS * MS)

/* More answers than one look reads. */
#define MANY 100

static struct meantime *session(const char *endpoint)
{
    struct meantime *m = meantime_new();

    cr_assert(m, "%s", strerror(errno));
    cr_assert(meantime_connect(m, endpoint) == MEANTIME_OK, "%s", endpoint);
    return m;
}

static uint64_t ask(struct meantime *m, uint64_t count, int64_t timeout_ns)
{
    struct meantime_question question = {
        .kind = MEANTIME_GAUSSIAN, .count = count, .timeout_ns = timeout_ns};
    uint64_t request = 0;

    cr_assert_eq(meantime_ask(m, &question, &request), MEANTIME_OK);
    return request;
}

/* Looks until the request is sent. After that, meantime_ask() sends further requests at once. */
static void await_asked(struct meantime *m, uint64_t request)
{
    struct meantime_progress progress = {.attempts = 0};

    while (progress.attempts == 0) {
        cr_assert_eq(meantime_wait(m, request, MS), 0);
        cr_assert_eq(meantime_progress(m, request, &progress), MEANTIME_OK);
    }
}

/* Takes all results, each of which must be a sum. Returns how many there were. */
static int take_sums(struct meantime *m)
{
    struct meantime_result result;
    int taken = 0;

    while (meantime_take(m, MEANTIME_ANY, &result) == 1) {
        cr_assert(result.error == MEANTIME_OK, "%s", result.text);
        taken++;
    }
    return taken;
}

/* ---- no wakeups without a reason --------------------------------------------------------- */

/* Runs an event loop until the request has ended. Returns how often the descriptor was readable. */
static int wakes_until_over(struct meantime *m, uint64_t request, struct meantime_result *result)
{
    struct pollfd fd = {.fd = meantime_fd(m), .events = POLLIN};
    int wakes = 0;

    while (meantime_take(m, request, result) == 0) {
        cr_assert_eq(poll(&fd, 1, PROCESS_PATIENCE_MS), 1);
        meantime_look(m);
        wakes++;
    }
    return wakes;
}

/* The client dials a few times a second, and wakes a few times for each dial. A loop that never
 * sleeps would look some hundred thousand times. */
#define WAKES_MAX 300

static void expect_quiet_wait(const char *endpoint)
{
    struct meantime *m = session(endpoint);
    struct meantime_result result;
    int wakes = wakes_until_over(m, ask(m, 1, 0), &result);

    cr_assert(result.error == MEANTIME_NO_SERVER, "%s", result.text);
    cr_assert(wakes < WAKES_MAX, "woken %d times", wakes);
    meantime_close(&m);
}

Test(looks, the_descriptor_stays_quiet_while_no_server_listens)
{
    char endpoint[ENDPOINT_BYTES];
    int file = refuser_open(endpoint);

    expect_quiet_wait(endpoint);
    close(file);
}

Test(looks, the_descriptor_stays_quiet_while_a_peer_is_silent)
{
    char endpoint[ENDPOINT_BYTES];
    int file = listener_open(endpoint);

    expect_quiet_wait(endpoint);
    close(file);
}

/* libzmq mistakes the web server's first byte for that of an old ZeroMQ peer. */
Test(looks, the_descriptor_stays_quiet_while_a_web_server_answers)
{
    static const char words[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    char endpoint[ENDPOINT_BYTES];
    int listener = listener_open(endpoint), file;
    struct meantime *m = session(endpoint);
    struct meantime_result result;
    uint64_t request = ask(m, 1, 0);

    meantime_look(m);
    file = accept(listener, NULL, NULL);
    cr_assert(send(file, words, sizeof words - 1, MSG_NOSIGNAL) == sizeof words - 1);
    int wakes = wakes_until_over(m, request, &result);
    cr_assert(result.error == MEANTIME_NO_SERVER, "%s", result.text);
    cr_assert(wakes < WAKES_MAX, "woken %d times", wakes);
    meantime_close(&m);
    close(file);
    close(listener);
}

Test(looks, the_descriptor_stays_quiet_while_the_session_waits_for_a_lost_server)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct meantime *m = session(server.endpoint);
    struct meantime_result result;
    uint64_t request = ask(m, ENDLESS, 0);

    await_asked(m, request);
    process_await_computing(server.process);
    process_signal(server.process, SIGKILL);
    int wakes = wakes_until_over(m, request, &result);
    cr_assert(result.error == MEANTIME_SERVER_LOST, "%s", result.text);
    cr_assert(wakes < WAKES_MAX, "woken %d times", wakes);
    meantime_close(&m);
}

/* ---- late looks -------------------------------------------------------------------------- */

/* Begins MANY requests, whose answers arrive before the caller looks again. */
static struct meantime *answered_meanwhile(struct impostor *impostor, int64_t timeout_ns)
{
    struct meantime *m = session(impostor_endpoint(impostor));

    await_asked(m, ask(m, 1, 0));
    for (int i = 1; i < MANY; i++)
        ask(m, 1, timeout_ns);
    for (int i = 0; i < MANY; i++) {
        struct message asked = impostor_recv(impostor);
        impostor_send(impostor, &(struct message){
                                    .type = MESSAGE_SUM_REPLY,
                                    .sum_reply = {.id = asked.sum_request.id,
                                                  .count = asked.sum_request.count,
                                                  .unit_log2 = -49},
                                });
    }
    return m;
}

#define LATE_MS 3000

Test(looks, an_answer_that_came_in_time_counts_however_late_the_look)
{
    struct impostor *impostor = impostor_new();
    struct meantime *m = answered_meanwhile(impostor, LATE_MS * MS);
    int taken = 0;

    poll(NULL, 0, LATE_MS); /* this is the time that must pass */
    while (taken < MANY) {
        cr_assert(meantime_wait(m, MEANTIME_ANY, PATIENCE_NS) == 1);
        taken += take_sums(m);
    }
    meantime_close(&m);
}

/* An edge-triggered epoll reports only changes. The caller looks once after each change. */
Test(looks, each_look_that_leaves_messages_unread_raises_a_new_edge)
{
    struct impostor *impostor = impostor_new();
    struct meantime *m = answered_meanwhile(impostor, 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(EPOLL_CLOEXEC), taken = 0;

    cr_assert(epoll_ctl(epoll, EPOLL_CTL_ADD, meantime_fd(m), &event) == 0);
    while (taken < MANY) {
        cr_assert(epoll_wait(epoll, &event, 1, PROCESS_PATIENCE_MS) == 1, "%d are left",
                  MANY - taken);
        meantime_look(m);
        taken += take_sums(m);
    }
    close(epoll);
    meantime_close(&m);
}

/* ---- signals, and calls from a slice ------------------------------------------------------ */

static void on_alarm(int signal)
{
    (void)signal;
}

/* Repeats the signal, because a signal before the wait does not interrupt it. */
static void alarm_soon(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {.it_interval = {.tv_usec = 20000}, .it_value = {.tv_usec = 20000}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void alarm_never(void)
{
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0}}, NULL);
}

static uint64_t one_unit(void *state, uint64_t units)
{
    bool *done = state;
    uint64_t does = *done ? 0 : 1;

    (void)units;
    *done = true;
    return does;
}

Test(looks, a_signal_interrupts_a_wait_that_can_be_repeated)
{
    struct impostor *impostor = impostor_new();
    struct meantime *m = session(impostor_endpoint(impostor));
    uint64_t request = ask(m, 1, 0);
    bool done = false;

    alarm_soon();
    cr_assert_eq(meantime_wait(m, request, -1), MEANTIME_INTERRUPTED);
    cr_assert_eq(meantime_overlap(m, request, one_unit, &done, 0), MEANTIME_INTERRUPTED);
    cr_assert(done);
    alarm_never();
    cr_assert_eq(meantime_cancel(m, request), MEANTIME_OK);
    cr_assert_eq(meantime_wait(m, request, -1), 1);
    meantime_close(&m);
}

/* Work whose slices begin further requests. */
struct asking {
    struct meantime *m;
    int asked, taken;
};

static uint64_t ask_and_take(void *state, uint64_t units)
{
    struct asking *asking = state;

    (void)units;
    asking->taken += take_sums(asking->m);
    if (asking->asked < MANY) {
        ask(asking->m, 1, 0);
        asking->asked++;
    } else
        meantime_wait(asking->m, MEANTIME_ANY, 10 * MS);
    return asking->taken < MANY;
}

Test(looks, a_slice_may_use_the_session)
{
    struct test_server server = server_start(NULL);
    struct asking asking = {.m = session(server.endpoint)};

    cr_assert_eq(meantime_overlap(asking.m, 0, ask_and_take, &asking, 0), MEANTIME_OK);
    cr_assert_eq(asking.taken, MANY);
    meantime_close(&asking.m);
    server_drain(&server);
}
