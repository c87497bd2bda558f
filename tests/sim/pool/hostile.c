/* Hostile and mute workers: see hostile.h. */
#include "tests/sim/pool/hostile.h"

#include <string.h>

#include "tests/sim/oracle.h"
#include "tests/sim/pool/world.h"

#define LIARS_MAX (HOSTILES_MAX - MUTES_MAX)

/* A mute worker dials again after this many messages without a reply. Between two messages are at
 * least half a heartbeat. */
#define MUTE_SENDS_MAX 10

static void hostile_later(struct world *world, const struct hostile *hostile)
{
    int64_t ns =
        hostile->pause_ns + (int64_t)chance_below(&world->chance, (uint64_t)hostile->pause_ns);

    world_later(world, ns,
                (struct occasion){.type = OCCASION_HOSTILE, .object = (uint16_t)hostile->number});
}

static void hostile_dial(struct world *world, struct hostile *hostile)
{
    if (hostile->cable != NOWHERE)
        cable_close(world, &world->network.cables[hostile->cable], END_DIALLER);
    hostile->up = hostile->joined = hostile->trusted = false;
    hostile->held_count = hostile->sent_count = 0;
    hostile->old = (struct sum_request){.id = 0}; /* a restarted server uses its id again */
    hostile->cable = cable_dial(world, DIALLER_HOSTILE, hostile->number, 0, hostile->target, true);
}

void hostiles_come(struct world *world)
{
    struct chance *chance = &world->chance;
    struct hostiles *hostiles = &world->hostiles;

    if (hostiles->liars == LIARS_MAX)
        return;
    hostiles->liars++;
    struct hostile *hostile = &hostiles->all[hostiles->count];
    *hostile = (struct hostile){
        .number = hostiles->count++,
        .there = true,
        .cable = NOWHERE,
        .target = (uint32_t)chance_below(chance, world->pool.count),
        .candid = chance_below(chance, 4),
        .frail = chance_one_in(chance, 4),
        .pause_ns = chance_spread(chance, 10 * MS, S),
    };
    world_happened(world, HAPPENED_HOSTILE);
    hostile_dial(world, hostile);
    hostile_later(world, hostile);
}

/* ---- mute workers ------------------------------------------------------------------------ */

/* joined_max grows, so that a mute worker does not take the place of another worker. Its pause is
 * short enough that heartbeats arrive in time in spite of jitter. */
static void mute_new(struct world *world, uint32_t target)
{
    struct hostiles *hostiles = &world->hostiles;
    struct dispatcher_settings *settings = &world->pool.nodes[target].settings;
    struct hostile *mute = &hostiles->all[hostiles->count];

    *mute = (struct hostile){
        .number = hostiles->count++,
        .there = true,
        .cable = NOWHERE,
        .target = target,
        .cores = (uint32_t)chance_between(&world->chance, 1, 3),
        .pause_ns = settings->heartbeat_ns / 2,
    };
    settings->joined_max++;
    world_happened(world, HAPPENED_MUTE);
    hostile_dial(world, mute);
    hostile_later(world, mute);
}

/* Two mute workers of one server can hold both runs of a span. */
void hostiles_init(struct world *world)
{
    uint32_t target = (uint32_t)chance_below(&world->chance, world->pool.count);
    uint64_t mutes =
        chance_one_in(&world->chance, 4) ? chance_between(&world->chance, 1, MUTES_MAX) : 0;

    world->hostiles.count = world->hostiles.liars = 0;
    while (mutes-- > 0)
        mute_new(world, target);
}

uint32_t hostiles_mute_cores(const struct hostiles *hostiles, uint32_t target)
{
    uint32_t cores = 0;

    for (uint32_t i = 0; i < hostiles->count; i++)
        if (hostiles->all[i].target == target)
            cores += hostiles->all[i].cores;
    return cores;
}

void hostiles_leave(struct world *world)
{
    for (uint32_t i = 0; i < world->hostiles.count; i++) {
        struct hostile *hostile = &world->hostiles.all[i];
        if (hostile->cores > 0)
            continue;
        hostile->there = hostile->up = false;
        cable_close(world, &world->network.cables[hostile->cable], END_DIALLER);
    }
}

/* ---- lies -------------------------------------------------------------------------------- */

static void send(struct world *world, struct hostile *hostile, const struct message *message)
{
    trace_message(&world->trace, world->now_ns, "sends: hostile, server", hostile->number,
                  hostile->target, message);
    cable_send(world, &world->network.cables[hostile->cable], END_DIALLER, message);
}

/* The right total of terms, or another one. odd: see summand_reply(). */
static struct message terms_reply(struct hostile *hostile, const struct sum_request *span,
                                  uint64_t odd)
{
    uint64_t fill_ns = summand_fills(span) * SUMMAND_FILL_NS;

    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = summand_reply(span, fill_ns + span->count, fill_ns, odd, &hostile->totals),
    };
}

static struct message right_reply(struct hostile *hostile, const struct sum_request *span)
{
    if (span->summand)
        return terms_reply(hostile, span, 0);
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply =
            {
                .id = span->id,
                .count = span->count,
                .units = oracle_units(span->seed, span->kind, span->first, span->count),
                .unit_log2 = stream_unit_log2((enum stream_kind)span->kind),
                .compute_ns = span->count,
            },
    };
}

/* A wrong total that is plausible for the span. */
static struct message wrong_reply(struct world *world, uint64_t id, uint64_t count,
                                  enum message_kind kind)
{
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply =
            {
                .id = id,
                .count = count,
                .units = (__int128)chance_below(&world->chance, 1000),
                .unit_log2 = stream_unit_log2((enum stream_kind)kind),
                .compute_ns = chance_next(&world->chance),
            },
    };
}

static struct sum_request held_take(struct world *world, struct hostile *hostile)
{
    uint64_t i = chance_below(&world->chance, hostile->held_count);
    struct sum_request span = hostile->held[i];

    hostile->held[i] = hostile->held[--hostile->held_count];
    return span;
}

/* Some summands of the server's own threads. Others would be wanted after it has left for ever. */
static void draw_offers(struct world *world, struct hostile *hostile)
{
    const struct node *node = &world->pool.nodes[hostile->target];

    hostile->offer_count = 0;
    for (uint32_t i = 0; i < node->threads.offer_count && node->settings.threads > 0; i++)
        if (chance_one_in(&world->chance, 3))
            hostile->offers[hostile->offer_count++] = node->threads.offers[i];
}

static struct offers offers_of(const struct hostile *hostile)
{
    return (struct offers){.count = hostile->offer_count, .list = hostile->offers};
}

static void lie_join(struct world *world, struct hostile *hostile)
{
    struct chance *chance = &world->chance;
    bool right = hostile->candid ? chance_below(chance, 8) > 0 : false;
    struct message message = {
        .type = MESSAGE_JOIN,
        .join =
            {
                .digest = world->pool.nodes[hostile->target].settings.digest ^ !right,
                .capacity =
                    chance_one_in(chance, 50) ? CAPACITY_MAX : (uint32_t)chance_below(chance, 4),
                .name = "hostile",
            },
    };

    draw_offers(world, hostile);
    message.join.offers = offers_of(hostile);
    hostile->trusted |= right;
    hostile->held_count = 0;
    send(world, hostile, &message);
}

static void lie_right(struct world *world, struct hostile *hostile)
{
    if (hostile->held_count == 0)
        return;
    hostile->old = held_take(world, hostile);
    struct message message = right_reply(hostile, &hostile->old);
    send(world, hostile, &message);
    if (chance_one_in(&world->chance, 4))
        send(world, hostile, &message);
}

/* The total of another build, of other terms, or none. */
static void lie_unfit_terms(struct world *world, struct hostile *hostile, struct sum_request span)
{
    uint64_t lie = chance_below(&world->chance, 4);

    span.build ^= lie == 0;
    span.count += lie == 1;
    span.first += lie == 1;
    struct message message = terms_reply(hostile, &span, 0);
    struct sum_reply *reply = &message.sum_reply;
    if (lie == 2)
        *reply = (struct sum_reply){.id = span.id, .count = span.count, .compute_ns = span.count};
    reply->count -= lie == 3 && reply->count > 1 ? 1 : 0;
    reply->build ^= lie == 3 && reply->count == span.count;
    send(world, hostile, &message);
}

/* An implausible total. The server may not notice, if the run is cancelled. */
static void lie_unfit(struct world *world, struct hostile *hostile)
{
    if (hostile->held_count == 0)
        return;
    struct sum_request span = held_take(world, hostile);
    if (span.summand) {
        lie_unfit_terms(world, hostile, span);
        return;
    }
    struct message message = right_reply(hostile, &span);
    struct sum_reply *reply = &message.sum_reply;
    switch (chance_below(&world->chance, 5)) {
    case 0: reply->count += 1; break;
    case 1: reply->count = reply->count > 1 ? reply->count - 1 : 2; break;
    case 2: reply->units = (__int128)span.count << 53; break;
    case 3: reply->units = -((__int128)span.count << 53); break;
    case 4:
        reply->unit_log2 -= 1;
        reply->units += 1;
        break;
    }
    send(world, hostile, &message);
}

static void lie_refuse(struct world *world, struct hostile *hostile)
{
    static const enum refusal_code codes[] = {
        REFUSAL_BUSY,      REFUSAL_STOPPING,          REFUSAL_WORKERS_LOST,
        REFUSAL_CANCELLED, REFUSAL_DEADLINE_EXCEEDED, REFUSAL_UNKNOWN_SUMMAND};

    if (hostile->held_count == 0)
        return;
    hostile->old = held_take(world, hostile);
    struct message message = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = hostile->old.id, .code = codes[chance_below(&world->chance, 6)]},
    };
    send(world, hostile, &message);
}

static void lie_old(struct world *world, struct hostile *hostile)
{
    const struct sum_request *old = &hostile->old;

    if (old->id == 0)
        return;
    struct message message = old->summand ? terms_reply(hostile, old, 1)
                                          : wrong_reply(world, old->id, old->count, old->kind);
    send(world, hostile, &message);
}

/* Wrong totals for spans that other workers of the server hold. */
static void lie_other(struct world *world, struct hostile *hostile)
{
    const struct node *node = &world->pool.nodes[hostile->target];
    uint32_t number = world->network.cables[hostile->cable].number;

    for (uint32_t i = 0; i < SEEN_MAX && i < node->seen_count; i++) {
        const struct seen *seen = &node->seen[i];
        struct message message = wrong_reply(world, seen->id, seen->count, seen->kind);
        if (seen->worker != number && chance_one_in(&world->chance, 2))
            send(world, hostile, &message);
    }
}

static void lie_heartbeat(struct world *world, struct hostile *hostile)
{
    struct message message = {.type = MESSAGE_HEARTBEAT};

    message.heartbeat.capacity = (uint32_t)chance_below(&world->chance, 4);
    if (chance_one_in(&world->chance, 4))
        draw_offers(world, hostile);
    message.heartbeat.offers = offers_of(hostile);
    send(world, hostile, &message);
}

static void lie_leave(struct world *world, struct hostile *hostile)
{
    struct message message = {.type = MESSAGE_LEAVE};

    if (chance_one_in(&world->chance, 4))
        send(world, hostile, &message);
}

/* Messages that workers do not send. */
static void lie_nonsense(struct world *world, struct hostile *hostile)
{
    static const struct message messages[] = {
        {.type = MESSAGE_WELCOME, .welcome = {.heartbeat_ms = 1000}},
        {.type = MESSAGE_CANCEL, .cancel = {.id = 1}},
        {.type = MESSAGE_SUM_REQUEST,
         .sum_request = {.id = 1, .kind = MESSAGE_KIND_UNIFORM, .count = 1}},
        {.type = MESSAGE_PROGRESS, .progress = {.id = 1, .done = 1, .count = 1}},
        {.type = MESSAGE_REFUSAL, .refusal = {.id = 0, .code = REFUSAL_NOT_JOINED}},
    };

    send(world, hostile, &messages[chance_below(&world->chance, 5)]);
}

static void lie_dial(struct world *world, struct hostile *hostile)
{
    if (chance_one_in(&world->chance, 8))
        hostile_dial(world, hostile);
}

static void mute_send(struct world *world, struct hostile *mute)
{
    struct message join = {
        .type = MESSAGE_JOIN,
        .join = {.digest = world->pool.nodes[mute->target].settings.digest,
                 .capacity = mute->cores,
                 .name = MUTE_NAME},
    };
    struct message beat = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = mute->cores}};

    if (mute->sent_count++ == MUTE_SENDS_MAX)
        hostile_dial(world, mute);
    else
        send(world, mute, mute->joined ? &beat : &join);
}

static void mute_receive(struct hostile *mute, const struct message *message)
{
    mute->sent_count = 0;
    if (message->type == MESSAGE_WELCOME)
        mute->joined = true;
    if (message->type == MESSAGE_REFUSAL)
        mute->joined = false;
}

void hostile_due(struct world *world, struct hostile *hostile)
{
    static void (*const lies[])(struct world *, struct hostile *) = {
        lie_right, lie_right,     lie_right,     lie_right,     lie_right,     lie_unfit,
        lie_old,   lie_other,     lie_other,     lie_join,      lie_leave,     lie_nonsense,
        lie_dial,  lie_heartbeat, lie_heartbeat, lie_heartbeat, lie_heartbeat, lie_refuse,
    };

    if (!hostile->there)
        return;
    if (hostile->up && hostile->cores > 0) {
        mute_send(world, hostile);
    } else if (hostile->up) {
        world_happened(world, HAPPENED_LIE);
        lies[chance_below(&world->chance, sizeof lies / sizeof *lies)](world, hostile);
    }
    hostile_later(world, hostile);
}

/* ---- messages to it ---------------------------------------------------------------------- */

void hostile_connected(struct world *world, struct hostile *hostile)
{
    hostile->up = true;
    if (hostile->cores > 0)
        mute_send(world, hostile);
    else
        lie_join(world, hostile);
}

void hostile_disconnected(struct world *world, struct hostile *hostile)
{
    if (hostile->there)
        hostile_dial(world, hostile);
}

static void hold(struct world *world, struct hostile *hostile, const struct sum_request *span)
{
    if (!hostile->trusted)
        world_violation(world, "a worker with another digest gets a span from server %u",
                        hostile->target);
    if (hostile->frail)
        hostile_dial(world, hostile);
    else if (hostile->held_count < HELD_MAX)
        hostile->held[hostile->held_count++] = *span;
}

/* Drops a cancelled span, and sometimes sends its wrong total at once. */
static void release(struct world *world, struct hostile *hostile, uint64_t id)
{
    for (uint32_t i = 0; i < hostile->held_count; i++)
        if (hostile->held[i].id == id) {
            hostile->old = hostile->held[i];
            hostile->held[i] = hostile->held[--hostile->held_count];
            if (chance_one_in(&world->chance, 2))
                lie_old(world, hostile);
            return;
        }
}

void hostile_receive(struct world *world, struct hostile *hostile, const struct message *message)
{
    if (hostile->cores > 0) {
        mute_receive(hostile, message);
        return;
    }
    switch (message->type) {
    case MESSAGE_SUM_REQUEST: hold(world, hostile, &message->sum_request); break;
    case MESSAGE_CANCEL: release(world, hostile, message->cancel.id); break;
    case MESSAGE_REFUSAL: hostile->held_count = 0; break;
    default: break;
    }
}
