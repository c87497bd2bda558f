/* A simulated server process: see node.h. */
#include "tests/sim/pool/node.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/dispatcher_state.h"
#include "tests/sim/pool/check.h"
#include "tests/sim/pool/world.h"

/* Effects of one step: more than the largest number of spans of one worker, with a reserve. */
#define EFFECTS_MAX 20000

static int64_t clock_now(const struct world *world, const struct node *node)
{
    return world->now_ns + node->clock_ns;
}

static struct cable *cable_at(struct world *world, uint32_t number)
{
    return &world->network.cables[number];
}

/* ---- numbers ----------------------------------------------------------------------------- */

static void numbers_init(struct numbers *numbers, uint32_t count)
{
    numbers->count = count;
    for (uint32_t i = 0; i < count; i++)
        numbers->cable[i] = NOWHERE;
}

static struct numbers *numbers_of(struct node *node, const struct cable *cable)
{
    return cable->workers ? &node->workers : &node->clients;
}

/* A number is always free for the peer whose message is handled. */
static void number_take(struct world *world, struct node *node, struct cable *cable)
{
    struct numbers *numbers = numbers_of(node, cable);
    uint32_t number = 0;

    if (cable->number != NOWHERE)
        return;
    while (number < numbers->count && numbers->cable[number] != NOWHERE)
        number++;
    if (number == numbers->count) {
        world_violation(world, "server %u has no free number", node->number);
        return;
    }
    numbers->cable[number] = (uint32_t)(cable - world->network.cables);
    cable->number = number;
    if (cable->workers)
        node->leaving[number] = node->resting[number] = false;
}

static void number_drop(struct world *world, struct node *node, struct cable *cable)
{
    if (cable->number == NOWHERE)
        return;
    if (cable->workers)
        node->joined[cable->number] = false;
    numbers_of(node, cable)->cable[cable->number] = NOWHERE;
    cable_forget(world, cable);
}

/* ---- effects of the dispatcher ----------------------------------------------------------- */

static void report_wrong(struct world *world, const struct node *node, const char *wrong)
{
    if (wrong)
        world_violation(world, "server %u: %s", node->number, wrong);
}

/* Notes a lost connection once, however many sends have failed. */
static void note_lost(struct node *node, uint32_t cable)
{
    uint32_t i = 0;

    while (i < node->lost_count && node->lost_cables[i] != cable)
        i++;
    if (i == node->lost_count && i < LOSSES_MAX)
        node->lost_cables[node->lost_count++] = cable;
}

/* Sends to a client or worker. If the peer is unreachable, the loss is an event after this step. */
static void send_peer(struct world *world, struct node *node, const struct numbers *numbers,
                      uint32_t number, const struct message *message)
{
    uint32_t cable = number < numbers->count ? numbers->cable[number] : NOWHERE;

    if (cable == NOWHERE)
        world_violation(world, "server %u sends to number %u, which is free", node->number, number);
    else if (!cable_send(world, cable_at(world, cable), END_LISTENER, message))
        note_lost(node, cable);
}

static void send_parent(struct world *world, struct node *node, uint32_t number,
                        const struct message *message)
{
    const struct upstream *up = &node->parents[number];

    if (number >= node->parent_count)
        world_violation(world, "server %u sends to parent %u, which does not exist", node->number,
                        number);
    else if (up->membership.state == MEMBERSHIP_JOINED ||
             up->membership.state == MEMBERSHIP_LEAVING)
        cable_send(world, cable_at(world, up->cable), END_DIALLER, message);
}

static void carry_out_answer(struct world *world, struct node *node, const struct effect *effect)
{
    uint32_t client = effect->client;

    report_wrong(world, node,
                 ledger_answer(&node->ledger, clock_now(world, node), &node->settings,
                               node->draining, node->workers_lost,
                               node->failures + node->threads.helper_deaths, client,
                               &effect->message));
    if (client >= CLIENTS_MAX)
        send_parent(world, node, client - CLIENTS_MAX, &effect->message);
    else
        send_peer(world, node, &node->clients, client, &effect->message);
}

static void carry_out_progress(struct world *world, struct node *node, const struct effect *effect)
{
    report_wrong(world, node,
                 ledger_progress(&node->ledger, clock_now(world, node), effect->client,
                                 &effect->message.progress));
    if (effect->client < CLIENTS_MAX)
        send_peer(world, node, &node->clients, effect->client, &effect->message);
}

static void thread_later(struct world *world, const struct node *node, uint32_t number)
{
    const struct thread *thread = &node->threads.all[number];

    world_later(world, thread->ends_at_ns - world->now_ns,
                (struct occasion){.type = OCCASION_THREAD,
                                  .object = (uint16_t)node->number,
                                  .end = (uint8_t)number,
                                  .stamp = thread->stamp});
}

static void send_thread(struct world *world, struct node *node, uint32_t number,
                        const struct message *message)
{
    bool changed, right = false;

    if (message->type == MESSAGE_SUM_REQUEST)
        right = thread_give(&node->threads, number, &message->sum_request, world->now_ns,
                            &world->chance, &changed);
    else if (message->type == MESSAGE_CANCEL)
        right = thread_cancel(&node->threads, number, message->cancel.id, world->now_ns,
                              &world->chance, &changed);
    if (!right)
        world_violation(world, "server %u sends thread %u an invalid message", node->number,
                        number);
    else if (changed)
        thread_later(world, node, number);
}

static void remember(struct node *node, uint32_t worker, const struct sum_request *span)
{
    node->seen[node->seen_count++ % SEEN_MAX] = (struct seen){
        .worker = worker - node->settings.threads,
        .id = span->id,
        .count = span->count,
        .kind = span->kind,
    };
}

static bool offers_summand(const struct node *node, uint32_t worker, const struct sum_request *span)
{
    uint32_t offered = worker < node->settings.threads
                           ? summands_of(&node->settings.offers)
                           : node->summands[worker - node->settings.threads];

    return span->build != 0 && offered & summands_fit(span);
}

/* Requests have begun anew because a worker has other bits. It no longer has the skill, although it
 * offers the summand. */
static void note_banned(struct node *node)
{
    const struct workers *workers = &node->dispatcher->workers;

    for (uint32_t i = 0; i < node->workers.count && i < node->settings.joined_max; i++) {
        uint32_t has = 0;
        for (skill_set left = workers->table[node->settings.threads + i].skills; left;
             left &= left - 1) {
            const struct skill *skill = &workers->skills.all[skill_lowest(left)];
            has |= summands_named(skill->name, skill->build);
        }
        node->banned[i] |= node->summands[i] & ~has;
        node->summands[i] &= has;
    }
}

static void carry_out_send(struct world *world, struct node *node, const struct effect *effect)
{
    const struct message *message = &effect->message;
    uint32_t worker = effect->worker;

    if (message->type == MESSAGE_SUM_REQUEST) {
        uint32_t begun_anew = node->begun_anew;
        report_wrong(world, node, check_assigned(node, worker, &message->sum_request));
        if (node->begun_anew > begun_anew)
            note_banned(node);
        if (message->sum_request.audit)
            world_happened(world, HAPPENED_AUDIT);
        if (check_assigned_instead(node, message->sum_request.id))
            world_happened(world, HAPPENED_GIVEN_INSTEAD);
        if (!message->sum_request.summand)
            remember(node, worker, &message->sum_request);
        else if (!offers_summand(node, worker, &message->sum_request))
            world_violation(world,
                            "server %u sends worker %u a span of a summand it does not offer",
                            node->number, worker);
    }
    if (worker < node->settings.threads) {
        send_thread(world, node, worker, message);
        return;
    }
    worker -= node->settings.threads;
    if (message->type == MESSAGE_SUM_REQUEST && (node->leaving[worker] || node->resting[worker]))
        world_violation(world, "server %u sends a span to worker %u, which %s", node->number,
                        worker, node->leaving[worker] ? "leaves" : "rests");
    if (message->type == MESSAGE_WELCOME && worker < node->settings.joined_max)
        node->joined[worker] = true;
    else if (worker >= node->settings.joined_max || !node->joined[worker])
        world_violation(world, "server %u sends to worker %u, which has not joined", node->number,
                        worker);
    send_peer(world, node, &node->workers, worker, message);
}

static void carry_out_drop(struct world *world, struct node *node, const struct effect *effect)
{
    enum refusal_code code = effect->message.refusal.code;
    uint32_t number = effect->worker - node->settings.threads;

    if (effect->worker < node->settings.threads || effect->message.type != MESSAGE_REFUSAL ||
        number >= node->workers.count) {
        world_violation(world, "server %u drops %u, which is not a worker", node->number,
                        effect->worker);
        return;
    }
    if (code == REFUSAL_NOT_JOINED && node->paused_ns > 2 * node->settings.heartbeat_ns)
        world_violation(world, "server %u drops %u before it reads its messages", node->number,
                        effect->worker);
    node->workers_lost += node->joined[number];
    if (code == REFUSAL_OUT_OF_RANGE)
        world_happened(world, HAPPENED_CYCLE_BROKEN);
    if (code != REFUSAL_NOT_JOINED)
        world_happened(world, HAPPENED_REFUSED_JOIN);
    else
        world_happened(world, node->joined[number] ? HAPPENED_SILENT_WORKER : HAPPENED_NOT_JOINED);
    send_peer(world, node, &node->workers, number, &effect->message);
    if (node->workers.cable[number] != NOWHERE)
        number_drop(world, node, cable_at(world, node->workers.cable[number]));
}

static void carry_out(struct world *world, struct node *node, const struct effect *effect)
{
    static void (*const handlers[])(struct world *, struct node *, const struct effect *) = {
        [EFFECT_ANSWER] = carry_out_answer,
        [EFFECT_PROGRESS] = carry_out_progress,
        [EFFECT_SEND_WORKER] = carry_out_send,
        [EFFECT_DROP_WORKER] = carry_out_drop,
    };
    static const char *const verbs[] = {
        [EFFECT_ANSWER] = "    answers: server, client",
        [EFFECT_PROGRESS] = "    progress: server, client",
        [EFFECT_SEND_WORKER] = "    sends: server, worker",
        [EFFECT_DROP_WORKER] = "    drops: server, worker",
    };

    trace_message(&world->trace, world->now_ns, verbs[effect->type], node->number, effect->client,
                  &effect->message);
    report_wrong(world, node, check_message(&effect->message));
    handlers[effect->type](world, node, effect);
}

static void step_only(struct world *world, struct node *node, const struct event *event)
{
    world->tally->steps++;
    ledger_begin(&node->ledger, clock_now(world, node), event);
    dispatcher_step(node->dispatcher, clock_now(world, node), event);
}

/* If a worker refuses a span for good, the span's request ends at once. */
static const char *doomed_wrong(struct node *node)
{
    uint32_t doomed = node->doomed;

    node->doomed = NOWHERE;
    return doomed == NOWHERE || node->deaths[doomed] < SPAN_DEATHS_MAX ||
                   node->dispatcher->spans.all[doomed].state == SPAN_FREE
               ? NULL
               : "a request goes on that no worker can compute";
}

/* Carries out all effects. event: the last event. */
static void carry_out_all(struct world *world, struct node *node, const struct event *event)
{
    struct effect effect;
    uint32_t effects = 0;

    while (!world->ended && dispatcher_next(node->dispatcher, &effect)) {
        carry_out(world, node, &effect);
        if (++effects > EFFECTS_MAX)
            world_violation(world, "server %u has endless effects", node->number);
    }
    if (world->ended)
        return;
    report_wrong(world, node, ledger_end(&node->ledger, node->draining));
    report_wrong(world, node, doomed_wrong(node));
    report_wrong(world, node, check_dispatcher(node, clock_now(world, node), event));
}

static void step(struct world *world, struct node *node, const struct event *event)
{
    step_only(world, node, event);
    carry_out_all(world, node, event);
}

/* ---- parents ----------------------------------------------------------------------------- */

static void redial(struct world *world, struct node *node, struct upstream *up)
{
    if (up->cable != NOWHERE)
        cable_close(world, cable_at(world, up->cable), END_DIALLER);
    up->cable = cable_dial(world, DIALLER_PARENT, node->number, (uint32_t)(up - node->parents),
                           up->target, true);
}

static void note_sent(struct upstream *up, const struct message *message)
{
    if (message->type == MESSAGE_JOIN)
        up->sent_summands = summands_of(&message->join.offers);
    if (message->type == MESSAGE_HEARTBEAT)
        up->sent_summands = summands_of(&message->heartbeat.offers);
}

static void parent_step(struct world *world, struct node *node, uint32_t number,
                        enum membership_event event_type, const struct message *message)
{
    struct upstream *up = &node->parents[number];
    struct event event = {.client = CLIENTS_MAX + number, .message = message};
    struct membership_effects effects;
    bool was_joined = up->membership.state == MEMBERSHIP_JOINED;

    world->tally->steps++;
    if (world->ended)
        return;
    membership_set_own(&up->membership, &node->own);
    membership_step(&up->membership, clock_now(world, node), event_type, message, &effects);
    report_wrong(world, node, check_effects(&up->membership, message, &effects));
    if (effects.client_lost) {
        event.type = EVENT_CLIENT_LOST;
        step(world, node, &event);
    }
    if (effects.dial) {
        if (event_type == MEMBERSHIP_EVENT_TIME && was_joined)
            world_happened(world, HAPPENED_SILENT_PARENT);
        if (node->paused_ns > 2 * up->membership.heartbeat_ns && up->membership.heartbeat_ns > 0 &&
            was_joined)
            world_violation(world, "server %u leaves parent %u before it reads its messages",
                            node->number, number);
        redial(world, node, up);
    }
    if (effects.deliver) {
        event.type = EVENT_CLIENT_MESSAGE;
        step(world, node, &event);
    }
    if (effects.send) {
        trace_message(&world->trace, world->now_ns, "    sends: server, parent", node->number,
                      up->target, &effects.message);
        note_sent(up, &effects.message);
        cable_send(world, cable_at(world, up->cable), END_DIALLER, &effects.message);
    }
    if (event_type == MEMBERSHIP_EVENT_TIME && up->membership.state == MEMBERSHIP_JOINED &&
        up->sent_summands != node->own_summands)
        world_violation(world, "server %u does not tell parent %u its summands", node->number,
                        number);
}

/* ---- between two events ------------------------------------------------------------------ */

/* Steps the dispatcher with the loss, but does not take the effects. False if the connection had no
 * number, so that no peer is lost. */
static bool lose_cable(struct world *world, struct node *node, struct cable *cable,
                       struct event *event)
{
    bool workers = cable->workers;

    cable->ends[END_LISTENER].open = false;
    if (cable->number == NOWHERE) {
        cable_forget(world, cable);
        return false;
    }
    event->type = workers ? EVENT_WORKER_LOST : EVENT_CLIENT_LOST;
    event->client = cable->number + (workers ? node->settings.threads : 0);
    node->workers_lost += workers && node->joined[cable->number];
    trace_note(&world->trace, world->now_ns,
               workers ? "loses: server, worker" : "loses: server, client", node->number,
               event->client);
    number_drop(world, node, cable);
    step_only(world, node, event);
    return true;
}

/* Several lost workers are stepped together before their effects are taken. Each lost client is
 * stepped alone. */
static void lose_cables(struct world *world, struct node *node)
{
    struct event event = {.message = NULL};
    bool lost = false, last = false;

    while (!last && !world->ended) {
        struct cable *cable = cable_at(world, node->lost_cables[--node->lost_count]);
        last = node->lost_count == 0 || !cable->workers ||
               !cable_at(world, node->lost_cables[node->lost_count - 1])->workers;
        lost = lose_cable(world, node, cable, &event) || lost;
    }
    if (lost)
        carry_out_all(world, node, &event);
}

static bool own_changed(const struct node *node)
{
    struct heartbeat own = dispatcher_heartbeat(node->dispatcher);

    return own.capacity != node->own.capacity || own.height != node->own.height ||
           summands_of(&own.offers) != node->own_summands;
}

/* What the server offers now. */
static void note_own(struct node *node)
{
    node->own = dispatcher_heartbeat(node->dispatcher);
    node->own_summands = summands_of(&node->own.offers);
}

static void update_parents(struct world *world, struct node *node)
{
    note_own(node);
    for (uint32_t i = 0; i < node->parent_count; i++)
        parent_step(world, node, i, MEMBERSHIP_EVENT_TIME, NULL);
}

static int64_t due_at_ns(const struct world *world, const struct node *node)
{
    int64_t due_ns = dispatcher_due_at(node->dispatcher);

    for (uint32_t i = 0; i < node->parent_count; i++) {
        int64_t parent_ns = membership_due_at(&node->parents[i].membership);
        due_ns = parent_ns < due_ns ? parent_ns : due_ns;
    }
    if (due_ns == NEVER)
        return NEVER;
    due_ns += node->lateness_ns - node->clock_ns;
    return due_ns > world->now_ns ? due_ns : world->now_ns;
}

static void wake_later(struct world *world, struct node *node)
{
    int64_t due_ns = due_at_ns(world, node);

    if (due_ns >= node->wake_at_ns)
        return;
    node->wake_at_ns = due_ns;
    world_later(world, due_ns - world->now_ns,
                (struct occasion){.type = OCCASION_NODE_DUE, .object = (uint16_t)node->number});
}

/* Frees the numbers of clients without requests in flight. */
static void numbers_tidy(struct world *world, struct node *node)
{
    for (uint32_t i = 0; i < node->clients.count; i++)
        if (node->clients.cable[i] != NOWHERE && ledger_owes(&node->ledger, i) == 0)
            number_drop(world, node, cable_at(world, node->clients.cable[i]));
}

static void node_exit(struct world *world, struct node *node);

/* Handles everything that follows from an event, until nothing is left to do. */
static void settle(struct world *world, struct node *node)
{
    while (!world->ended) {
        if (node->lost_count > 0)
            lose_cables(world, node);
        else if (own_changed(node))
            update_parents(world, node);
        else
            break;
    }
    numbers_tidy(world, node);
    if (node->halted || (node->draining && !dispatcher_busy(node->dispatcher)))
        node_exit(world, node);
    else
        wake_later(world, node);
}

/* ---- events ------------------------------------------------------------------------------ */

static void receive_from_client(struct world *world, struct node *node, struct cable *cable,
                                const struct message *message)
{
    struct event event = {
        .type = EVENT_CLIENT_MESSAGE, .client = cable->number, .message = message};

    if (message->type != MESSAGE_SUM_REQUEST && message->type != MESSAGE_CANCEL)
        return;
    trace_message(&world->trace, world->now_ns, "receives: server, client", node->number,
                  event.client, message);
    step(world, node, &event);
}

static bool is_from_worker(enum message_type type)
{
    return type == MESSAGE_JOIN || type == MESSAGE_HEARTBEAT || type == MESSAGE_LEAVE ||
           type == MESSAGE_SUM_REPLY || type == MESSAGE_REFUSAL;
}

/* Notes the state that the worker reports. */
static void note_worker(struct node *node, uint32_t number, const struct message *message)
{
    if (message->type == MESSAGE_JOIN || message->type == MESSAGE_LEAVE)
        node->leaving[number] = message->type == MESSAGE_LEAVE;
    if (message->type == MESSAGE_JOIN || message->type == MESSAGE_HEARTBEAT)
        node->resting[number] = false;
    if (message->type == MESSAGE_JOIN) {
        node->summands[number] = summands_of(&message->join.offers);
        node->banned[number] = 0;
    }
    if (message->type == MESSAGE_HEARTBEAT)
        node->summands[number] = summands_of(&message->heartbeat.offers) & ~node->banned[number];
    if (message->type == MESSAGE_REFUSAL && message->refusal.code == REFUSAL_SUMMAND_FAILED)
        node->failures += message->refusal.deaths;
}

/* The worker cannot compute more for now, or it has lost the summand. */
static void note_refused(struct world *world, struct node *node, uint32_t number,
                         const struct run *run, enum refusal_code code)
{
    const struct sum_request *asked = &run->span->request->asked;

    if (code < REFUSAL_UNKNOWN_SUMMAND)
        node->resting[number] = true;
    if (code != REFUSAL_UNKNOWN_SUMMAND || !asked->summand)
        return;
    world_happened(world, HAPPENED_UNSKILLED);
    node->summands[number] &= ~summands_fit(asked);
}

/* Notes what a refusal says of its span. worker: also a compute thread. */
static void note_refusal(struct world *world, struct node *node, uint32_t worker,
                         const struct refusal *refusal)
{
    const struct run *run = check_running(node, worker, refusal->id);
    uint32_t deaths = refusal->code == REFUSAL_SUMMAND_FAILED ? refusal->deaths : 0;

    if (!run)
        return;
    uint32_t span = (uint32_t)(run->span - node->dispatcher->spans.all);
    node->deaths[span] += refusal->code == REFUSAL_BAD_PARAMETERS ? SPAN_DEATHS_MAX : deaths;
    if (node->deaths[span] >= SPAN_DEATHS_MAX)
        node->doomed = span;
    if (worker >= node->settings.threads)
        note_refused(world, node, worker - node->settings.threads, run, refusal->code);
}

static uint32_t exponent_bit(const struct sum_request *asked)
{
    return 1u << atoi(asked->parameters);
}

bool node_knows_grain(const struct node *node, const struct sum_request *span)
{
    return node->grains[__builtin_ctz(summands_fit(span))] & exponent_bit(span);
}

/* True if the run's worker has sent a total of something else. */
static bool unfit(const struct run *run, const struct sum_reply *reply)
{
    const struct request *r = run->span->request;

    return reply->count != run->span->count || (r->terms && reply->build != r->asked.build);
}

/* Notes that the server learns the grain, or that it must drop the worker. worker: also a compute
 * thread. */
static void note_reply(struct node *node, uint32_t worker, const struct sum_reply *reply)
{
    const struct run *run = check_running(node, worker, reply->id);

    if (run && unfit(run, reply))
        node->unfit = worker - node->settings.threads;
    if (!run || unfit(run, reply) || !run->span->request->terms)
        return;
    const struct sum_request *asked = &run->span->request->asked;
    node->grains[__builtin_ctz(summands_fit(asked))] |= exponent_bit(asked);
}

static void note_answer(struct world *world, struct node *node, uint32_t worker,
                        const struct message *message)
{
    if (message->type == MESSAGE_REFUSAL)
        note_refusal(world, node, worker, &message->refusal);
    if (message->type == MESSAGE_SUM_REPLY)
        note_reply(node, worker, &message->sum_reply);
}

static void receive_from_worker(struct world *world, struct node *node, struct cable *cable,
                                const struct message *message)
{
    struct event event = {
        .type = EVENT_WORKER_MESSAGE,
        .worker = node->settings.threads + cable->number,
        .message = message,
    };

    if (!is_from_worker(message->type))
        return;
    trace_message(&world->trace, world->now_ns, "receives: server, worker", node->number,
                  event.worker, message);
    if (message->type == MESSAGE_JOIN)
        node->workers_lost += node->joined[cable->number];
    if (message->type == MESSAGE_REFUSAL && message->refusal.code == REFUSAL_WORKERS_LOST)
        node->workers_lost++;
    note_worker(node, cable->number, message);
    note_answer(world, node, event.worker, message);
    step(world, node, &event);
    if (node->unfit != NOWHERE && node->joined[node->unfit])
        world_violation(world, "server %u keeps worker %u, whose total does not fit its span",
                        node->number, node->unfit);
    node->unfit = NOWHERE;
}

void node_receive(struct world *world, struct node *node, struct cable *cable,
                  const struct message *message)
{
    if (!node->alive)
        return;
    number_take(world, node, cable);
    if (world->ended)
        return;
    if (cable->workers)
        receive_from_worker(world, node, cable, message);
    else
        receive_from_client(world, node, cable, message);
    if (cable->workers && cable->number != NOWHERE && !node->joined[cable->number])
        number_drop(world, node, cable);
    settle(world, node);
}

/* After one disconnect, the server probes all its workers. */
static void probe_workers(struct world *world, struct node *node)
{
    for (uint32_t i = 0; i < node->workers.count; i++) {
        uint32_t cable = node->workers.cable[i];
        if (cable != NOWHERE && cable_at(world, cable)->state == CABLE_BROKEN &&
            cable_at(world, cable)->ends[END_LISTENER].open)
            note_lost(node, cable);
    }
}

void node_peer_disconnected(struct world *world, struct node *node, struct cable *cable)
{
    if (!node->alive)
        return;
    note_lost(node, (uint32_t)(cable - world->network.cables));
    if (cable->workers && chance_one_in(&world->chance, 2))
        probe_workers(world, node);
    settle(world, node);
}

void node_connected(struct world *world, struct node *node, uint32_t parent)
{
    parent_step(world, node, parent, MEMBERSHIP_EVENT_CONNECTED, NULL);
    settle(world, node);
}

void node_disconnected(struct world *world, struct node *node, uint32_t parent)
{
    node->parents[parent].cable = NOWHERE;
    parent_step(world, node, parent, MEMBERSHIP_EVENT_DISCONNECTED, NULL);
    settle(world, node);
}

void node_receive_from_parent(struct world *world, struct node *node, uint32_t parent,
                              const struct message *message)
{
    trace_message(&world->trace, world->now_ns, "receives: server, parent", node->number, parent,
                  message);
    parent_step(world, node, parent, MEMBERSHIP_EVENT_MESSAGE, message);
    settle(world, node);
}

void node_thread_due(struct world *world, struct node *node, uint32_t number, uint32_t stamp)
{
    struct message message;
    struct event event = {.type = EVENT_WORKER_MESSAGE, .worker = number, .message = &message};
    bool goes_on;

    if (!node->alive || node->threads.all[number].stamp != stamp ||
        node->threads.all[number].count == 0)
        return;
    if (world->now_ns < node->hung_until_ns) {
        node->threads.all[number].ends_at_ns = node->hung_until_ns;
        thread_later(world, node, number);
        return;
    }
    thread_end(&node->threads, number, world->now_ns, &world->chance, &message, &goes_on);
    if (goes_on)
        thread_later(world, node, number);
    trace_message(&world->trace, world->now_ns, "receives: server, thread", node->number, number,
                  &message);
    note_answer(world, node, number, &message);
    step(world, node, &event);
    settle(world, node);
}

/* Runs what is due, and checks that it is not due any more. */
static void tick(struct world *world, struct node *node)
{
    static const struct event time = {.type = EVENT_TIME};
    int64_t now_ns = clock_now(world, node);

    if (now_ns >= dispatcher_due_at(node->dispatcher)) {
        step(world, node, &time);
        if (dispatcher_due_at(node->dispatcher) <= now_ns)
            world_violation(world, "server %u is due again at once", node->number);
    }
    for (uint32_t i = 0; i < node->parent_count; i++) {
        const struct membership *parent = &node->parents[i].membership;
        if (now_ns < membership_due_at(parent))
            continue;
        parent_step(world, node, i, MEMBERSHIP_EVENT_TIME, NULL);
        if (membership_due_at(parent) <= now_ns)
            world_violation(world, "server %u: parent %u is due again at once", node->number, i);
    }
    settle(world, node);
}

void node_due(struct world *world, struct node *node)
{
    if (!node->alive || node->wake_at_ns != world->now_ns)
        return;
    node->wake_at_ns = NEVER;
    trace_note(&world->trace, world->now_ns, "time: server", node->number, 0);
    tick(world, node);
}

/* ---- process ----------------------------------------------------------------------------- */

void node_tally(struct world *world, const struct node *node)
{
    const struct counters *counters = &node->dispatcher->counters;
    uint64_t *happened = world->tally->happened;

    happened[HAPPENED_ANEW] += node->begun_anew;
    happened[HAPPENED_SPAN] += counters->spans;
    happened[HAPPENED_REQUEUED] += counters->requeued;
    happened[HAPPENED_GIVEN_TWICE] += counters->given_twice;
    happened[HAPPENED_DUPLICATE_TOTAL] += counters->duplicates;
    happened[HAPPENED_WORKER_LOST] += counters->workers_lost;
}

void node_start(struct world *world, struct node *node)
{
    struct join join = {.digest = node->settings.digest, .name = "worker", .kernel = "oracle"};

    snprintf(join.name, sizeof join.name, "worker %u", node->number);

    node->alive = true;
    node->stopped = node->draining = node->halted = false;
    node->epoch++;
    node->hung_until_ns = 0;
    node->settings.offers =
        (struct offers){.count = node->threads.offer_count, .list = node->threads.offers};
    node->threads.helper_deaths = node->failures = node->begun_anew = 0;
    node->doomed = node->unfit = NOWHERE;
    memset(node->grains, 0, sizeof node->grains);
    node->dispatcher = dispatcher_new(&node->settings);
    node->clock_ns = chance_between(&world->chance, 0, 1000 * S);
    node->wake_at_ns = NEVER;
    node->paused_ns = 0;
    note_own(node);
    join.capacity = node->own.capacity;
    node->lost_count = node->workers_lost = node->seen_count = 0;
    node->parked_first = node->parked_count = 0;
    node->ledger.count = 0;
    node->ledger.replies = node->ledger.refusals = 0;
    numbers_init(&node->clients, node->settings.requests_max + 1);
    numbers_init(&node->workers, node->settings.joined_max + 1);
    for (uint32_t i = 0; i <= node->settings.joined_max; i++)
        node->joined[i] = false;
    for (uint32_t i = 0; i < NODE_THREADS_MAX; i++) {
        node->threads.all[i].count = 0;
        node->threads.all[i].stamp++;
    }
    trace_note(&world->trace, world->now_ns, "starts: server, epoch", node->number, node->epoch);
    for (uint32_t i = 0; i < node->parent_count; i++) {
        membership_init(&node->parents[i].membership, &join);
        node->parents[i].cable = NOWHERE;
        redial(world, node, &node->parents[i]);
    }
    settle(world, node);
}

/* Closes all connections of the process. All messages to it are lost. */
static void node_hang_up(struct world *world, struct node *node)
{
    for (uint32_t i = 0; i < world->network.cables_used; i++) {
        struct cable *cable = cable_at(world, i);
        if (cable->state == CABLE_FREE)
            continue;
        if (cable->type == DIALLER_PARENT && cable->dialler == node->number)
            cable_close(world, cable, END_DIALLER);
        if (cable->listener == node->number && cable->state != CABLE_FREE &&
            cable->state != CABLE_DIALLING) /* one cable has both ends here if it joined itself */
            cable_end_listener(world, cable);
    }
}

static void unpark(struct world *world, struct node *node)
{
    node->stopped = false;
    while (node->parked_first < node->parked_count && !world->ended)
        world_handle(world, &node->parked[node->parked_first++]);
    node->parked_first = node->parked_count = 0;
}

static void node_end(struct world *world, struct node *node)
{
    node_tally(world, node);
    node->alive = false;
    dispatcher_destroy(&node->dispatcher);
    node_hang_up(world, node);
    unpark(world, node);
}

void node_kill(struct world *world, struct node *node)
{
    trace_note(&world->trace, world->now_ns, "is killed: server", node->number, 0);
    node_end(world, node);
}

static void node_exit(struct world *world, struct node *node)
{
    trace_note(&world->trace, world->now_ns, "exits: server", node->number, 0);
    node_end(world, node);
    faults_restart(world, node);
}

void node_stop(struct world *world, struct node *node)
{
    trace_note(&world->trace, world->now_ns, "stops: server", node->number, 0);
    node->stopped = true;
    node->stopped_at_ns = world->now_ns;
}

bool node_parks(struct world *world, struct node *node, const struct occasion *occasion)
{
    if (!node->stopped)
        return false;
    if (node->parked_count == PARKED_MAX)
        world_violation(world, "server %u has too many parked occasions", node->number);
    else
        node->parked[node->parked_count++] = *occasion;
    return true;
}

/* The process handles its timers first, or the parked occasions. */
void node_continue(struct world *world, struct node *node)
{
    trace_note(&world->trace, world->now_ns, "continues: server", node->number, 0);
    node->stopped = false;
    node->wake_at_ns = NEVER;
    if (chance_one_in(&world->chance, 2)) {
        node->paused_ns = world->now_ns - node->stopped_at_ns;
        tick(world, node);
        node->paused_ns = 0;
    }
    unpark(world, node);
    if (node->alive && !world->ended)
        tick(world, node);
}

void node_signal(struct world *world, struct node *node)
{
    struct event event = {.type = node->draining ? EVENT_STOP : EVENT_DRAIN};
    bool halted = node->draining;

    trace_note(&world->trace, world->now_ns, "signal: server, second", node->number, halted);
    node->draining = true;
    node->halted = halted;
    step(world, node, &event);
    for (uint32_t i = 0; i < node->parent_count; i++)
        parent_step(world, node, i, MEMBERSHIP_EVENT_LEAVE, NULL);
    settle(world, node);
}
