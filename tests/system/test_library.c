/* Tests of libmeantime against real servers: sessions, results, retries and overlap. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/meantime.h"
#include "proto/instant.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(library, .fini = story_end);

#define MS NS_PER_MS

/* The sum of the first block of Gaussian samples of seed 0. */
#define BLOCK       65536
#define BLOCK_UNITS (-58584426632097568)
#define BLOCK_SUM   -104.0668469302687

/* No story waits this long, even on a slow machine. */
#define PATIENCE_NS (PROCESS_PATIENCE_MS * MS)

static const struct meantime_question block = {.kind = MEANTIME_GAUSSIAN, .count = BLOCK};
static const struct meantime_question endless = {.kind = MEANTIME_GAUSSIAN, .count = ENDLESS};

static struct meantime *session(const char *endpoint)
{
    struct meantime *m = meantime_new();

    cr_assert(m, "%s", strerror(errno));
    cr_assert(meantime_connect(m, endpoint) == MEANTIME_OK, "%s", endpoint);
    return m;
}

static uint64_t ask(struct meantime *m, const struct meantime_question *question)
{
    uint64_t request = 0;
    int error = meantime_ask(m, question, &request);

    cr_assert(error == MEANTIME_OK, "%s", meantime_error_text(error));
    cr_assert(request != 0);
    return request;
}

static struct meantime_result take(struct meantime *m, uint64_t request)
{
    struct meantime_result result;

    cr_assert_eq(meantime_wait(m, request, PATIENCE_NS), 1);
    cr_assert_eq(meantime_take(m, request, &result), 1);
    return result;
}

static void expect_block(const struct meantime_result *result)
{
    cr_assert(result->error == MEANTIME_OK, "%s", result->text);
    cr_assert(result->sum_high == -1 && result->sum_low == (uint64_t)BLOCK_UNITS);
    cr_assert(result->unit_log2 == -49 && result->count == BLOCK);
    cr_assert(result->sum == BLOCK_SUM);
}

/* ---- one request ------------------------------------------------------------------------- */

Test(library, a_result_is_taken_once)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    struct meantime_question question = block;
    struct meantime_result result;

    question.user = &server;
    uint64_t request = ask(m, &question);
    result = take(m, request);
    expect_block(&result);
    cr_assert(result.user == &server && result.request == request && result.attempts == 1);
    cr_assert(result.elapsed_ns > 0 && result.compute_ns > 0);
    cr_assert_eq(meantime_take(m, request, &result), MEANTIME_UNKNOWN);
    cr_assert_eq(meantime_take(m, MEANTIME_ANY, &result), 0);
    cr_assert_eq(meantime_wait(m, request, -1), MEANTIME_UNKNOWN);
    cr_assert_eq(meantime_wait(m, MEANTIME_ANY, -1), 0, "nothing is in flight");
    meantime_close(&m);
    cr_assert_null(m);
    server_drain(&server);
}

Test(library, progress_is_reported_while_a_request_is_in_flight)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    uint64_t request = ask(m, &endless);
    struct meantime_progress progress = {.done = 0};

    while (progress.done == 0) {
        cr_assert_eq(meantime_wait(m, request, 10 * MS), 0);
        cr_assert_eq(meantime_progress(m, request, &progress), MEANTIME_OK);
    }
    cr_assert(progress.count == ENDLESS && progress.attempts == 1 && progress.outages == 0);
    meantime_close(&m);
    server_drain(&server);
}

Test(library, a_cancelled_request_ends_at_once_and_at_its_server)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    uint64_t request = ask(m, &endless);
    struct pollfd fd = {.fd = meantime_fd(m), .events = POLLIN};

    while (meantime_look(m) == 0 && process_cpu_ms(server.process) < 100)
        cr_assert_eq(meantime_wait(m, request, 10 * MS), 0);
    cr_assert_eq(meantime_cancel(m, request), MEANTIME_OK);
    cr_assert_eq(poll(&fd, 1, 0), 1, "the descriptor is not readable");
    struct meantime_result result = take(m, request);
    cr_assert_eq(result.error, MEANTIME_CANCELLED);
    cr_assert_str_eq(result.text, "cancelled");
    cr_assert_eq(meantime_cancel(m, request), MEANTIME_UNKNOWN);
    server_drain(&server); /* with the session still open */
    meantime_close(&m);
}

Test(library, closing_cancels_the_requests_in_flight)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);

    for (int i = 0; i < 10; i++)
        ask(m, &endless);
    while (process_cpu_ms(server.process) < 100)
        meantime_wait(m, MEANTIME_ANY, 10 * MS);
    meantime_close(&m);
    server_drain(&server);
}

Test(library, a_request_without_a_server_fails)
{
    char endpoint[ENDPOINT_BYTES], expected[128];
    int refuser = refuser_open(endpoint);
    struct meantime *m = session(endpoint);
    struct meantime_result result = take(m, ask(m, &block));

    snprintf(expected, sizeof expected, "no server at %s (connection refused)", endpoint);
    cr_assert_eq(result.error, MEANTIME_NO_SERVER);
    cr_assert_str_eq(result.text, expected);
    meantime_close(&m);
    close(refuser);
}

Test(library, a_timeout_ends_a_request)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    struct meantime_question question = endless;

    question.timeout_ns = 300 * MS;
    cr_assert_eq(take(m, ask(m, &question)).error, MEANTIME_TIMED_OUT);
    meantime_close(&m);
    server_drain(&server);
}

/* ---- many requests ----------------------------------------------------------------------- */

#define MANY 1000

/* Request i asks for sample i alone. */
static void ask_many(struct meantime *m, int64_t *taken)
{
    for (int i = 0; i < MANY; i++) {
        struct meantime_question question = block;
        question.first = (uint64_t)i;
        question.count = 1;
        question.server = (unsigned)i;
        question.user = &taken[i];
        ask(m, &question);
    }
}

static int take_all(struct meantime *m)
{
    struct meantime_result result;
    int count = 0;

    while (meantime_take(m, MEANTIME_ANY, &result) == 1) {
        cr_assert(result.error == MEANTIME_OK, "%s", result.text);
        ++*(int64_t *)result.user;
        count++;
    }
    return count;
}

static void expect_each_once(const int64_t *taken)
{
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(taken[i], 1);
}

Test(library, a_thousand_requests_are_in_flight_at_once)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    int64_t taken[MANY] = {0};
    int left = MANY;

    ask_many(m, taken);
    while (left > 0) {
        cr_assert_eq(meantime_wait(m, MEANTIME_ANY, PATIENCE_NS), 1);
        left -= take_all(m);
    }
    expect_each_once(taken);
    meantime_close(&m);
    server_drain(&server);
}

/* As in an event loop that knows only the descriptor. */
Test(library, the_descriptor_alone_says_when_to_look)
{
    struct test_server first = server_start(NULL), second = server_start(NULL);
    struct meantime *m = session(first.endpoint);
    struct pollfd fd = {.fd = meantime_fd(m), .events = POLLIN};
    int64_t taken[MANY] = {0};
    int left = MANY;

    cr_assert_eq(meantime_connect(m, second.endpoint), MEANTIME_OK);
    ask_many(m, taken);
    while (left > 0) {
        cr_assert_eq(poll(&fd, 1, PROCESS_PATIENCE_MS), 1);
        meantime_look(m);
        left -= take_all(m);
    }
    expect_each_once(taken);
    cr_assert_eq(fd.fd, meantime_fd(m));
    meantime_close(&m);
    server_drain(&first);
    server_drain(&second);
}

Test(library, an_ended_request_does_not_hide_another_one)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    uint64_t first = ask(m, &block), second;

    cr_assert_eq(meantime_wait(m, first, PATIENCE_NS), 1);
    second = ask(m, &block);
    struct meantime_result result = take(m, second);
    expect_block(&result);
    cr_assert_eq(meantime_take(m, MEANTIME_ANY, &result), 1);
    cr_assert_eq(result.request, first);
    meantime_close(&m);
    server_drain(&server);
}

/* ---- servers that are lost --------------------------------------------------------------- */

#define SOME 20

static void expect_moved(struct meantime *m, struct test_server *first, int signal)
{
    uint64_t requests[SOME];
    struct meantime_question question = block;

    question.count = 2000 * BLOCK; /* long enough that the first server does not finish */
    int64_t busy_ms =
        process_cpu_ms(first->process) + 100; /* a slow start takes CPU time as well */
    for (int i = 0; i < SOME; i++)
        requests[i] = ask(m, &question);
    while (process_cpu_ms(first->process) < busy_ms)
        meantime_wait(m, requests[SOME - 1], 10 * MS);
    process_signal(first->process, signal);
    uint64_t attempts = 0;
    for (int i = 0; i < SOME; i++) {
        struct meantime_result result = take(m, requests[i]);
        cr_assert(result.error == MEANTIME_OK, "%s", result.text);
        attempts += result.attempts;
    }
    cr_assert(attempts > SOME && attempts <= 2 * SOME, "%d attempts", (int)attempts);
}

static void lose_first(int signal)
{
    struct test_server first = server_start(WORDS("--threads", "1")), second = server_start(NULL);
    struct meantime *m = session(first.endpoint);

    cr_assert_eq(meantime_connect(m, second.endpoint), MEANTIME_OK);
    expect_moved(m, &first, signal);
    meantime_close(&m);
    server_drain(&second);
}

Test(library, all_requests_move_from_a_server_that_is_killed)
{
    lose_first(SIGKILL);
}

Test(library, all_requests_move_from_a_server_that_freezes)
{
    lose_first(SIGSTOP);
}

/* The session reads the end of the connection before it sends the request, so no attempt is lost.
 */
Test(library, a_server_that_disconnected_between_looks_gets_no_request)
{
    struct test_server first = server_start(NULL), second = server_start(NULL);
    struct meantime *m = session(first.endpoint);

    cr_assert_eq(meantime_connect(m, second.endpoint), MEANTIME_OK);
    struct meantime_result result = take(m, ask(m, &block));
    expect_block(&result);
    process_signal(first.process, SIGKILL);
    process_wait(first.process);
    struct pollfd fd = {.fd = meantime_fd(m), .events = POLLIN};
    cr_assert_eq(poll(&fd, 1, PROCESS_PATIENCE_MS), 1,
                 "the descriptor does not report the end of the connection");
    result = take(m, ask(m, &block));
    expect_block(&result);
    cr_assert_eq(result.attempts, 1);
    meantime_close(&m);
    server_drain(&second);
}

/* Begins SOME requests of one block, all of them in flight at once. */
static void expect_blocks(struct meantime *m)
{
    uint64_t requests[SOME];

    for (int i = 0; i < SOME; i++)
        requests[i] = ask(m, &block);
    for (int i = 0; i < SOME; i++) {
        struct meantime_result result = take(m, requests[i]);
        expect_block(&result);
    }
}

/* A REP server sends no progress, and answers one request after the other. */
Test(library, a_rep_server_answers_one_request_after_the_other)
{
    struct test_server server = server_start(WORDS("--socket", "rep"));
    struct meantime *m = session(server.endpoint);

    expect_blocks(m);
    meantime_close(&m);
    server_drain(&server);
}

/* A REP server reads the cancel only after its answer, and refuses it. */
Test(library, a_cancel_at_a_rep_server_does_not_affect_other_requests)
{
    struct test_server server = server_start(WORDS("--socket", "rep"));
    struct meantime *m = session(server.endpoint);
    struct meantime_question question = block;

    question.count = 5000 * BLOCK;
    uint64_t first = ask(m, &question);
    while (process_cpu_ms(server.process) < 50)
        meantime_wait(m, first, 10 * MS);
    cr_assert_eq(meantime_cancel(m, first), MEANTIME_OK);
    expect_blocks(m);
    meantime_close(&m);
    server_drain(&server);
}

Test(library, a_refusal_without_an_id_ends_all_requests_of_the_link)
{
    struct impostor *impostor = impostor_new();
    struct meantime *m = session(impostor_endpoint(impostor));
    struct message refusal = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = 0, .code = REFUSAL_WRONG_VERSION, .text = "version 9 only"},
    };
    uint64_t first = ask(m, &block), second = ask(m, &block);

    struct meantime_progress progress = {.attempts = 0};

    while (progress.attempts == 0) { /* the request is not sent yet */
        cr_assert_eq(meantime_wait(m, second, MS), 0);
        meantime_progress(m, second, &progress);
    }
    cr_assert_eq(impostor_recv(impostor).sum_request.id, first);
    cr_assert_eq(impostor_recv(impostor).sum_request.id, second);
    impostor_send(impostor, &refusal);
    cr_assert_eq(take(m, first).error, MEANTIME_REFUSED);
    cr_assert_eq(take(m, second).error, MEANTIME_REFUSED);
    meantime_close(&m);
}

/* ---- overlap ----------------------------------------------------------------------------- */

/* Work for meantime_overlap(). */
struct work {
    uint64_t left;   /* units */
    int64_t unit_ns; /* each unit keeps the thread busy for this long */
    int slices;      /* done so far */
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static uint64_t work_slice(void *state, uint64_t units)
{
    struct work *work = state;
    uint64_t count = units < work->left ? units : work->left;
    int64_t until_ns = now_ns() + (int64_t)count * work->unit_ns;

    while (now_ns() < until_ns)
        continue;
    work->left -= count;
    work->slices++;
    return count;
}

Test(library, overlap_returns_when_both_are_done)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    struct work work = {.left = 20000, .unit_ns = 10000};
    uint64_t request = ask(m, &block);

    cr_assert_eq(meantime_overlap(m, request, work_slice, &work, 0), MEANTIME_OK);
    cr_assert_eq(work.left, 0);
    cr_assert(work.slices >= 10, "%d slices in 0.2 s", work.slices);
    struct meantime_result result;
    cr_assert_eq(meantime_take(m, request, &result), 1);
    expect_block(&result);
    meantime_close(&m);
    server_drain(&server);
}

Test(library, overlap_waits_if_there_is_no_work)
{
    struct test_server server = server_start(NULL);
    struct meantime *m = session(server.endpoint);
    struct work work = {.left = 0};
    uint64_t request = ask(m, &block);

    cr_assert_eq(meantime_overlap(m, request, work_slice, &work, 0), MEANTIME_OK);
    struct meantime_result result;
    cr_assert_eq(meantime_take(m, request, &result), 1);
    expect_block(&result);
    cr_assert_eq(meantime_overlap(m, request, work_slice, &work, 0), MEANTIME_UNKNOWN);
    cr_assert_eq(meantime_overlap(m, 0, work_slice, &work, -1), MEANTIME_INVALID);
    cr_assert_eq(meantime_overlap(m, 0, work_slice, &work, 1), MEANTIME_OK);
    meantime_close(&m);
    server_drain(&server);
}

/* ---- mistakes of the caller -------------------------------------------------------------- */

Test(library, the_number_of_requests_is_limited)
{
    struct meantime *m = session("tcp://127.0.0.1:1");
    struct meantime_result result;
    uint64_t request, last = 0;

    for (int i = 0; i < MEANTIME_REQUESTS_MAX; i++)
        last = ask(m, &endless);
    cr_assert_eq(meantime_ask(m, &endless, &request), MEANTIME_TOO_MANY);
    cr_assert_eq(meantime_cancel(m, last), MEANTIME_OK);
    cr_assert_eq(meantime_ask(m, &endless, &request), MEANTIME_TOO_MANY,
                 "its result is not taken yet");
    cr_assert_eq(meantime_take(m, last, &result), 1);
    cr_assert_eq(meantime_ask(m, &endless, &request), MEANTIME_OK);
    meantime_close(&m);
}

Test(library, invalid_arguments_are_refused_without_any_effect)
{
    static const struct {
        const char *endpoints;
        int error;
    } rows[] = {
        {"", MEANTIME_INVALID},
        {"tcp://127.0.0.1:1,", MEANTIME_INVALID},
        {"here", MEANTIME_BAD_ENDPOINT},
        {"inproc://here", MEANTIME_BAD_ENDPOINT},
        {"tcp://127.0.0.1:1,tcp://", MEANTIME_BAD_ENDPOINT},
        {"tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://"
         "a:1,"
         "tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1,tcp://a:1",
         MEANTIME_TOO_MANY},
    };
    struct meantime *m = meantime_new();
    uint64_t request;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(meantime_connect(m, rows[i].endpoints) == rows[i].error, "%s", rows[i].endpoints);
    cr_assert_eq(meantime_ask(m, &block, &request), MEANTIME_NOT_CONNECTED);
    cr_assert_eq(meantime_connect(m, "tcp://127.0.0.1:1,tcp://127.0.0.1:2"), MEANTIME_OK);
    cr_assert_eq(meantime_ask(m, &(struct meantime_question){.count = 1}, &request),
                 MEANTIME_INVALID);
    cr_assert_eq(meantime_ask(m, &(struct meantime_question){.kind = MEANTIME_UNIFORM}, &request),
                 MEANTIME_INVALID);
    cr_assert_eq(meantime_progress(m, 1, &(struct meantime_progress){.done = 0}), MEANTIME_UNKNOWN);
    cr_assert_eq(meantime_cancel(m, 0), MEANTIME_UNKNOWN);
    cr_assert_eq(meantime_look(m), 0);
    meantime_close(&m);
    meantime_close(&m);
}

/* The known answer of sums/SAMPLER.md: the sum of block 0 of seed 0. */
#define GAUSSIAN_BLOCK_SUM INT64_C(-58584426632097568)

Test(library, samples_are_those_that_servers_sum)
{
    static double whole[65536], part[1000];
    int64_t units = 0;

    cr_assert_eq(meantime_samples(0, MEANTIME_GAUSSIAN, 0, 65536, whole), MEANTIME_OK);
    for (int i = 0; i < 65536; i++)
        units += (int64_t)(whole[i] * 0x1p49);
    cr_assert_eq(units, GAUSSIAN_BLOCK_SUM);
    cr_assert_eq(meantime_samples(0, MEANTIME_GAUSSIAN, 777, 1000, part), MEANTIME_OK);
    cr_assert(memcmp(part, whole + 777, sizeof part) == 0);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, UINT64_C(1) << 62, 65536, whole),
                 MEANTIME_OK);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, (UINT64_C(1) << 62) + 5, 1000, part),
                 MEANTIME_OK);
    cr_assert(memcmp(part, whole + 5, sizeof part) == 0);
}

Test(library, samples_out_of_range_are_invalid)
{
    const uint64_t end = UINT64_C(1) << 63;
    double sample = -1;

    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, end - 1, 2, &sample), MEANTIME_INVALID);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, UINT64_MAX, 2, &sample), MEANTIME_INVALID);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, 1, UINT64_MAX, &sample), MEANTIME_INVALID);
    cr_assert_eq(meantime_samples(0, (enum meantime_kind)0, 0, 1, &sample), MEANTIME_INVALID);
    cr_assert_eq(meantime_samples(0, (enum meantime_kind)3, 0, 1, &sample), MEANTIME_INVALID);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, end, 0, &sample), MEANTIME_OK);
    cr_assert(sample == -1);
    cr_assert_eq(meantime_samples(0, MEANTIME_UNIFORM, end - 1, 1, &sample), MEANTIME_OK);
    cr_assert(sample >= 0 && sample < 1);
}

Test(library, every_error_has_a_text_of_its_own)
{
    for (int a = 0; a >= MEANTIME_NO_ACCESS; a--)
        for (int b = 0; b > a; b--)
            cr_assert((a < MEANTIME_BAD_KEY && a > MEANTIME_NO_SERVER) ||
                      strcmp(meantime_error_text(a), meantime_error_text(b)) != 0);
}
