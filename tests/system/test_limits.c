/* Few threads, little memory and little stack: programs and library report it and do not abort. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/lib/meantime.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

#define STRACE  "/usr/bin/strace"
#define SETPRIV "/usr/bin/setpriv"
#define PRLIMIT "/usr/bin/prlimit"

#define PATIENCE_NS (PROCESS_PATIENCE_MS * INT64_C(1000000))

/* Sanitizers start threads, take more stack, and do not work under strace. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

TestSuite(limits, .fini = story_end);

/* ---- threads ----------------------------------------------------------------------------- */

/* No other process has this user id, so RLIMIT_NPROC counts the program's own threads. */
static const char *lonely_user(void)
{
    static char id[16];

    snprintf(id, sizeof id, "%d", 700000000 + getpid());
    return id;
}

static void skip_without_users(void)
{
    if (SANITIZED)
        cr_skip_test("sanitizers start threads");
    if (getuid() != 0 || access(SETPRIV, X_OK) == -1 || access(PRLIMIT, X_OK) == -1)
        cr_skip_test("a limit of threads needs root, setpriv and prlimit");
    if (process_wait(process_start(WORDS(SETPRIV, "--reuid", lonely_user(), "--clear-groups",
                                         MEANTIME, "--version"))) != 0)
        cr_skip_test("other users cannot execute the program");
}

#define WITH_THREADS(count, ...)                                                                   \
    process_start(WORDS(SETPRIV, "--reuid", lonely_user(), "--clear-groups", PRLIMIT, count, "--", \
                        __VA_ARGS__))

/* The most threads that one of the programs needs here, or more. */
#define THREADS_MAX 12

/* Returns whether the client succeeded with `threads` threads. */
static bool client_runs_with(int threads, const char *command, const char *endpoint)
{
    char limit[32];

    snprintf(limit, sizeof limit, "--nproc=%d:%d", threads, threads);
    struct process *client = WITH_THREADS(limit, MEANTIME, command, "--connect", endpoint,
                                          strcmp(command, "sum") == 0 ? "1000" : "--json");
    int status = process_wait(client);
    cr_assert(status == EXIT_SUCCESS || status == EXIT_FAILURE, "%s with %d threads: status %d: %s",
              command, threads, status, process_text(client, PROCESS_ERR));
    if (status == EXIT_FAILURE)
        cr_assert(strstr(process_text(client, PROCESS_ERR), "threads") ||
                      strstr(process_text(client, PROCESS_OUT), "threads"),
                  "%s", process_text(client, PROCESS_ERR));
    return status == EXIT_SUCCESS;
}

Test(limits, a_client_that_cannot_start_threads_says_so)
{
    static const char *const commands[] = {"sum", "status", "async"};

    skip_without_users();
    struct test_server server = server_start(NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int threads = 1;
        while (!client_runs_with(threads, commands[i], server.endpoint))
            cr_assert(threads++ < THREADS_MAX);
        cr_assert(threads > 1, "the limit had no effect");
    }
    server_drain(&server);
}

/* Returns whether the server listened with `threads` threads. */
static bool server_runs_with(int threads)
{
    char limit[32];

    snprintf(limit, sizeof limit, "--nproc=%d:%d", threads, threads);
    struct process *server =
        WITH_THREADS(limit, MEANTIME_SERVER, "--threads", "2", "--bind", server_any_port());
    bool listens = process_try_line(server, PROCESS_OUT, "Listening on *", PROCESS_PATIENCE_MS);
    if (listens)
        process_signal(server, SIGTERM);
    int status = process_wait(server);
    cr_assert_eq(status, listens ? EXIT_SUCCESS : EXIT_FAILURE, "%d threads: status %d: %s",
                 threads, status, process_text(server, PROCESS_ERR));
    if (!listens)
        cr_assert(strstr(process_text(server, PROCESS_ERR), "cannot start"), "%s",
                  process_text(server, PROCESS_ERR));
    return listens;
}

Test(limits, a_server_that_cannot_start_threads_says_so)
{
    int threads = 1;

    skip_without_users();
    while (!server_runs_with(threads))
        cr_assert(threads++ < THREADS_MAX);
    cr_assert(threads > 3, "the limit had no effect");
}

/* ---- memory ------------------------------------------------------------------------------ */

/* More address space than the server needs, in bytes, and the step to it. */
#define SPACE_MAX  (2LL << 30)
#define SPACE_STEP (10LL << 20)

/* Returns whether the server listened with so much address space. */
static bool server_runs_in(long long bytes)
{
    char limit[48];

    snprintf(limit, sizeof limit, "--as=%lld:%lld", bytes, bytes);
    struct process *server = process_start(WORDS(PRLIMIT, limit, "--", MEANTIME_SERVER, "--threads",
                                                 "2", "--bind", server_any_port()));
    bool listens = process_try_line(server, PROCESS_OUT, "Listening on *", PROCESS_PATIENCE_MS);
    if (listens)
        process_signal(server, SIGTERM);
    int status = process_wait(server);
    const char *text = process_text(server, PROCESS_ERR);
    bool is_loader = status == 127; /* the libraries did not fit */
    cr_assert(is_loader || status == (listens ? EXIT_SUCCESS : EXIT_FAILURE), "%lld: status %d: %s",
              bytes, status, text);
    cr_assert(is_loader || listens || (strstr(text, ": cannot ") && !strstr(text, "Success")), "%s",
              text);
    return listens;
}

Test(limits, a_server_with_too_little_memory_says_so)
{
    long long bytes = SPACE_STEP;

    if (SANITIZED || access(PRLIMIT, X_OK) == -1)
        cr_skip_test("a limit of memory needs prlimit and no sanitizer");
    while (!server_runs_in(bytes))
        cr_assert((bytes += SPACE_STEP) <= SPACE_MAX);
    cr_assert(bytes > SPACE_STEP, "the limit had no effect");
}

/* ---- errors of clone() ------------------------------------------------------------------- */

/* Containers forbid threads with other errors than a limit does. */
Test(limits, any_error_of_clone_is_reported)
{
    static const char *const errors[] = {"EAGAIN", "EPERM", "ENOMEM"};
    char inject[64];

    if (SANITIZED || access(STRACE, X_OK) == -1)
        cr_skip_test("no strace, or a sanitizer");
    if (process_wait(process_start(WORDS(STRACE, "-qq", "-o", "/dev/null", "/bin/true"))) != 0)
        cr_skip_test("strace may not trace here");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        snprintf(inject, sizeof inject, "inject=clone,clone3:error=%s", errors[i]);
        struct process *client = process_start(
            WORDS(STRACE, "-f", "-qq", "-o", "/dev/null", "-e", inject, MEANTIME, "sum", "1"));
        cr_assert_eq(process_wait(client), EXIT_FAILURE);
        cr_assert(lines_are(process_text(client, PROCESS_ERR),
                            WORDS("meantime: cannot open a session: *")),
                  "%s: %s", errors[i], process_text(client, PROCESS_ERR));
    }
}

/* ---- stack ------------------------------------------------------------------------------- */

/* The thread's stack, above memory that may not be touched. */
#define STACK_BYTES (32 * 1024)
#define GUARD_BYTES (1024 * 1024)

/* What the thread does with a session. The thread uses no Criterion, which needs more stack. */
struct visit {
    const char *endpoint, *no_endpoint;
    struct meantime_result result; /* of the sum of samples */
    struct meantime_output output; /* of the sum of terms */
    int error;                     /* of the request to a server that does not exist */
    bool good;                     /* all calls succeeded */
    const char *frame;             /* where the stack of the calls begins */
};

static uint64_t one_slice(void *left, uint64_t units)
{
    uint64_t *slices = left;

    (void)units;
    return *slices > 0 ? (*slices)-- : 0;
}

static bool ask(struct meantime *m, struct visit *visit)
{
    static const struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 1000000};
    uint64_t first, second, slices = 100;

    if (meantime_ask(m, &question, &first) || meantime_ask(m, &question, &second))
        return false;
    return meantime_overlap(m, first, one_slice, &slices, 0) == MEANTIME_OK &&
           meantime_cancel(m, second) == MEANTIME_OK && meantime_wait(m, first, PATIENCE_NS) == 1 &&
           meantime_take(m, first, &visit->result) == 1;
}

static bool ask_terms(struct meantime *m, struct visit *visit)
{
    const struct meantime_question question = {.count = 100000, .summand = "darts"};
    static struct meantime_result result;
    uint64_t request;

    if (meantime_ask(m, &question, &request) || meantime_wait(m, request, PATIENCE_NS) != 1 ||
        meantime_take(m, request, &result) != 1 || result.output_count != 1)
        return false;
    visit->output = result.outputs[0];
    return meantime_total_add(&visit->output.sum, &result.outputs[0].sum) == MEANTIME_OK;
}

static bool ask_nobody(struct meantime *m, struct visit *visit)
{
    const struct meantime_question question = {
        .kind = MEANTIME_UNIFORM, .count = 1, .timeout_ns = 200000000};
    static struct meantime_result result;
    uint64_t request;

    if (meantime_ask(m, &question, &request) || meantime_wait(m, request, PATIENCE_NS) != 1 ||
        meantime_take(m, request, &result) != 1)
        return false;
    visit->error = result.error;
    return true;
}

static bool use_session(struct visit *visit, const char *endpoint,
                        bool (*use)(struct meantime *m, struct visit *visit))
{
    struct meantime *m = meantime_new();
    bool good = m && meantime_connect(m, "nonsense") == MEANTIME_BAD_ENDPOINT &&
                meantime_connect(m, endpoint) == MEANTIME_OK && use(m, visit);

    if (m)
        meantime_close(&m);
    return good;
}

static void *visit_main(void *visit_void)
{
    struct visit *visit = visit_void;

    visit->frame = (const char *)__builtin_frame_address(0);
    visit->good = use_session(visit, visit->endpoint, ask) &&
                  use_session(visit, visit->endpoint, ask_terms) &&
                  use_session(visit, visit->no_endpoint, ask_nobody);
    return NULL;
}

/* Bytes of the stack that the calls used: from `frame` down to the lowest one that is not 0. */
static size_t depth(const char *stack, const char *frame)
{
    while (stack < frame && *stack == 0)
        stack++;
    return (size_t)(frame - stack);
}

Test(limits, a_thread_with_32_kib_of_stack_can_use_sessions)
{
    char *memory =
        mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *stack = memory + GUARD_BYTES;
    char no_endpoint[ENDPOINT_BYTES];
    pthread_attr_t attributes;
    pthread_t thread;

    if (SANITIZED)
        cr_skip_test("sanitizers take more stack");
    struct test_server server = server_start(WORDS("--summand", EXAMPLES "/darts.so"));
    int refuser = refuser_open(no_endpoint);
    struct visit visit = {.endpoint = server.endpoint, .no_endpoint = no_endpoint};
    cr_assert(memory != MAP_FAILED && mprotect(stack, STACK_BYTES, PROT_READ | PROT_WRITE) == 0);
    pthread_attr_init(&attributes);
    cr_assert_eq(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
    cr_assert_eq(pthread_create(&thread, &attributes, visit_main, &visit), 0);
    pthread_join(thread, NULL);
    fprintf(stderr, "deepest stack: %zu bytes\n", depth(stack, visit.frame));
    cr_assert(visit.good);
    cr_assert_eq(visit.result.error, MEANTIME_OK, "%s", visit.result.text);
    cr_assert_float_eq(visit.output.estimate.mean, 3.14, 0.05);
    cr_assert(visit.error == MEANTIME_NO_SERVER || visit.error == MEANTIME_TIMED_OUT);
    close(refuser);
    server_drain(&server);
}
