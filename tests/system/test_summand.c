/* Servers sum the terms of a user's function: alone, with joined workers, and with each fault of
 * the function. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sums/moments.h"
#include "tests/support/story.h"

#define FAULTS BAD_SUMMANDS "/faults.so"
#define DARTS  EXAMPLES "/darts.so"
#define ASIAN  EXAMPLES "/asian.so"

#define FAULT_TERM 5000 /* of faults.c */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define COUNT 100000
#else
#define COUNT 2000000
#endif

/* The search for leaks starts a process, which helpers must not do. */
static void story_begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

TestSuite(summand, .init = story_begin, .fini = story_end);

static struct sum_request terms(uint64_t id, const char *summand, const char *parameters)
{
    return (struct sum_request){
        .id = id, .seed = 7, .count = COUNT, .summand = summand, .parameters = parameters};
}

struct answer {
    uint64_t build;
    uint32_t outputs;
    struct exact_total sum, squares; /* of the first output */
};

/* Waits for the sum of `request` at this endpoint. */
static struct answer answer_of(const char *endpoint, const struct sum_request *request)
{
    struct peer *peer = peer_new(PEER_DEALER, endpoint);
    struct answer answer = {0};
    peer_ask(peer, request);
    struct message message = peer_recv(peer);
    cr_assert(message.type == MESSAGE_SUM_REPLY, "type %d: %s", message.type,
              message.type == MESSAGE_REFUSAL ? message.refusal.text : "");
    cr_assert(message.sum_reply.id == request->id && message.sum_reply.count == request->count);
    answer.build = message.sum_reply.build;
    answer.outputs = message.sum_reply.outputs.count;
    units_copy(&answer.sum, &message.sum_reply.outputs.list[0].sum);
    units_copy(&answer.squares, &message.sum_reply.outputs.list[0].squares);
    peer_destroy(&peer);
    return answer;
}

static bool totals_are_equal(const struct exact_total *a, const struct exact_total *b)
{
    return a->unit_log2 == b->unit_log2 && a->length == b->length &&
           memcmp(a->units, b->units, a->length) == 0;
}

static void expect_same(const struct answer *a, const struct answer *b)
{
    cr_assert(a->build == b->build && a->outputs == b->outputs);
    cr_assert(totals_are_equal(&a->sum, &b->sum));
    cr_assert(totals_are_equal(&a->squares, &b->squares));
}

Test(summand, a_server_sums_the_terms_of_two_functions)
{
    struct test_server server = server_start(WORDS("--threads", "2", "--summand", DARTS "," ASIAN));
    struct sum_request darts = terms(1, "darts", NULL), asian = terms(2, "asian", "strike=1.1");
    struct answer answer = answer_of(server.endpoint, &darts);
    struct moments moments;
    cr_assert(answer.outputs == 1);
    cr_assert(moments_init(&moments, COUNT, &answer.sum, &answer.squares));
    cr_assert(fabs(moments.mean - acos(-1)) < 6 * moments.standard_error, "%g", moments.mean);
    cr_assert_float_eq(moments.standard_error, 1.6422 / sqrt(COUNT), 20.0 / COUNT);
    answer = answer_of(server.endpoint, &asian);
    cr_assert(answer.outputs == 2);
    cr_assert_float_eq(moments_mean(COUNT, &answer.sum), 0.0229, 0.14 / sqrt(COUNT));
    server_drain(&server);
}

Test(summand, one_thread_two_threads_and_joined_workers_have_the_same_bits)
{
    struct sum_request request = terms(1, "asian", "");
    struct test_server one = server_start(WORDS("--threads", "1", "--summand", ASIAN));
    struct answer right = answer_of(one.endpoint, &request);
    server_drain(&one);
    struct test_server two = server_start(WORDS("--threads", "2", "--summand", ASIAN));
    struct answer other = answer_of(two.endpoint, &request);
    expect_same(&other, &right);
    server_drain(&two);
    struct test_server front = front_start(NULL, NULL);
    worker_start(front.workers_endpoint, WORDS("--summand", ASIAN));
    worker_start(front.workers_endpoint, NULL); /* it has no summand */
    worker_start(front.workers_endpoint, WORDS("--summand", ASIAN));
    other = answer_of(front.endpoint, &request);
    expect_same(&other, &right);
}

Test(summand, a_server_refuses_a_function_that_it_does_not_have)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", DARTS));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request request = terms(5, "missing", NULL);
    peer_ask(peer, &request);
    peer_expect_refusal(peer, 5, REFUSAL_UNKNOWN_SUMMAND);
    request = terms(6, "darts", NULL);
    request.build = 1;
    peer_ask(peer, &request);
    peer_expect_refusal(peer, 6, REFUSAL_UNKNOWN_SUMMAND);
    server_drain(&server);
}

/* ---- faults -------------------------------------------------------------------------------- */

Test(summand, a_fault_costs_its_request_and_no_other)
{
    static const struct {
        const char *fault;
        enum refusal_code code;
        const char *words;
    } rows[] = {
        {"nonsense", REFUSAL_BAD_PARAMETERS, "There is no such fault."},
        {"nan", REFUSAL_SUMMAND_FAILED, "Term 5000 of output \"value\" is NaN"},
        {"segv", REFUSAL_SUMMAND_FAILED, "SIGSEGV"},
        {"exit", REFUSAL_SUMMAND_FAILED, "exit status 3"},
        {"fork", REFUSAL_SUMMAND_FAILED, "SIGSYS"},
        {"close", REFUSAL_SUMMAND_FAILED, "descriptors"},
        {"garbage", REFUSAL_SUMMAND_FAILED, "socket"},
        {"mode", REFUSAL_SUMMAND_FAILED, "floating-point mode"},
    };
    struct test_server server = server_start(WORDS("--threads", "2", "--summand", FAULTS));
    struct sum_request good = terms(1, "faults", "");
    struct answer right = answer_of(server.endpoint, &good);
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char parameters[64];
        snprintf(parameters, sizeof parameters, "fault=%s", rows[i].fault);
        struct sum_request bad = terms(i + 10, "faults", parameters);
        peer_ask(peer, &bad);
        struct refusal refusal = peer_expect_refusal(peer, bad.id, rows[i].code);
        cr_assert(strstr(refusal.text, rows[i].words), "%s: %s", rows[i].fault, refusal.text);
        struct answer again = answer_of(server.endpoint, &good);
        expect_same(&again, &right);
    }
    server_drain(&server);
}

/* The first totals of a thread are audited with a fresh helper, in which begin() chooses another
 * name. */
Test(summand, names_that_change_cost_the_request_and_not_the_server)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", FAULTS));
    struct sum_request bad = terms(1, "faults", "fault=names"), good = terms(2, "faults", "");
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);

    bad.count = UINT64_C(100) * COUNT; /* many spans */
    peer_ask(peer, &bad);
    struct refusal refusal = peer_expect_refusal(peer, bad.id, REFUSAL_SUMMAND_FAILED);
    cr_assert(strstr(refusal.text, "begin() gives the outputs other names"), "%s", refusal.text);
    answer_of(server.endpoint, &good);
    server_drain(&server);
}

Test(summand, a_call_that_does_not_end_is_cancelled_or_ends_with_the_timeout)
{
    struct test_server server =
        server_start(WORDS("--threads", "1", "--summand", FAULTS, "--summand-timeout", "1s"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request endless = terms(1, "faults", "fault=loop"), good = terms(2, "faults", "");
    peer_ask(peer, &endless);
    peer_cancel(peer, 1);
    peer_expect_refusal(peer, 1, REFUSAL_CANCELLED);
    answer_of(server.endpoint, &good);
    endless.id = 3;
    peer_ask(peer, &endless);
    struct refusal refusal = peer_expect_refusal(peer, 3, REFUSAL_SUMMAND_FAILED);
    cr_assert(strstr(refusal.text, "longer than 1 s"), "%s", refusal.text);
    answer_of(server.endpoint, &good);
    server_drain(&server);
}

/* The function prints the number of its process and loops. */
Test(summand, a_server_that_stops_or_is_killed_leaves_no_helper)
{
    for (int kills = 0; kills < 2; kills++) {
        struct test_server server = server_start(WORDS("--threads", "1", "--summand", FAULTS));
        struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
        struct sum_request endless = terms(1, "faults", "fault=print-loop");
        peer_ask(peer, &endless);
        const char *line =
            process_line(server.process, PROCESS_ERR, "*summand faults prints: process *");
        pid_t helper = (pid_t)atoi(strrchr(line, ' '));
        cr_assert(helper > 1 && kill(helper, 0) == 0, "%s", line);
        process_signal(server.process, kills ? SIGKILL : SIGTERM);
        process_signal(server.process, SIGINT);
        process_wait(server.process);
        while (kill(helper, 0) == 0)
            usleep(PROCESS_POLL_MS * 1000);
    }
}

/* ---- audits -------------------------------------------------------------------------------- */

/* glibc before 2.33 has the second name. */
#define NO_FMA "glibc.cpu.hwcaps=-FMA,-FMA_Usable,-FMA4,-FMA4_Usable,-AVX2,-AVX2_Usable"

static struct process *log_worker_start(const struct test_server *front)
{
    return worker_start(front->workers_endpoint, WORDS("--summand", BAD_SUMMANDS "/libm_log.so"));
}

static void expect_named(const struct refusal *refusal, const struct process *worker)
{
    char name[32];
    snprintf(name, sizeof name, ":%d, ", (int)process_pid(worker));
    cr_assert(strstr(refusal->text, name), "%s", refusal->text);
}

/* The workers announce the same build, because no known answer contains log(). */
Test(summand, an_audit_finds_libm_of_another_processor_and_names_both_workers)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("fma") || !__builtin_cpu_supports("avx2"))
        cr_skip_test("This processor has no FMA.");
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = log_worker_start(&front);
    cr_assert(setenv("GLIBC_TUNABLES", NO_FMA, 1) == 0);
    struct process *other = log_worker_start(&front);
    struct sum_request with = terms(1, "libm-log", "log=1"), without = terms(2, "libm-log", "");
    struct peer *peer = peer_new(PEER_DEALER, front.endpoint);
    peer_ask(peer, &with);
    struct refusal refusal = peer_expect_refusal(peer, 1, REFUSAL_OTHER_BITS);
    cr_assert(strstr(refusal.text, "terms of libm-log from term"), "%s", refusal.text);
    cr_assert(strstr(refusal.text, "on have other bits each time"), "%s", refusal.text);
    expect_named(&refusal, worker);
    expect_named(&refusal, other);
    answer_of(front.endpoint, &without);
#else
    cr_skip_test("libm has one form of log() on this processor.");
#endif
}

/* ---- start --------------------------------------------------------------------------------- */

Test(summand, a_server_does_not_start_with_a_file_that_it_cannot_offer)
{
    static const struct {
        const char *path, *sentence;
    } rows[] = {
        {"/nonexistent.so", "*cannot offer the summand of /nonexistent.so *No such file*"},
        {BAD_SUMMANDS "/random.so", "*cannot offer *random.so *--check*: Term 0 has other bits *"},
        {DARTS "," DARTS, "*cannot offer *darts.so: another file has the name darts, too"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct process *process = process_start(
            WORDS(MEANTIME_SERVER, "--bind", server_any_port(), "--summand", rows[i].path));
        int status = process_wait(process);
        cr_assert(status == 1, "%s: %d", rows[i].path, status);
        cr_assert(lines_include(process_text(process, PROCESS_ERR), WORDS(rows[i].sentence)), "%s",
                  process_text(process, PROCESS_ERR));
    }
}

Test(summand, a_server_prints_its_summands_and_what_they_print)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", FAULTS));
    struct sum_request request = terms(1, "faults", "fault=print");
    process_line(server.process, PROCESS_OUT,
                 "Summand faults, build ????????????????, * ns per term.");
    answer_of(server.endpoint, &request);
    process_line(server.process, PROCESS_ERR, "*summand faults prints: one");
    process_line(server.process, PROCESS_ERR, "*summand faults prints: three");
    server_drain(&server);
}

/* ---- workers that lose a function ---------------------------------------------------------- */

static void offer(struct peer *peer, const struct offer *offers, uint32_t count)
{
    struct message message = {
        .type = MESSAGE_HEARTBEAT,
        .heartbeat = {.capacity = 1, .offers = {.count = count, .list = offers}},
    };
    peer_send(peer, &message);
}

static void refuse_span(struct peer *peer)
{
    struct sum_request span = peer_span(peer);
    struct message refusal = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = span.id, .code = REFUSAL_UNKNOWN_SUMMAND, .text = "lost it"},
    };
    peer_send(peer, &refusal);
}

#define LOSES "*worker peer at 127.* gets no more terms of the summand "

Test(summand, a_front_logs_why_a_worker_gets_no_more_terms)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *worker = peer_new_worker(front.workers_endpoint);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct sum_request request = terms(1, "pi", NULL);
    struct offer offers[] = {{.name = "pi", .build = 1, .capacity = 1},
                             {.name = "e", .build = 2, .capacity = 1}};
    offer(worker, offers, 2);
    offers[0].build = 3;
    offer(worker, offers, 2);
    process_line(front.process, PROCESS_ERR,
                 LOSES "pi, build 0000000000000001: it now offers the build 0000000000000003");
    offer(worker, offers, 1);
    process_line(front.process, PROCESS_ERR,
                 LOSES "e, build 0000000000000002: it no longer offers the summand");
    peer_ask(client, &request);
    refuse_span(worker);
    process_line(front.process, PROCESS_ERR,
                 LOSES "pi, build 0000000000000003: it has refused a span, *");
}

/* Asks until the offer of the worker has arrived. */
static void await_offer(const char *endpoint, const struct sum_request *request)
{
    int64_t limit_at_ms = process_limit_at_ms();
    struct peer *client = peer_new(PEER_DEALER, endpoint);
    for (;;) {
        peer_ask(client, request);
        struct message message = peer_recv(client);
        while (message.type != MESSAGE_SUM_REPLY && message.type != MESSAGE_REFUSAL)
            message = peer_recv(client);
        if (message.type == MESSAGE_SUM_REPLY)
            break;
        process_pause(limit_at_ms, "the front does not learn of the summand");
    }
    peer_destroy(&client);
}

Test(summand, a_server_logs_that_it_no_longer_offers_a_function)
{
    struct sum_request request = {.id = 1, .count = 1000, .summand = "darts"};
    struct test_server front = front_start(NULL, NULL);
    struct test_server middle = front_start(NULL, WORDS("--join", front.workers_endpoint));
    struct process *leaf = worker_start(middle.workers_endpoint, WORDS("--summand", DARTS));
    await_offer(front.endpoint, &request);
    process_signal(leaf, SIGKILL);
    process_line(middle.process, PROCESS_ERR,
                 "*no longer offers the summand darts, build *: no worker of this server has it");
    process_line(
        front.process, PROCESS_ERR,
        "*worker * at 127.* gets no more terms of the summand darts, build *: it no longer "
        "offers the summand");
}
