/* Laws of the dispatcher under random schedules of requests, totals, joins, losses, silences,
 * duplicates, refusals and cancels. Any gap or overlap changes a total. If MEANTIME_TEST_SEED is
 * set, only this seed runs. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/instant.h"
#include "server/core/spans.h"
#include "tests/support/chance.h"
#include "tests/unit/server/check.h"
#include "tests/unit/server/fixture.h"

#define SEEDS     500
#define STEPS     600
#define CLIENTS   6
#define PARENT    (CLIENTS - 1) /* the last client is a parent */
#define IDS       8
#define WORKERS   8
#define CORES_MAX 3
#define RUNS      4096

/* A request as its client sees it. */
struct owed {
    bool owed; /* the dispatcher has not answered it yet */
    bool cancelled;
    unsigned deaths; /* lost workers that may have computed it, an upper bound */
    int64_t deadline_at_ns;
    struct sum_request asked;
};

/* A run as its worker sees it. */
struct run_seen {
    uint32_t worker;
    bool cancelled;
    bool ended; /* the worker was lost, or has answered */
    struct sum_request asked;
};

struct worker_seen {
    bool joined;
    bool resting;
    bool leaving;
    uint32_t cores;
    uint32_t held;
};

struct chaos {
    struct dispatcher *d;
    struct chance chance;
    int64_t now_ns;
    uint32_t threads;
    bool stopping;
    struct owed owed[CLIENTS][IDS];
    struct worker_seen workers[WORKERS];
    struct run_seen runs[RUNS];
    unsigned run_count;
    uint64_t answered;
    uint64_t refused;
};

static uint64_t draw(struct chaos *c, uint64_t below)
{
    return chance_below(&c->chance, below);
}

/* ---- effects of the dispatcher ----------------------------------------------------------- */

static uint32_t client_number(unsigned client)
{
    return client == PARENT ? CLIENTS_MAX : client;
}

static struct owed *owed_to(struct chaos *c, uint32_t client, uint64_t id)
{
    unsigned index = client == CLIENTS_MAX ? PARENT : client;

    cr_assert(index < CLIENTS && id >= 1 && id <= IDS);
    struct owed *owed = &c->owed[index][id - 1];
    cr_assert(owed->owed, "%u#%" PRIu64 " was not requested", client, id);
    return owed;
}

/* The request of a span: its seed identifies it. */
static struct owed *owed_for(struct chaos *c, const struct sum_request *span)
{
    for (unsigned client = 0; client < CLIENTS; client++)
        for (unsigned i = 0; i < IDS; i++)
            if (c->owed[client][i].owed && c->owed[client][i].asked.seed == span->seed)
                return &c->owed[client][i];
    return NULL;
}

static void on_reply(struct chaos *c, uint32_t client, const struct sum_reply *reply)
{
    struct owed *owed = owed_to(c, client, reply->id);
    struct sum_reply right = total_of(&owed->asked, 0);

    cr_assert(reply->count == right.count && reply->units == right.units);
    cr_assert(reply->unit_log2 == right.unit_log2);
    owed->owed = false;
    c->answered++;
}

static void on_refusal(struct chaos *c, uint32_t client, const struct refusal *refusal)
{
    struct owed *owed = owed_to(c, client, refusal->id);

    switch (refusal->code) {
    case REFUSAL_BUSY: cr_assert(refusal->retry_after_ms == BUSY_RETRY_MS); break;
    case REFUSAL_CANCELLED: cr_assert(owed->cancelled); break;
    case REFUSAL_DEADLINE_EXCEEDED: cr_assert(owed->deadline_at_ns <= c->now_ns); break;
    case REFUSAL_STOPPING: cr_assert(c->stopping); break;
    case REFUSAL_WORKERS_LOST: cr_assert(owed->deaths >= SPAN_DEATHS_MAX); break;
    default: cr_assert(false, "unexpected refusal: %s", refusal_code_text(refusal->code));
    }
    owed->owed = false;
    c->refused++;
}

static void on_progress(struct chaos *c, uint32_t client, const struct progress *progress)
{
    const struct owed *owed = owed_to(c, client, progress->id);

    cr_assert(owed->asked.progress);
    cr_assert(progress->count == owed->asked.count && progress->done < progress->count);
}

static void on_start(struct chaos *c, uint32_t worker, const struct sum_request *span)
{
    struct worker_seen *seen = &c->workers[worker];
    const struct owed *owed = owed_for(c, span);

    cr_assert(owed && span->kind == owed->asked.kind && span->count > 0);
    cr_assert(span->first >= owed->asked.first);
    cr_assert(span->first + span->count <= owed->asked.first + owed->asked.count);
    cr_assert(seen->joined && !seen->resting && !seen->leaving);
    cr_assert(++seen->held <= WORKER_CREDIT * seen->cores);
    cr_assert(c->run_count < RUNS);
    c->runs[c->run_count++] = (struct run_seen){.worker = worker, .asked = *span};
}

static void on_cancel(struct chaos *c, uint32_t worker, uint64_t id)
{
    for (unsigned i = 0; i < c->run_count; i++)
        if (c->runs[i].asked.id == id) {
            cr_assert(c->runs[i].worker == worker);
            cr_assert(!c->runs[i].ended && !c->runs[i].cancelled);
            c->runs[i].cancelled = true;
            return;
        }
    cr_assert(false, "a cancel of a run that was never started");
}

static void peer_reset(struct chaos *c, uint32_t worker)
{
    c->workers[worker] = (struct worker_seen){0};
    for (unsigned i = 0; i < c->run_count; i++)
        c->runs[i].ended |= c->runs[i].worker == worker;
}

static void on_worker_message(struct chaos *c, uint32_t worker, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_SUM_REQUEST: on_start(c, worker, &message->sum_request); break;
    case MESSAGE_CANCEL: on_cancel(c, worker, message->cancel.id); break;
    case MESSAGE_WELCOME: c->workers[worker].joined = true; break;
    default: cr_assert(message->type == MESSAGE_HEARTBEAT && c->workers[worker].joined);
    }
}

static void carry_out(struct chaos *c, const struct effect *effect)
{
    const struct message *message = &effect->message;

    switch (effect->type) {
    case EFFECT_SEND_WORKER: on_worker_message(c, effect->worker, message); break;
    case EFFECT_DROP_WORKER: peer_reset(c, effect->worker); break;
    case EFFECT_PROGRESS: on_progress(c, effect->client, &message->progress); break;
    case EFFECT_ANSWER:
        if (message->type == MESSAGE_SUM_REPLY)
            on_reply(c, effect->client, &message->sum_reply);
        else
            on_refusal(c, effect->client, &message->refusal);
    }
}

static void step(struct chaos *c, const struct event *event)
{
    struct effect effect;

    dispatcher_step(c->d, c->now_ns, event);
    while (dispatcher_next(c->d, &effect)) {
        check_wire(&effect.message);
        carry_out(c, &effect);
    }
    check_state(c->d);
}

static void send(struct chaos *c, enum event_type type, uint32_t peer,
                 const struct message *message)
{
    step(c, &(struct event){.type = type, .client = peer, .message = message});
}

/* ---- clients ----------------------------------------------------------------------------- */

static void do_request(struct chaos *c)
{
    unsigned client = (unsigned)draw(c, CLIENTS), id = 1 + (unsigned)draw(c, IDS);
    struct owed *owed = &c->owed[client][id - 1];
    uint64_t first = draw(c, 3 * BLOCK_SAMPLES);
    uint64_t count = 1 + draw(c, (uint64_t)BLOCK_SAMPLES << draw(c, 12));
    struct message message = {.type = MESSAGE_SUM_REQUEST};
    struct sum_request *asked = &message.sum_request;

    if (owed->owed)
        return;
    *asked = request_of(client, id, first, count);
    asked->kind = draw(c, 2) ? MESSAGE_KIND_GAUSSIAN : MESSAGE_KIND_UNIFORM;
    asked->deadline_ms = draw(c, 3) ? 0 : 1 + (uint32_t)draw(c, 2000);
    asked->progress = draw(c, 2);
    *owed = (struct owed){
        .owed = true,
        .asked = *asked,
        .deadline_at_ns = asked->deadline_ms ? c->now_ns + asked->deadline_ms * MS : NEVER,
    };
    send(c, EVENT_CLIENT_MESSAGE, client_number(client), &message);
}

static void do_cancel(struct chaos *c)
{
    unsigned client = (unsigned)draw(c, CLIENTS), id = 1 + (unsigned)draw(c, IDS);
    struct message message = {.type = MESSAGE_CANCEL, .cancel.id = id};

    c->owed[client][id - 1].cancelled = true;
    send(c, EVENT_CLIENT_MESSAGE, client_number(client), &message);
}

static void do_client_lost(struct chaos *c)
{
    unsigned client = (unsigned)draw(c, CLIENTS);

    for (unsigned i = 0; i < IDS; i++)
        c->owed[client][i].owed = false;
    send(c, EVENT_CLIENT_LOST, client_number(client), NULL);
}

/* ---- workers ----------------------------------------------------------------------------- */

static uint32_t some_worker(struct chaos *c)
{
    return c->threads + (uint32_t)draw(c, WORKERS - c->threads);
}

static void join(struct chaos *c, uint32_t worker, uint32_t cores)
{
    struct message message = {.type = MESSAGE_JOIN};

    message.join.digest = DIGEST_OF_TESTS + (draw(c, 20) == 0);
    message.join.capacity = cores;
    peer_reset(c, worker);
    c->workers[worker].cores = cores;
    send(c, EVENT_WORKER_MESSAGE, worker, &message);
}

static void do_join(struct chaos *c)
{
    join(c, some_worker(c), (uint32_t)draw(c, CORES_MAX + 1));
}

static void send_heartbeat(struct chaos *c, uint32_t worker, uint32_t cores)
{
    struct message message = {.type = MESSAGE_HEARTBEAT, .heartbeat.capacity = cores};

    c->workers[worker].cores = cores;
    c->workers[worker].resting = false;
    send(c, EVENT_WORKER_MESSAGE, worker, &message);
}

static void do_beat(struct chaos *c)
{
    uint32_t worker = some_worker(c);

    send_heartbeat(c, worker,
                   draw(c, 4) ? c->workers[worker].cores : (uint32_t)draw(c, CORES_MAX + 1));
}

static void do_leave(struct chaos *c)
{
    uint32_t worker = some_worker(c);
    struct message message = {.type = MESSAGE_LEAVE};

    c->workers[worker].leaving = true;
    send(c, EVENT_WORKER_MESSAGE, worker, &message);
}

/* Any span that the worker held may have crashed it. */
static void do_worker_lost(struct chaos *c)
{
    uint32_t worker = some_worker(c);

    for (unsigned i = 0; i < c->run_count; i++) {
        const struct run_seen *run = &c->runs[i];
        struct owed *owed = owed_for(c, &run->asked);
        if (owed && run->worker == worker && !run->ended && !run->cancelled)
            owed->deaths++;
    }
    peer_reset(c, worker);
    send(c, EVENT_WORKER_LOST, worker, NULL);
}

/* A random run: any, or one that has not ended (awaited). */
static struct run_seen *some_run(struct chaos *c, bool awaited)
{
    unsigned from = c->run_count ? (unsigned)draw(c, c->run_count) : 0;

    for (unsigned i = 0; i < c->run_count; i++) {
        struct run_seen *run = &c->runs[(from + i) % c->run_count];
        if (!awaited || !run->ended)
            return run;
    }
    return NULL;
}

static void run_ended(struct chaos *c, struct run_seen *run)
{
    c->workers[run->worker].held -= !run->ended;
    run->ended = true;
}

static struct message total_message(struct chaos *c, const struct run_seen *run)
{
    uint64_t blocks = run->asked.count / BLOCK_SAMPLES + 1;

    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = total_of(&run->asked, blocks * (20000 + draw(c, 500000))),
    };
}

static void do_total(struct chaos *c)
{
    struct run_seen *run = some_run(c, true);

    if (!run)
        return;
    struct message message = total_message(c, run);
    run_ended(c, run);
    send(c, EVENT_WORKER_MESSAGE, run->worker, &message);
}

/* A total of a run that has ended, or from another worker. A compute thread sends each total once.
 */
static void do_stale_total(struct chaos *c)
{
    const struct run_seen *run = some_run(c, false);
    uint32_t worker = some_worker(c);

    if (!run || (!run->ended && run->worker == worker))
        return;
    struct message message = total_message(c, run);
    send(c, EVENT_WORKER_MESSAGE, worker, &message);
}

/* The dispatcher drops the worker, unless the run is cancelled. */
static void do_wrong_total(struct chaos *c)
{
    struct run_seen *run = some_run(c, true);

    if (!run || run->worker < c->threads)
        return;
    struct message message = total_message(c, run);
    message.sum_reply.count++;
    run_ended(c, run);
    send(c, EVENT_WORKER_MESSAGE, run->worker, &message);
}

static void do_refuse(struct chaos *c)
{
    static const enum refusal_code codes[] = {REFUSAL_BUSY, REFUSAL_BUSY, REFUSAL_STOPPING,
                                              REFUSAL_WORKERS_LOST, REFUSAL_CANCELLED};
    struct run_seen *run = some_run(c, true);
    struct message message = {.type = MESSAGE_REFUSAL};

    if (!run || run->worker < c->threads)
        return;
    message.refusal.id = run->asked.id;
    message.refusal.code = codes[draw(c, sizeof codes / sizeof *codes)];
    struct owed *owed = owed_for(c, &run->asked);
    if (!run->cancelled && message.refusal.code == REFUSAL_WORKERS_LOST)
        owed->deaths++;
    else if (!run->cancelled && message.refusal.code == REFUSAL_STOPPING)
        c->workers[run->worker].leaving = true;
    else if (!run->cancelled)
        c->workers[run->worker].resting = true;
    run_ended(c, run);
    send(c, EVENT_WORKER_MESSAGE, run->worker, &message);
}

/* ---- time -------------------------------------------------------------------------------- */

/* Advances the time up to the next due time. In rare cases advances it much further, as if the
 * process had paused. */
static void do_time(struct chaos *c)
{
    int64_t due_at_ns = dispatcher_due_at(c->d);
    int64_t later_ns = c->now_ns + (int64_t)draw(c, 200) * MS;

    if (draw(c, 50) == 0)
        later_ns += 5000 * MS;
    else if (later_ns > due_at_ns)
        later_ns = due_at_ns;
    c->now_ns = later_ns < c->now_ns ? c->now_ns : later_ns;
    send(c, EVENT_TIME, 0, NULL);
    cr_assert(dispatcher_due_at(c->d) > c->now_ns, "due again at once");
}

/* ---- the laws ---------------------------------------------------------------------------- */

static uint64_t seed_at_work;

static void name_the_seed(void)
{
    if (seed_at_work)
        fprintf(stderr, "MEANTIME_TEST_SEED=%" PRIu64 " fails\n", seed_at_work);
}

static void on_abort(int number)
{
    name_the_seed();
    signal(number, SIG_DFL);
    raise(number);
}

static void name_the_seed_of_failed_asserts(void)
{
    signal(SIGABRT, on_abort);
}

static void chaos_init(struct chaos *c, uint64_t seed)
{
    *c = (struct chaos){.chance = {seed}};
    c->threads = (uint32_t)draw(c, 3);
    c->d = dispatcher_new(&(struct dispatcher_settings){
        .requests_max = 20,
        .client_requests_max = 6,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .threads = c->threads,
        .joined_max = WORKERS - c->threads,
        .digest = DIGEST_OF_TESTS,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    });
    for (uint32_t i = 0; i < c->threads; i++)
        c->workers[i] = (struct worker_seen){.joined = true, .cores = 1};
}

static void act(struct chaos *c)
{
    static const struct {
        unsigned weight;
        void (*act)(struct chaos *);
    } acts[] = {
        {200, do_request},    {500, do_total},      {80, do_time},       {20, do_cancel},
        {5, do_client_lost},  {30, do_join},        {80, do_beat},       {5, do_leave},
        {15, do_worker_lost}, {30, do_stale_total}, {5, do_wrong_total}, {30, do_refuse},
    };
    unsigned i = 0, n = (unsigned)draw(c, 1000);

    while (n >= acts[i].weight)
        n -= acts[i++].weight;
    acts[i].act(c);
}

/* A correct worker joins and finishes all requests. */
static void settle(struct chaos *c)
{
    for (int i = 0; i < 100000 && (some_run(c, true) || dispatcher_busy(c->d)); i++) {
        if (!c->workers[WORKERS - 1].joined || c->workers[WORKERS - 1].leaving)
            join(c, WORKERS - 1, CORES_MAX);
        else if (i % 16 == 0)
            send_heartbeat(c, WORKERS - 1, CORES_MAX);
        do_total(c);
        if (i % 64 == 0)
            do_time(c);
    }
}

/* The sums of all counters over all seeds. */
static struct counters met;

static void meet(const struct counters *counters)
{
    met.answered += counters->answered;
    met.refused += counters->refused;
    met.requeued += counters->requeued;
    met.given_twice += counters->given_twice;
    met.duplicates += counters->duplicates;
    met.workers_lost += counters->workers_lost;
}

static void check_end(const struct chaos *c)
{
    struct status_reply status;

    check_nothing_left(c->d);
    for (unsigned i = 0; i < CLIENTS * IDS; i++)
        cr_assert_not(c->owed[i / IDS][i % IDS].owed, "an answer is owed");
    dispatcher_status(c->d, c->now_ns, &(struct status_request){0}, NULL, &status);
    cr_assert(status.counters.answered == c->answered);
    cr_assert(status.counters.refused == c->refused);
    meet(&status.counters);
}

static void run_seed(uint64_t seed)
{
    static struct chaos c;

    seed_at_work = seed;
    chaos_init(&c, seed);
    for (int i = 0; i < STEPS; i++)
        act(&c);
    if (draw(&c, 4) == 0) {
        c.stopping = true;
        send(&c, EVENT_STOP, 0, NULL);
    }
    settle(&c);
    check_end(&c);
    dispatcher_destroy(&c.d);
    seed_at_work = 0;
}

Test(laws, every_request_gets_one_correct_answer_and_nothing_is_left,
     .init = name_the_seed_of_failed_asserts, .fini = name_the_seed)
{
    const char *alone = getenv("MEANTIME_TEST_SEED");

    if (alone) {
        run_seed(strtoull(alone, NULL, 0));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
    cr_assert(met.answered > 10 * SEEDS && met.refused > 10 * SEEDS, "too few events");
    cr_assert(met.requeued > 10 * SEEDS && met.duplicates > 10 * SEEDS);
    cr_assert(met.given_twice > SEEDS / 4 && met.workers_lost > 4 * SEEDS);
}

/* ---- bounds ------------------------------------------------------------------------------ */

#define FULL_CORES   (WORKER_CREDIT_MAX / WORKER_CREDIT)
#define FULL_WORKERS (RUNS_MAX / WORKER_CREDIT_MAX)

/* The number of runs that this event starts. Writes the last of them. */
static uint32_t starts(struct dispatcher *d, enum event_type type, uint32_t peer,
                       const struct message *message, struct effect *last)
{
    struct effect effect;
    uint32_t count = 0;

    dispatcher_step(d, 0, &(struct event){.type = type, .client = peer, .message = message});
    while (dispatcher_next(d, &effect))
        if (effect.message.type == MESSAGE_SUM_REQUEST) {
            *last = effect;
            count++;
        }
    return count;
}

Test(bounds, a_worker_beyond_the_maximum_of_runs_waits_until_a_run_ends)
{
    struct dispatcher *d = dispatcher_new(&(struct dispatcher_settings){
        .requests_max = 1,
        .client_requests_max = 1,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .joined_max = FULL_WORKERS + 1,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    });
    struct message message = {.type = MESSAGE_SUM_REQUEST};
    struct effect last;

    message.sum_request = request_of(0, 1, 0, SAMPLE_END_MAX);
    cr_assert(starts(d, EVENT_CLIENT_MESSAGE, 0, &message, &last) == 0);
    message = (struct message){.type = MESSAGE_JOIN, .join.capacity = FULL_CORES};
    for (uint32_t i = 0; i < FULL_WORKERS; i++)
        cr_assert(starts(d, EVENT_WORKER_MESSAGE, i, &message, &last) == WORKER_CREDIT_MAX);
    check_state(d);
    struct effect none;
    cr_assert(starts(d, EVENT_WORKER_MESSAGE, FULL_WORKERS, &message, &none) == 0);
    message = (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = total_of(&last.message.sum_request, 1000),
    };
    cr_assert(starts(d, EVENT_WORKER_MESSAGE, last.worker, &message, &last) == 1);
    cr_assert(last.worker == FULL_WORKERS);
    check_state(d);
    dispatcher_destroy(&d);
}
