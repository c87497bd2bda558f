/* libmeantime where the machine is short of something, or does not let it finish a call. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "client/meantime.h"
#include "tests/support/story.h"

TestSuite(short_of, .fini = story_end);

#define PATIENCE_NS (PROCESS_PATIENCE_MS * INT64_C(1000000))

static const struct meantime_question sample = {.kind = MEANTIME_GAUSSIAN, .count = 1};

/* ---- signals ----------------------------------------------------------------------------- */

/* With this set, a signal comes in every other poll() of this thread that does not wait, in place
 * of what there is. That is how libzmq looks for news within its calls. */
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
        cr_assert_eq(result.attempts, 1, "the connection was given up");
    }
}

Test(short_of, signals_at_any_moment_cost_no_connection)
{
    struct server server = server_start(NULL);

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
