/* The client's part of sums of a summand. A fake server knows the sums of a simple function, so
 * that the tests can choose its build, its outputs and its refusals. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/lib/meantime.h"
#include "proto/status.h"
#include "tests/support/folder.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(summand_client, .init = folder_begin, .fini = folder_end);

#define BUILD UINT64_C(0xb001)

/* ---- the fake server: term n of "parity" has the outputs n mod 2 and n ------------------------
 */

struct fake {
    struct impostor *impostor;
    uint64_t build;
    uint64_t requests, terms; /* answered */
    uint64_t refuse_after;    /* answers */
    struct sum_request first; /* its texts are not kept */
    struct exact_total odd, n;
    struct output_total outputs[2];
};

static struct exact_total integer(unsigned __int128 value)
{
    struct exact_total total;
    uint64_t word[3] = {(uint64_t)value, (uint64_t)(value >> 64), 0};

    exact_total_set(&total, word, 3, 0);
    return total;
}

static void compute(struct fake *fake, const struct sum_request *request)
{
    unsigned __int128 from = request->first, end = from + request->count;

    fake->odd = integer(end / 2 - from / 2);
    fake->n = integer(end * (end - 1) / 2 - (from ? from * (from - 1) / 2 : 0));
    fake->outputs[0] = (struct output_total){"odd", units_view(&fake->odd), units_view(&fake->odd),
                                             .has_squares = true};
    fake->outputs[1] = (struct output_total){.name = "n", .sum = units_view(&fake->n)};
}

static struct message reply_to(struct fake *fake, const struct sum_request *request)
{
    compute(fake, request);
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = request->id,
                      .count = request->count,
                      .outputs = {2, fake->outputs},
                      .build = fake->build,
                      .grain = 4096,
                      .compute_ns = request->count},
    };
}

static struct message refusal_of(uint64_t id, enum refusal_code code)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .code = code, .text = "no worker has that build"},
    };
}

/* The first request may have any build, and each later one the build of the first answer. */
static void answer(struct fake *fake)
{
    struct message message = impostor_recv(fake->impostor);

    if (message.type != MESSAGE_SUM_REQUEST)
        return;
    struct sum_request request = message.sum_request;
    cr_assert(request.kind == MESSAGE_KIND_NONE && !request.audit);
    cr_assert_str_eq(request.summand, "parity");
    if (fake->requests == 0)
        fake->first = request;
    else
        cr_assert_eq(request.build, fake->build);
    bool refused = request.build != 0 && request.build != fake->build;
    bool enough = fake->refuse_after && fake->requests >= fake->refuse_after;
    message = refused || enough ? refusal_of(request.id, REFUSAL_UNKNOWN_SUMMAND)
                                : reply_to(fake, &request);
    impostor_send(fake->impostor, &message);
    fake->requests++;
    fake->terms += request.count;
}

static bool has_ended(const struct process *client)
{
    siginfo_t info = {.si_pid = 0};

    waitid(P_PID, (id_t)process_pid(client), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
}

/* Answers requests until the client ends. */
static int serve(struct fake *fake, struct process *client)
{
    while (!has_ended(client))
        if (impostor_wait(fake->impostor, PROCESS_POLL_MS))
            answer(fake);
    return process_wait(client);
}

static struct fake fake_new(void)
{
    return (struct fake){.impostor = impostor_new(), .build = BUILD};
}

#define START(fake, ...)                                                                           \
    process_start(WORDS(MEANTIME, "sum", "--summand", "parity", "--connect",                       \
                        impostor_endpoint((fake).impostor), __VA_ARGS__))

static const char *success(struct fake *fake, struct process *client)
{
    cr_assert(serve(fake, client) == EXIT_SUCCESS, "%s", process_text(client, PROCESS_ERR));
    return process_text(client, PROCESS_OUT);
}

static const char *failure(struct fake *fake, struct process *client)
{
    cr_assert(serve(fake, client) == EXIT_FAILURE);
    return process_text(client, PROCESS_ERR);
}

static json_t *object_of(struct fake *fake, struct process *client)
{
    json_t *object = json_loads(success(fake, client), 0, NULL);

    cr_assert(json_is_object(object));
    return object;
}

/* ---- results ------------------------------------------------------------------------------ */

Test(summand_client, a_sum_prints_one_line_for_each_output)
{
    struct fake fake = fake_new();
    const char *out = success(&fake, START(fake, "1M", "--seed", "5", "--parameters", "a=1 b=2"));

    cr_assert(
        lines_are(out, WORDS("output  mean      standard error  95 % interval       sum",
                             "odd     0.5       0.0005          0.49902 to 0.50098  500000",
                             "n       499999.5  -               -                   499999500000",
                             "1,000,000 terms of parity (a=1 b=2)",
                             "from number 0 on, build 0x000000000000b001, seed 5, in *s.")),
        "%s", out);
    cr_assert(fake.terms == 1000000 && fake.first.build == 0 && fake.first.count == 1);
}

Test(summand_client, quiet_prints_only_the_lines_of_the_outputs)
{
    struct fake fake = fake_new();
    struct process *client = START(fake, "1000", "--quiet", "--first", "10");

    cr_assert(lines_are(success(&fake, client), WORDS("odd *", "n    509.5 *  -       * 509500")));
    cr_assert(lines_are(process_text(client, PROCESS_ERR), WORDS("Seed *.")));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(summand_client, json_has_the_exact_totals)
{
    struct fake fake = fake_new();
    json_t *object = object_of(
        &fake, START(fake, "3M", "--json", "--first", "7", "--seed", "1", "--parameters", "x=2"));
    json_t *outputs = json_object_get(object, "outputs");
    json_t *odd = json_array_get(outputs, 0), *n = json_array_get(outputs, 1);

    cr_assert_str_eq(text_of(object, "summand"), "parity");
    cr_assert_str_eq(text_of(object, "parameters"), "x=2");
    cr_assert_str_eq(text_of(object, "build"), "0x000000000000b001");
    cr_assert_eq(json_array_size(outputs), 2);
    cr_assert_str_eq(text_of(odd, "name"), "odd");
    cr_assert_eq(json_real_value(json_object_get(odd, "mean")), 0.5);
    cr_assert(json_is_real(json_object_get(odd, "standard_error")));
    cr_assert_str_eq(text_of(json_object_get(odd, "sum"), "units"), "1500000");
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(odd, "sum"), "unit_log2")), 0);
    cr_assert(json_is_object(json_object_get(odd, "squares")));
    cr_assert_str_eq(text_of(json_object_get(n, "sum"), "units"), "4500019500000");
    cr_assert_null(json_object_get(n, "squares"));
    json_t *terms = json_object_get(object, "terms");
    cr_assert_eq(json_integer_value(json_object_get(terms, "count")), 3000000);
    json_decref(object);
}

/* ---- refusals ----------------------------------------------------------------------------- */

Test(summand_client, an_unknown_summand_is_refused_at_once)
{
    struct fake fake = fake_new();

    fake.refuse_after = 1;
    fake.requests = 1;
    fake.build = 0;
    struct process *client = START(fake, "1M");
    cr_assert(lines_are(failure(&fake, client),
                        WORDS("meantime: the server at * refused (unknown summand): no worker *")),
              "%s", process_text(client, PROCESS_ERR));
}

Test(summand_client, a_reply_of_another_build_is_no_answer)
{
    struct fake fake = fake_new();
    struct process *client = START(fake, "1M");

    answer(&fake);
    struct sum_request second = impostor_recv(fake.impostor).sum_request;
    cr_assert_eq(second.build, BUILD);
    fake.build++;
    struct message reply = reply_to(&fake, &second);
    impostor_send(fake.impostor, &reply);
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert(strstr(process_text(client, PROCESS_ERR), "summed another build of parity"), "%s",
              process_text(client, PROCESS_ERR));
}

Test(summand_client, a_sum_of_samples_is_no_answer)
{
    struct fake fake = fake_new();
    struct process *client = START(fake, "1M");
    struct message message = impostor_recv(fake.impostor);

    message =
        (struct message){.type = MESSAGE_SUM_REPLY,
                         .sum_reply = {.id = message.sum_request.id, .count = 1, .unit_log2 = -49}};
    impostor_send(fake.impostor, &message);
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert(strstr(process_text(client, PROCESS_ERR), "summed samples instead of terms"), "%s",
              process_text(client, PROCESS_ERR));
}

Test(summand_client, totals_that_no_terms_have_are_no_answer)
{
    struct fake fake = fake_new();
    struct process *client = START(fake, "1M");

    answer(&fake);
    struct sum_request second = impostor_recv(fake.impostor).sum_request;
    struct message reply = reply_to(&fake, &second);
    struct exact_total one = integer(1);
    fake.outputs[0].squares = units_view(&one);
    impostor_send(fake.impostor, &reply);
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert(strstr(process_text(client, PROCESS_ERR), "sent totals that no terms have"), "%s",
              process_text(client, PROCESS_ERR));
}

Test(summand_client, the_next_server_may_have_the_summand)
{
    struct fake fake = fake_new(), empty = fake_new();
    char endpoints[2 * ENDPOINT_BYTES + 1];

    snprintf(endpoints, sizeof endpoints, "%s,%s", impostor_endpoint(empty.impostor),
             impostor_endpoint(fake.impostor));
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "10", "--summand", "parity", "--connect", endpoints));
    struct message refusal =
        refusal_of(impostor_recv(empty.impostor).sum_request.id, REFUSAL_UNKNOWN_SUMMAND);
    impostor_send(empty.impostor, &refusal);
    success(&fake, client);
    cr_assert_eq(fake.terms, 10);
}

/* ---- checkpoints -------------------------------------------------------------------------- */

Test(summand_client, the_same_command_resumes_from_the_file)
{
    struct fake fake = fake_new();
    const char *whole =
        success(&fake, START(fake, "2M", "--seed", "3", "--quiet", "--parameters", "k='1' l=2"));

    fake.requests = 0;
    success(&fake, START(fake, "1M", "--seed", "3", "--parameters", "k='1' l=2", "--checkpoint",
                         folder_file));
    fake.requests = 1; /* the next request has a build */
    fake.terms = 0;
    struct process *client =
        START(fake, "2M", "--quiet", "--parameters", "k='1' l=2", "--checkpoint", folder_file);
    cr_assert_str_eq(success(&fake, client), whole);
    cr_assert_eq(fake.terms, 1000000);
    client = START(fake, "2M", "--parameters", "k='1' l=2", "--checkpoint", folder_file);
    cr_assert_not_null(strstr(success(&fake, client), "\nAll of them are from "));
    cr_assert_eq(fake.terms, 1000000);
}

Test(summand_client, a_checkpoint_of_another_sum_is_refused)
{
    static const struct {
        const char *summand, *parameters, *difference;
    } rows[] = {
        {"parity", "a=2", "other parameters"},
        {"other", "a=1", "terms of another summand"},
        {NULL, NULL, "terms of a summand"},
    };
    struct fake fake = fake_new();

    success(&fake, START(fake, "1M", "--parameters", "a=1", "--checkpoint", folder_file));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *words[] = {
            MEANTIME,    "sum",           "1M",           "--checkpoint",     folder_file,
            "--summand", rows[i].summand, "--parameters", rows[i].parameters, NULL};
        if (!rows[i].summand)
            words[5] = NULL;
        struct process *client = process_start(words);
        cr_assert_eq(process_wait(client), EXIT_FAILURE);
        cr_assert(strstr(process_text(client, PROCESS_ERR), rows[i].difference), "%s",
                  process_text(client, PROCESS_ERR));
    }
}

Test(summand_client, a_checkpoint_of_samples_is_not_one_of_terms)
{
    struct test_server server = server_start(NULL);
    struct fake fake = fake_new();

    cr_assert_eq(process_wait(CLIENT(server, "sum", "1000", "--checkpoint", folder_file)), 0);
    struct process *client = START(fake, "1M", "--checkpoint", folder_file);
    cr_assert(strstr(failure(&fake, client), "it has samples, and no terms of a summand"));
    server_drain(&server);
}

Test(summand_client, if_the_build_has_changed_the_checkpoint_is_refused)
{
    struct fake fake = fake_new();

    success(&fake, START(fake, "1M", "--checkpoint", folder_file));
    fake.build++;
    fake.requests = 0;
    struct process *client = START(fake, "2M", "--checkpoint", folder_file);
    const char *text = failure(&fake, client);
    cr_assert(strstr(text, "has terms of build 0x000000000000b001: ask a server that has this "
                           "build, or name another file to start again"),
              "%s", text);
    cr_assert_eq(fake.first.build, BUILD);
}

/* ---- until a given error ------------------------------------------------------------------ */

static json_int_t count_of(struct fake *fake, struct process *client)
{
    json_t *object = object_of(fake, client);
    json_int_t count =
        json_integer_value(json_object_get(json_object_get(object, "terms"), "count"));

    cr_assert(json_is_boolean(json_object_get(object, "until_error_reached")));
    json_decref(object);
    return count;
}

/* The standard error is 0.5 / sqrt(count). */
Test(summand_client, a_sum_ends_at_a_given_error)
{
    static const struct {
        const char *error;
        json_int_t count;
    } rows[] = {{"0.1", 65536}, {"2e-3", 65536}, {"1.9e-3", 98304}, {"1e-3", 262144}};
    struct fake fake = fake_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;
        cr_assert_eq(count_of(&fake, START(fake, "--json", "--until-error", rows[i].error)),
                     rows[i].count);
    }
}

Test(summand_client, count_is_the_maximum)
{
    struct fake fake = fake_new();
    const char *out = success(&fake, START(fake, "1M", "--until-error", "1e-6"));

    cr_assert(strstr(out, "1,000,000 terms"));
    cr_assert(strstr(out, "\nThe standard error of odd is not yet below 1e-06.\n"), "%s", out);
    fake.requests = 0;
    out = success(&fake, START(fake, "1M", "--until-error", "1e-3", "--output", "odd"));
    cr_assert(strstr(out, "262,144 terms"));
    cr_assert(strstr(out, "\nThe standard error of odd is at most 0.001.\n"), "%s", out);
}

Test(summand_client, a_resumed_sum_ends_at_the_same_count)
{
    struct fake fake = fake_new();

    success(&fake, START(fake, "70001", "--checkpoint", folder_file));
    fake.requests = 1;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(count_of(&fake, START(fake, "--json", "--until-error", "1e-3", "--checkpoint",
                                           folder_file)),
                     262144);
}

Test(summand_client, an_output_without_an_error_cannot_end_the_sum)
{
    struct fake fake = fake_new();
    struct process *client = START(fake, "1M", "--until-error", "1", "--output", "n");

    cr_assert(strstr(failure(&fake, client), "the output n of parity has no standard error"));
    fake.requests = 0;
    client = START(fake, "1M", "--until-error", "1", "--output", "m");
    cr_assert(strstr(failure(&fake, client), "parity has no output m; its first one is odd"));
    cr_assert(lines_are(process_text(client, PROCESS_OUT), WORDS("Seed *.")));
}

/* ---- the status --------------------------------------------------------------------------- */

static struct process *status_of(struct impostor *impostor, const char *option)
{
    static struct status_reply status = {
        .name = "host",
        .kernel = "avx2",
        .request_count = 1,
        .requests_listed = 1,
        .requests = {{.id = 1, .client = 1, .summand = "asian", .count = 200, .done = 50}},
        .offer_count = 2,
        .offers = {{"asian", 0xb001, 8, 15.25}, {"primes", 0x1234567890abcdef, 1, 0}},
    };
    static uint8_t bytes[STATUS_BYTES_MAX];
    struct process *client =
        process_start(WORDS(MEANTIME, "status", "--connect", impostor_endpoint(impostor), option));

    cr_assert_eq(impostor_recv(impostor).type, MESSAGE_STATUS_REQUEST);
    impostor_send_bytes(impostor, bytes, status_encode(&status, bytes));
    cr_assert(process_wait(client) == EXIT_SUCCESS, "%s", process_text(client, PROCESS_ERR));
    return client;
}

Test(summand_client, status_lists_the_summands_with_builds_and_speeds)
{
    struct process *client = status_of(impostor_new(), NULL);

    cr_assert(lines_include(process_text(client, PROCESS_OUT),
                            WORDS("summand *build *cores  ns per term",
                                  "asian * 0x000000000000b001      8  15.2",
                                  "primes * 0x1234567890abcdef      1  -", "asian * 200 *25.0%*")),
              "%s", process_text(client, PROCESS_OUT));
}

Test(summand_client, status_as_json_has_the_summands)
{
    struct process *client = status_of(impostor_new(), "--json");
    json_t *object = json_loads(process_text(client, PROCESS_OUT), 0, NULL);
    json_t *offer = json_array_get(json_object_get(object, "summands"), 0);
    json_t *request = json_array_get(json_object_get(object, "requests"), 0);

    cr_assert_str_eq(text_of(offer, "name"), "asian");
    cr_assert_str_eq(text_of(offer, "build"), "0x000000000000b001");
    cr_assert_eq(json_real_value(json_object_get(offer, "ns_per_term")), 15.25);
    cr_assert_str_eq(text_of(request, "summand"), "asian");
    cr_assert_null(json_object_get(request, "kind"));
    json_decref(object);
}

/* ---- the library -------------------------------------------------------------------------- */

Test(summand_client, questions_of_summands_are_checked)
{
    static const struct meantime_question wrong[] = {
        {.count = 1},
        {.count = 1, .summand = "parity", .kind = MEANTIME_UNIFORM},
        {.count = 1, .summand = ""},
        {.count = 1, .summand = "Parity"},
        {.count = 1, .summand = "a-name-that-is-longer-than-31-bytes"},
        {.count = 1, .summand = "parity", .parameters = "a\n"},
        {.count = 0, .summand = "parity"},
    };
    struct meantime *m = meantime_new();
    uint64_t request;

    cr_assert_eq(meantime_connect(m, "tcp://127.0.0.1:1"), MEANTIME_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(meantime_ask(m, &wrong[i], &request), MEANTIME_INVALID, "row %zu", i);
    meantime_close(&m);
}

static struct meantime_result ask(struct meantime *m, struct fake *fake, uint64_t first,
                                  uint64_t count)
{
    char summand[] = "parity", parameters[] = "a=1";
    struct meantime_question question = {
        .first = first, .count = count, .summand = summand, .parameters = parameters};
    struct meantime_result result;
    uint64_t request;

    cr_assert_eq(meantime_ask(m, &question, &request), MEANTIME_OK);
    memset(summand, 'x', strlen(summand)); /* the library has copied the texts */
    memset(parameters, 'x', strlen(parameters));
    while (meantime_wait(m, request, PROCESS_POLL_MS) == 0)
        if (impostor_wait(fake->impostor, 0))
            answer(fake);
    cr_assert_eq(meantime_take(m, request, &result), 1);
    cr_assert_eq(result.error, MEANTIME_OK, "%s", result.text);
    return result;
}

Test(summand_client, totals_of_two_ranges_add_up_to_those_of_both)
{
    struct fake fake = fake_new();
    struct meantime *m = meantime_new();

    meantime_connect(m, impostor_endpoint(fake.impostor));
    struct meantime_result whole = ask(m, &fake, 0, 1000);
    struct meantime_output all = whole.outputs[0];
    cr_assert(whole.output_count == 2 && whole.build == BUILD && whole.grain == 4096);
    cr_assert(whole.unit_log2 == 0 && whole.sum == 0);
    cr_assert(strcmp(all.name, "odd") == 0 && all.has_squares && all.estimate.mean == 0.5);
    fake.requests = 0;
    struct meantime_output sum = ask(m, &fake, 0, 301).outputs[0];
    fake.requests = 0;
    struct meantime_result rest = ask(m, &fake, 301, 699);
    cr_assert_eq(meantime_total_add(&sum.sum, &rest.outputs[0].sum), MEANTIME_OK);
    cr_assert(sum.sum.length == all.sum.length && sum.sum.unit_log2 == all.sum.unit_log2);
    cr_assert_arr_eq(sum.sum.units, all.sum.units, all.sum.length);
    cr_assert(rest.outputs[1].has_squares == 0 && rest.outputs[1].estimate.standard_error == 0);
    meantime_close(&m);
}
