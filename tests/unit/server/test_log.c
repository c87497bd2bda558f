/* Tests of the log and its limits: what is written at once, what is counted, and what czmq prints.
 * Before log_open(), lines are written directly, so each test reads them from a file. */
#include <criterion/criterion.h>
#include <czmq.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/instant.h"
#include "server/log_limit.h"
#include "tests/support/lines.h"

#define LINES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static int file = -1;
static int stderr_kept = -1;
static struct log_limit limit;

static void set_up(void)
{
    file = memfd_create("log", 0);
    stderr_kept = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    log_set_level(LEVEL_INFO);
    limit = (struct log_limit){.bad_messages = 0};
}

static void tear_down(void)
{
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    close(file);
}

TestSuite(log, .init = set_up, .fini = tear_down);

/* All that was logged. */
static const char *logged(void)
{
    static char text[1 << 18];
    ssize_t size = pread(file, text, sizeof text - 1, 0);

    cr_assert(size >= 0);
    text[size] = '\0';
    return text;
}

static int64_t clock_ns(void)
{
    return zclock_usecs() * NS_PER_US;
}

/* ---- workers ----------------------------------------------------------------------------- */

#define WORKERS 250

static const char *const counted = "more events of workers in this second: ";

/* The sum of all counts of events that have no line of their own. */
static uint64_t held_back(const char *text)
{
    uint64_t sum = 0, more;

    while ((text = strstr(text, counted))) {
        text += strlen(counted);
        for (const char *part = text; sscanf(part, "%" SCNu64, &more) == 1; part += 2) {
            sum += more;
            part += strcspn(part, ",\n");
            if (*part != ',')
                break;
        }
    }
    return sum;
}

static size_t occurrences(const char *text, const char *words)
{
    size_t count = 0;

    for (; (text = strstr(text, words)); text += strlen(words))
        count++;
    return count;
}

/* The loop takes some milliseconds. If the machine is so busy that it takes longer than a second,
 * more than one second has lines. */
Test(log, workers_have_100_lines_a_second_and_the_others_are_counted)
{
    int64_t began_at_ns = clock_ns();

    for (int i = 0; i < WORKERS; i++)
        log_limit_worker(&limit, i % 2 ? LOG_WORKER_JOINED : LOG_WORKER_LOST, LEVEL_INFO,
                         "worker %d is here", i);
    int64_t seconds = (clock_ns() - began_at_ns) / NS_PER_S + 1;
    log_limit_flush(&limit);
    size_t lines = occurrences(logged(), " is here\n");
    cr_assert(lines >= LOG_WORKER_LINES_MAX && lines <= (size_t)seconds * LOG_WORKER_LINES_MAX);
    cr_assert_eq(lines + held_back(logged()), WORKERS);
    if (seconds == 1)
        cr_assert(lines_include(logged(), LINES("*warning: more events of workers in this second: "
                                                "75 joined, 75 lost")),
                  "%s", logged());
}

Test(log, counts_of_workers_are_due_when_the_second_ends)
{
    cr_assert_eq(log_limit_due_at(&limit), NEVER);
    int64_t began_at_ns = clock_ns();
    for (int i = 0; i < WORKERS; i++)
        log_limit_worker(&limit, LOG_WORKER_LEFT, LEVEL_INFO, "worker %d is here", i);
    int64_t due_at_ns = log_limit_due_at(&limit);
    cr_assert(due_at_ns != NEVER && due_at_ns >= began_at_ns);
    log_limit_run_due(&limit, due_at_ns);
    cr_assert_eq(occurrences(logged(), " is here\n") + held_back(logged()), WORKERS);
    cr_assert_eq(log_limit_due_at(&limit), NEVER);
}

Test(log, a_worker_event_below_the_level_needs_no_count)
{
    log_set_level(LEVEL_WARNING);
    for (int i = 0; i < WORKERS; i++)
        log_limit_worker(&limit, LOG_WORKER_JOINED, LEVEL_INFO, "worker %d is here", i);
    log_limit_flush(&limit);
    cr_assert_str_eq(logged(), "");
}

/* ---- clients ----------------------------------------------------------------------------- */

static void refuse_from(int address, const char *why)
{
    char text[PEER_BYTES];

    snprintf(text, sizeof text, "10.0.0.%d", address);
    log_limit_client(&limit, LOG_KIND_FLOOD, LEVEL_WARNING, "refused", text, why);
}

Test(log, events_of_clients_have_a_count_and_eight_addresses)
{
    for (int i = 0; i < 20; i++)
        refuse_from(i, i == 19 ? "the last reason" : "a reason");
    for (int i = 0; i < 20; i++)
        log_limit_client(&limit, LOG_KIND_THROTTLED, LEVEL_WARNING, "throttled", "10.0.1.1", "b");
    log_limit_flush(&limit);
    cr_assert(
        lines_are(logged(),
                  LINES("*warning: refused 10.0.0.0: a reason", "*warning: throttled 10.0.1.1: b",
                        "*warning: refused 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, "
                        "10.0.0.6, 10.0.0.7, 10.0.0.8 and others: 19 more; the last one: the last "
                        "reason",
                        "*warning: throttled 10.0.1.1: 19 more; the last one: b")),
        "%s", logged());
}

/* The longest address is an IPv6 address with its zone. */
Test(log, eight_addresses_of_the_longest_form_fit_in_a_line)
{
    char address[PEER_BYTES];

    for (int i = 0; i < 9; i++) {
        memset(address, 'a' + i, sizeof address - 1);
        address[sizeof address - 1] = '\0';
        log_limit_client(&limit, LOG_KIND_FLOOD, LEVEL_WARNING, "refused a request from", address,
                         "a reason");
    }
    log_limit_flush(&limit);
    cr_assert(strstr(logged(), "iiii: 8 more; the last one: a reason\n"), "%s", logged());
}

Test(log, a_client_without_an_address_is_an_unknown_address)
{
    log_limit_client(&limit, LOG_KIND_FLOOD, LEVEL_WARNING, "refused", "", "a");
    log_limit_client(&limit, LOG_KIND_FLOOD, LEVEL_WARNING, "refused", "", "b");
    log_limit_flush(&limit);
    cr_assert(lines_are(logged(), LINES("*refused an unknown address: a",
                                        "*refused an unknown address: 1 more; the last one: b")),
              "%s", logged());
}

Test(log, held_back_events_are_due_when_the_second_ends)
{
    refuse_from(1, "a");
    refuse_from(2, "b");
    int64_t due_at_ns = log_limit_due_at(&limit);
    cr_assert(due_at_ns != NEVER);
    log_limit_run_due(&limit, due_at_ns - 1);
    cr_assert_eq(lines_count(logged()), 1);
    log_limit_run_due(&limit, due_at_ns);
    cr_assert_eq(lines_count(logged()), 2);
    cr_assert_eq(log_limit_due_at(&limit), NEVER);
}

/* ---- lines ------------------------------------------------------------------------------- */

Test(log, a_text_of_a_peer_makes_one_line_without_controls)
{
    log_warning("worker %s", "a\nb\033[2Jc\x7f");
    cr_assert(lines_are(logged(), LINES("*warning: worker a?b?\\[2Jc?")), "%s", logged());
}

Test(log, czmq_logs_through_this_log)
{
    zsys_init();
    cr_assert(log_take_czmq());
    zsys_error("an error of %s", "czmq");
    zsys_warning("a warning");
    zsys_debug("of no interest");
    cr_assert(lines_are(logged(), LINES("20*T*:*:*.* error: czmq: an error of czmq",
                                        "20*T*:*:*.* warning: czmq: a warning")),
              "%s", logged());
}
