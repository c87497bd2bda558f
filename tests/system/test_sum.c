/* Long sums: checkpoints, resumed sums, lost servers, and sums for a given time. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/sum/window.h"
#include "tests/support/folder.h"
#include "tests/support/impostor.h"
#include "tests/support/lasting.h"
#include "tests/support/story.h"

TestSuite(sum, .init = folder_begin, .fini = folder_end);

static const char *read_file(void)
{
    static char text[1024];
    FILE *in = fopen(folder_file, "r");

    cr_assert(in, "the checkpoint does not exist");
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static void write_file(const char *text, size_t size)
{
    FILE *out = fopen(folder_file, "w");

    cr_assert(fwrite(text, 1, size, out) == size && fclose(out) == 0);
}

/* Returns the samples of the checkpoint; 0: the file does not exist yet. */
static uint64_t samples_in_file(void)
{
    const char *count = access(folder_file, F_OK) == 0 ? strstr(read_file(), "\ncount ") : NULL;

    return count ? strtoull(count + strlen("\ncount "), NULL, 10) : 0;
}

static const char *success(struct process *client)
{
    cr_assert(process_wait(client) == EXIT_SUCCESS, "%s", process_text(client, PROCESS_ERR));
    return process_text(client, PROCESS_OUT);
}

static json_t *object_of(struct process *client)
{
    json_t *object = json_loads(success(client), 0, NULL);

    cr_assert(json_is_object(object));
    return object;
}

static void expect_refusal(struct process *client, const char *sentence)
{
    cr_assert(process_wait(client) == EXIT_FAILURE);
    cr_assert(lines_are(process_text(client, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(client, PROCESS_ERR));
    cr_assert_str_eq(process_text(client, PROCESS_OUT), "");
}

/* The result is valid until the next call. */
static const char *without_commas(const char *text)
{
    static char copy[4096];
    size_t size = 0;

    for (; *text && size < sizeof copy - 1; text++)
        if (*text != ',')
            copy[size++] = *text;
    copy[size] = '\0';
    return copy;
}

/* ---- checkpoints ------------------------------------------------------------------------- */

/* Long enough to be observed while it runs, and short enough to be summed twice with a sanitizer.
 */
#define LONG "400M"

Test(sum, the_same_command_resumes_after_a_kill_and_ends_with_the_same_bits)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    const char *whole = success(CLIENT(server, "sum", LONG, "--seed", "7", "--quiet"));
    struct process *client =
        CLIENT(server, "sum", LONG, "--seed", "7", "--quiet", "--checkpoint", folder_file);

    while (samples_in_file() == 0)
        usleep(1000);
    process_signal(client, SIGKILL);
    process_wait(client);
    uint64_t before = samples_in_file();
    client = CLIENT(server, "sum", LONG, "--seed", "7", "--json", "--checkpoint", folder_file);
    json_t *object = json_loads(success(client), 0, NULL);
    cr_assert(json_integer_value(json_object_get(json_object_get(object, "gaussian"), "count")) ==
              400000000);
    json_decref(object);
    cr_assert(before <= samples_in_file() && samples_in_file() == 400000000);
    client = CLIENT(server, "sum", LONG, "--quiet", "--checkpoint", folder_file);
    cr_assert_str_eq(success(client), whole);
    server_drain(&server);
}

Test(sum, a_random_seed_is_saved_in_the_file)
{
    struct test_server server = server_start(NULL);
    const char *first =
        success(CLIENT(server, "sum", "1M", "--quiet", "--checkpoint", folder_file));
    struct process *again = CLIENT(server, "sum", "1M", "--checkpoint", folder_file);

    cr_assert(strncmp(success(again), first, strlen(first)) == 0);
    cr_assert(lines_are(
        process_text(again, PROCESS_ERR),
        WORDS("meantime: * has the first 1,000,000 of 1,000,000 samples: resuming the sum")));
    server_drain(&server);
}

/* The client prints how many samples are new. With the samples of the checkpoint, the rate would be
 * too high. */
Test(sum, a_longer_sum_resumes_from_the_file_of_a_shorter_one)
{
    struct test_server server = server_start(NULL);
    const char *whole = success(CLIENT(server, "sum", "3M", "--seed", "1", "--quiet"));

    success(CLIENT(server, "sum", "1M", "--seed", "1", "--checkpoint", folder_file));
    const char *longer = success(CLIENT(server, "sum", "3M", "--checkpoint", folder_file));
    cr_assert(strncmp(longer, whole, strlen(whole)) == 0);
    cr_assert(
        lines_include(longer, WORDS("*: 3,000,000 Gaussian samples", "from number 0 on, seed 1.",
                                    "The last 2,000,000 of them took *s.")),
        "%s", longer);
    const char *again = success(CLIENT(server, "sum", "3M", "--checkpoint", folder_file));
    cr_assert(lines_include(again, WORDS("*, seed 1.", "All of them are from /*.")), "%s", again);
    server_drain(&server);
}

static json_int_t resumed_from(const json_t *object)
{
    json_t *part = json_object_get(json_object_get(object, "gaussian"), "resumed_from");

    cr_assert(json_is_integer(part));
    return json_integer_value(part);
}

Test(sum, json_has_the_number_of_samples_from_the_file)
{
    struct test_server server = server_start(NULL);

    for (int i = 0; i < 3; i++) {
        static const char *const counts[] = {"1M", "3M", "3M"};
        static const json_int_t expected[] = {0, 1000000, 3000000};
        json_t *object =
            object_of(CLIENT(server, "sum", counts[i], "--json", "--checkpoint", folder_file));
        cr_assert_eq(resumed_from(object), expected[i]);
        json_decref(object);
    }
    server_drain(&server);
}

Test(sum, a_finished_sum_needs_no_server)
{
    struct test_server server = server_start(NULL);
    const char *sum = success(CLIENT(server, "sum", "1M", "--quiet", "--checkpoint", folder_file));

    struct stat before, after;
    server_drain(&server);
    stat(folder_file, &before);
    cr_assert_str_eq(success(CLIENT(server, "sum", "1M", "--quiet", "--checkpoint", folder_file)),
                     sum);
    cr_assert(stat(folder_file, &after) == 0 && after.st_ino == before.st_ino,
              "the file was written again");
}

Test(sum, a_timeout_without_a_server_is_reported)
{
    char refused[ENDPOINT_BYTES];
    int refuser = refuser_open(refused);
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1M", "--timeout", "200ms", "--connect", refused));

    cr_assert(process_wait(client) == EXIT_FAILURE);
    cr_assert(
        lines_are(process_text(client, PROCESS_ERR), WORDS("meantime: no answer from tcp://*")),
        "%s", process_text(client, PROCESS_ERR));
    close(refuser);
}

static uint64_t await_more_in_file(uint64_t before)
{
    while (samples_in_file() <= before)
        usleep(1000);
    return samples_in_file();
}

/* A shell starts background jobs with SIGINT ignored. */
Test(sum, a_client_that_starts_with_sigint_ignored_ignores_interrupts)
{
    struct test_server server = server_start(NULL);
    struct process *client = process_start(WORDS("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh",
                                                 MEANTIME, "sum", ENDLESS_WORD, "--connect",
                                                 server.endpoint, "--checkpoint", folder_file));

    await_more_in_file(0);
    process_signal(client, SIGINT);
    await_more_in_file(await_more_in_file(samples_in_file()));
    process_signal(client, SIGKILL);
    process_wait(client);
    server_drain(&server);
}

Test(sum, json_has_the_error_of_a_file_whose_name_is_not_utf8)
{
    char name[64];
    const char *error;

    snprintf(name, sizeof name, "%s-caf\xe9", folder_file);
    cr_assert_eq(mkdir(name, 0700), 0);
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1M", "--json", "--checkpoint", name));
    cr_assert(process_wait(client) == EXIT_FAILURE);
    json_t *object = json_loads(process_text(client, PROCESS_OUT), JSON_REJECT_DUPLICATES, NULL);
    cr_assert(json_unpack(object, "{s:s}", "error", &error) == 0, "%s",
              process_text(client, PROCESS_OUT));
    cr_assert(strstr(error, "-caf?"), "%s", error);
    json_decref(object);
}

Test(sum, an_interrupt_prints_how_many_samples_are_saved)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client =
        CLIENT(server, "sum", ENDLESS_WORD, "--seed", "3", "--checkpoint", folder_file);

    while (samples_in_file() == 0)
        usleep(1000);
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    cr_assert(
        lines_are(process_text(client, PROCESS_ERR),
                  WORDS("meantime: interrupted",
                        "meantime: * has the first * samples: the same command resumes the sum")),
        "%s", process_text(client, PROCESS_ERR));
    server_drain(&server);
}

/* ---- unusable files ------------------------------------------------------------------------ */

Test(sum, a_checkpoint_of_another_sum_is_refused_and_not_changed)
{
    static const struct {
        const char *options[6], *sentence;
    } rows[] = {
        {{"2M", "--seed", "2"}, "meantime: * is of another sum: it has another seed; *"},
        {{"2M", "--kind", "uniform"}, "meantime: *: it has samples of the other kind; *"},
        {{"2M", "--first", "1"}, "meantime: *: it has another first sample; *"},
        {{"999_999"}, "meantime: *: it has more samples than are to be summed; *"},
    };
    struct test_server server = server_start(NULL);

    success(CLIENT(server, "sum", "1M", "--seed", "1", "--checkpoint", folder_file));
    char *before = strdup(read_file());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *o = rows[i].options;
        expect_refusal(CLIENT(server, "--checkpoint", folder_file, "sum", o[0], o[1], o[2]),
                       rows[i].sentence);
        cr_assert_str_eq(read_file(), before);
    }
    free(before);
    server_drain(&server);
}

/* The test truncates the file at many places, and changes many single bytes. */
Test(sum, a_truncated_or_corrupt_checkpoint_is_refused)
{
    struct test_server server = server_start(NULL);
    success(CLIENT(server, "sum", "1M", "--seed", "1", "--checkpoint", folder_file));
    char *whole = strdup(read_file());
    size_t size = strlen(whole);

    for (size_t cut = 0; cut < size; cut += 1 + cut / 8) {
        write_file(whole, cut);
        expect_refusal(CLIENT(server, "sum", "1M", "--checkpoint", folder_file),
                       "meantime: */sum is *");
    }
    for (size_t at = 0; at < size; at += 7) {
        whole[at] ^= 1;
        write_file(whole, size);
        whole[at] ^= 1;
        expect_refusal(CLIENT(server, "sum", "1M", "--checkpoint", folder_file),
                       "meantime: */sum is *");
    }
    write_file(whole, size);
    success(CLIENT(server, "sum", "1M", "--checkpoint", folder_file));
    free(whole);
    server_drain(&server);
}

Test(sum, a_checkpoint_that_cannot_be_written_is_reported_before_any_request)
{
    const char *const irregular[] = {folder, "/dev/null", "/dev/full"};
    struct test_server server = server_start(NULL);

    expect_refusal(CLIENT(server, "sum", "1M", "--checkpoint", "/nowhere/sum"),
                   "meantime: cannot write /nowhere/sum.new: No such file or directory");
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        expect_refusal(CLIENT(server, "sum", "1M", "--checkpoint", irregular[i]),
                       "meantime: * is not a regular file: name another file");
    cr_assert_str_eq(server_drain(&server), "Done: 0 requests answered, 0 refused.");
}

Test(sum, two_processes_cannot_use_one_file)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *one =
        CLIENT(server, "sum", ENDLESS_WORD, "--seed", "3", "--checkpoint", folder_file);

    while (samples_in_file() == 0)
        usleep(1000);
    expect_refusal(CLIENT(server, "sum", ENDLESS_WORD, "--checkpoint", folder_file),
                   "meantime: another meantime uses *: wait until it ends, or stop it");
    process_signal(one, SIGKILL);
    process_wait(one);
    server_drain(&server);
}

/* Makes a folder with the name FILE.new. Then even root cannot write that file. */
static void block_saves(void)
{
    char name[64];

    snprintf(name, sizeof name, "%s.new", folder_file);
    while (mkdir(name, 0700) == -1) /* the client writes FILE.new at this moment */
        cr_assert(errno == EEXIST);
}

Test(sum, samples_that_could_not_be_saved_are_not_reported_as_saved)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client =
        CLIENT(server, "sum", ENDLESS_WORD, "--seed", "3", "--checkpoint", folder_file);
    char expected[PATH_MAX];

    while (samples_in_file() == 0)
        usleep(1000);
    block_saves();
    process_line(client, PROCESS_ERR, "meantime: cannot write *; trying again");
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    snprintf(expected, sizeof expected, " has the first %" PRIu64 " samples", samples_in_file());
    cr_assert(strstr(without_commas(process_text(client, PROCESS_ERR)), expected), "%s",
              process_text(client, PROCESS_ERR));
    server_drain(&server);
}

Test(sum, a_failure_of_the_last_save_is_reported_and_ends_with_1)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    const char *whole = success(CLIENT(server, "sum", LONG, "--seed", "7", "--quiet"));
    struct process *client =
        CLIENT(server, "sum", LONG, "--seed", "7", "--quiet", "--checkpoint", folder_file);

    while (access(folder_file, F_OK) == -1)
        usleep(1000);
    block_saves();
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert_str_eq(process_text(client, PROCESS_OUT), whole);
    cr_assert(strstr(process_text(client, PROCESS_ERR), "; the file is as it was before\n"));
    server_drain(&server);
}

/* ---- several servers ---------------------------------------------------------------------- */

#define LIST_BYTES 160

static struct process *sum_of_two(const char *first, const char *second, const char *count)
{
    char list[LIST_BYTES];

    snprintf(list, sizeof list, "%s,%s", first, second);
    return process_start(WORDS(MEANTIME, "sum", count, "--seed", "7", "--connect", list, "--json"));
}

static double seconds_of(const json_t *object)
{
    return json_real_value(json_object_get(object, "total_seconds"));
}

static void expect_same_sum(const json_t *a, const json_t *b)
{
    json_t *units[] = {json_object_get(json_object_get(a, "gaussian"), "units"),
                       json_object_get(json_object_get(b, "gaussian"), "units")};

    cr_assert(json_is_string(units[0]) && json_equal(units[0], units[1]));
}

/* The first requests wait one second for that server. Later requests do not try it first. */
Test(sum, an_unreachable_first_server_delays_only_the_first_requests)
{
    struct test_server server = server_start(NULL);
    char refused[ENDPOINT_BYTES];
    int refuser = refuser_open(refused);
    json_t *object = object_of(sum_of_two(refused, server.endpoint, LONG));
    json_t *alone = object_of(CLIENT(server, "sum", LONG, "--seed", "7", "--json"));

    expect_same_sum(object, alone);
    cr_assert(json_integer_value(json_object_get(object, "requests")) > WINDOW_IN_FLIGHT);
    cr_assert(seconds_of(object) < 5 + 5 * seconds_of(alone), "%g s, alone %g s",
              seconds_of(object), seconds_of(alone));
    json_decref(alone);
    json_decref(object);
    close(refuser);
    server_drain(&server);
}

Test(sum, the_next_server_finishes_the_sum_of_a_killed_one)
{
    struct test_server first = server_start(WORDS("--threads", "1"));
    struct test_server second = server_start(WORDS("--threads", "1"));
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(first.process, PROCESS_NETWORK_OURS, first.endpoint, word);
    struct process *client = sum_of_two(first.endpoint, second.endpoint, count);

    process_await_computing(first.process);
    process_signal(first.process, SIGKILL);
    json_t *object = object_of(client);
    json_t *alone = object_of(CLIENT(second, "sum", count, "--seed", "7", "--json"));
    expect_same_sum(object, alone);
    cr_assert(json_integer_value(json_object_get(object, "attempts")) >
              json_integer_value(json_object_get(object, "requests")));
    json_decref(alone);
    json_decref(object);
    server_drain(&second);
}

/* The server had four requests, but the client prints one line. */
Test(sum, a_lost_server_is_reported_once)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server.process, PROCESS_NETWORK_OURS, server.endpoint, word);
    struct process *client = CLIENT(server, "sum", count, "--seed", "7");
    struct process *quiet = CLIENT(server, "sum", count, "--seed", "7", "--quiet");

    process_await_computing(server.process);
    process_signal(server.process, SIGKILL);
    process_wait(server.process);
    server = server_start_at(server.endpoint, NULL);
    success(client);
    success(quiet);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("The server at tcp://127.* disconnected. Asking again.")),
              "%s", process_text(client, PROCESS_ERR));
    cr_assert_str_eq(process_text(quiet, PROCESS_ERR), "");
    server_drain(&server);
}

/* ---- a given time --------------------------------------------------------------------------- */

/* The same count, without --for, gives the same sum. */
Test(sum, for_a_time_reports_how_many_samples_were_summed)
{
    struct test_server server = server_start(NULL);
    struct process *client = CLIENT(server, "sum", "--for", "700ms", "--seed", "5", "--json");
    json_t *object = json_loads(success(client), 0, NULL);
    json_t *sum = json_object_get(object, "gaussian");
    json_int_t count = json_integer_value(json_object_get(sum, "count"));
    char words[32];

    cr_assert(count > 0);
    cr_assert(json_real_value(json_object_get(object, "total_seconds")) >= 0.3);
    snprintf(words, sizeof words, "%" JSON_INTEGER_FORMAT, count);
    json_t *again =
        json_loads(success(CLIENT(server, "sum", words, "--seed", "5", "--json")), 0, NULL);
    cr_assert(json_equal(json_object_get(json_object_get(again, "gaussian"), "units"),
                         json_object_get(sum, "units")));
    cr_assert(json_equal(json_object_get(again, "z"), json_object_get(object, "z")));
    json_decref(again);
    json_decref(object);
    server_drain(&server);
}

Test(sum, for_a_time_ends_early_when_all_samples_are_summed)
{
    struct test_server server = server_start(NULL);
    const char *text = success(CLIENT(server, "sum", "1M", "--for", "1h", "--quiet"));

    cr_assert(lines_count(text) == 1);
    server_drain(&server);
}

Test(sum, a_time_that_is_too_short_for_any_sample_is_an_error)
{
    struct test_server server = server_start(NULL);

    expect_refusal(CLIENT(server, "sum", "--for", "1ns"),
                   "meantime: nothing was summed in that time: sum for longer");
    server_drain(&server);
}

/* Also with a checkpoint, whose samples do not count as summed in this time. */
Test(sum, a_time_without_a_server_is_an_error)
{
    struct test_server server = server_start(NULL);
    char refused[ENDPOINT_BYTES];
    int refuser = refuser_open(refused);

    success(CLIENT(server, "sum", "--for", "300ms", "--checkpoint", folder_file));
    server_drain(&server);
    struct process *without = process_start(
        WORDS(MEANTIME, "sum", "--for", "300ms", "--connect", refused, "--seed", "3"));
    struct process *with = process_start(WORDS(MEANTIME, "sum", "--for", "300ms", "--connect",
                                               refused, "--checkpoint", folder_file));
    cr_assert(process_wait(without) == EXIT_FAILURE && process_wait(with) == EXIT_FAILURE);
    cr_assert_str_eq(process_text(without, PROCESS_OUT), "Seed 3.\n");
    cr_assert(lines_are(process_text(without, PROCESS_ERR),
                        WORDS("meantime: no server answered in that time; start one *")));
    cr_assert(lines_are(process_text(with, PROCESS_ERR),
                        WORDS("meantime: */sum has the first * samples: resuming the sum",
                              "meantime: no server answered in that time; start one *",
                              "meantime: */sum has the first * samples: the same command *")),
              "%s", process_text(with, PROCESS_ERR));
    cr_assert(!strstr(process_text(with, PROCESS_ERR), " of 9,223,372,"));
    close(refuser);
}

static void expect_some_sum(struct process *client)
{
    cr_assert(lines_are(process_text(client, PROCESS_OUT),
                        WORDS("*", "Exactly *: * Gaussian samples", "from number *", "Mean *")),
              "%s", process_text(client, PROCESS_OUT));
}

/* The time of 3 s ends before the patience, and that of 1 h ends after it. The server is killed
 * while it computes, so a request is lost with it. */
Test(sum, the_sum_up_to_the_loss_of_the_server_is_printed)
{
    static const char *const times[] = {"3s", "1h"};
    static const char *const sentences[] = {
        "meantime: the server at tcp://127.* disconnected, and none took over",
        "meantime: the server at tcp://127.* disconnected before it answered; retried for *"};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct test_server server = server_start(WORDS("--threads", "1"));
        struct process *client = CLIENT(server, "sum", "--for", times[i], "--checkpoint",
                                        folder_file, "--seed", "3", "--patience", "4s");
        while (samples_in_file() == 0)
            usleep(1000);
        process_await_computing(server.process);
        process_signal(server.process, SIGKILL);
        cr_assert_eq(process_wait(client), EXIT_FAILURE);
        cr_assert(lines_are(process_text(client, PROCESS_ERR),
                            WORDS("The server at tcp://127.* disconnected. Asking again.",
                                  sentences[i], "meantime: */sum has the first *")),
                  "%s", process_text(client, PROCESS_ERR));
        expect_some_sum(client);
        unlink(folder_file);
    }
}

Test(sum, an_interrupt_prints_the_sum_up_to_that_time)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct process *client = CLIENT(server, "sum", "--for", "1h", "--checkpoint", folder_file);

    while (samples_in_file() == 0)
        usleep(1000);
    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == PROCESS_SIGNALLED(SIGINT));
    expect_some_sum(client);
    server_drain(&server);
}
