/* Tests of the exchange: stories of stimulus and consequence, then laws. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/exchange.h"
#include "proto/instant.h"
#include "sums/stream.h"
#include "tests/support/chance.h"

TestSuite(exchange);

/* The id of the first attempt in all tests. */
#define FIRST_ID 1
#define COUNT    1000

static const struct endpoints one = {{"a"}, 1};
static const struct endpoints two = {{"a", "b"}, 2};
static const struct endpoints four = {{"a", "b", "c", "d"}, 4};

/* The exchange, and what its shell knows about its link. */
struct trial {
    struct exchange exchange;
    const struct endpoints *endpoints;
    int64_t now_ns;
    bool dialled, up, probing;
    bool definite;     /* of the next event CANNOT_CONNECT */
    size_t at;         /* the endpoint that was dialled last */
    uint64_t last_id;  /* of the last attempt that was sent */
    char output[2048]; /* the effects of the last step, and the end */
};

static struct trial trial_of(const struct endpoints *endpoints,
                             const struct exchange_setting *setting)
{
    struct sum_request asked = {
        .id = FIRST_ID,
        .seed = 42,
        .kind = MESSAGE_KIND_GAUSSIAN,
        .count = COUNT,
        .progress = true,
    };
    struct trial trial = {.endpoints = endpoints, .now_ns = 5 * NS_PER_MS};

    exchange_init(&trial.exchange, endpoints, 0, &asked, setting);
    return trial;
}

static struct trial trial_new(const struct endpoints *endpoints, int64_t timeout_ns)
{
    return trial_of(endpoints, &(struct exchange_setting){.timeout_ns = timeout_ns,
                                                          .patience_ns = PATIENCE_NS});
}

/* Tests count attempts from 1. Attempt 0 stands for the id 0. */
static uint64_t id_of(uint64_t attempt)
{
    return attempt ? FIRST_ID + (attempt - 1) * ATTEMPT_STRIDE : 0;
}

static uint64_t attempt_of(uint64_t id)
{
    cr_assert(id % ATTEMPT_STRIDE == FIRST_ID);
    return 1 + id / ATTEMPT_STRIDE;
}

/* ---- effects: each one must be legal ------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void print(struct trial *trial, const char *text, ...)
{
    size_t output = strlen(trial->output);
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(trial->output + output, sizeof trial->output - output, text, arguments);
    va_end(arguments);
}

static void do_dial(struct trial *trial, const struct exchange_effect *effect)
{
    trial->dialled = true;
    trial->up = trial->probing = false;
    trial->at = effect->endpoint;
    print(trial, "dial %s ", trial->endpoints->names[effect->endpoint]);
}

static void do_send_cancel(struct trial *trial, const struct exchange_effect *effect)
{
    cr_assert(trial->up, "a cancel over a link that is not up");
    cr_assert_eq(effect->cancel.id, trial->last_id);
    print(trial, "cancel %" PRIu64 " ", attempt_of(effect->cancel.id));
}

static void do_send_request(struct trial *trial, const struct exchange_effect *effect)
{
    const struct sum_request *asked = &effect->sum_request;

    cr_assert(trial->up, "a request over a link that is not up");
    cr_assert(asked->id > trial->last_id, "the id of another attempt");
    cr_assert(asked->seed == 42 && asked->count == COUNT && asked->progress);
    trial->last_id = asked->id;
    print(trial, "send %" PRIu64 " ", attempt_of(asked->id));
    if (asked->deadline_ms)
        print(trial, "within %" PRIu32 " ", asked->deadline_ms);
}

static void do_probe(struct trial *trial, const struct exchange_effect *effect)
{
    cr_assert(trial->up && effect->endpoint == trial->at);
    trial->probing = true;
    print(trial, "probe %s ", trial->endpoints->names[effect->endpoint]);
}

static void do_drop_link(struct trial *trial, const struct exchange_effect *effect)
{
    cr_assert(trial->up && effect->endpoint == trial->at);
    trial->up = false;
    print(trial, "drop ");
}

static void do_detach(struct trial *trial, const struct exchange_effect *effect)
{
    (void)effect;
    trial->dialled = trial->up = trial->probing = false;
    print(trial, "detach ");
}

static void print_end(struct trial *trial)
{
    if (trial->exchange.state == EXCHANGE_DONE)
        print(trial, "done ");
    else
        print(trial, "failed: %s ", trial->exchange.error_text);
}

static void step(struct trial *trial, const struct exchange_event *event)
{
    static void (*const carry_out[])(struct trial *, const struct exchange_effect *) = {
        [EXCHANGE_EFFECT_DIAL] = do_dial,
        [EXCHANGE_EFFECT_SEND_REQUEST] = do_send_request,
        [EXCHANGE_EFFECT_SEND_CANCEL] = do_send_cancel,
        [EXCHANGE_EFFECT_PROBE] = do_probe,
        [EXCHANGE_EFFECT_DROP_LINK] = do_drop_link,
        [EXCHANGE_EFFECT_DETACH] = do_detach,
    };
    bool was_over = exchange_over(&trial->exchange);
    const struct exchange_effect *effect;

    trial->output[0] = '\0';
    exchange_step(&trial->exchange, trial->now_ns, event);
    while ((effect = exchange_next(&trial->exchange)))
        carry_out[effect->type](trial, effect);
    if (!was_over && exchange_over(&trial->exchange))
        print_end(trial);
    if (trial->output[0])
        trial->output[strlen(trial->output) - 1] = '\0';
}

static void step_type(struct trial *trial, enum exchange_event_type type)
{
    if (type == EXCHANGE_EVENT_CONNECTED)
        trial->up = true;
    if (type == EXCHANGE_EVENT_DISCONNECTED)
        trial->up = false;
    if (type == EXCHANGE_EVENT_ALIVE)
        trial->probing = false;
    step(trial, &(struct exchange_event){.type = type,
                                         .reason = trial->definite ? "refused" : "a test",
                                         .definite = trial->definite,
                                         .alive_at_ns = trial->now_ns});
}

static void step_message(struct trial *trial, struct message message)
{
    step(trial, &(struct exchange_event){.type = EXCHANGE_EVENT_MESSAGE, .message = &message});
}

/* ---- events ------------------------------------------------------------------------------ */

static struct message reply(uint64_t id, uint64_t count, int unit_log2)
{
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = id, .count = count, .units = -7, .unit_log2 = unit_log2},
    };
}

static struct message right_reply(uint64_t id)
{
    return reply(id, COUNT, stream_unit_log2(STREAM_GAUSSIAN));
}

static struct message progress(uint64_t id, uint64_t done)
{
    return (struct message){.type = MESSAGE_PROGRESS,
                            .progress = {.id = id, .done = done, .count = COUNT}};
}

static struct message refusal(uint64_t id, enum refusal_code code, uint32_t retry_after_ms)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .code = code, .retry_after_ms = retry_after_ms, .text = "No"},
    };
}

static bool parse_message(const char *text, struct message *message)
{
    unsigned id, n;

    if (sscanf(text, "progress %u %u", &id, &n) == 2)
        *message = progress(id_of(id), n);
    else if (sscanf(text, "reply %u of %u", &id, &n) == 2)
        *message = reply(id_of(id), n, stream_unit_log2(STREAM_GAUSSIAN));
    else if (sscanf(text, "reply %u in 2^-%u", &id, &n) == 2)
        *message = reply(id_of(id), COUNT, -(int)n);
    else if (sscanf(text, "reply %u", &id) == 1)
        *message = right_reply(id_of(id));
    else if (sscanf(text, "busy %u for %u", &id, &n) == 2)
        *message = refusal(id_of(id), REFUSAL_BUSY, n);
    else if (sscanf(text, "refuse %u %u", &id, &n) == 2)
        *message = refusal(id_of(id), (enum refusal_code)n, 0);
    else
        return false;
    return true;
}

static enum exchange_event_type parse_type(struct trial *trial, const char *text)
{
    static const char *const names[EXCHANGE_EVENT_TYPES] = {
        [EXCHANGE_EVENT_BEGIN] = "begin",
        [EXCHANGE_EVENT_CONNECTED] = "connected",
        [EXCHANGE_EVENT_DISCONNECTED] = "disconnected",
        [EXCHANGE_EVENT_CANNOT_DIAL] = "cannot dial",
        [EXCHANGE_EVENT_REACHED] = "reached",
        [EXCHANGE_EVENT_CANNOT_CONNECT] = "fail",
        [EXCHANGE_EVENT_ALIVE] = "alive",
        [EXCHANGE_EVENT_MESSAGE] = "",
        [EXCHANGE_EVENT_INVALID] = "invalid",
        [EXCHANGE_EVENT_TIME] = "time",
        [EXCHANGE_EVENT_CANCEL] = "cancel",
    };
    enum exchange_event_type type = EXCHANGE_EVENT_BEGIN;
    unsigned ms;

    if (sscanf(text, "time +%u", &ms) == 1) {
        trial->now_ns += ms * NS_PER_MS;
        return EXCHANGE_EVENT_TIME;
    }
    trial->definite = strcmp(text, "refuse") == 0;
    if (trial->definite)
        return EXCHANGE_EVENT_CANNOT_CONNECT;
    while (type < EXCHANGE_EVENT_TYPES && strcmp(text, names[type]) != 0)
        type++;
    cr_assert(type < EXCHANGE_EVENT_TYPES, "unknown event \"%s\"", text);
    return type;
}

struct story_row {
    const char *stimulus;
    const char *consequence;
};

static void run_rows(struct trial *trial, const struct story_row *rows)
{
    for (; rows->stimulus; rows++) {
        struct message message;
        if (parse_message(rows->stimulus, &message))
            step_message(trial, message);
        else
            step_type(trial, parse_type(trial, rows->stimulus));
        cr_assert_str_eq(trial->output, rows->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                         rows->stimulus, trial->output, rows->consequence);
    }
}

static void story(const struct endpoints *endpoints, int64_t timeout_ns,
                  const struct story_row *rows)
{
    struct trial trial = trial_new(endpoints, timeout_ns);

    run_rows(&trial, rows);
}

#define STORY(endpoints, timeout_ms, ...)                                                          \
    story(&(endpoints), (timeout_ms)*NS_PER_MS, (const struct story_row[]){__VA_ARGS__, {0}})

/* ---- stories: the server works ----------------------------------------------------------- */

Test(exchange, a_connected_server_gets_the_request_and_answers)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 500", ""},
          {"reply 1", "detach done"}, {"reply 1", ""}, {"disconnected", ""}, {"time +99999", ""});
}

Test(exchange, progress_keeps_a_slow_server_for_ever)
{
    struct trial trial = trial_new(&one, 0);

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"}, {"connected", "send 1"}, {0}});
    for (int hour = 0; hour < 7200; hour++)
        run_rows(&trial, (struct story_row[]){{"time +500", ""}, {"progress 1 1", ""}, {0}});
    run_rows(&trial, (struct story_row[]){{"reply 1", "detach done"}, {0}});
}

Test(exchange, a_server_without_progress_is_probed_and_kept)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"time +2999", ""},
          {"time +1", "probe a"}, {"time +1999", ""}, {"alive", ""}, {"time +2999", ""},
          {"time +1", "probe a"}, {"alive", ""}, {"reply 1", "detach done"});
}

Test(exchange, each_attempt_carries_the_time_that_is_left)
{
    STORY(one, 5000, {"begin", "dial a"}, {"time +200", ""}, {"connected", "send 1 within 4800"},
          {"time +800", ""}, {"disconnected", "detach"}, {"time +100", "dial a"},
          {"connected", "send 2 within 3900"}, {"reply 2", "detach done"});
}

/* ---- stories: servers that cannot be connected ------------------------------------------- */

Test(exchange, a_first_connection_that_is_refused_fails_after_three_seconds)
{
    STORY(one, 0, {"begin", "dial a"}, {"time +100", ""}, {"refuse", ""}, {"time +2899", ""},
          {"time +1", "detach failed: no server at a (refused)"});
}

Test(exchange, a_first_connection_that_times_out_fails_after_the_patience)
{
    STORY(one, 0, {"begin", "dial a"}, {"refuse", ""}, {"fail", ""}, {"time +3000", ""},
          {"time +6999", ""}, {"time +1", "detach failed: no server at a (a test)"});
}

Test(exchange, a_refusal_after_three_seconds_of_timeouts_ends_the_request)
{
    STORY(one, 0, {"begin", "dial a"}, {"fail", ""}, {"time +4000", ""}, {"refuse", ""},
          {"time +0", "detach failed: no server at a (refused)"});
}

/* The handshake of a busy server takes a while. */
Test(exchange, a_handshake_under_way_keeps_the_patience_although_earlier_dials_were_refused)
{
    STORY(one, 0, {"begin", "dial a"}, {"refuse", ""}, {"time +2900", ""}, {"reached", ""},
          {"time +4000", ""}, {"connected", "send 1"});
    STORY(one, 0, {"begin", "dial a"}, {"refuse", ""}, {"time +2900", ""}, {"reached", ""},
          {"time +200", ""}, {"refuse", ""},
          {"time +0", "detach failed: no server at a (refused)"});
    STORY(one, 0, {"begin", "dial a"}, {"refuse", ""}, {"reached", ""}, {"time +9999", ""},
          {"time +1", "detach failed: no server at a (refused)"});
}

/* The turn of the second endpoint still lasts a second. */
Test(exchange, a_handshake_under_way_does_not_change_the_turns)
{
    STORY(two, 0, {"begin", "dial a"}, {"refuse", ""}, {"time +1000", "dial b"}, {"refuse", ""},
          {"time +1000", "dial a"}, {"time +900", ""}, {"reached", ""}, {"time +99", ""},
          {"time +1", "dial b"}, {"time +999", ""}, {"connected", "send 1"});
}

Test(exchange, each_refused_endpoint_gets_a_turn_before_the_request_fails)
{
    STORY(four, 0, {"begin", "dial a"}, {"refuse", ""}, {"time +1000", "dial b"}, {"refuse", ""},
          {"time +1000", "dial c"}, {"refuse", ""}, {"time +1000", "dial d"}, {"refuse", ""},
          {"time +999", ""},
          {"time +1", "detach failed: no server at a (refused) or b (refused) or c (refused) or d "
                      "(refused)"});
}

Test(exchange, one_endpoint_that_is_not_refused_keeps_the_patience)
{
    STORY(two, 0, {"begin", "dial a"}, {"refuse", ""}, {"time +1000", "dial b"}, {"fail", ""},
          {"time +1000", "dial a"}, {"refuse", ""}, {"time +1000", "dial b"},
          {"connected", "send 1"}, {"reply 1", "detach done"});
}

Test(exchange, a_session_that_was_connected_waits_for_the_patience_although_it_is_refused)
{
    struct trial trial =
        trial_of(&one, &(struct exchange_setting){.patience_ns = PATIENCE_NS, .connected = true});

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"},
                                          {"refuse", ""},
                                          {"time +9999", ""},
                                          {"time +1", "detach failed: no server at a (refused)"},
                                          {0}});
}

/* ---- stories: the patience --------------------------------------------------------------- */

Test(exchange, a_short_patience_ends_the_first_connection)
{
    struct trial trial =
        trial_of(&one, &(struct exchange_setting){.patience_ns = 1500 * NS_PER_MS});

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"},
                                          {"time +1499", ""},
                                          {"time +1", "detach failed: no server at a"},
                                          {0}});
}

Test(exchange, a_long_patience_begins_anew_after_a_sign_of_life)
{
    struct trial trial = trial_of(&one, &(struct exchange_setting){.patience_ns = 60 * NS_PER_S});

    run_rows(&trial,
             (struct story_row[]){
                 {"begin", "dial a"},
                 {"connected", "send 1"},
                 {"disconnected", "detach"},
                 {"time +100", "dial a"},
                 {"time +59000", ""},
                 {"connected", "send 2"},
                 {"progress 2 1", ""},
                 {"disconnected", "detach"},
                 {"time +100", "dial a"},
                 {"time +59899", ""},
                 {"time +1", "detach failed: the server at a disconnected before it answered; "
                             "retried for 60 s without success"},
                 {0}});
}

Test(exchange, patience_0_waits_for_ever)
{
    struct trial trial = trial_of(&one, &(struct exchange_setting){.patience_ns = 0});

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"},
                                          {"connected", "send 1"},
                                          {"disconnected", "detach"},
                                          {"time +100", "dial a"},
                                          {"time +99999999", ""},
                                          {"connected", "send 2"},
                                          {"reply 2", "detach done"},
                                          {0}});
    cr_assert_eq(exchange_due_at(&trial.exchange), NEVER);
}

/* ---- stories: the first connection -------------------------------------------------------- */

Test(exchange, a_server_that_starts_late_gets_the_request)
{
    STORY(two, 0, {"begin", "dial a"}, {"time +1000", "dial b"}, {"time +1000", "dial a"},
          {"time +500", ""}, {"connected", "send 1"}, {"reply 1", "detach done"});
}

Test(exchange, without_any_connection_the_deadline_is_not_used_up)
{
    STORY(one, 60000, {"begin", "dial a"}, {"time +10000", "detach failed: no server at a"});
}

Test(exchange, a_link_that_cannot_be_dialled_ends_the_request)
{
    STORY(two, 0, {"begin", "dial a"},
          {"cannot dial", "detach failed: cannot connect to a: a test"});
}

Test(exchange, any_endpoint_may_be_the_first)
{
    struct trial trial = trial_new(&four, 0);

    trial.exchange.endpoint = 2;
    run_rows(&trial, (struct story_row[]){{"begin", "dial c"},
                                          {"time +1000", "dial d"},
                                          {"time +1000", "dial a"},
                                          {"connected", "send 1"},
                                          {"reply 1", "detach done"},
                                          {0}});
}

/* ---- stories: servers that disconnect ---------------------------------------------------- */

Test(exchange, a_server_that_restarts_gets_the_request_again)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 500", ""},
          {"disconnected", "detach"}, {"time +99", ""}, {"time +1", "dial a"}, {"time +3000", ""},
          {"connected", "send 2"}, {"progress 2 500", ""}, {"disconnected", "detach"},
          {"time +100", "dial a"}, {"connected", "send 3"}, {"reply 3", "detach done"});
}

Test(exchange, the_next_endpoint_takes_over_at_once)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"disconnected", "dial b"},
          {"connected", "send 2"}, {"reply 2", "detach done"});
}

Test(exchange, a_request_fails_if_its_server_does_not_return)
{
    STORY(one, 0, {"begin", "dial a"}, {"time +2900", ""}, {"connected", "send 1"},
          {"time +2900", ""}, {"disconnected", "detach"}, {"time +100", "dial a"},
          {"time +9899", ""},
          {"time +1", "detach failed: the server at a disconnected before it answered; "
                      "retried for 10 s without success"});
}

Test(exchange, the_progress_is_lost_with_the_server)
{
    struct trial trial = trial_new(&two, 0);

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"},
                                          {"connected", "send 1"},
                                          {"progress 1 500", ""},
                                          {"disconnected", "dial b"},
                                          {"connected", "send 2"},
                                          {0}});
    cr_assert_eq(trial.exchange.samples_done, 0);
    cr_assert_eq(trial.exchange.attempts, 2);
}

Test(exchange, with_a_deadline_the_request_waits_for_servers_until_then)
{
    STORY(
        one, 60000, {"begin", "dial a"}, {"connected", "send 1 within 60000"},
        {"disconnected", "detach"}, {"time +100", "dial a"}, {"time +59899", ""},
        {"time +1",
         "detach failed: the server at a disconnected before it answered; no answer within 60 s"});
}

Test(exchange, a_request_that_crashes_its_server_fails_after_many_losses)
{
    struct trial trial = trial_new(&one, 0);

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"}, {0}});
    for (unsigned i = 1; i < LOSSES_MAX; i++) {
        step_type(&trial, EXCHANGE_EVENT_CONNECTED);
        step_message(&trial, progress(trial.last_id, 1));
        run_rows(&trial,
                 (struct story_row[]){{"disconnected", "detach"}, {"time +100", "dial a"}, {0}});
    }
    step_type(&trial, EXCHANGE_EVENT_CONNECTED);
    run_rows(&trial, (struct story_row[]){{"disconnected",
                                           "detach failed: the server at a disconnected before it "
                                           "answered; retried for 0.1 s without success"},
                                          {0}});
    cr_assert_eq(trial.exchange.attempts, LOSSES_MAX);
}

/* ---- stories: servers that freeze -------------------------------------------------------- */

Test(exchange, the_next_server_replaces_a_frozen_one)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 1", ""},
          {"time +2999", ""}, {"time +1", ""}, {"time +1999", ""},
          {"time +1", "cancel 1 drop dial b"}, {"connected", "send 2"}, {"reply 2", "detach done"});
}

Test(exchange, a_server_that_freezes_before_its_first_message_is_left_too)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"time +3000", "probe a"},
          {"time +2000", "cancel 1 drop detach"}, {"time +100", "dial a"}, {"connected", "send 2"},
          {"reply 2", "detach done"});
}

Test(exchange, progress_of_one_server_is_no_sign_of_life_of_the_next)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 1", ""},
          {"disconnected", "dial b"}, {"connected", "send 2"}, {"time +3000", "probe b"},
          {"alive", ""}, {"reply 2", "detach done"});
}

Test(exchange, a_caller_that_looks_late_still_reads_the_messages)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 1", ""},
          {"time +60000", ""}, {"progress 1 2", ""}, {"time +2999", ""},
          {"reply 1", "detach done"});
}

Test(exchange, a_request_fails_if_its_server_stays_frozen)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"progress 1 1", ""},
          {"time +3000", ""}, {"time +2000", "cancel 1 drop detach"}, {"time +100", "dial a"},
          {"time +9900", "detach failed: the server at a stopped responding before it "
                         "answered; retried for 10 s without success"});
}

Test(exchange, a_message_about_another_request_is_a_sign_of_life)
{
    struct trial trial = trial_new(&one, 0);
    struct exchange_event alive = {.type = EXCHANGE_EVENT_ALIVE};

    run_rows(&trial, (struct story_row[]){
                         {"begin", "dial a"}, {"connected", "send 1"}, {"time +2999", ""}, {0}});
    alive.alive_at_ns = trial.now_ns - 1000 * NS_PER_MS;
    step(&trial, &alive);
    run_rows(&trial,
             (struct story_row[]){{"time +1999", ""}, {"time +1", "probe a"}, {"alive", ""}, {0}});
}

/* ---- stories: servers that refuse -------------------------------------------------------- */

Test(exchange, a_busy_server_gets_the_request_again_after_the_time_it_gave)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"busy 1 for 700", "detach"},
          {"time +699", ""}, {"time +1", "dial a"}, {"connected", "send 2"},
          {"reply 2", "detach done"});
}

Test(exchange, a_busy_server_gets_the_request_again_without_a_limit_of_attempts)
{
    struct trial trial = trial_new(&one, 0);

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"}, {0}});
    for (unsigned i = 0; i < 2 * LOSSES_MAX; i++) {
        step_type(&trial, EXCHANGE_EVENT_CONNECTED);
        step_message(&trial, refusal(trial.last_id, REFUSAL_BUSY, 1));
        run_rows(&trial, (struct story_row[]){{"time +100", "dial a"}, {0}});
    }
    step_type(&trial, EXCHANGE_EVENT_CONNECTED);
    step_message(&trial, right_reply(trial.last_id));
    cr_assert_str_eq(trial.output, "detach done");
}

Test(exchange, each_busy_server_gets_the_request_again_after_its_own_time)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"busy 1 for 5000", "dial b"},
          {"connected", "send 2"}, {"busy 2 for 2000", "detach"}, {"time +2000", "dial b"},
          {"connected", "send 3"}, {"busy 3 for 9000", "detach"}, {"time +3000", "dial a"},
          {"connected", "send 4"}, {"reply 4", "detach done"});
}

Test(exchange, a_request_fails_if_its_server_stays_busy)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"busy 1 for 59000", "detach"},
          {"time +59000", "dial a"}, {"connected", "send 2"},
          {"busy 2 for 1000", "detach failed: the server at a refused (busy): No; try again in "
                              "1.0 s; retried for 59 s without success"});
}

Test(exchange, a_server_that_is_busy_for_too_long_ends_the_request_at_once)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"busy 1 for 60000",
           "detach failed: the server at a refused (busy): No; try again in 60.0 s"});
}

Test(exchange, a_busy_server_that_gives_no_time_is_not_retried)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"busy 1 for 0", "dial b"},
          {"time +1000", ""}, {"connected", "send 2"},
          {"busy 2 for 0", "detach failed: the server at b refused (busy): No; retried for "
                           "1 s without success"});
}

Test(exchange, the_next_server_or_a_successor_replaces_a_stopping_one)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"refuse 1 8", "dial b"},
          {"connected", "send 2"}, {"refuse 2 8", "detach"}, {"time +1000", "dial a"},
          {"connected", "send 3"}, {"reply 3", "detach done"});
}

Test(exchange, any_other_refusal_ends_the_request)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"refuse 1 3", "detach failed: the server at a refused (out of range): No"});
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"refuse 0 2", "detach failed: the server at a refused (wrong version): No"});
}

/* ---- stories: summands --------------------------------------------------------------------- */

/* A request for terms of f, at the state after `rows`. build: 0: any. */
static struct trial terms_trial(const struct endpoints *endpoints, uint64_t build,
                                const struct story_row *rows)
{
    struct trial trial = trial_new(endpoints, 0);

    trial.exchange.request.kind = MESSAGE_KIND_NONE;
    trial.exchange.request.summand = "f";
    trial.exchange.request.parameters = "a=1";
    trial.exchange.request.build = build;
    run_rows(&trial, rows);
    return trial;
}

static const struct story_row asked[] = {{"begin", "dial a"}, {"connected", "send 1"}, {0}};

/* The totals of COUNT terms that are all 1. */
static struct message terms_reply(uint64_t build)
{
    static const uint8_t count[] = {COUNT & 0xff, COUNT >> 8}, one_byte[] = {1};
    static struct output_total outputs[] = {
        {"y", {0, 2, count}, {0, 2, count}, .has_squares = true},
        {"no-squares", {0, 1, one_byte}, {0, 0, NULL}, .has_squares = false},
    };

    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = FIRST_ID, .count = COUNT, .outputs = {2, outputs}, .build = build},
    };
}

static void expect(struct trial *trial, struct message message, const char *consequence)
{
    step_message(trial, message);
    cr_assert_str_eq(trial->output, consequence, "\"%s\"", trial->output);
}

Test(exchange, a_reply_with_outputs_answers_a_request_for_terms)
{
    struct trial trial = terms_trial(&one, 0, asked);

    expect(&trial, terms_reply(7), "detach done");
    cr_assert(trial.exchange.reply.build == 7 && trial.exchange.reply.outputs.count == 2);
    trial = terms_trial(&one, 7, asked);
    expect(&trial, terms_reply(7), "detach done");
}

Test(exchange, terms_of_another_build_or_samples_are_no_answer)
{
    struct trial trial = terms_trial(&one, 8, asked);

    expect(&trial, terms_reply(7), "detach failed: the server at a summed another build of f");
    trial = terms_trial(&one, 0, asked);
    expect(&trial, right_reply(FIRST_ID),
           "detach failed: the server at a summed samples instead of terms of f");
    trial = trial_new(&one, 0);
    run_rows(&trial, asked);
    expect(&trial, terms_reply(7),
           "detach failed: the server at a summed terms instead of samples");
}

/* Terms whose sum is 1,000 have squares of at least 1,000 in all. */
Test(exchange, totals_that_no_terms_have_are_no_answer)
{
    static const uint8_t less[] = {(COUNT - 1) & 0xff, (COUNT - 1) >> 8};
    struct trial trial = terms_trial(&one, 0, asked);
    struct message message = terms_reply(7);
    struct output_total outputs[] = {message.sum_reply.outputs.list[0]};

    outputs[0].squares = (struct units){0, 2, less};
    message.sum_reply.outputs = (struct outputs){1, outputs};
    expect(&trial, message, "detach failed: the server at a sent totals that no terms have");
}

Test(exchange, a_server_without_the_summand_is_not_asked_again)
{
    struct trial trial = terms_trial(&one, 0, asked);
    const char *failed = "detach failed: the server at a refused (unknown summand): No";

    expect(&trial, refusal(FIRST_ID, REFUSAL_UNKNOWN_SUMMAND, 0), failed);
    cr_assert_eq(trial.exchange.error, MEANTIME_NO_SUMMAND);
    trial = terms_trial(&two, 0, asked);
    expect(&trial, refusal(FIRST_ID, REFUSAL_UNKNOWN_SUMMAND, 0), "dial b");
    run_rows(&trial, (struct story_row[]){{"connected", "send 2"}, {0}});
    expect(&trial, refusal(id_of(2), REFUSAL_UNKNOWN_SUMMAND, 0),
           "detach failed: the server at b refused (unknown summand): No");
    cr_assert_eq(trial.exchange.error, MEANTIME_NO_SUMMAND);
}

Test(exchange, a_refusal_of_the_summand_ends_the_request)
{
    static const enum refusal_code codes[] = {REFUSAL_BAD_PARAMETERS, REFUSAL_SUMMAND_FAILED,
                                              REFUSAL_OTHER_BITS};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct trial trial = terms_trial(&two, 0, asked);
        step_message(&trial, refusal(FIRST_ID, codes[i], 0));
        cr_assert_eq(trial.exchange.error, MEANTIME_REFUSED);
    }
}

Test(exchange, an_answer_that_cannot_be_kept_is_an_error)
{
    struct trial trial = terms_trial(&one, 0, asked);

    expect(&trial, terms_reply(7), "detach done");
    exchange_drop_answer(&trial.exchange);
    cr_assert(trial.exchange.error == MEANTIME_NO_RESOURCES && exchange_over(&trial.exchange));
    cr_assert_str_eq(trial.exchange.error_text, "no memory is left for the outputs of f");
}

/* ---- stories: messages about other requests, and wrong ones ------------------------------- */

Test(exchange, messages_about_other_requests_are_ignored)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"reply 2", ""}, {"refuse 2 5", ""},
          {"time +2900", ""}, {"progress 2 1", ""}, {"time +100", "probe a"},
          {"reply 1", "detach done"});
}

Test(exchange, a_late_answer_to_an_earlier_attempt_counts)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"disconnected", "detach"},
          {"time +100", "dial a"}, {"connected", "send 2"}, {"reply 3", ""}, {"refuse 1 5", ""},
          {"reply 1", "detach done"}, {"reply 2", ""});
}

Test(exchange, invalid_messages_of_all_servers_end_the_request)
{
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"invalid", "detach failed: the server at a sent an invalid message: a test"});
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"invalid", "dial b"},
          {"connected", "send 2"},
          {"invalid", "detach failed: the server at b sent an invalid message: a test"});
}

Test(exchange, a_server_that_sent_an_invalid_message_is_not_retried)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"invalid", "dial b"},
          {"connected", "send 2"}, {"disconnected", "detach"}, {"time +100", "dial b"},
          {"time +1000", ""}, {"connected", "send 3"}, {"reply 3", "detach done"});
}

Test(exchange, a_wrong_answer_is_rejected)
{
    STORY(two, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"reply 1 of 999", "dial b"},
          {"connected", "send 2"}, {"reply 2", "detach done"});
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"reply 1 of 999", "detach failed: the server at a summed 999 samples instead of 1000"});
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"reply 1 in 2^-48", "detach failed: the server at a sent a sum in units of "
                               "2^-48 instead of 2^-49"});
}

/* ---- stories: deadlines and cancels ------------------------------------------------------ */

Test(exchange, the_deadline_ends_the_request_in_every_state)
{
    STORY(one, 1000, {"begin", "dial a"},
          {"time +1000", "detach failed: no answer from a within 1 s"});
    STORY(two, 700, {"begin", "dial a"}, {"connected", "send 1 within 700"}, {"progress 1 9", ""},
          {"time +699", ""}, {"time +1", "detach failed: no answer from a or b within 0.7 s"});
}

Test(exchange, a_cancel_is_sent_only_to_a_server_that_has_the_request)
{
    STORY(one, 0, {"begin", "dial a"}, {"cancel", "detach failed: cancelled"}, {"cancel", ""});
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"},
          {"cancel", "cancel 1 detach failed: cancelled"}, {"reply 1", ""});
    STORY(one, 0, {"begin", "dial a"}, {"connected", "send 1"}, {"disconnected", "detach"},
          {"cancel", "detach failed: cancelled"});
}

Test(exchange, an_outage_counts_once_even_if_several_servers_are_lost)
{
    struct trial trial = trial_new(&two, 0);

    run_rows(&trial, (struct story_row[]){{"begin", "dial a"},
                                          {"connected", "send 1"},
                                          {"progress 1 1", ""},
                                          {"disconnected", "dial b"},
                                          {"connected", "send 2"},
                                          {"refuse 2 8", "detach"},
                                          {0}});
    cr_assert_eq(trial.exchange.outages, 1);
    cr_assert_str_eq(trial.exchange.left_endpoint, "a");
    cr_assert_str_eq(trial.exchange.left_because, "disconnected");
    run_rows(&trial, (struct story_row[]){{"time +100", "dial a"},
                                          {"connected", "send 3"},
                                          {"progress 3 1", ""},
                                          {"refuse 3 8", "detach"},
                                          {0}});
    cr_assert_eq(trial.exchange.outages, 2);
    cr_assert_str_eq(trial.exchange.left_because, "is stopping");
}

/* ---- laws -------------------------------------------------------------------------------- */

#define SEEDS 20000

/* Ids in messages: of this attempt, of other attempts, and 0. */
static uint64_t some_id(const struct trial *trial, struct chance *chance)
{
    return chance_below(chance, 3) ? trial->last_id : id_of(chance_below(chance, 5));
}

static struct message some_message(const struct trial *trial, struct chance *chance)
{
    uint64_t id = some_id(trial, chance);

    switch (chance_below(chance, 16)) {
    case 0: return reply(id, COUNT - chance_below(chance, 2), -48 - (int)chance_below(chance, 2));
    case 1: return refusal(id, REFUSAL_BUSY, (uint32_t)chance_below(chance, 4) * 4000);
    case 2: return refusal(id, REFUSAL_STOPPING, 0);
    case 3: return refusal(id, (enum refusal_code)(1 + chance_below(chance, 8)), 0);
    default: return progress(id, chance_below(chance, COUNT));
    }
}

/* Time passes: a little, or until the exchange is due, or beyond. */
static void some_time(struct trial *trial, struct chance *chance)
{
    int64_t due_at_ns = exchange_due_at(&trial->exchange);

    trial->now_ns += (int64_t)chance_below(chance, 600) * NS_PER_MS;
    if (chance_below(chance, 3) == 0 && due_at_ns != NEVER && due_at_ns > trial->now_ns)
        trial->now_ns = due_at_ns;
    step_type(trial, EXCHANGE_EVENT_TIME);
}

/* A random event that is possible in the present state of the link. */
static void random_event(struct trial *trial, struct chance *chance)
{
    uint64_t dice = chance_below(chance, 12);

    if (trial->up && dice < 5)
        step_message(trial, some_message(trial, chance));
    else if (trial->up && dice < 6)
        step_type(trial, EXCHANGE_EVENT_DISCONNECTED);
    else if (trial->up && dice < 7 && chance_below(chance, 4) == 0)
        step_type(trial, EXCHANGE_EVENT_INVALID);
    else if (trial->probing && dice < 9)
        step_type(trial, EXCHANGE_EVENT_ALIVE);
    else if (trial->dialled && !trial->up && dice < 9)
        step_type(trial, dice < 8 ? EXCHANGE_EVENT_CONNECTED : EXCHANGE_EVENT_REACHED);
    else
        some_time(trial, chance);
}

static struct trial some_trial(struct chance *chance)
{
    static const struct endpoints *const lists[] = {&one, &two, &four};
    int64_t timeout_ns =
        chance_below(chance, 2) ? (int64_t)chance_below(chance, 30000) * NS_PER_MS : 0;
    struct trial trial = trial_new(lists[chance_below(chance, 3)], timeout_ns);
    uint64_t steps = chance_below(chance, 60);

    step_type(&trial, EXCHANGE_EVENT_BEGIN);
    while (steps-- > 0 && !exchange_over(&trial.exchange))
        random_event(&trial, chance);
    return trial;
}

static void expect_right_end(const struct trial *trial, uint64_t seed)
{
    const struct exchange *e = &trial->exchange;

    if (e->state == EXCHANGE_DONE) {
        cr_assert(e->reply.id >= FIRST_ID && e->reply.id <= trial->last_id, "seed %" PRIu64, seed);
        cr_assert(e->reply.count == COUNT && e->reply.unit_log2 == -49, "seed %" PRIu64, seed);
    } else
        cr_assert(e->error_text[0], "seed %" PRIu64 ": no error text", seed);
    cr_assert(!trial->dialled, "seed %" PRIu64 ": a link is left", seed);
}

/* After the end, no event changes the state or has an effect. */
static void expect_no_change_after_end(struct trial *trial, struct chance *chance, uint64_t seed)
{
    enum exchange_state state = trial->exchange.state;

    for (int i = 0; i < 10; i++) {
        if (chance_below(chance, 2))
            step_message(trial, some_message(trial, chance));
        else
            step_type(trial, (enum exchange_event_type)(EXCHANGE_EVENT_CONNECTED +
                                                        chance_below(chance, 3)));
        cr_assert(trial->output[0] == '\0', "seed %" PRIu64 ": %s", seed, trial->output);
        some_time(trial, chance);
        cr_assert(trial->exchange.state == state, "seed %" PRIu64, seed);
    }
}

Test(exchange, any_schedule_ends_once_with_one_right_answer_or_one_error)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct trial trial = some_trial(&chance);
        if (!exchange_over(&trial.exchange))
            step_type(&trial, EXCHANGE_EVENT_CANCEL);
        expect_right_end(&trial, seed);
        expect_no_change_after_end(&trial, &chance, seed);
    }
}

/* From here on no server is reachable. A caller that wakes when the exchange is due learns of the
 * failure soon, and does not wake without need. */
static int64_t time_until_over(struct trial *trial, uint64_t seed)
{
    int64_t began_at_ns = trial->now_ns;

    if (trial->up)
        step_type(trial, EXCHANGE_EVENT_DISCONNECTED);
    for (int wakes = 0; !exchange_over(&trial->exchange); wakes++) {
        int64_t due_at_ns = exchange_due_at(&trial->exchange);
        cr_assert(due_at_ns != NEVER && wakes < 200, "seed %" PRIu64, seed);
        if (due_at_ns > trial->now_ns)
            trial->now_ns = due_at_ns;
        step_type(trial, EXCHANGE_EVENT_TIME);
    }
    return trial->now_ns - began_at_ns;
}

Test(exchange, the_patience_ends_if_no_server_returns)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct trial trial = some_trial(&chance);
        if (exchange_over(&trial.exchange))
            continue;
        int64_t limit_ns = trial.exchange.setting.timeout_ns ? trial.exchange.setting.timeout_ns
                                                             : BUSY_NS + PATIENCE_NS;
        cr_assert(time_until_over(&trial, seed) <= limit_ns, "seed %" PRIu64, seed);
        cr_assert(trial.exchange.state == EXCHANGE_FAILED, "seed %" PRIu64, seed);
    }
}

/* From here on every server connects and answers at once. */
static void answer(struct trial *trial)
{
    if (!trial->up && !trial->dialled) {
        trial->now_ns = exchange_due_at(&trial->exchange);
        step_type(trial, EXCHANGE_EVENT_TIME);
        cr_assert(trial->dialled);
    }
    if (!trial->up)
        step_type(trial, EXCHANGE_EVENT_CONNECTED);
    step_message(trial, right_reply(trial->last_id));
}

Test(exchange, before_the_end_a_good_server_is_enough)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct trial trial = some_trial(&chance);
        if (exchange_over(&trial.exchange))
            continue;
        answer(&trial);
        cr_assert(trial.exchange.state == EXCHANGE_DONE, "seed %" PRIu64 ": %s", seed,
                  trial.exchange.error_text);
    }
}
