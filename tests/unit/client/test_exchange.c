/* What becomes of a request, as stories of stimulus and consequence, then as laws. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/exchange.h"
#include "sums/stream.h"
#include "tests/unit/chance.h"

TestSuite(exchange);

#define MS INT64_C(1000000)

/* The request of all tests begins with this id. */
#define FIRST_ID 1
#define COUNT    1000

static const struct endpoints one = {{"a"}, 1};
static const struct endpoints two = {{"a", "b"}, 2};
static const struct endpoints four = {{"a", "b", "c", "d"}, 4};

/* The exchange, and what its shell knows: whether there is a connection, and is it up? */
struct world {
    struct exchange exchange;
    const struct endpoints *endpoints;
    int64_t now_ns;
    bool dialled, up, probing;
    size_t at;        /* the endpoint that was dialled last */
    uint64_t last_id; /* of what was sent */
    char said[2048];  /* the orders of the last step, and the end */
};

static struct world world_new(const struct endpoints *endpoints, int64_t timeout_ns)
{
    struct sum_request asked = {
        .id = FIRST_ID,
        .seed = 42,
        .kind = MESSAGE_KIND_GAUSSIAN,
        .count = COUNT,
        .progress = true,
    };
    struct world world = {.endpoints = endpoints, .now_ns = 5 * MS};

    exchange_init(&world.exchange, endpoints, 0, &asked, timeout_ns);
    return world;
}

/* Tests count attempts from 1; 0 is the id of nothing. */
static uint64_t id_of(uint64_t attempt)
{
    return attempt ? FIRST_ID + (attempt - 1) * ATTEMPT_STRIDE : 0;
}

static uint64_t attempt_of(uint64_t id)
{
    cr_assert(id % ATTEMPT_STRIDE == FIRST_ID);
    return 1 + id / ATTEMPT_STRIDE;
}

/* ---- orders, which must be such as can be obeyed ------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void say(struct world *world, const char *text, ...)
{
    size_t said = strlen(world->said);
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(world->said + said, sizeof world->said - said, text, arguments);
    va_end(arguments);
}

static void obey_dial(struct world *world, const struct order *order)
{
    world->dialled = true;
    world->up = world->probing = false;
    world->at = order->endpoint;
    say(world, "dial %s ", world->endpoints->names[order->endpoint]);
}

static void obey_cancel(struct world *world, const struct order *order)
{
    cr_assert(world->up, "a cancel to a connection that is not up");
    cr_assert_eq(order->cancel.id, world->last_id);
    say(world, "cancel %" PRIu64 " ", attempt_of(order->cancel.id));
}

static void obey_ask(struct world *world, const struct order *order)
{
    const struct sum_request *asked = &order->sum_request;

    cr_assert(world->up, "a request to a connection that is not up");
    cr_assert(asked->id > world->last_id, "an id of another attempt");
    cr_assert(asked->seed == 42 && asked->count == COUNT && asked->progress);
    world->last_id = asked->id;
    say(world, "ask %" PRIu64 " ", attempt_of(asked->id));
    if (asked->deadline_ms)
        say(world, "within %" PRIu32 " ", asked->deadline_ms);
}

static void obey_probe(struct world *world, const struct order *order)
{
    cr_assert(world->up && order->endpoint == world->at);
    world->probing = true;
    say(world, "probe %s ", world->endpoints->names[order->endpoint]);
}

static void obey_cut(struct world *world, const struct order *order)
{
    cr_assert(world->up && order->endpoint == world->at);
    world->up = false;
    say(world, "cut ");
}

static void obey_hang_up(struct world *world, const struct order *order)
{
    (void)order;
    world->dialled = world->up = world->probing = false;
    say(world, "hang up ");
}

static void say_end(struct world *world)
{
    if (world->exchange.state == EXCHANGE_DONE)
        say(world, "done ");
    else
        say(world, "failed: %s ", world->exchange.trouble);
}

static void step(struct world *world, const struct news *news)
{
    static void (*const obey[])(struct world *, const struct order *) = {
        [ORDER_DIAL] = obey_dial,   [ORDER_ASK] = obey_ask, [ORDER_CANCEL] = obey_cancel,
        [ORDER_PROBE] = obey_probe, [ORDER_CUT] = obey_cut, [ORDER_HANG_UP] = obey_hang_up,
    };
    bool was_over = exchange_over(&world->exchange);
    const struct order *order;

    world->said[0] = '\0';
    exchange_step(&world->exchange, world->now_ns, news);
    while ((order = exchange_next(&world->exchange)))
        obey[order->type](world, order);
    if (!was_over && exchange_over(&world->exchange))
        say_end(world);
    if (world->said[0])
        world->said[strlen(world->said) - 1] = '\0';
}

static void step_type(struct world *world, enum news_type type)
{
    if (type == NEWS_UP)
        world->up = true;
    if (type == NEWS_DOWN)
        world->up = false;
    if (type == NEWS_ALIVE)
        world->probing = false;
    step(world,
         &(struct news){.type = type, .reason = "it is Greek", .alive_at_ns = world->now_ns});
}

static void step_message(struct world *world, struct message message)
{
    step(world, &(struct news){.type = NEWS_MESSAGE, .message = &message});
}

/* ---- news -------------------------------------------------------------------------------- */

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

static struct message refusal(uint64_t id, enum status status, uint32_t retry_after_ms)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .status = status, .retry_after_ms = retry_after_ms, .text = "No"},
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
        *message = refusal(id_of(id), STATUS_BUSY, n);
    else if (sscanf(text, "refuse %u %u", &id, &n) == 2)
        *message = refusal(id_of(id), (enum status)n, 0);
    else
        return false;
    return true;
}

static enum news_type parse_type(struct world *world, const char *text)
{
    static const char *const names[NEWS_TYPES] = {
        [NEWS_BEGIN] = "begin",       [NEWS_UP] = "up",       [NEWS_DOWN] = "down",
        [NEWS_CANNOT] = "cannot",     [NEWS_ALIVE] = "alive", [NEWS_MESSAGE] = "",
        [NEWS_NONSENSE] = "nonsense", [NEWS_TIME] = "time",   [NEWS_CANCEL] = "cancel",
    };
    enum news_type type = NEWS_BEGIN;
    unsigned ms;

    if (sscanf(text, "time +%u", &ms) == 1) {
        world->now_ns += ms * MS;
        return NEWS_TIME;
    }
    while (type < NEWS_TYPES && strcmp(text, names[type]) != 0)
        type++;
    cr_assert(type < NEWS_TYPES, "what is \"%s\"?", text);
    return type;
}

struct row {
    const char *stimulus;
    const char *consequence;
};

static void tell(struct world *world, const struct row *rows)
{
    for (; rows->stimulus; rows++) {
        struct message message;
        if (parse_message(rows->stimulus, &message))
            step_message(world, message);
        else
            step_type(world, parse_type(world, rows->stimulus));
        cr_assert_str_eq(world->said, rows->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                         rows->stimulus, world->said, rows->consequence);
    }
}

static void story(const struct endpoints *endpoints, int64_t timeout_ns, const struct row *rows)
{
    struct world world = world_new(endpoints, timeout_ns);

    tell(&world, rows);
}

#define STORY(endpoints, timeout_ms, ...)                                                          \
    story(&(endpoints), (timeout_ms)*MS, (const struct row[]){__VA_ARGS__, {0}})

/* ---- stories: all is well ---------------------------------------------------------------- */

Test(exchange, a_server_that_is_there_is_asked_and_answers)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 500", ""},
          {"reply 1", "hang up done"}, {"reply 1", ""}, {"down", ""}, {"time +99999", ""});
}

Test(exchange, heartbeats_keep_a_slow_server_for_ever)
{
    struct world world = world_new(&one, 0);

    tell(&world, (struct row[]){{"begin", "dial a"}, {"up", "ask 1"}, {0}});
    for (int hour = 0; hour < 7200; hour++)
        tell(&world, (struct row[]){{"time +500", ""}, {"progress 1 1", ""}, {0}});
    tell(&world, (struct row[]){{"reply 1", "hang up done"}, {0}});
}

Test(exchange, a_server_that_never_tells_of_progress_is_probed_and_kept)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"time +2999", ""}, {"time +1", "probe a"},
          {"time +1999", ""}, {"alive", ""}, {"time +2999", ""}, {"time +1", "probe a"},
          {"alive", ""}, {"reply 1", "hang up done"});
}

Test(exchange, what_is_left_of_the_deadline_goes_with_each_attempt)
{
    STORY(one, 5000, {"begin", "dial a"}, {"time +200", ""}, {"up", "ask 1 within 4800"},
          {"time +800", ""}, {"down", "hang up"}, {"time +100", "dial a"},
          {"up", "ask 2 within 3900"}, {"reply 2", "hang up done"});
}

/* ---- stories: servers that are not there ------------------------------------------------- */

Test(exchange, nobody_there_is_told_after_a_while)
{
    STORY(one, 0, {"begin", "dial a"}, {"time +2999", ""},
          {"time +1", "hang up failed: no server at a"});
}

Test(exchange, every_endpoint_gets_its_turn_before_that)
{
    STORY(four, 0, {"begin", "dial a"}, {"time +1000", "dial b"}, {"time +1000", "dial c"},
          {"time +1000", "dial d"}, {"time +999", ""},
          {"time +1", "hang up failed: no server at a or b or c or d"});
}

Test(exchange, a_server_that_is_late_is_asked)
{
    STORY(two, 0, {"begin", "dial a"}, {"time +1000", "dial b"}, {"time +1000", "dial a"},
          {"time +500", ""}, {"up", "ask 1"}, {"reply 1", "hang up done"});
}

Test(exchange, no_deadline_is_waited_for_where_nobody_ever_was)
{
    STORY(one, 60000, {"begin", "dial a"}, {"time +3000", "hang up failed: no server at a"});
}

Test(exchange, a_connection_that_cannot_be_dialled_is_the_end)
{
    STORY(two, 0, {"begin", "dial a"},
          {"cannot", "hang up failed: cannot connect to a: it is Greek"});
}

Test(exchange, any_endpoint_may_be_the_first)
{
    struct world world = world_new(&four, 0);

    world.exchange.at = 2;
    tell(&world, (struct row[]){{"begin", "dial c"},
                                {"time +1000", "dial d"},
                                {"time +1000", "dial a"},
                                {"up", "ask 1"},
                                {"reply 1", "hang up done"},
                                {0}});
}

/* ---- stories: servers that go ------------------------------------------------------------ */

Test(exchange, a_server_that_restarts_is_asked_again)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 500", ""}, {"down", "hang up"},
          {"time +99", ""}, {"time +1", "dial a"}, {"time +3000", ""}, {"up", "ask 2"},
          {"progress 2 500", ""}, {"down", "hang up"}, {"time +100", "dial a"}, {"up", "ask 3"},
          {"reply 3", "hang up done"});
}

Test(exchange, the_next_endpoint_takes_over_at_once)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"down", "dial b"}, {"up", "ask 2"},
          {"reply 2", "hang up done"});
}

Test(exchange, nobody_back_is_told_after_a_while)
{
    STORY(one, 0, {"begin", "dial a"}, {"time +2900", ""}, {"up", "ask 1"}, {"time +2900", ""},
          {"down", "hang up"}, {"time +100", "dial a"}, {"time +9899", ""},
          {"time +1", "hang up failed: the server at a went away before it answered; asking again "
                      "for 10 s did not help"});
}

Test(exchange, what_is_done_is_lost_with_the_server)
{
    struct world world = world_new(&two, 0);

    tell(&world, (struct row[]){{"begin", "dial a"},
                                {"up", "ask 1"},
                                {"progress 1 500", ""},
                                {"down", "dial b"},
                                {"up", "ask 2"},
                                {0}});
    cr_assert_eq(world.exchange.samples_done, 0);
    cr_assert_eq(world.exchange.attempts, 2);
}

Test(exchange, with_a_deadline_servers_are_waited_for_until_then)
{
    STORY(one, 60000, {"begin", "dial a"}, {"up", "ask 1 within 60000"}, {"down", "hang up"},
          {"time +100", "dial a"}, {"time +59899", ""},
          {"time +1",
           "hang up failed: the server at a went away before it answered; no answer within 60 s"});
}

Test(exchange, a_server_that_dies_of_the_request_is_not_asked_for_ever)
{
    struct world world = world_new(&one, 0);

    tell(&world, (struct row[]){{"begin", "dial a"}, {0}});
    for (unsigned i = 1; i < LOSSES_MAX; i++) {
        step_type(&world, NEWS_UP);
        step_message(&world, progress(world.last_id, 1));
        tell(&world, (struct row[]){{"down", "hang up"}, {"time +100", "dial a"}, {0}});
    }
    step_type(&world, NEWS_UP);
    tell(&world, (struct row[]){{"down", "hang up failed: the server at a went away before it "
                                         "answered; asking again for 0.1 s did not help"},
                                {0}});
    cr_assert_eq(world.exchange.attempts, LOSSES_MAX);
}

/* ---- stories: servers that freeze -------------------------------------------------------- */

Test(exchange, a_frozen_server_is_left_for_the_next)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 1", ""}, {"time +2999", ""},
          {"time +1", ""}, {"time +1999", ""}, {"time +1", "cancel 1 cut dial b"}, {"up", "ask 2"},
          {"reply 2", "hang up done"});
}

Test(exchange, a_server_that_freezes_before_its_first_word_is_left_too)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"time +3000", "probe a"},
          {"time +2000", "cancel 1 cut hang up"}, {"time +100", "dial a"}, {"up", "ask 2"},
          {"reply 2", "hang up done"});
}

Test(exchange, what_one_server_said_is_no_sign_of_life_of_the_next)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 1", ""}, {"down", "dial b"},
          {"up", "ask 2"}, {"time +3000", "probe b"}, {"alive", ""}, {"reply 2", "hang up done"});
}

Test(exchange, a_caller_that_looks_late_hears_what_came_meanwhile)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 1", ""}, {"time +60000", ""},
          {"progress 1 2", ""}, {"time +2999", ""}, {"reply 1", "hang up done"});
}

Test(exchange, a_server_that_stays_frozen_is_told)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"progress 1 1", ""}, {"time +3000", ""},
          {"time +2000", "cancel 1 cut hang up"}, {"time +100", "dial a"},
          {"time +9900", "hang up failed: the server at a fell silent before it answered; asking "
                         "again for 10 s did not help"});
}

Test(exchange, a_server_that_speaks_of_something_else_is_alive)
{
    struct world world = world_new(&one, 0);
    struct news alive = {.type = NEWS_ALIVE};

    tell(&world, (struct row[]){{"begin", "dial a"}, {"up", "ask 1"}, {"time +2999", ""}, {0}});
    alive.alive_at_ns = world.now_ns - 1000 * MS;
    step(&world, &alive);
    tell(&world, (struct row[]){{"time +1999", ""}, {"time +1", "probe a"}, {"alive", ""}, {0}});
}

/* ---- stories: servers that refuse -------------------------------------------------------- */

Test(exchange, a_busy_server_is_asked_again_when_it_said)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"busy 1 for 700", "hang up"},
          {"time +699", ""}, {"time +1", "dial a"}, {"up", "ask 2"}, {"reply 2", "hang up done"});
}

Test(exchange, a_busy_server_is_asked_again_as_often_as_it_says)
{
    struct world world = world_new(&one, 0);

    tell(&world, (struct row[]){{"begin", "dial a"}, {0}});
    for (unsigned i = 0; i < 2 * LOSSES_MAX; i++) {
        step_type(&world, NEWS_UP);
        step_message(&world, refusal(world.last_id, STATUS_BUSY, 1));
        tell(&world, (struct row[]){{"time +100", "dial a"}, {0}});
    }
    step_type(&world, NEWS_UP);
    step_message(&world, right_reply(world.last_id));
    cr_assert_str_eq(world.said, "hang up done");
}

Test(exchange, of_busy_servers_each_is_asked_again_when_it_said)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"busy 1 for 5000", "dial b"},
          {"up", "ask 2"}, {"busy 2 for 2000", "hang up"}, {"time +2000", "dial b"},
          {"up", "ask 3"}, {"busy 3 for 9000", "hang up"}, {"time +3000", "dial a"},
          {"up", "ask 4"}, {"reply 4", "hang up done"});
}

Test(exchange, servers_that_stay_busy_are_told)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"busy 1 for 59000", "hang up"},
          {"time +59000", "dial a"}, {"up", "ask 2"},
          {"busy 2 for 1000", "hang up failed: the server at a refused (busy): No; try again in "
                              "1.0 s; asking again for 59 s did not help"});
}

Test(exchange, a_server_that_is_busy_for_too_long_is_told_at_once)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"busy 1 for 60000",
           "hang up failed: the server at a refused (busy): No; try again in 60.0 s"});
}

Test(exchange, a_busy_server_that_does_not_say_when_is_not_asked_again)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"busy 1 for 0", "dial b"},
          {"time +1000", ""}, {"up", "ask 2"},
          {"busy 2 for 0", "hang up failed: the server at b refused (busy): No; asking again for "
                           "1 s did not help"});
}

Test(exchange, a_stopping_server_is_left_for_the_next_or_for_its_successor)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"refuse 1 8", "dial b"}, {"up", "ask 2"},
          {"refuse 2 8", "hang up"}, {"time +1000", "dial a"}, {"up", "ask 3"},
          {"reply 3", "hang up done"});
}

Test(exchange, any_other_refusal_is_the_end)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"refuse 1 3", "hang up failed: the server at a refused (out of range): No"});
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"refuse 0 2", "hang up failed: the server at a refused (wrong version): No"});
}

/* ---- stories: words that are not to the point -------------------------------------------- */

Test(exchange, what_is_about_something_else_is_ignored)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"reply 2", ""}, {"refuse 2 5", ""},
          {"time +2900", ""}, {"progress 2 1", ""}, {"time +100", "probe a"},
          {"reply 1", "hang up done"});
}

Test(exchange, a_late_answer_to_an_earlier_attempt_is_as_good)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"down", "hang up"},
          {"time +100", "dial a"}, {"up", "ask 2"}, {"reply 3", ""}, {"refuse 1 5", ""},
          {"reply 1", "hang up done"}, {"reply 2", ""});
}

Test(exchange, nonsense_is_told_when_nobody_else_is_left)
{
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"nonsense", "hang up failed: what the server at a said makes no sense: it is Greek"});
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"nonsense", "dial b"}, {"up", "ask 2"},
          {"nonsense", "hang up failed: what the server at b said makes no sense: it is Greek"});
}

Test(exchange, a_server_that_makes_no_sense_is_not_asked_again)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"nonsense", "dial b"}, {"up", "ask 2"},
          {"down", "hang up"}, {"time +100", "dial b"}, {"time +1000", ""}, {"up", "ask 3"},
          {"reply 3", "hang up done"});
}

Test(exchange, a_wrong_answer_is_no_answer)
{
    STORY(two, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"reply 1 of 999", "dial b"},
          {"up", "ask 2"}, {"reply 2", "hang up done"});
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"reply 1 of 999", "hang up failed: the server at a summed 999 samples instead of 1000"});
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"reply 1 in 2^-48", "hang up failed: the server at a counts in units of 2^-48, which "
                               "is not what it should"});
}

/* ---- stories: the caller has had enough -------------------------------------------------- */

Test(exchange, the_deadline_ends_whatever_goes_on)
{
    STORY(one, 1000, {"begin", "dial a"},
          {"time +1000", "hang up failed: no answer from a within 1 s"});
    STORY(two, 700, {"begin", "dial a"}, {"up", "ask 1 within 700"}, {"progress 1 9", ""},
          {"time +699", ""}, {"time +1", "hang up failed: no answer from a or b within 0.7 s"});
}

Test(exchange, a_cancel_is_sent_where_somebody_works)
{
    STORY(one, 0, {"begin", "dial a"}, {"cancel", "hang up failed: cancelled"}, {"cancel", ""});
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"},
          {"cancel", "cancel 1 hang up failed: cancelled"}, {"reply 1", ""});
    STORY(one, 0, {"begin", "dial a"}, {"up", "ask 1"}, {"down", "hang up"},
          {"cancel", "hang up failed: cancelled"});
}

Test(exchange, an_outage_is_counted_once_however_often_servers_are_left_in_it)
{
    struct world world = world_new(&two, 0);

    tell(&world, (struct row[]){{"begin", "dial a"},
                                {"up", "ask 1"},
                                {"progress 1 1", ""},
                                {"down", "dial b"},
                                {"up", "ask 2"},
                                {"refuse 2 8", "hang up"},
                                {0}});
    cr_assert_eq(world.exchange.outages, 1);
    cr_assert_str_eq(world.exchange.left_endpoint, "a");
    cr_assert_str_eq(world.exchange.left_because, "went away");
    tell(&world, (struct row[]){{"time +100", "dial a"},
                                {"up", "ask 3"},
                                {"progress 3 1", ""},
                                {"refuse 3 8", "hang up"},
                                {0}});
    cr_assert_eq(world.exchange.outages, 2);
    cr_assert_str_eq(world.exchange.left_because, "is stopping");
}

/* ---- laws -------------------------------------------------------------------------------- */

#define SEEDS 20000

/* Ids that servers speak of: of this attempt, of others, and of nothing. */
static uint64_t some_id(const struct world *world, struct chance *chance)
{
    return chance_below(chance, 3) ? world->last_id : id_of(chance_below(chance, 5));
}

static struct message some_message(const struct world *world, struct chance *chance)
{
    uint64_t id = some_id(world, chance);

    switch (chance_below(chance, 16)) {
    case 0: return reply(id, COUNT - chance_below(chance, 2), -48 - (int)chance_below(chance, 2));
    case 1: return refusal(id, STATUS_BUSY, (uint32_t)chance_below(chance, 4) * 4000);
    case 2: return refusal(id, STATUS_STOPPING, 0);
    case 3: return refusal(id, (enum status)(1 + chance_below(chance, 8)), 0);
    default: return progress(id, chance_below(chance, COUNT));
    }
}

/* Time passes: a little, or until something is due, or beyond. */
static void some_time(struct world *world, struct chance *chance)
{
    int64_t due_at_ns = exchange_due_at(&world->exchange);

    world->now_ns += (int64_t)chance_below(chance, 600) * MS;
    if (chance_below(chance, 3) == 0 && due_at_ns != INT64_MAX && due_at_ns > world->now_ns)
        world->now_ns = due_at_ns;
    step_type(world, NEWS_TIME);
}

/* Something that can happen to the connection as it is. */
static void something(struct world *world, struct chance *chance)
{
    uint64_t dice = chance_below(chance, 12);

    if (world->up && dice < 5)
        step_message(world, some_message(world, chance));
    else if (world->up && dice < 6)
        step_type(world, NEWS_DOWN);
    else if (world->up && dice < 7 && chance_below(chance, 4) == 0)
        step_type(world, NEWS_NONSENSE);
    else if (world->probing && dice < 9)
        step_type(world, NEWS_ALIVE);
    else if (world->dialled && !world->up && dice < 9)
        step_type(world, NEWS_UP);
    else
        some_time(world, chance);
}

static struct world some_world(struct chance *chance)
{
    static const struct endpoints *const lists[] = {&one, &two, &four};
    int64_t timeout_ns = chance_below(chance, 2) ? (int64_t)chance_below(chance, 30000) * MS : 0;
    struct world world = world_new(lists[chance_below(chance, 3)], timeout_ns);
    uint64_t steps = chance_below(chance, 60);

    step_type(&world, NEWS_BEGIN);
    while (steps-- > 0 && !exchange_over(&world.exchange))
        something(&world, chance);
    return world;
}

static void expect_right_end(const struct world *world, uint64_t seed)
{
    const struct exchange *e = &world->exchange;

    if (e->state == EXCHANGE_DONE) {
        cr_assert(e->reply.id >= FIRST_ID && e->reply.id <= world->last_id, "seed %" PRIu64, seed);
        cr_assert(e->reply.count == COUNT && e->reply.unit_log2 == -49, "seed %" PRIu64, seed);
    } else
        cr_assert(e->trouble[0], "seed %" PRIu64 ": no word", seed);
    cr_assert(!world->dialled, "seed %" PRIu64 ": a connection is left", seed);
}

/* Nothing that comes after the end changes it, or orders anything. */
static void expect_no_afterlife(struct world *world, struct chance *chance, uint64_t seed)
{
    enum exchange_state state = world->exchange.state;

    for (int i = 0; i < 10; i++) {
        if (chance_below(chance, 2))
            step_message(world, some_message(world, chance));
        else
            step_type(world, (enum news_type)(NEWS_UP + chance_below(chance, 3)));
        cr_assert(world->said[0] == '\0', "seed %" PRIu64 ": %s", seed, world->said);
        some_time(world, chance);
        cr_assert(world->exchange.state == state, "seed %" PRIu64, seed);
    }
}

Test(exchange, any_schedule_ends_once_with_one_right_answer_or_one_error)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct world world = some_world(&chance);
        if (!exchange_over(&world.exchange))
            step_type(&world, NEWS_CANCEL);
        expect_right_end(&world, seed);
        expect_no_afterlife(&world, &chance, seed);
    }
}

/* From here on nobody is there. A caller that wakes when something is due is told soon, and not
 * woken without need. */
static int64_t time_until_told(struct world *world, uint64_t seed)
{
    int64_t began_at_ns = world->now_ns;

    if (world->up)
        step_type(world, NEWS_DOWN);
    for (int wakes = 0; !exchange_over(&world->exchange); wakes++) {
        int64_t due_at_ns = exchange_due_at(&world->exchange);
        cr_assert(due_at_ns != INT64_MAX && wakes < 200, "seed %" PRIu64, seed);
        if (due_at_ns > world->now_ns)
            world->now_ns = due_at_ns;
        step_type(world, NEWS_TIME);
    }
    return world->now_ns - began_at_ns;
}

Test(exchange, patience_ends_when_nobody_comes_back)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct world world = some_world(&chance);
        if (exchange_over(&world.exchange))
            continue;
        int64_t limit_ns =
            world.exchange.timeout_ns ? world.exchange.timeout_ns : BUSY_NS + RETURN_NS;
        cr_assert(time_until_told(&world, seed) <= limit_ns, "seed %" PRIu64, seed);
        cr_assert(world.exchange.state == EXCHANGE_FAILED, "seed %" PRIu64, seed);
    }
}

/* From here on every server is a good one, and says yes at once. */
static void answer(struct world *world)
{
    if (!world->up && !world->dialled) {
        world->now_ns = exchange_due_at(&world->exchange);
        step_type(world, NEWS_TIME);
        cr_assert(world->dialled);
    }
    if (!world->up)
        step_type(world, NEWS_UP);
    step_message(world, right_reply(world->last_id));
}

Test(exchange, as_long_as_it_is_not_over_a_good_server_is_enough)
{
    struct chance seeds = chance_init();

    for (int i = 0; i < SEEDS; i++) {
        uint64_t seed = chance_next(&seeds);
        struct chance chance = {seed};
        struct world world = some_world(&chance);
        if (exchange_over(&world.exchange))
            continue;
        answer(&world);
        cr_assert(world.exchange.state == EXCHANGE_DONE, "seed %" PRIu64 ": %s", seed,
                  world.exchange.trouble);
    }
}
