/* SIGINT, SIGTERM and SIGHUP end a client cleanly: what it prints, saves and cancels. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/story.h"

#define UNSHARE "/usr/bin/unshare"

TestSuite(signals, .init = folder_begin, .fini = folder_end);

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS (sizeof signals / sizeof *signals)

/* Returns the samples of the checkpoint; 0: the file does not exist yet. */
static uint64_t samples_in_file(void)
{
    char text[1024] = "";
    FILE *in = fopen(folder_file, "r");

    if (!in)
        return 0;
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    const char *count = strstr(text, "\ncount ");
    return count ? strtoull(count + strlen("\ncount "), NULL, 10) : 0;
}

static void await_more_samples(uint64_t before)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (samples_in_file() <= before)
        process_pause(limit_at_ms, "the client saves no samples");
}

/* Returns how many requests the server has answered. */
static json_int_t answered(const struct test_server *server)
{
    struct process *status =
        process_start(WORDS(MEANTIME, "status", "--json", "--connect", server->endpoint));
    json_int_t count = -1;

    process_wait(status);
    json_t *object = json_loads(process_text(status, PROCESS_OUT), 0, NULL);
    json_unpack(object, "{s:{s:I}}", "counters", "answered", &count);
    json_decref(object);
    return count;
}

/* The client has a window of four pieces. When a server has answered eight, the client has taken
 * some of the answers. */
static void await_answers(const struct test_server *server)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (answered(server) < 8)
        process_pause(limit_at_ms, "the server answers no request");
}

static void expect_end_by(struct process *client, int signal)
{
    int status = process_wait(client);

    cr_assert_eq(status, PROCESS_SIGNALLED(signal), "exit status %d after signal %d: %s", status,
                 signal, process_text(client, PROCESS_ERR));
}

/* The sum in a client's JSON. */
struct printed {
    const char *seed, *units;
    json_int_t count;
    json_t *object;
};

static struct printed printed_by(struct process *client)
{
    struct printed sum = {.object = json_loads(process_text(client, PROCESS_OUT), 0, NULL)};

    cr_assert(json_unpack(sum.object, "{s:s, s:{s:s, s:I}}", "seed", &sum.seed, "gaussian", "units",
                          &sum.units, "count", &sum.count) == 0,
              "%s", process_text(client, PROCESS_OUT));
    return sum;
}

/* Sums again what the client printed, and compares. */
static void expect_right(const struct test_server *server, const struct printed *sum)
{
    char count[32];

    snprintf(count, sizeof count, "%lld", (long long)sum->count);
    struct process *again = CLIENT(*server, "sum", count, "--seed", sum->seed, "--json");
    cr_assert(process_wait(again) == EXIT_SUCCESS);
    struct printed whole = printed_by(again);
    cr_assert_str_eq(whole.units, sum->units);
    json_decref(whole.object);
}

/* ---- sum --------------------------------------------------------------------------------- */

static void expect_end_with_all_saved(const char *const *words, int signal)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", words[0], words[1], "--json", "--connect",
                            server.endpoint, "--checkpoint", folder_file));

    await_more_samples(0);
    process_signal(client, signal);
    expect_end_by(client, signal);
    struct printed sum = printed_by(client);
    cr_assert(json_is_true(json_object_get(sum.object, "interrupted")));
    cr_assert_eq((uint64_t)sum.count, samples_in_file());
    expect_right(&server, &sum);
    json_decref(sum.object);
    server_drain(&server); /* the requests are cancelled */
    cr_assert(unlink(folder_file) == 0);
}

Test(signals, each_signal_ends_a_sum_that_prints_and_saves_what_it_has)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        expect_end_with_all_saved(WORDS("--for", "1h"), signals[i]);
        expect_end_with_all_saved(WORDS("--seed=5", ENDLESS_WORD), signals[i]);
    }
}

Test(signals, without_a_checkpoint_the_client_prints_the_command_for_the_rest)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client = CLIENT(server, "sum", ENDLESS_WORD, "--seed", "7", "--first", "10");
    char exactly[96], rest[96];
    uint64_t count;

    await_answers(&server);
    process_signal(client, SIGINT);
    expect_end_by(client, SIGINT);
    const char *hint = strstr(process_text(client, PROCESS_ERR), "meantime sum ");
    cr_assert(hint && sscanf(hint, "meantime sum %" SCNu64, &count) == 1, "%s",
              process_text(client, PROCESS_ERR));
    snprintf(rest, sizeof rest, "*: meantime sum %" PRIu64 " --seed 7 --first %" PRIu64, count,
             UINT64_C(1000000000000000000) - count + 10);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: interrupted", rest, "meantime: with --checkpoint FILE*")),
              "%s", process_text(client, PROCESS_ERR));
    snprintf(exactly, sizeof exactly, "from number 10 on, seed 7, in *");
    cr_assert(lines_include(process_text(client, PROCESS_OUT), WORDS(exactly)), "%s",
              process_text(client, PROCESS_OUT));
    server_drain(&server);
}

/* timeout(1) sends its signal twice. systemd and terminals send two signals as well. */
Test(signals, two_signals_in_a_row_count_as_one)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client =
        CLIENT(server, "sum", "--for", "1h", "--json", "--checkpoint", folder_file);

    await_more_samples(0);
    process_signal(client, SIGSTOP); /* so that both signals are pending at the same time */
    process_signal(client, SIGTERM);
    process_signal(client, SIGHUP);
    process_signal(client, SIGCONT);
    int status = process_wait(client);
    cr_assert(status == PROCESS_SIGNALLED(SIGTERM) || status == PROCESS_SIGNALLED(SIGHUP));
    struct printed sum = printed_by(client);
    cr_assert_eq((uint64_t)sum.count, samples_in_file());
    json_decref(sum.object);
    server_drain(&server);
}

Test(signals, signals_that_are_ignored_at_the_start_stay_ignored)
{
    struct test_server server = server_start(NULL);
    struct process *client = process_start(
        WORDS("/bin/sh", "-c", "trap '' INT TERM HUP; exec \"$@\"", "sh", MEANTIME, "sum",
              ENDLESS_WORD, "--connect", server.endpoint, "--checkpoint", folder_file));

    await_more_samples(0);
    for (size_t i = 0; i < SIGNALS; i++) {
        process_signal(client, signals[i]);
        await_more_samples(samples_in_file());
        await_more_samples(samples_in_file());
    }
    process_signal(client, SIGKILL);
    process_wait(client);
    server_drain(&server);
}

/* ---- process 1 --------------------------------------------------------------------------- */

/* Returns the only child of a process. */
static pid_t child_of(const struct process *process)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", process_pid(process),
             process_pid(process));
    FILE *in = fopen(path, "r");
    cr_assert(in && fscanf(in, "%d", &child) == 1, "no child");
    fclose(in);
    return child;
}

static void skip_without_pid_namespaces(void)
{
    if (access(UNSHARE, X_OK) == -1)
        cr_skip_test("no unshare");
    if (process_wait(process_start(WORDS(UNSHARE, "--pid", "--fork", "/bin/true"))) != 0)
        cr_skip_test("pid namespaces need root");
}

/* In process 1, a signal without a handler does nothing. */
Test(signals, a_client_that_is_process_1_ends_as_any_other)
{
    skip_without_pid_namespaces();
    struct test_server server = server_start(WORDS("--threads", "1"));
    for (size_t i = 0; i < SIGNALS; i++) {
        struct process *init = process_start(
            WORDS(UNSHARE, "--pid", "--fork", "--kill-child", MEANTIME, "sum", "--for", "1h",
                  "--json", "--connect", server.endpoint, "--checkpoint", folder_file));
        await_more_samples(0);
        cr_assert(kill(child_of(init), signals[i]) == 0);
        expect_end_by(init, signals[i]);
        struct printed sum = printed_by(init);
        cr_assert_eq((uint64_t)sum.count, samples_in_file());
        json_decref(sum.object);
        cr_assert(unlink(folder_file) == 0);
    }
    server_drain(&server);
}

/* ---- lessons ----------------------------------------------------------------------------- */

Test(signals, sigterm_and_sighup_end_a_lesson_and_cancel_its_request)
{
    static const char *const modes[] = {"serial", "async", "compare"};
    struct test_server server = server_start(WORDS("--threads", "1"));

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (size_t s = 1; s < SIGNALS; s++) {
            struct process *client =
                CLIENT(server, modes[i], "--gaussian", ENDLESS_WORD, "--uniform", ENDLESS_WORD);
            process_line(client, PROCESS_OUT, "*");
            process_signal(client, signals[s]);
            expect_end_by(client, signals[s]);
            cr_assert(
                lines_include(process_text(client, PROCESS_ERR), WORDS("meantime: interrupted")),
                "%s", process_text(client, PROCESS_ERR));
        }
    server_drain(&server);
}
