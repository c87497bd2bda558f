/* System tests of libmeantime with scarce resources: interrupted system calls, few descriptors. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "client/lib/meantime.h"
#include "proto/instant.h"
#include "tests/support/story.h"

TestSuite(short_of, .fini = story_end);

#define PATIENCE_NS (PROCESS_PATIENCE_MS * NS_PER_MS)

static const struct meantime_question sample = {.kind = MEANTIME_GAUSSIAN, .count = 1};

/* ---- signals ----------------------------------------------------------------------------- */

/* If set, every second poll() of this thread with timeout 0 fails with EINTR, as if a signal had
 * come. libzmq polls in this way for commands within its calls. */
static _Thread_local bool interrupting;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    static _Thread_local unsigned polls;
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

    if (interrupting && timeout_ms == 0 && ++polls % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

#define ROUNDS    20
#define IN_FLIGHT 100

static void ask_and_take(struct meantime *m)
{
    struct meantime_result result;
    uint64_t requests[IN_FLIGHT];

    for (int i = 0; i < IN_FLIGHT; i++)
        cr_assert_eq(meantime_ask(m, &sample, &requests[i]), MEANTIME_OK);
    for (int i = 0; i < IN_FLIGHT; i++) {
        cr_assert_eq(meantime_wait(m, requests[i], PATIENCE_NS), 1);
        cr_assert_eq(meantime_take(m, requests[i], &result), 1);
        cr_assert(result.error == MEANTIME_OK, "%s", result.text);
        cr_assert_eq(result.attempts, 1, "the client has reconnected");
    }
}

Test(short_of, signals_at_any_moment_do_not_lose_the_connection)
{
    struct test_server server = server_start(NULL);

    interrupting = true;
    for (int i = 0; i < ROUNDS; i++) {
        struct meantime *m = meantime_new();
        cr_assert(m);
        cr_assert_eq(meantime_connect(m, server.endpoint), MEANTIME_OK);
        ask_and_take(m);
        meantime_close(&m);
    }
    interrupting = false;
    server_drain(&server);
}

/* ---- descriptors ------------------------------------------------------------------------- */

/* More descriptors than a session, its connection and the test need. */
#define FDS_ENOUGH 100

/* Sends a request while the process may have `fds` descriptors. Returns whether the sum came. If
 * libzmq cannot open a descriptor that it must have, it aborts the test. */
static bool can_ask_with(rlim_t fds, const char *endpoint)
{
    struct meantime_result result = {.error = MEANTIME_NO_RESOURCES};
    struct rlimit old, few;
    uint64_t request;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = (struct rlimit){.rlim_cur = fds, .rlim_max = old.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct meantime *m = meantime_new();
    bool has_session = m;
    int error = m ? meantime_connect(m, endpoint) : MEANTIME_NO_RESOURCES;
    if (error == MEANTIME_OK)
        error = meantime_ask(m, &sample, &request);
    if (error == MEANTIME_OK && meantime_wait(m, request, PATIENCE_NS) == 1)
        meantime_take(m, request, &result);
    meantime_close(&m);
    setrlimit(RLIMIT_NOFILE, &old);
    /* A session has what its first connection needs. */
    cr_assert(result.error == (has_session ? MEANTIME_OK : MEANTIME_NO_RESOURCES),
              "with %d descriptors: %d, %s", (int)fds, error, result.text);
    return has_session;
}

Test(short_of, a_lack_of_descriptors_at_any_point_is_an_error_code)
{
    struct test_server server = server_start(NULL);
    rlim_t fds = 3;

    while (!can_ask_with(fds, server.endpoint))
        cr_assert(fds++ < FDS_ENOUGH);
    cr_assert(fds > 3 + 5, "the limit had no effect");
    server_drain(&server);
}
