/* The client's commands with a real server: the output and its correctness. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/story.h"

TestSuite(client, .fini = story_end);

/* The sums of three blocks of Gaussian samples and of uniform samples, seed 0. */
#define THREE_BLOCKS   "196608"
#define GAUSSIAN_UNITS "-78271286014543298"
#define UNIFORM_UNITS  "883719685216309901622"
#define SMALL          "--seed", "0", "--gaussian", THREE_BLOCKS, "--uniform", THREE_BLOCKS

#define GAUSSIAN_DONE "====== Done server_request. total: -139.04. Ran for: *s. ======"
#define UNIFORM_DONE  "====== Done uniform_sum. total: 98112.59 ======"

static const char *expect_success(struct process *process)
{
    int status = process_wait(process);

    cr_assert(status == 0, "exit status %d: %s", status, process_text(process, PROCESS_ERR));
    cr_assert_str_eq(process_text(process, PROCESS_ERR), "");
    return process_text(process, PROCESS_OUT);
}

/* ---- transcripts ------------------------------------------------------------------------- */

Test(client, serial_asks_waits_and_then_sums)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(CLIENT(server, "serial", SMALL, "--narrate", "1h"));

    cr_assert(
        lines_are(text, WORDS("Seed 0.", "Beginning server_request.", GAUSSIAN_DONE,
                              "Beginning uniform_sum.", UNIFORM_DONE, "Total time elapsed: *s.")),
        "%s", text);
    server_drain(&server);
}

Test(client, async_asks_first_and_sums_while_it_waits)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(CLIENT(server, "async", SMALL, "--narrate", "1h"));

    cr_assert(
        lines_include(text, WORDS("Seed 0.", "Beginning server_request.", "Beginning uniform_sum.",
                                  GAUSSIAN_DONE, "Total time elapsed: *s.")),
        "%s", text);
    cr_assert(lines_include(text, WORDS("Beginning uniform_sum.", UNIFORM_DONE)), "%s", text);
    cr_assert(lines_count(text) == 6, "%s", text);
    server_drain(&server);
}

Test(client, async_prints_every_pause_with_narrate_0)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(
        CLIENT(server, "async", "--gaussian", "30M", "--uniform", "10M", "--narrate", "0"));

    cr_assert(lines_include(text, WORDS("Beginning server_request.", "Beginning uniform_sum.",
                                        "Pausing uniform_sum at: *[0-9]. time_elapsed: *s.",
                                        "Resuming server_request.",
                                        "Pausing server_request. time_elapsed: *s.",
                                        "Resuming uniform_sum.", "====== Done uniform_sum. *",
                                        "Total time elapsed: *s.")),
              "%s", text);
    server_drain(&server);
}

Test(client, async_sends_the_request_before_its_first_slice_ends)
{
    struct test_server server = server_start(NULL);
    struct process *client = CLIENT(server, "async", "--gaussian", ENDLESS_WORD, "--uniform",
                                    ENDLESS_WORD, "--narrate", "1h");

    process_line(client, PROCESS_OUT, "Beginning uniform_sum.");
    process_await_computing(server.process);
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    server_drain(&server);
}

Test(client, compare_finds_the_same_sums_twice)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(CLIENT(server, "compare", SMALL));

    cr_assert(lines_include(text, WORDS("Serial: *", "Beginning server_request.", GAUSSIAN_DONE,
                                        "Beginning uniform_sum.", UNIFORM_DONE, "Async: *",
                                        "Beginning server_request.", "Beginning uniform_sum.",
                                        "Total time elapsed: *s.",
                                        "The same sums, to the bit: *Speed-up: *.")),
              "%s", text);
    cr_assert(!strchr(text, '\033'), "colours without a terminal");
    server_drain(&server);
}

Test(client, sum_prints_the_sum_and_its_meaning)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(CLIENT(server, "sum", THREE_BLOCKS, "--seed", "0"));

    cr_assert(
        lines_are(text, WORDS("-139.03773424058716",
                              "Exactly " GAUSSIAN_UNITS " \\* 2^-49: 196,608 Gaussian samples",
                              "from number 0 on, seed 0, in *s.",
                              "Mean -0.0007071*, standard error 0.0023, z-score -0.31.")),
        "%s", text);
    text = expect_success(CLIENT(server, "sum", THREE_BLOCKS, "--seed", "0", "--quiet"));
    cr_assert_str_eq(text, "-139.03773424058716\n");
    server_drain(&server);
}

Test(client, quiet_prints_only_results)
{
    struct test_server server = server_start(NULL);
    const char *text = expect_success(CLIENT(server, "serial", SMALL, "--quiet"));

    cr_assert(lines_are(text, WORDS(GAUSSIAN_DONE, UNIFORM_DONE)), "%s", text);
    text = expect_success(CLIENT(server, "compare", SMALL, "--quiet"));
    cr_assert(lines_are(text, WORDS("The same sums, to the bit: *Speed-up: *.")), "%s", text);
    server_drain(&server);
}

Test(client, a_random_seed_is_printed_and_differs_each_time)
{
    struct test_server server = server_start(NULL);
    struct process *runs[2];

    for (int i = 0; i < 2; i++) {
        runs[i] = CLIENT(server, "serial", "--gaussian", "1", "--uniform", "1");
        process_line(runs[i], PROCESS_OUT, "Seed [0-9]*.");
        expect_success(runs[i]);
    }
    cr_assert_str_neq(process_text(runs[0], PROCESS_OUT), process_text(runs[1], PROCESS_OUT));
    server_drain(&server);
}

/* ---- JSON -------------------------------------------------------------------------------- */

/* Checks that stdout is one object, and returns it. */
static json_t *json_of(struct process *process)
{
    const char *text = expect_success(process);
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    cr_assert(json_is_object(object), "%s in: %s", error.text, text);
    return object;
}

static const char *units_of(const json_t *object, const char *kind)
{
    const char *units = json_string_value(json_object_get(json_object_get(object, kind), "units"));

    cr_assert(units, "no units of %s", kind);
    return units;
}

static void expect_sum_object(const json_t *object, const char *kind, const char *units,
                              int unit_log2)
{
    const json_t *sum = json_object_get(object, kind);

    cr_assert(json_is_object(sum), "no %s", kind);
    cr_assert(json_integer_value(json_object_get(sum, "count")) == atoll(THREE_BLOCKS));
    cr_assert(json_is_real(json_object_get(sum, "sum")));
    cr_assert_str_eq(units_of(object, kind), units);
    cr_assert(json_integer_value(json_object_get(sum, "unit_log2")) == unit_log2);
    cr_assert(json_is_real(json_object_get(sum, "seconds")));
}

static void expect_run_object(const json_t *object, const char *mode)
{
    cr_assert_str_eq(json_string_value(json_object_get(object, "mode")), mode);
    cr_assert_str_eq(json_string_value(json_object_get(object, "seed")), "0");
    expect_sum_object(object, "gaussian", GAUSSIAN_UNITS, -49);
    expect_sum_object(object, "uniform", UNIFORM_UNITS, -53);
    cr_assert(json_integer_value(json_object_get(object, "attempts")) == 1);
    cr_assert(json_is_real(json_object_get(object, "total_seconds")));
    cr_assert(json_integer_value(json_object_get(object, "slices")) > 0);
    cr_assert(json_is_integer(json_object_get(object, "looks")));
    cr_assert(json_is_real(json_object_get(object, "slice_seconds_max")));
}

Test(client, json_holds_the_known_answers_in_both_modes)
{
    struct test_server server = server_start(NULL);

    for (int i = 0; i < 2; i++) {
        const char *mode = i == 0 ? "serial" : "async";
        json_t *object = json_of(CLIENT(server, mode, SMALL, "--json"));
        expect_run_object(object, mode);
        json_decref(object);
    }
    server_drain(&server);
}

Test(client, json_of_compare_holds_both_runs)
{
    struct test_server server = server_start(NULL);
    json_t *object = json_of(CLIENT(server, "compare", SMALL, "--json"));

    cr_assert_str_eq(json_string_value(json_object_get(object, "mode")), "compare");
    cr_assert_str_eq(json_string_value(json_object_get(object, "seed")), "0");
    expect_run_object(json_object_get(object, "serial"), "serial");
    expect_run_object(json_object_get(object, "async"), "async");
    cr_assert(json_is_real(json_object_get(object, "speedup")));
    json_decref(object);
    server_drain(&server);
}

Test(client, json_of_compare_has_no_speed_up_without_a_reply)
{
    struct test_server server = server_start(NULL);
    struct process *client = CLIENT(server, "compare", "--gaussian", ENDLESS_WORD, "--uniform", "1",
                                    "--timeout", "250ms", "--json");

    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    json_t *object = json_loads(process_text(client, PROCESS_OUT), 0, NULL);
    cr_assert(json_object_get(object, "async") && !json_object_get(object, "speedup"), "%s",
              process_text(client, PROCESS_OUT));
    json_decref(object);
    server_drain(&server);
}

/* The sum of `count` samples of seed 0, from number `first` on. */
static __int128 sum_units(const struct test_server *server, const char *kind, const char *first,
                          const char *count)
{
    json_t *object = json_of(
        CLIENT(*server, "sum", count, "--first", first, "--kind", kind, "--seed", "0", "--json"));
    const char *text = units_of(object, kind);
    bool negative = *text == '-';
    __int128 units = 0;

    cr_assert(json_is_real(json_object_get(object, "total_seconds")));
    for (text += negative; *text; text++)
        units = units * 10 + (*text - '0');
    json_decref(object);
    return negative ? -units : units;
}

Test(client, json_of_sum_holds_the_known_answers)
{
    struct test_server server = server_start(NULL);

    cr_assert(sum_units(&server, "gaussian", "0", "65536") == -58584426632097568);
    cr_assert(sum_units(&server, "uniform", "0", "65536") ==
              295 * (__int128)1000000000000000000 + 76725426664543708);
    server_drain(&server);
}

Test(client, parts_of_a_range_sum_up_to_the_whole)
{
    static const char *const kinds[] = {"gaussian", "uniform"};
    struct test_server server = server_start(NULL);

    for (int i = 0; i < 2; i++) {
        __int128 whole = sum_units(&server, kinds[i], "1000", "200k");
        __int128 parts = sum_units(&server, kinds[i], "1000", "1") +
                         sum_units(&server, kinds[i], "1001", "129_999") +
                         sum_units(&server, kinds[i], "131_000", "70k");
        cr_assert(parts == whole, "%s", kinds[i]);
    }
    server_drain(&server);
}

/* ---- terminals --------------------------------------------------------------------------- */

#define COLOUR  "\033[3"
#define CLEARED "\r\033[K"

/* Returns the output of a client that is interrupted after it has drawn its bar. */
static const char *on_terminal(const char *no_color)
{
    struct test_server server = server_start(NULL);

    setenv("TERM", "xterm-256color", true);
    setenv("NO_COLOR", no_color, true);
    struct process *client = process_start_on_terminal(
        WORDS(MEANTIME, "--connect", server.endpoint, "sum", ENDLESS_WORD));
    process_await_words(client, PROCESS_OUT, "\rsum");
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    server_drain(&server);
    return process_text(client, PROCESS_OUT);
}

Test(client, a_terminal_shows_a_bar_that_is_removed)
{
    const char *text = on_terminal("");

    cr_assert(strstr(text, COLOUR), "no colour: %s", text);
    cr_assert(strstr(text, CLEARED "meantime: interrupted"), "the bar was not removed: %s", text);
}

Test(client, a_terminal_shows_no_colour_with_no_color)
{
    const char *text = on_terminal("1");

    cr_assert(!strstr(text, COLOUR), "a colour: %s", text);
}

/* TERM is "dumb", as in Emacs, or empty. Both clients run long enough for a bar. */
Test(client, a_terminal_that_cannot_move_the_cursor_shows_no_bar)
{
    struct test_server server = server_start(WORDS("--threads", "1"));

    for (int i = 0; i < 4; i++) {
        setenv("TERM", i < 2 ? "dumb" : "", true);
        struct process *client = process_start_on_terminal(
            i % 2 == 0 ? WORDS(MEANTIME, "sum", ENDLESS_WORD, "--connect", server.endpoint,
                               "--timeout", "1500ms")
                       : WORDS(MEANTIME, "async", "--gaussian", ENDLESS_WORD, "--uniform", "1",
                               "--connect", server.endpoint, "--timeout", "1500ms"));
        cr_assert_eq(process_wait(client), EXIT_FAILURE);
        const char *text = process_text(client, PROCESS_OUT);
        cr_assert(strstr(text, "meantime: ") && !strchr(text, '\033'), "%s", text);
    }
    server_drain(&server);
}

/* A front without workers sums nothing, however fast the machine is. If a piece was done in time,
 * the client would also print its sum. */
Test(client, without_a_terminal_no_progress_is_printed)
{
    struct test_server server = front_start(NULL, NULL);
    struct process *client = CLIENT(server, "sum", ENDLESS_WORD, "--timeout", "1500ms");

    cr_assert(process_wait(client) == EXIT_FAILURE);
    cr_assert(lines_are(process_text(client, PROCESS_OUT), WORDS("Seed *.")), "%s",
              process_text(client, PROCESS_OUT));
    cr_assert(lines_are(process_text(client, PROCESS_ERR), WORDS("meantime: *")), "%s",
              process_text(client, PROCESS_ERR));
    server_drain(&server);
}

/* ---- closed streams ---------------------------------------------------------------------- */

static void expect_null_device(pid_t pid, int file)
{
    char name[32], target[32] = "";

    snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, file);
    cr_assert(readlink(name, target, sizeof target - 1) > 0);
    cr_assert_str_eq(target, "/dev/null");
}

/* Otherwise a socket of the client would get the number of the stream, and the client would print
 * into this socket. */
Test(client, output_for_closed_streams_is_discarded)
{
    struct test_server server = server_start(NULL);
    struct process *client =
        process_start(WORDS("/bin/sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", MEANTIME, "async",
                            "--gaussian", ENDLESS_WORD, "--connect", server.endpoint));

    process_await_computing(server.process);
    for (int file = 0; file < 3; file++)
        expect_null_device(process_pid(client), file);
    process_signal(client, SIGINT);
    cr_assert_eq(process_wait(client), PROCESS_SIGNALLED(SIGINT));
    server_drain(&server);
}

Test(client, a_result_that_cannot_be_written_is_reported)
{
    static const struct {
        const char *command, *message;
    } rows[] = {
        {"exec \"$@\" >&-", "meantime: cannot write the result: Bad file descriptor\n"},
        {"exec \"$@\" >/dev/full", "meantime: cannot write the result: No space left on device\n"},
    };
    struct test_server server = server_start(NULL);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct process *client =
            process_start(WORDS("/bin/sh", "-c", rows[i].command, "sh", MEANTIME, "async",
                                "--connect", server.endpoint, SMALL));
        cr_assert_eq(process_wait(client), EXIT_FAILURE);
        cr_assert_str_eq(process_text(client, PROCESS_ERR), rows[i].message);
    }
    server_drain(&server);
}
