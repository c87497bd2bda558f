/* meantime sum --summand with real servers: the same bits after a kill, after a resume, and until a
 * given error. tests/summand/same_totals.py has the numbers of threads and workers. */
#include <criterion/criterion.h>
#include <czmq.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/story.h"

#define ASIAN  EXAMPLES "/asian.so"
#define DARTS  EXAMPLES "/darts.so"
#define PRIMES EXAMPLES "/primes.so"

/* The search for leaks starts a process, which helpers must not do. */
static void begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    folder_begin();
}

TestSuite(summand_sum, .init = begin, .fini = folder_end);

static const char *success(struct process *client)
{
    cr_assert(process_wait(client) == EXIT_SUCCESS, "%s", process_text(client, PROCESS_ERR));
    return process_text(client, PROCESS_OUT);
}

static const char *text_of(const json_t *object, const char *total, const char *key)
{
    return json_string_value(json_object_get(json_object_get(object, total), key));
}

static void add_text(zdigest_t *digest, const char *text)
{
    if (text)
        zdigest_update(digest, (const byte *)text, strlen(text));
}

/* Returns the begin of the SHA-1 of the exact totals of all outputs, in the order of the table. */
static const char *digest_of(struct process *client)
{
    static char text[13];
    json_t *object = json_loads(success(client), 0, NULL), *output;
    zdigest_t *digest = zdigest_new();
    size_t i;

    json_array_foreach(json_object_get(object, "outputs"), i, output)
    {
        add_text(digest, text_of(output, "sum", "units"));
        add_text(digest, text_of(output, "squares", "units"));
    }
    cr_assert(i > 0);
    snprintf(text, sizeof text, "%s", zdigest_string(digest));
    zdigest_destroy(&digest);
    json_decref(object);
    return text;
}

#define SUM(server, ...) CLIENT(server, "sum", "--seed", "42", "--json", __VA_ARGS__)

/* There are 9,592 primes below 100,000. */
Test(summand_sum, each_output_has_its_sum)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", PRIMES));
    const char *out = success(CLIENT(server, "sum", "100k", "--summand", "primes", "--quiet"));

    cr_assert(lines_are(out, WORDS("* 0.09592 * 9592")), "%s", out);
    server_drain(&server);
}

/* ---- lost workers and clients ------------------------------------------------------------- */

/* Long enough to be observed while it runs. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define LONG "200000"
#else
#define LONG "1M"
#endif
#define SLOW "--summand", "asian", "--parameters", "dates=60"

static bool has_terms(void)
{
    static char text[4096];
    FILE *in = fopen(folder_file, "r");

    if (!in)
        return false;
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return strstr(text, "\noutput ") != NULL;
}

static void await_terms(void)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (!has_terms())
        process_pause(limit_at_ms, "the checkpoint has no terms");
}

Test(summand_sum, a_killed_worker_changes_no_bit)
{
    struct test_server alone = server_start(WORDS("--threads", "2", "--summand", ASIAN));
    struct test_server front = front_start(NULL, NULL);
    char right[16];

    snprintf(right, sizeof right, "%s", digest_of(SUM(alone, LONG, SLOW)));
    struct process *worker = worker_start(front.workers_endpoint, WORDS("--summand", ASIAN));
    worker_start(front.workers_endpoint, WORDS("--summand", ASIAN));
    struct process *client = SUM(front, LONG, SLOW, "--checkpoint", folder_file);
    await_terms();
    process_signal(worker, SIGKILL);
    cr_assert_str_eq(digest_of(client), right);
    server_drain(&alone);
}

Test(summand_sum, the_same_command_resumes_after_a_kill_and_ends_with_the_same_bits)
{
    struct test_server server = server_start(WORDS("--threads", "2", "--summand", ASIAN));
    char right[16];

    snprintf(right, sizeof right, "%s", digest_of(SUM(server, LONG, SLOW)));
    struct process *client = SUM(server, LONG, SLOW, "--checkpoint", folder_file);
    await_terms();
    process_signal(client, SIGKILL);
    process_wait(client);
    cr_assert_str_eq(digest_of(SUM(server, LONG, SLOW, "--checkpoint", folder_file)), right);
    server_drain(&server);
}

/* ---- until a given error ------------------------------------------------------------------ */

Test(summand_sum, a_sum_until_an_error_is_the_same_with_one_thread_and_three)
{
    struct test_server one = server_start(WORDS("--threads", "1", "--summand", DARTS));
    struct test_server three = server_start(WORDS("--threads", "3", "--summand", DARTS));
    char right[16];

    /* The standard error of one dart is 1.64, so 2.7 million darts are needed. */
    snprintf(right, sizeof right, "%s",
             digest_of(SUM(one, "--summand", "darts", "--until-error", "1e-3")));
    cr_assert_str_eq(digest_of(SUM(three, "--summand", "darts", "--until-error", "1e-3")), right);
    cr_assert_str_eq(digest_of(SUM(three, "3145728", "--summand", "darts")), right);
    server_drain(&one);
    server_drain(&three);
}

/* ---- without an end ----------------------------------------------------------------------- */

Test(summand_sum, the_progress_has_the_estimate_and_an_interrupt_prints_the_table)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", DARTS));
    struct process *client = process_start_on_terminal(
        WORDS(MEANTIME, "sum", "1e15", "--summand", "darts", "--connect", server.endpoint));

    process_await_words(client, PROCESS_OUT, ", 1 3.14");
    process_signal(client, SIGINT);
    cr_assert_eq(process_wait(client), PROCESS_SIGNALLED(SIGINT));
    const char *text = process_text(client, PROCESS_OUT);
    cr_assert(strstr(text, " +- ") && strstr(text, "95 % interval"), "%s", text);
    cr_assert(strstr(text, "the rest of the sum: meantime sum ") &&
                  strstr(text, " --summand darts --seed "),
              "%s", text);
}

/* A busy machine may sum nothing in a second, and then the client fails. */
Test(summand_sum, a_sum_for_a_given_time_ends_with_what_it_has)
{
    static const char *const times[] = {"1s", "4s", "16s", "64s"};
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", DARTS));
    struct process *client = NULL;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        client = CLIENT(server, "sum", "--for", times[i], "--summand", "darts");
        if (process_wait(client) == EXIT_SUCCESS)
            break;
    }
    const char *out = success(client);
    cr_assert(lines_include(out, WORDS("1 * 3.1* to 3.1* *", "* terms of darts")), "%s", out);
}

/* ---- the example of the library ------------------------------------------------------------ */

Test(summand_sum, the_example_adds_two_ranges_to_the_same_mean)
{
    struct test_server server = server_start(WORDS("--threads", "2", "--summand", DARTS));
    const char *printed =
        success(process_start(WORDS(EXAMPLE, server.endpoint, "darts", "radius=0.5")));
    const char *out = success(CLIENT(server, "sum", "1M", "--seed", "42", "--quiet", "--summand",
                                     "darts", "--parameters", "radius=0.5"));
    double mean = 0, other = -1;

    cr_assert(sscanf(printed, "1: mean %lf, standard error", &mean) == 1, "%s", printed);
    cr_assert(sscanf(out, "1 %lf", &other) == 1, "%s", out);
    cr_assert(mean == other && mean > 0.7 && mean < 0.8, "%g, %g", mean, other);
    server_drain(&server);
}

/* ---- errors ------------------------------------------------------------------------------- */

static void expect_failure(struct process *client, const char *sentence)
{
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert(lines_include(process_text(client, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(client, PROCESS_ERR));
}

Test(summand_sum, a_server_says_what_is_wrong)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--summand", DARTS));

    expect_failure(CLIENT(server, "sum", "1M", "--summand", "asian"),
                   "meantime: the server at * refused (unknown summand): *");
    expect_failure(
        CLIENT(server, "sum", "1M", "--summand", "darts", "--parameters", "radius=2"),
        "meantime: the server at * refused (bad parameters): *\"radius\" must be from 0 to 1*");
    server_drain(&server);
}

Test(summand_sum, status_lists_the_summands)
{
    struct test_server server = server_start(WORDS("--threads", "2", "--summand", DARTS));
    const char *out = success(CLIENT(server, "status"));

    cr_assert(lines_include(out, WORDS("darts *0x???????????????? *")), "%s", out);
    server_drain(&server);
}
