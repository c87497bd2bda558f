/* The dispatcher's decisions, as stories of stimulus and consequence, then as laws. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatcher.h"
#include "sums/stream.h"

#define WORKERS_OF_TESTS 4
#define SPANS_OF_TESTS   (WORKERS_OF_TESTS * WORKER_CREDIT)
#define MS               INT64_C(1000000)

/* A span takes what the dispatcher expects at first, so that span sizes stay as they are. */
#define BLOCK_NS 100000

/* The total of samples that are worth their own number each: wrong for any gap or overlap. */
static __int128 units_of(uint64_t first, uint64_t count)
{
    return (__int128)count * (2 * (__int128)first + count - 1) / 2;
}

struct world {
    struct dispatcher *d;
    int64_t now_ns;
    struct effect spans[SPANS_OF_TESTS]; /* as they were started */
    char said[1024];                     /* the effects of the last step */
};

static struct world world_new(uint32_t requests_max, uint32_t client_requests_max)
{
    struct dispatcher_limits limits = {requests_max, client_requests_max, WORKERS_OF_TESTS};
    struct world world = {.d = dispatcher_new(&limits)};

    cr_assert(world.d != NULL);
    return world;
}

/* ---- stories ----------------------------------------------------------------------------- */

static void say_message(struct world *world, const struct effect *e)
{
    char *said = world->said + strlen(world->said);
    size_t room = sizeof world->said - strlen(world->said);
    const struct message *m = &e->message;

    if (m->type == MESSAGE_SUM_REPLY)
        snprintf(said, room, "reply %u#%" PRIu64 " ", e->client, m->sum_reply.id);
    else if (m->type == MESSAGE_PROGRESS)
        snprintf(said, room, "progress %u#%" PRIu64 " %" PRIu64 "/%" PRIu64 " ", e->client,
                 m->progress.id, m->progress.done / BLOCK_SAMPLES,
                 m->progress.count / BLOCK_SAMPLES);
    else
        snprintf(said, room, "refuse %u#%" PRIu64 " %s ", e->client, m->refusal.id,
                 status_text(m->refusal.status));
}

/* Spans in blocks, their request as client#id, which the tests put in the seed. */
static void say(struct world *world, const struct effect *e)
{
    char *said = world->said + strlen(world->said);
    size_t room = sizeof world->said - strlen(world->said);

    if (e->type == EFFECT_START_SPAN) {
        world->spans[e->span] = *e;
        snprintf(said, room, "start s%u %" PRIu64 "#%" PRIu64 " %" PRIu64 "+%" PRIu64 " ", e->span,
                 e->seed / 100, e->seed % 100, e->first / BLOCK_SAMPLES, e->count / BLOCK_SAMPLES);
    } else if (e->type == EFFECT_CANCEL_SPAN)
        snprintf(said, room, "cancel s%u ", e->span);
    else
        say_message(world, e);
}

static void step(struct world *world, const struct event *event)
{
    struct effect effect;

    world->said[0] = '\0';
    dispatcher_step(world->d, world->now_ns, event);
    while (dispatcher_next(world->d, &effect))
        say(world, &effect);
    if (world->said[0])
        world->said[strlen(world->said) - 1] = '\0';
}

static struct event done_event(const struct world *world, uint32_t span, uint64_t count)
{
    const struct effect *started = &world->spans[span];

    return (struct event){
        .type = EVENT_SPAN_DONE,
        .span = span,
        .elapsed_ns = (int64_t)(count / BLOCK_SAMPLES) * BLOCK_NS,
        .total = {.units = units_of(started->first, count), .count = count},
    };
}

static struct event request_event(uint32_t client, unsigned id, unsigned blocks)
{
    return (struct event){
        .type = EVENT_REQUEST,
        .client = client,
        .request = {.id = id,
                    .seed = client * 100 + id,
                    .kind = MESSAGE_KIND_GAUSSIAN,
                    .count = (uint64_t)blocks * BLOCK_SAMPLES},
    };
}

/* "request CLIENT ID BLOCKS [progress] [deadline MS]" */
static struct event parse_request(const char *text)
{
    unsigned client, id, blocks, deadline_ms;
    const char *deadline = strstr(text, "deadline");

    cr_assert(sscanf(text, "request %u %u %u", &client, &id, &blocks) == 3, "%s", text);
    struct event event = request_event(client, id, blocks);
    event.request.progress = strstr(text, "progress");
    if (deadline && sscanf(deadline, "deadline %u", &deadline_ms) == 1)
        event.request.deadline_ms = deadline_ms;
    return event;
}

static struct event parse(struct world *world, const char *text)
{
    unsigned a = 0, b = 0;

    if (strncmp(text, "request", 7) == 0)
        return parse_request(text);
    if (sscanf(text, "done s%u", &a) == 1)
        return done_event(world, a, world->spans[a].count);
    if (sscanf(text, "stopped s%u after %u", &a, &b) == 2)
        return done_event(world, a, (uint64_t)b * BLOCK_SAMPLES);
    if (sscanf(text, "cancel %u %u", &a, &b) == 2)
        return (struct event){.type = EVENT_CANCEL, .client = a, .id = b};
    if (sscanf(text, "join %u", &a) == 1)
        return (struct event){.type = EVENT_WORKER_JOINED, .worker = a};
    if (sscanf(text, "lost %u", &a) == 1)
        return (struct event){.type = EVENT_CLIENT_LOST, .client = a};
    if (sscanf(text, "time +%u", &a) == 1) {
        world->now_ns += a * MS;
        return (struct event){.type = EVENT_TIME};
    }
    if (strcmp(text, "drain") == 0)
        return (struct event){.type = EVENT_DRAIN};
    cr_assert(strcmp(text, "stop") == 0, "what is \"%s\"?", text);
    return (struct event){.type = EVENT_STOP};
}

struct row {
    const char *stimulus;
    const char *consequence;
};

static void tell(struct world *world, const struct row *rows)
{
    for (; rows->stimulus; rows++) {
        struct event event = parse(world, rows->stimulus);
        step(world, &event);
        cr_assert_str_eq(world->said, rows->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                         rows->stimulus, world->said, rows->consequence);
    }
}

static void story(const struct row *rows)
{
    struct world world = world_new(3, 2);

    tell(&world, rows);
    dispatcher_destroy(&world.d);
}

Test(dispatcher, one_block_goes_to_a_worker_and_its_sum_comes_back)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 5 1 1", "start s0 5#1 0+1"},
        {"done s0", "reply 5#1"},
        {"request 5 1 1", "start s0 5#1 0+1"},
        {0},
    });
}

Test(dispatcher, a_request_without_workers_waits_for_the_first)
{
    story((struct row[]){
        {"request 0 1 1", ""},
        {"join 3", "start s6 0#1 0+1"},
        {"done s6", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, spans_shrink_towards_the_end_so_that_workers_end_together)
{
    story((struct row[]){
        {"join 0", ""},
        {"join 1", ""},
        {"request 0 1 16", "start s0 0#1 0+5 start s2 0#1 5+3 start s1 0#1 8+3 start s3 0#1 11+2"},
        {"done s0", "start s0 0#1 13+1"},
        {"done s2", "start s2 0#1 14+1"},
        {"done s1", "start s1 0#1 15+1"},
        {"done s3", ""},
        {"done s2", ""},
        {"done s1", ""},
        {"done s0", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, a_span_takes_at_most_its_time_on_the_worker)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 100000", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {0},
    });
}

Test(dispatcher, clients_take_turns_and_so_do_the_requests_of_a_client)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 100000", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {"request 0 2 1", ""},
        {"request 1 1 1", ""},
        {"done s0", "start s0 0#1 200+100"}, /* client 0 was first in line */
        {"done s1", "start s1 1#1 0+1"},     /* then client 1 */
        {"done s0", "start s0 0#2 0+1"},     /* then client 0 again, and its other request */
        {"done s1", "start s1 0#1 300+100 reply 1#1"},
        {"done s0", "start s0 0#1 400+100 reply 0#2"},
        {0},
    });
}

Test(dispatcher, full_queue_refuses_and_lets_the_next_in_when_a_request_ends)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 1", "start s0 0#1 0+1"},
        {"request 1 1 1", "start s1 1#1 0+1"},
        {"request 2 1 1", ""},
        {"request 3 1 1", "refuse 3#1 busy"},
        {"done s0", "start s0 2#1 0+1 reply 0#1"},
        {"request 3 1 1", ""},
        {0},
    });
}

Test(dispatcher, one_client_cannot_fill_the_queue_nor_use_an_id_twice)
{
    story((struct row[]){
        {"request 0 1 1", ""},
        {"request 0 1 2", "refuse 0#1 duplicate id"},
        {"request 0 2 1", ""},
        {"request 0 3 1", "refuse 0#3 busy"},
        {"request 1 1 1", ""}, /* another client's 1 is another request */
        {0},
    });
}

Test(dispatcher, a_cancelled_span_keeps_its_worker_busy_until_it_answers)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 100000", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {"request 1 1 1", ""},
        {"cancel 0 1", "cancel s0 cancel s1 refuse 0#1 cancelled"},
        {"cancel 0 1", ""},
        {"stopped s0 after 3", "start s0 1#1 0+1"},
        {"done s1", ""},
        {"done s0", "reply 1#1"},
        {0},
    });
}

Test(dispatcher, an_id_is_free_once_its_client_is_told_though_the_work_is_not_back)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 1", "start s0 0#1 0+1"},
        {"cancel 0 1", "cancel s0 refuse 0#1 cancelled"},
        {"request 0 1 1", "start s1 0#1 0+1"},
        {"stopped s0 after 0", ""},
        {"done s1", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, cancelling_what_is_not_in_flight_is_no_news)
{
    story((struct row[]){
        {"cancel 0 1", ""},
        {"request 0 1 1", ""},
        {"cancel 0 2", ""},
        {"cancel 1 1", ""},
        {"cancel 0 1", "refuse 0#1 cancelled"},
        {0},
    });
}

Test(dispatcher, a_lost_client_is_told_nothing_and_its_work_ends)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 100000", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {"request 0 2 1", ""},
        {"lost 0", "cancel s0 cancel s1"},
        {"request 0 1 1", ""}, /* the number belongs to someone else now */
        {"stopped s0 after 0", "start s0 0#1 0+1"},
        {"stopped s1 after 9", ""},
        {"done s0", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, deadline_ends_a_request_with_what_was_done)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 100000 deadline 50", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {"request 0 2 1 deadline 70", ""},
        {"time +49", ""},
        {"time +1", "cancel s0 cancel s1 refuse 0#1 deadline exceeded"},
        {"stopped s1 after 1", "start s1 0#2 0+1"},
        {"time +20", "cancel s1 refuse 0#2 deadline exceeded"},
        {0},
    });
}

Test(dispatcher, progress_comes_twice_a_second_to_those_who_ask)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 1000 progress", "start s0 0#1 0+100 start s1 0#1 100+100"},
        {"request 1 1 1000", ""},
        {"time +499", ""},
        {"done s0", "start s0 0#1 200+100"},
        {"time +1", "progress 0#1 100/1000"},
        {"time +499", ""},
        {"time +1", "progress 0#1 100/1000"},
        {"cancel 0 1", "cancel s0 cancel s1 refuse 0#1 cancelled"},
        {"time +500", ""},
        {0},
    });
}

Test(dispatcher, drains_what_is_in_flight_and_takes_nothing_new)
{
    struct world world = world_new(3, 2);

    tell(&world, (struct row[]){{"join 0", ""}, {"request 0 1 1", "start s0 0#1 0+1"}, {0}});
    tell(&world, (struct row[]){{"drain", ""}, {"request 0 2 1", "refuse 0#2 stopping"}, {0}});
    cr_assert(dispatcher_busy(world.d));
    tell(&world, (struct row[]){{"done s0", "reply 0#1"}, {0}});
    cr_assert_not(dispatcher_busy(world.d));
    dispatcher_destroy(&world.d);
}

Test(dispatcher, stop_refuses_what_is_in_flight)
{
    story((struct row[]){
        {"join 0", ""},
        {"request 0 1 1", "start s0 0#1 0+1"},
        {"request 1 1 1", "start s1 1#1 0+1"},
        {"stop", "cancel s0 cancel s1 refuse 0#1 stopping refuse 1#1 stopping"},
        {"request 2 1 1", "refuse 2#1 stopping"},
        {0},
    });
}

Test(dispatcher, is_due_at_the_nearer_of_deadline_and_progress)
{
    struct world world = world_new(3, 2);

    cr_assert(dispatcher_due_at(world.d) == INT64_MAX);
    tell(&world, (struct row[]){{"request 0 1 1 deadline 900", ""}, {0}});
    cr_assert(dispatcher_due_at(world.d) == 900 * MS);
    tell(&world, (struct row[]){{"request 0 2 1 progress", ""}, {0}});
    cr_assert(dispatcher_due_at(world.d) == 500 * MS);
    tell(&world, (struct row[]){{"request 1 1 1 deadline 30", ""}, {0}});
    cr_assert(dispatcher_due_at(world.d) == 30 * MS);
    dispatcher_destroy(&world.d);
}

Test(dispatcher, cuts_spans_at_the_ends_of_blocks)
{
    struct world world = world_new(1, 1);
    struct event event = request_event(0, 1, 1);

    event.request.first = BLOCK_SAMPLES - 10;
    event.request.count = BLOCK_SAMPLES + 20;
    tell(&world, (struct row[]){{"join 0", ""}, {0}});
    step(&world, &event);
    cr_assert(world.spans[0].first == BLOCK_SAMPLES - 10);
    cr_assert(world.spans[0].count == 10);
    cr_assert(world.spans[1].first == BLOCK_SAMPLES);
    cr_assert(world.spans[1].count == BLOCK_SAMPLES);
    dispatcher_destroy(&world.d);
}

Test(dispatcher, gives_a_fast_worker_larger_spans)
{
    struct world world = world_new(1, 1);
    struct event event;

    tell(&world, (struct row[]){{"join 0", ""},
                                {"request 0 1 10000000", "start s0 0#1 0+100 start s1 0#1 100+100"},
                                {0}});
    for (int i = 0; i < 40; i++) {
        event = done_event(&world, 0, world.spans[0].count);
        event.elapsed_ns /= 10;
        step(&world, &event);
    }
    cr_assert(world.spans[0].count >= 990 * (uint64_t)BLOCK_SAMPLES);
    cr_assert(world.spans[0].count <= 1010 * (uint64_t)BLOCK_SAMPLES);
    dispatcher_destroy(&world.d);
}

/* ---- laws -------------------------------------------------------------------------------- */

#define LAW_SEEDS    2000
#define LAW_STEPS    400
#define LAW_CLIENTS  6
#define LAW_REQUESTS 8

/* What the outside knows of a request: whether an answer is owed. */
struct expected {
    bool owed;
    struct sum_request asked;
};

struct chaos {
    struct world world;
    uint64_t random;
    struct expected requests[LAW_CLIENTS][LAW_REQUESTS];
    bool running[SPANS_OF_TESTS];
    uint32_t held[WORKERS_OF_TESTS];
    unsigned answers;
};

static uint64_t draw(struct chaos *chaos, uint64_t below)
{
    chaos->random = chaos->random * 6364136223846793005u + 1442695040888963407u;
    return (chaos->random >> 33) % below;
}

static void expect_answer(struct chaos *chaos, const struct effect *effect)
{
    const struct message *m = &effect->message;
    uint64_t id = m->type == MESSAGE_SUM_REPLY ? m->sum_reply.id : m->refusal.id;
    struct expected *expected = &chaos->requests[effect->client][id - 1];

    cr_assert(expected->owed, "%u#%" PRIu64 " was answered unasked", effect->client, id);
    expected->owed = false;
    chaos->answers++;
    if (m->type == MESSAGE_SUM_REPLY) {
        cr_assert(m->sum_reply.count == expected->asked.count);
        cr_assert(m->sum_reply.units == units_of(expected->asked.first, expected->asked.count));
    }
}

static void obey(struct chaos *chaos, const struct effect *effect)
{
    switch (effect->type) {
    case EFFECT_START_SPAN:
        cr_assert_not(chaos->running[effect->span]);
        cr_assert(effect->count > 0);
        cr_assert(++chaos->held[effect->worker] <= WORKER_CREDIT);
        chaos->running[effect->span] = true;
        chaos->world.spans[effect->span] = *effect;
        break;
    case EFFECT_CANCEL_SPAN: cr_assert(chaos->running[effect->span]); break;
    case EFFECT_ANSWER: expect_answer(chaos, effect); break;
    default: break;
    }
}

static void chaos_step(struct chaos *chaos, const struct event *event)
{
    struct effect effect;

    dispatcher_step(chaos->world.d, chaos->world.now_ns, event);
    while (dispatcher_next(chaos->world.d, &effect))
        obey(chaos, &effect);
}

static void chaos_request(struct chaos *chaos)
{
    uint32_t client = (uint32_t)draw(chaos, LAW_CLIENTS);
    unsigned id = (unsigned)draw(chaos, LAW_REQUESTS);
    struct event event = request_event(client, id + 1, 0);
    struct expected *expected = &chaos->requests[client][id];

    event.request.first = draw(chaos, 3 * BLOCK_SAMPLES);
    event.request.count = 1 + draw(chaos, (uint64_t)BLOCK_SAMPLES << draw(chaos, 10));
    event.request.deadline_ms = draw(chaos, 3) ? 0 : 1 + (uint32_t)draw(chaos, 100);
    event.request.progress = draw(chaos, 2);
    if (expected->owed)
        return;
    expected->asked = event.request;

    expected->owed = true;
    chaos_step(chaos, &event);
}

static void chaos_done(struct chaos *chaos)
{
    uint32_t span = (uint32_t)draw(chaos, SPANS_OF_TESTS);

    if (!chaos->running[span])
        return;
    struct event event = done_event(&chaos->world, span, chaos->world.spans[span].count);
    chaos->running[span] = false;
    chaos->held[span / WORKER_CREDIT]--;
    chaos_step(chaos, &event);
}

static void chaos_lost(struct chaos *chaos)
{
    struct event event = {.type = EVENT_CLIENT_LOST, .client = (uint32_t)draw(chaos, LAW_CLIENTS)};

    memset(chaos->requests[event.client], 0, sizeof chaos->requests[event.client]);
    chaos_step(chaos, &event);
}

static void chaos_cancel(struct chaos *chaos)
{
    struct event event = {
        .type = EVENT_CANCEL,
        .client = (uint32_t)draw(chaos, LAW_CLIENTS),
        .id = 1 + draw(chaos, LAW_REQUESTS),
    };

    chaos_step(chaos, &event);
}

static void chaos_time(struct chaos *chaos)
{
    struct event event = {.type = EVENT_TIME};

    chaos->world.now_ns += (int64_t)draw(chaos, 30) * MS;
    chaos_step(chaos, &event);
}

static void chaos_run(struct chaos *chaos)
{
    for (uint32_t w = 0; w < WORKERS_OF_TESTS; w++) {
        struct event join = {.type = EVENT_WORKER_JOINED, .worker = w};
        chaos_step(chaos, &join);
    }
    for (int i = 0; i < LAW_STEPS; i++) {
        uint64_t what = draw(chaos, 100);
        if (what < 20)
            chaos_request(chaos);
        else if (what < 85)
            chaos_done(chaos);
        else if (what < 95)
            chaos_time(chaos);
        else if (what < 98)
            chaos_cancel(chaos);
        else
            chaos_lost(chaos);
    }
    for (int i = 0; i < 1000000 && dispatcher_busy(chaos->world.d); i++) {
        chaos_done(chaos);
        if (i % 64 == 0)
            chaos_time(chaos);
    }
}

Test(dispatcher, counts_every_sample_once_and_answers_every_request_once)
{
    unsigned answers = 0;

    for (uint64_t seed = 1; seed <= LAW_SEEDS; seed++) {
        struct chaos *chaos = calloc(1, sizeof *chaos);
        chaos->world = world_new(20, 6);
        chaos->random = seed;
        chaos_run(chaos);
        cr_assert_not(dispatcher_busy(chaos->world.d), "seed %" PRIu64 " does not end", seed);
        for (int c = 0; c < LAW_CLIENTS; c++)
            for (int r = 0; r < LAW_REQUESTS; r++)
                cr_assert_not(chaos->requests[c][r].owed, "seed %" PRIu64 " owes %d#%d", seed, c,
                              r + 1);
        answers += chaos->answers;
        dispatcher_destroy(&chaos->world.d);
        free(chaos);
    }
    cr_assert(answers > 10 * LAW_SEEDS, "only %u answers", answers);
}

Test(dispatcher, a_destroyed_one_is_null_and_may_be_destroyed_again)
{
    struct world world = world_new(1, 1);

    dispatcher_destroy(&world.d);
    cr_assert_null(world.d);
    dispatcher_destroy(&world.d);
}
