/* Simulated clients: see clients.h. */
#include "tests/sim/pool/clients.h"

#include <inttypes.h>

#include "proto/instant.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pool/summands.h"
#include "tests/sim/pool/world.h"

/* ---- jobs -------------------------------------------------------------------------------- */

/* The size of a job: from one sample to the work of one thread in a twelfth of a second. Most jobs
 * are small. */
static uint64_t draw_count(struct world *world)
{
    struct chance *chance = &world->chance;
    const struct sim_threads *threads = &world->pool.nodes[world->pool.count - 1].threads;
    int64_t blocks = S / threads->block_ns[MESSAGE_KIND_GAUSSIAN];

    switch (chance_below(chance, 8)) {
    case 0: return 1 + chance_below(chance, 3);
    case 1: return 1 + chance_below(chance, 2 * BLOCK_SAMPLES);
    case 2: return BLOCK_SAMPLES;
    case 3:
    case 4:
    case 5: return 1 + chance_below(chance, (uint64_t)blocks * BLOCK_SAMPLES / 64);
    default: return 1 + chance_below(chance, (uint64_t)blocks * BLOCK_SAMPLES / 12);
    }
}

static uint64_t draw_first(struct world *world, uint64_t count)
{
    struct chance *chance = &world->chance;

    switch (chance_below(chance, 4)) {
    case 0: return 0;
    case 1: return chance_below(chance, 1000) * BLOCK_SAMPLES;
    case 2: return SAMPLE_END_MAX - count;
    default: return chance_below(chance, SAMPLE_END_MAX - count);
    }
}

static struct sim_job draw_job(struct world *world)
{
    struct chance *chance = &world->chance;
    uint64_t count = draw_count(world);

    return (struct sim_job){
        .asked =
            {
                .seed = chance_next(chance),
                .kind = chance_one_in(chance, 2) ? MESSAGE_KIND_GAUSSIAN : MESSAGE_KIND_UNIFORM,
                .first = draw_first(world, count),
                .count = count,
                .deadline_ms =
                    chance_one_in(chance, 4) ? (uint32_t)chance_spread(chance, 1, 20000) : 0,
                .progress = chance_one_in(chance, 3),
            },
        .impatient = chance_one_in(chance, 6),
        .twice = chance_one_in(chance, 12),
        .not_before_ns = chance_between(chance, 0, world->faults.rush_ns),
    };
}

/* Up to 3 terms, or the terms that one thread computes in up to a twelfth of a second. Most jobs
 * are small. */
static uint64_t draw_terms(struct world *world, const char *parameters)
{
    struct chance *chance = &world->chance;
    int64_t longest_ns = chance_one_in(chance, 4) ? S / 12 : S / 64;
    uint64_t most = (uint64_t)(longest_ns / summand_term_ns(parameters));

    return 1 + chance_below(chance, most < 3 || chance_one_in(chance, 4) ? 3 : most);
}

/* Lets a job ask for terms of a summand, sometimes of a build that few servers have. */
static void draw_summand(struct world *world, struct sum_request *asked)
{
    struct chance *chance = &world->chance;

    asked->kind = MESSAGE_KIND_NONE;
    asked->summand = chance_one_in(chance, 2) ? "alpha" : "beta";
    asked->build = chance_one_in(chance, 4) ? chance_between(chance, 11, 12) : 0;
    asked->parameters = summand_parameters(
        chance_one_in(chance, 20) ? SUMMAND_REJECTED
                                  : (uint32_t)chance_below(chance, SUMMAND_EXPONENT_MAX + 1));
    asked->count = draw_terms(world, asked->parameters);
    asked->first = draw_first(world, asked->count);
}

static void client_later(struct world *world, struct client_process *client, int64_t at_ns)
{
    at_ns = at_ns > world->now_ns ? at_ns : world->now_ns;
    if (at_ns >= client->wake_at_ns)
        return;
    client->wake_at_ns = at_ns;
    world_later(world, at_ns - world->now_ns,
                (struct occasion){.type = OCCASION_CLIENT, .object = (uint16_t)client->number});
}

static void client_init(struct world *world, struct client_process *client, uint32_t number)
{
    struct chance *chance = &world->chance;

    *client = (struct client_process){
        .number = number,
        .cable = NOWHERE,
        .front = (uint32_t)chance_below(chance, world->pool.fronts),
        .job_count = (uint32_t)chance_between(chance, 1, JOBS_MAX),
        .window = (uint32_t)chance_between(chance, 1, ASKS_MAX / 2),
        .last_id = chance_one_in(chance, 2) ? 0 : chance_next(chance) >> 1,
        .patience_ns = chance_between(chance, 2 * S, 15 * S),
        .wake_at_ns = NEVER,
    };
    for (uint32_t i = 0; i < client->job_count; i++) {
        client->jobs[i] = draw_job(world);
        if (chance_one_in(chance, 4) &&
            !world->pool.cycle) /* they would audit each other for ever */
            draw_summand(world, &client->jobs[i].asked);
    }
    client_later(world, client, 0);
}

void crowd_init(struct world *world)
{
    world->crowd.count = (uint32_t)chance_spread(&world->chance, 1, CLIENTS_OF_WORLD);
    for (uint32_t i = 0; i < world->crowd.count; i++)
        client_init(world, &world->crowd.clients[i], i);
}

static bool client_done(const struct client_process *client)
{
    for (uint32_t i = 0; i < client->job_count; i++)
        if (!client->jobs[i].done)
            return false;
    return client->ask_count == 0;
}

bool crowd_done(const struct world *world)
{
    for (uint32_t i = 0; i < world->crowd.count; i++)
        if (!client_done(&world->crowd.clients[i]))
            return false;
    return true;
}

/* ---- requests ---------------------------------------------------------------------------- */

static void send(struct world *world, const struct client_process *client,
                 const struct message *message)
{
    trace_message(&world->trace, world->now_ns, "sends: client, server", client->number,
                  client->front, message);
    cable_send(world, &world->network.cables[client->cable], END_DIALLER, message);
}

static void ask(struct world *world, struct client_process *client, struct sim_job *job)
{
    struct chance *chance = &world->chance;
    struct message message = {.type = MESSAGE_SUM_REQUEST, .sum_request = job->asked};
    struct ask *ask = &client->asks[client->ask_count++];

    message.sum_request.id = ++client->last_id;
    *ask = (struct ask){
        .id = client->last_id,
        .job = job,
        .asked_at_ns = world->now_ns,
        .cancel_at_ns = job->impatient ? world->now_ns + chance_spread(chance, MS, 2 * S) : NEVER,
        .copies = job->twice ? 2 : 1,
    };
    job->in_flight = true;
    for (uint32_t i = 0; i < ask->copies; i++) {
        world_happened(world, HAPPENED_ASKED);
        send(world, client, &message);
    }
    job->twice = false;
}

static void cancel(struct world *world, const struct client_process *client, struct ask *ask)
{
    struct message message = {.type = MESSAGE_CANCEL, .cancel = {.id = ask->id}};

    ask->cancelled = true;
    ask->cancel_at_ns = NEVER;
    send(world, client, &message);
}

static bool job_waits(const struct sim_job *job)
{
    return !job->done && !job->in_flight;
}

/* Sends the requests and cancels that are due, up to the window. */
static void ask_all(struct world *world, struct client_process *client)
{
    for (uint32_t i = 0; i < client->job_count && client->ask_count < client->window; i++) {
        struct sim_job *job = &client->jobs[i];
        if (job_waits(job) && job->not_before_ns <= world->now_ns)
            ask(world, client, job);
    }
    for (uint32_t i = 0; i < client->ask_count; i++)
        if (client->asks[i].cancel_at_ns <= world->now_ns)
            cancel(world, client, &client->asks[i]);
}

static int64_t client_due_at(const struct client_process *client)
{
    int64_t at_ns = NEVER;

    for (uint32_t i = 0; i < client->job_count && client->ask_count < client->window; i++)
        if (job_waits(&client->jobs[i]))
            at_ns = earlier(at_ns, client->jobs[i].not_before_ns);
    if (!client->up)
        return at_ns;
    for (uint32_t i = 0; i < client->ask_count; i++)
        at_ns = earlier(at_ns, client->asks[i].cancel_at_ns);
    return client->ask_count > 0 ? earlier(at_ns, client->received_at_ns + client->patience_ns)
                                 : at_ns;
}

static void client_wait(struct world *world, struct client_process *client)
{
    int64_t at_ns = client_due_at(client);

    if (at_ns != NEVER && (client->up || client->cable == NOWHERE))
        client_later(world, client, at_ns);
}

/* ---- connections ------------------------------------------------------------------------- */

static void drop_asks(struct world *world, struct client_process *client)
{
    for (uint32_t i = 0; i < client->ask_count; i++) {
        struct sim_job *job = client->asks[i].job;
        job->in_flight = false;
        job->not_before_ns = world->now_ns + chance_between(&world->chance, 0, 200 * MS);
        if (!job->done)
            world_happened(world, HAPPENED_RETRIED);
    }
    client->ask_count = 0;
    client->up = false;
    if (client->cable != NOWHERE)
        cable_close(world, &world->network.cables[client->cable], END_DIALLER);
    client->cable = NOWHERE;
    client->front = (uint32_t)chance_below(&world->chance, world->pool.fronts);
}

static void dial(struct world *world, struct client_process *client)
{
    client->cable = cable_dial(world, DIALLER_CLIENT, client->number, 0, client->front, false);
}

void client_connected(struct world *world, struct client_process *client)
{
    client->up = true;
    client->received_at_ns = world->now_ns;
    ask_all(world, client);
    client_wait(world, client);
}

void client_disconnected(struct world *world, struct client_process *client)
{
    drop_asks(world, client);
    client_wait(world, client);
}

bool client_break_off(struct world *world, struct client_process *client)
{
    if (!client->up || client->ask_count == 0)
        return false;
    trace_note(&world->trace, world->now_ns, "disconnects: client", client->number, 0);
    world_happened(world, HAPPENED_CLIENT_LEFT);
    drop_asks(world, client);
    client_wait(world, client);
    return true;
}

/* The client may have requested more than the pool can compute in this time. So its patience
 * doubles. */
static void time_out(struct world *world, struct client_process *client)
{
    client->patience_ns *= 2;
    drop_asks(world, client);
}

void client_due(struct world *world, struct client_process *client)
{
    if (client->wake_at_ns != world->now_ns)
        return;
    client->wake_at_ns = NEVER;
    if (client->cable == NOWHERE && client_due_at(client) <= world->now_ns)
        dial(world, client);
    if (client->up) {
        if (client->ask_count > 0 && world->now_ns - client->received_at_ns >= client->patience_ns)
            time_out(world, client);
        else
            ask_all(world, client);
    }
    client_wait(world, client);
}

/* ---- answers ----------------------------------------------------------------------------- */

static struct ask *ask_of(struct client_process *client, uint64_t id)
{
    for (uint32_t i = 0; i < client->ask_count; i++)
        if (client->asks[i].id == id)
            return &client->asks[i];
    return NULL;
}

static void wrong(struct world *world, const struct client_process *client, uint64_t id,
                  const char *text)
{
    world_violation(world, "client %u, request %" PRIu64 ": %s", client->number, id, text);
}

/* The job is retried after this delay. */
static void again(struct world *world, struct sim_job *job, int64_t delay_ns)
{
    job->not_before_ns =
        world->now_ns + delay_ns + (int64_t)chance_below(&world->chance, (uint64_t)(100 * MS));
}

/* The arguments of the handlers of refusals. */
struct refused {
    const struct client_process *client;
    const struct ask *ask;
    struct sim_job *job;
    const struct refusal *refusal;
};

static void on_duplicate(struct world *world, const struct refused *refused)
{
    if (refused->ask->copies == 0)
        wrong(world, refused->client, refused->ask->id,
              "refused as a duplicate, but never answered");
}

static void on_busy(struct world *world, const struct refused *refused)
{
    again(world, refused->job, refused->refusal->retry_after_ms * MS);
}

static void on_deadline(struct world *world, const struct refused *refused)
{
    refused->job->done = true;
    if (world->now_ns - refused->ask->asked_at_ns < refused->job->asked.deadline_ms * MS)
        wrong(world, refused->client, refused->ask->id, "refused before its deadline");
}

static void on_cancelled(struct world *world, const struct refused *refused)
{
    refused->job->impatient = false;
    refused->job->done = chance_one_in(&world->chance, 2);
    if (!refused->ask->cancelled)
        wrong(world, refused->client, refused->ask->id, "refused as cancelled without a cancel");
}

static void on_stopping(struct world *world, const struct refused *refused)
{
    again(world, refused->job, 200 * MS);
}

static void on_workers_lost(struct world *world, const struct refused *refused)
{
    again(world, refused->job, 100 * MS);
}

/* Other servers may offer the summand later, or none ever. */
static void on_unknown_summand(struct world *world, const struct refused *refused)
{
    if (!refused->job->asked.summand)
        wrong(world, refused->client, refused->ask->id,
              "refused for a summand that it does not ask");
    refused->job->done = chance_one_in(&world->chance, 4);
    again(world, refused->job, 200 * MS);
}

static void on_summand_failed(struct world *world, const struct refused *refused)
{
    again(world, refused->job, 100 * MS);
}

static void on_bad_parameters(struct world *world, const struct refused *refused)
{
    const struct sum_request *asked = &refused->job->asked;

    refused->job->done = true;
    if (!asked->summand || !summand_rejects(asked->parameters))
        wrong(world, refused->client, refused->ask->id, "refused for right parameters");
}

static void on_other_bits(struct world *world, const struct refused *refused)
{
    refused->job->done = true;
    if (!world->pool.odd)
        wrong(world, refused->client, refused->ask->id, "refused although all bits are equal");
}

static void on_refusal(struct world *world, const struct client_process *client, struct ask *ask,
                       const struct refusal *refusal)
{
    static const struct {
        enum happening happening;
        void (*handle)(struct world *, const struct refused *);
    } codes[REFUSAL_END] = {
        [REFUSAL_DUPLICATE_ID] = {HAPPENED_DUPLICATE_ID, on_duplicate},
        [REFUSAL_BUSY] = {HAPPENED_BUSY, on_busy},
        [REFUSAL_DEADLINE_EXCEEDED] = {HAPPENED_DEADLINE, on_deadline},
        [REFUSAL_CANCELLED] = {HAPPENED_CANCELLED, on_cancelled},
        [REFUSAL_STOPPING] = {HAPPENED_STOPPING, on_stopping},
        [REFUSAL_WORKERS_LOST] = {HAPPENED_WORKERS_LOST, on_workers_lost},
        [REFUSAL_UNKNOWN_SUMMAND] = {HAPPENED_UNKNOWN_SUMMAND, on_unknown_summand},
        [REFUSAL_BAD_PARAMETERS] = {HAPPENED_BAD_PARAMETERS, on_bad_parameters},
        [REFUSAL_OTHER_BITS] = {HAPPENED_OTHER_BITS, on_other_bits},
        [REFUSAL_SUMMAND_FAILED] = {HAPPENED_SUMMAND_FAILED, on_summand_failed},
    };
    struct refused refused = {client, ask, ask->job, refusal};

    if (!codes[refusal->code].handle) {
        wrong(world, client, ask->id, "refused with a code that requests never get");
        return;
    }
    world_happened(world, codes[refusal->code].happening);
    codes[refusal->code].handle(world, &refused);
}

static void on_reply(struct world *world, const struct client_process *client, struct ask *ask,
                     const struct sum_reply *reply)
{
    world_happened(world, HAPPENED_ANSWERED);
    world->answered_at_ns = world->now_ns;
    ask->job->done = true;
    if (ask->job->asked.summand)
        world_happened(world, HAPPENED_TERMS);
    if (ask->job->asked.summand ? !summand_agrees(&ask->job->asked, reply)
                                : !oracle_agrees(&ask->job->asked, reply))
        wrong(world, client, ask->id, "a wrong sum");
}

/* The server owes one answer for each time that the request was sent. */
static void on_answer(struct world *world, struct client_process *client, uint64_t id,
                      const struct message *message)
{
    struct ask *ask = ask_of(client, id);

    if (!ask) {
        wrong(world, client, id, "an answer without a request");
        return;
    }
    ask->copies--;
    if (message->type == MESSAGE_SUM_REPLY)
        on_reply(world, client, ask, &message->sum_reply);
    else
        on_refusal(world, client, ask, &message->refusal);
    if (ask->copies > 0)
        return;
    ask->job->in_flight = false;
    *ask = client->asks[--client->ask_count];
}

static void on_progress(struct world *world, struct client_process *client,
                        const struct progress *progress)
{
    struct ask *ask = ask_of(client, progress->id);

    world_happened(world, HAPPENED_PROGRESS);
    if (!ask || !ask->job->asked.progress || progress->done >= progress->count ||
        progress->count != ask->job->asked.count ||
        (ask->job->asked.summand && !summand_progresses(&ask->job->asked, progress)))
        wrong(world, client, progress->id, "implausible progress");
}

void client_receive(struct world *world, struct client_process *client,
                    const struct message *message)
{
    trace_message(&world->trace, world->now_ns, "receives: client, server", client->number,
                  client->front, message);
    client->received_at_ns = world->now_ns;
    switch (message->type) {
    case MESSAGE_SUM_REPLY: on_answer(world, client, message->sum_reply.id, message); break;
    case MESSAGE_REFUSAL: on_answer(world, client, message->refusal.id, message); break;
    case MESSAGE_PROGRESS: on_progress(world, client, &message->progress); break;
    default: wrong(world, client, 0, "a message that clients do not get");
    }
    if (client->up)
        ask_all(world, client);
    client_wait(world, client);
}
