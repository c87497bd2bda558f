/* The workers: their speed, their load, and the time of their last message. See workers.h. */
#include "server/core/workers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "sums/stream.h"

/* Assumed before the first measurement: about the time of the portable kernel. */
#define BLOCK_NS_GUESS (100 * NS_PER_US)

/* The times that workers report are limited to this range. A block in 1 us is ten times faster than
 * any core; 10 s for a block is slower than any computer. */
#define BLOCK_NS_MIN 1e3
#define BLOCK_NS_MAX 1e10

/* A worker is at most this many times faster or slower than the average, for terms. */
#define RELATIVE_MAX 64

/* Less work than this says nothing about the speed of a worker, because its time is mostly that of
 * the messages. */
#define TERMS_BLOCKS_MIN 0.5

/* After its worker was busy for about this time, a total counts half. The window covers several
 * periods of a CPU quota, which are 100 ms long unless set otherwise: the kernel lets a worker with
 * a quota compute at full speed, and then stops all its threads until the period ends. */
#define PACE_WINDOW_NS 500e6

/* A worker may hold this many times the runs that its throughput needs, so that its throughput can
 * grow.
 */
#define RUNS_ROOM 2

/* The shortest reported time of a block grows by this part at each report, so that one wrong report
 * does not count for ever. */
#define BEST_GROWTH (1 / 256.)

/* The same for the latency. It is at least LATENCY_NS_MIN, because 0 would not grow. */
#define LATENCY_GROWTH (1 / 256.)
#define LATENCY_NS_MIN 10e3 /* ns */

/* A span of a joined worker takes at least this long at full speed, except at the end of a request.
 * If all spans of a worker end within one burst of its quota, shorter spans would make it slower
 * still. */
#define BURST_NS 1e6

/* The longest span of a worker is this part of the time for which its pace is known. */
#define PROVEN_PART 4

#define WORKER_BUG WORKER_STATES

/* clang-format off */
static const enum worker_state worker_after[WORKER_STATES][WORKER_EVENTS] = {
    /*                    JOIN           HEARTBEAT       REFUSAL         LEAVE           LOST       */
    [WORKER_FREE]    = { WORKER_JOINED, WORKER_BUG,     WORKER_BUG,     WORKER_BUG,     WORKER_BUG  },
    [WORKER_JOINED]  = { WORKER_BUG,    WORKER_JOINED,  WORKER_RESTING, WORKER_LEAVING, WORKER_FREE },
    [WORKER_RESTING] = { WORKER_BUG,    WORKER_JOINED,  WORKER_RESTING, WORKER_LEAVING, WORKER_FREE },
    [WORKER_LEAVING] = { WORKER_BUG,    WORKER_LEAVING, WORKER_LEAVING, WORKER_LEAVING, WORKER_FREE },
};
/* clang-format on */

static void worker_move(struct worker *worker, enum worker_event event)
{
    worker->state = worker_after[worker->state][event];
    assert(worker->state != WORKER_BUG);
}

/* ---- readiness --------------------------------------------------------------------------- */

static uint32_t worker_credit(const struct worker *worker)
{
    uint64_t credit = (uint64_t)worker->capacity * WORKER_CREDIT;

    return credit < WORKER_CREDIT_MAX ? (uint32_t)credit : WORKER_CREDIT_MAX;
}

/* The index of its list in workers.ready, or -1 if it gets no span now. */
static int worker_level(const struct worker *worker)
{
    if (worker->state != WORKER_JOINED || worker->held >= worker->runs_max ||
        worker->held >= (uint64_t)worker->capacity * WORKER_CREDIT)
        return -1;
    return (int)(worker->held / worker->capacity);
}

/* Counts the worker as ready (change: 1), or not as ready any more (-1), for each of its skills. */
static void workers_count_ready(struct workers *workers, const struct worker *worker, int change)
{
    for (skill_set left = worker->skills; left; left &= left - 1)
        workers->ready_of[skill_lowest(left)] += (uint32_t)change;
}

/* Moves the worker to the end of the list that fits its load. */
static void worker_update_level(struct workers *workers, struct worker *worker)
{
    int level = worker_level(worker);

    if (worker->level >= 0)
        TAILQ_REMOVE(&workers->ready[worker->level], worker, in_ready);
    if ((worker->level >= 0) != (level >= 0))
        workers_count_ready(workers, worker, level >= 0 ? 1 : -1);
    worker->level = level;
    if (level >= 0)
        TAILQ_INSERT_TAIL(&workers->ready[level], worker, in_ready);
}

static bool worker_has(const struct worker *worker, uint32_t skill)
{
    return worker->skills & skill_bit(skill);
}

struct worker *workers_ready(const struct workers *workers, uint32_t skill)
{
    struct worker *worker;

    if (workers->ready_of[skill] == 0)
        return NULL;
    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH (worker, &workers->ready[level], in_ready)
            if (worker_has(worker, skill))
                return worker;
    return NULL;
}

uint32_t worker_cores(const struct worker *worker)
{
    return worker->capacity < worker->runs_max ? worker->capacity : worker->runs_max;
}

bool worker_proven(const struct worker *worker)
{
    return worker->thread || worker->samples > 0 || worker->terms > 0;
}

static bool worker_holds(const struct worker *worker, const struct span *span)
{
    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++)
        if (span->runs[i] && span->runs[i]->worker == worker)
            return true;
    return false;
}

struct worker *workers_ready_for(const struct workers *workers, const struct span *span)
{
    struct worker *worker;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH (worker, &workers->ready[level], in_ready)
            if (worker_has(worker, span->request->skill) && !worker_holds(worker, span))
                return worker;
    return NULL;
}

struct worker *workers_idle(const struct workers *workers, uint32_t skill, const struct worker *but)
{
    struct worker *worker;

    if (workers->ready_of[skill] == 0)
        return NULL;
    TAILQ_FOREACH (worker, &workers->ready[0], in_ready)
        if (worker != but && worker_has(worker, skill))
            return worker;
    return NULL;
}

/* ---- speed ------------------------------------------------------------------------------- */

/* Adds the worker to the speed and the capacity of all workers (sign: 1), or subtracts it (-1). A
 * leaving worker does not count. */
static void workers_account(struct workers *workers, const struct worker *worker, int sign)
{
    if (worker->state == WORKER_LEAVING)
        return;
    workers->capacity += (uint64_t)(int64_t)sign * worker->capacity;
    for (int kind = 0; kind < KINDS; kind++)
        workers->speed[kind] += sign * (worker_cores(worker) / worker->block_ns[kind]);
    for (skill_set left = worker->skills; left; left &= left - 1) {
        struct skill *skill = &workers->skills.all[skill_lowest(left)];
        skill->workers += (uint32_t)(worker->capacity > 0 ? sign : 0);
        skill->capacity += (uint64_t)(int64_t)sign * worker->capacity;
    }
}

/* Assumes that the worker has all the cores that it says it has. */
static void worker_trust(struct worker *worker)
{
    worker->runs_max = WORKER_CREDIT_MAX;
    worker->totals = 0;
}

void workers_set_capacity(struct workers *workers, struct worker *worker, uint32_t capacity)
{
    if (worker->capacity == capacity)
        return;
    workers_account(workers, worker, -1);
    if (capacity > worker->capacity)
        worker_trust(worker);
    worker->capacity = capacity;
    workers_account(workers, worker, 1);
    worker_update_level(workers, worker);
}

static void worker_set_skills(struct workers *workers, struct worker *worker, skill_set skills)
{
    workers_account(workers, worker, -1);
    if (worker->level >= 0)
        workers_count_ready(workers, worker, -1);
    worker->skills = skills;
    if (worker->level >= 0)
        workers_count_ready(workers, worker, 1);
    workers_account(workers, worker, 1);
}

static void skills_keep_all(struct skills *skills, skill_set set)
{
    for (; set; set &= set - 1)
        skills_keep(skills, skill_lowest(set));
}

static void skills_drop_all(struct skills *skills, skill_set set)
{
    for (; set; set &= set - 1)
        skills_drop(skills, skill_lowest(set));
}

static void note_loss(struct workers *workers, const struct worker *worker, uint32_t skill,
                      enum skill_loss_reason reason, const struct offers *instead)
{
    const struct skill *lost = &workers->skills.all[skill];

    if (workers->loss_count == SKILL_LOSSES_MAX)
        return;
    struct skill_loss *loss = &workers->losses[workers->loss_count++];
    *loss = (struct skill_loss){
        .worker = workers_number(workers, worker), .reason = reason, .build = lost->build};
    strcpy(loss->summand, lost->name);
    for (uint32_t i = 0; i < instead->count; i++)
        if (strcmp(instead->list[i].name, lost->name) == 0)
            loss->other_build = instead->list[i].build;
}

static void note_withdrawn(struct workers *workers, const struct worker *worker, skill_set lost,
                           const struct offers *offers)
{
    for (; lost; lost &= lost - 1)
        note_loss(workers, worker, skill_lowest(lost), SKILL_WITHDRAWN, offers);
}

bool workers_next_loss(struct workers *workers, struct skill_loss *loss)
{
    if (workers->loss_count == 0)
        return false;
    *loss = workers->losses[--workers->loss_count];
    return true;
}

bool workers_set_offers(struct workers *workers, struct worker *worker, const struct offers *offers)
{
    skill_set before = worker->skills, after = skill_bit(SKILL_SAMPLES);

    for (uint32_t i = 0; i < offers->count; i++)
        after |= skill_bit(skills_learn(&workers->skills, &offers->list[i]));
    after &= ~worker->banned;
    if (after == before)
        return false;
    note_withdrawn(workers, worker, before & ~after, offers);
    skills_keep_all(&workers->skills, after & ~before);
    worker_set_skills(workers, worker, after);
    skills_drop_all(&workers->skills, before & ~after);
    return true;
}

void workers_lose_skill(struct workers *workers, struct worker *worker, uint32_t skill,
                        enum skill_loss_reason reason)
{
    static const struct offers none = {0};

    if (!worker_has(worker, skill))
        return;
    note_loss(workers, worker, skill, reason, &none);
    worker_set_skills(workers, worker, worker->skills & ~skill_bit(skill));
    if (reason == SKILL_OTHER_BITS)
        worker->banned |= skill_bit(skill); /* this use keeps the skill */
    else
        skills_drop(&workers->skills, skill);
}

/* Heights above HEIGHT_MAX count as HEIGHT_MAX. */
static uint32_t height_within(uint32_t height)
{
    return height < HEIGHT_MAX ? height : HEIGHT_MAX;
}

void workers_set_height(struct workers *workers, struct worker *worker, uint32_t height)
{
    workers->of_height[worker->height]--;
    worker->height = height_within(height);
    workers->of_height[worker->height]++;
}

uint32_t workers_height(const struct workers *workers)
{
    uint32_t height = HEIGHT_MAX + 1;

    while (height > 0 && workers->of_height[height - 1] == 0)
        height--;
    return height;
}

/* Counts the time since the last call. Each span that waits behind the spans of all cores takes no
 * time of a core. */
static void worker_count_use(struct worker *worker, int64_t now_ns)
{
    struct use *use = &worker->use;
    double ns = (double)(now_ns - use->counted_to_ns);

    use->counted_to_ns = now_ns;
    if (worker->thread || worker->held == 0)
        return;
    use->busy_ns += ns;
    use->core_ns += ns * (worker->held < worker->capacity ? worker->held : worker->capacity);
}

/* The latency is the shortest time of a run without its computing, if the run did not wait for a
 * core. If it counted as computing time, short spans would make a distant worker look slow, and a
 * slow worker gets short spans. The cores of a worker may compute the blocks of a span at the same
 * time, and the worker reports the time of all cores added. */
static void worker_count_latency(struct worker *worker, const struct run *run, double blocks,
                                 uint64_t compute_ns, int64_t now_ns)
{
    double cores = blocks < worker->capacity ? blocks : worker->capacity;
    double ns = (double)(now_ns - run->held_at_ns) - (double)compute_ns / cores;

    if (!run->at_once)
        return;
    worker->latency_ns *= 1 + LATENCY_GROWTH;
    if (worker->latency_ns < 0 || ns < worker->latency_ns)
        worker->latency_ns = ns > LATENCY_NS_MIN ? ns : LATENCY_NS_MIN;
}

/* A total has arrived. The time since the total before belongs to this one. */
static void worker_count_pace(struct worker *worker, unsigned kind, double blocks, int64_t now_ns)
{
    struct pace *pace = &worker->pace[kind];
    struct use *use = &worker->use;

    worker_count_use(worker, now_ns);
    double kept = PACE_WINDOW_NS / (PACE_WINDOW_NS + use->busy_ns);
    double latency_ns = worker->latency_ns > 0 ? worker->latency_ns : 0;
    double core_ns = use->core_ns > latency_ns ? use->core_ns - latency_ns : 0;
    pace->core_ns = pace->core_ns * kept + core_ns;
    pace->work_ns = pace->work_ns * kept + blocks * worker->best_ns[kind] + latency_ns;
    pace->busy_ns = pace->busy_ns * kept + use->busy_ns;
    pace->blocks = pace->blocks * kept + blocks;
    pace->proven_ns += use->busy_ns;
    use->core_ns = use->busy_ns = 0;
}

static double within(unsigned kind, double ns)
{
    bool terms = kind == MESSAGE_KIND_NONE;
    double least = terms ? (double)TERMS_BLOCK_NS / RELATIVE_MAX : BLOCK_NS_MIN;
    double most = terms ? (double)TERMS_BLOCK_NS * RELATIVE_MAX : BLOCK_NS_MAX;

    ns = ns < least ? least : ns;
    return ns > most ? most : ns;
}

/* The mean of the first four reports. Each later report counts for a quarter. */
static void worker_count_report(struct worker *worker, unsigned kind, double block_ns)
{
    double *reported_ns = &worker->reported_ns[kind];

    if (worker->measured[kind] < 4)
        worker->measured[kind]++;
    block_ns = within(kind, block_ns);
    *reported_ns += (block_ns - *reported_ns) / worker->measured[kind];
    worker->best_ns[kind] *= 1 + BEST_GROWTH;
    if (worker->measured[kind] == 1 || worker->best_ns[kind] > block_ns)
        worker->best_ns[kind] = block_ns;
}

static uint32_t runs_within(double runs)
{
    if (runs < WORKER_CREDIT)
        return WORKER_CREDIT;
    return runs < WORKER_CREDIT_MAX ? (uint32_t)runs : WORKER_CREDIT_MAX;
}

/* If a worker has fewer cores than its Join says, more runs do not make it faster. Its threads then
 * only take computing time from other programs of its machine, and more work waits while its quota
 * is used up. The throughput and the shortest time of a block say how many cores compute at full
 * speed or wait for messages. The first totals say little, because they arrive while most runs
 * are not finished. If the worker holds fewer runs than it may, its throughput says nothing about
 * its cores. */
static void worker_limit_runs(struct worker *worker, unsigned kind)
{
    const struct pace *pace = &worker->pace[kind];
    uint32_t credit = worker_credit(worker);

    worker->totals += worker->totals < WORKER_CREDIT_MAX;
    if (worker->thread || worker->totals < credit || pace->busy_ns <= 0)
        return;
    double cores = pace->work_ns / pace->busy_ns;
    uint32_t runs_max = runs_within(RUNS_ROOM * WORKER_CREDIT * cores);
    if (runs_max > worker->runs_max || worker->held >= credit || worker->held >= worker->runs_max)
        worker->runs_max = runs_max;
}

/* A worker reports the time of each span, but not the time for which the kernel stopped the worker
 * between two spans. Spans that end within a burst would make a worker with a CPU quota look as
 * fast as one without. So what the worker delivers counts, by the clock of this server, if that is
 * slower. */
static void count_measured(struct workers *workers, const struct run *run, double blocks,
                           uint64_t compute_ns, int64_t now_ns)
{
    struct worker *worker = run->worker;
    const struct pace *pace = &worker->pace[run->kind];

    workers_account(workers, worker, -1);
    worker_count_report(worker, run->kind, (double)compute_ns / blocks);
    worker_count_latency(worker, run, blocks, compute_ns, now_ns);
    worker_count_pace(worker, run->kind, blocks, now_ns);
    double held_ns = within(run->kind, pace->core_ns / pace->blocks);
    double reported_ns = worker->reported_ns[run->kind];
    worker->block_ns[run->kind] = held_ns > reported_ns ? held_ns : reported_ns;
    worker_limit_runs(worker, run->kind);
    workers_account(workers, worker, 1);
}

/* A run that says nothing about its worker. */
static void count_nothing(struct worker *worker, int64_t now_ns)
{
    worker->use = (struct use){.counted_to_ns = now_ns};
}

void workers_measured(struct workers *workers, struct run *run, uint64_t samples,
                      uint64_t compute_ns, int64_t now_ns)
{
    run->worker->samples += samples;
    if (samples < BLOCK_SAMPLES)
        count_nothing(run->worker, now_ns);
    else
        count_measured(workers, run, (double)samples / BLOCK_SAMPLES, compute_ns, now_ns);
}

/* Only the reports count. By the clock of this server, short spans would make a distant worker look
 * slow, and a slow worker gets short spans. */
void workers_measured_terms(struct workers *workers, struct run *run, uint64_t terms, double blocks,
                            uint64_t compute_ns, int64_t now_ns)
{
    struct worker *worker = run->worker;

    worker_count_use(worker, now_ns);
    worker->pace[MESSAGE_KIND_NONE].proven_ns += worker->use.busy_ns;
    worker->terms += terms;
    count_nothing(worker, now_ns);
    if (blocks < TERMS_BLOCKS_MIN)
        return;
    workers_account(workers, worker, -1);
    worker_count_report(worker, MESSAGE_KIND_NONE, (double)compute_ns / blocks);
    worker->block_ns[MESSAGE_KIND_NONE] = worker->reported_ns[MESSAGE_KIND_NONE];
    workers_account(workers, worker, 1);
}

static uint64_t blocks_in(double ns, double block_ns)
{
    double blocks = ns / block_ns;

    return blocks > 1 ? (uint64_t)blocks : 1;
}

/* Towards the end of a request, spans shrink so that all workers finish together. No span takes
 * less time than this. */
#define SPAN_NS_MIN (100 * NS_PER_US)

/* The longest time that one core may need for a span. Only a span of one block may take longer. */
static double span_ns_max(const struct workers *workers, const struct worker *worker)
{
    return (double)(worker->thread ? THREAD_SPAN_NS : workers->span_ns);
}

/* The longest time that one core may need for a new span. A joined worker may have more cores by
 * its Join than it may use. So the first spans of a worker are short, and grow while the worker
 * delivers. The more cores it claims, the sooner its totals show its pace, and the less work
 * should wait in case the claim is wrong. */
static double new_span_ns_max(const struct workers *workers, const struct worker *worker,
                              enum message_kind kind)
{
    double most_ns = span_ns_max(workers, worker);
    double first_ns = most_ns / worker->capacity / worker->capacity;
    double proven_ns = worker->pace[kind].proven_ns / PROVEN_PART;
    double ns = first_ns > proven_ns ? first_ns : proven_ns;

    return worker->thread || ns > most_ns ? most_ns : ns;
}

/* The fewest blocks of a new span of `ns`. The first totals of a worker say little about its cores.
 */
static uint64_t blocks_of_burst(const struct worker *worker, enum message_kind kind, double ns)
{
    if (worker->thread || worker->totals < worker_credit(worker))
        return 1;
    return blocks_in(ns < BURST_NS ? ns : BURST_NS, worker->best_ns[kind]);
}

/* Guided self-scheduling (Polychronopoulos and Kuck, 1987): a span is half of this core's share of
 * the work left, by the speeds of all workers. Its time is limited to SPAN_NS_MIN up to the time of
 * a span.
 * left: blocks. speed: blocks per ns. */
static double span_ns(const struct workers *workers, const struct worker *worker,
                      enum message_kind kind, double left, double speed)
{
    double most_ns = new_span_ns_max(workers, worker, kind);
    double least_ns = most_ns < SPAN_NS_MIN ? most_ns : SPAN_NS_MIN;
    double ns = left / speed / 2;

    ns = ns < least_ns ? least_ns : ns;
    return ns > most_ns ? most_ns : ns;
}

/* Only workers with the skill count. */
double workers_span_blocks(const struct workers *workers, const struct worker *worker,
                           uint32_t skill, double left)
{
    double share = (double)workers->skills.all[skill].capacity / (double)workers->capacity;
    double ns = span_ns(workers, worker, MESSAGE_KIND_NONE, left,
                        workers->speed[MESSAGE_KIND_NONE] * share);

    return ns / worker->block_ns[MESSAGE_KIND_NONE];
}

/* The span ends at the end of a block. */
uint64_t workers_span_size(const struct workers *workers, const struct worker *worker,
                           enum message_kind kind, uint64_t first, uint64_t left)
{
    double ns = span_ns(workers, worker, kind, (double)left / BLOCK_SAMPLES, workers->speed[kind]);
    uint64_t blocks = blocks_in(ns, worker->block_ns[kind]);
    uint64_t least = blocks_of_burst(worker, kind, ns);
    uint64_t size = (blocks > least ? blocks : least) * BLOCK_SAMPLES - first % BLOCK_SAMPLES;
    return size < left ? size : left;
}

/* ---- load -------------------------------------------------------------------------------- */

/* A span of samples that was cut for a faster worker takes longer here than a span of this worker.
 * The run is nevertheless late after the time of one span, so that an idle worker can get the span
 * too. A term may take longer than a span should. */
static double expected_ns(const struct workers *workers, const struct run *run, double blocks)
{
    double ns = blocks * run->worker->block_ns[run->kind];
    double most_ns = span_ns_max(workers, run->worker);

    return ns < most_ns || run->kind == MESSAGE_KIND_NONE ? ns : most_ns;
}

/* Returns how much longer a span takes because it has fewer terms than its worker has cores, so
 * that some of the cores are idle. */
static double uncut_ns(const struct run *run, double ns, uint64_t count, uint32_t cores)
{
    if (run->kind != MESSAGE_KIND_NONE || count >= cores)
        return 0;
    return ns / (double)count - ns / cores;
}

void workers_hold(struct workers *workers, struct run *run, double blocks, uint64_t count,
                  int64_t now_ns)
{
    struct worker *worker = run->worker;
    double ns = expected_ns(workers, run, blocks);
    uint32_t cores = worker_cores(worker);
    int64_t more_ns = (int64_t)uncut_ns(run, ns, count, cores);

    run->takes_ns = (int64_t)(ns / cores);
    worker_count_use(worker, now_ns);
    run->held_at_ns = now_ns;
    run->at_once = worker->held < worker->capacity;
    worker->queued_ns += run->takes_ns;
    run->late_at_ns = now_ns + 2 * (worker->queued_ns + more_ns) + LATE_NS;
    TAILQ_INSERT_TAIL(&worker->runs, run, in_worker);
    worker->held++;
    workers->held++;
    worker_update_level(workers, worker);
}

/* Without a total, the run's share of the time since the last total does not count: most such runs
 * are cancelled because their request has ended. */
void workers_release(struct workers *workers, struct run *run, int64_t now_ns)
{
    struct worker *worker = run->worker;

    worker_count_use(worker, now_ns);
    worker->use.core_ns -= worker->use.core_ns / worker->held;
    TAILQ_REMOVE(&worker->runs, run, in_worker);
    worker->held--;
    workers->held--;
    worker->queued_ns -= run->takes_ns;
    worker_update_level(workers, worker);
}

/* ---- membership -------------------------------------------------------------------------- */

bool workers_init(struct workers *workers, uint32_t threads, uint32_t joined_max, int64_t span_ns,
                  const struct offers *offers)
{
    uint32_t workers_max = threads + joined_max;

    *workers = (struct workers){
        .table =
            calloc(workers_max + 1, sizeof *workers->table), /* + 1: calloc(0) may return NULL */
        .threads = threads,
        .workers_max = workers_max,
        .span_ns = span_ns,
    };
    TAILQ_INIT(&workers->by_silence);
    TAILQ_INIT(&workers->joined);
    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_INIT(&workers->ready[level]);
    if (!workers->table)
        return false;
    for (uint32_t i = 0; i < threads; i++) {
        struct join join = {.capacity = 1, .offers = *offers};
        snprintf(join.name, sizeof join.name, "thread %u", (unsigned)i + 1);
        workers_join(workers, &workers->table[i], &join, 0);
    }
    return true;
}

void workers_clear(struct workers *workers)
{
    free(workers->table);
}

struct worker *workers_at(const struct workers *workers, uint32_t number)
{
    return number < workers->workers_max ? &workers->table[number] : NULL;
}

uint32_t workers_number(const struct workers *workers, const struct worker *worker)
{
    return (uint32_t)(worker - workers->table);
}

void workers_join(struct workers *workers, struct worker *worker, const struct join *join,
                  int64_t now_ns)
{
    worker_move(worker, WORKER_EVENT_JOIN);
    worker->thread = workers_number(workers, worker) < workers->threads;
    worker->capacity = join->capacity;
    worker->height = height_within(join->height);
    worker->held = 0;
    worker_trust(worker);
    worker->latency_ns = -1;
    worker->level = -1;
    worker->samples = worker->terms = 0;
    worker->skills = skill_bit(SKILL_SAMPLES);
    worker->banned = worker->verified = 0;
    worker->joined++;
    worker->queued_ns = 0;
    worker->received_at_ns = now_ns;
    worker->use = (struct use){.counted_to_ns = now_ns};
    snprintf(worker->name, sizeof worker->name, "%s", join->name);
    snprintf(worker->kernel, sizeof worker->kernel, "%s", join->kernel);
    for (int kind = 0; kind < KINDS; kind++) {
        worker->block_ns[kind] = worker->reported_ns[kind] = BLOCK_NS_GUESS;
        worker->best_ns[kind] = BLOCK_NS_GUESS;
        worker->measured[kind] = 0;
        worker->pace[kind] = (struct pace){0};
    }
    TAILQ_INIT(&worker->runs);
    if (!worker->thread) {
        TAILQ_INSERT_TAIL(&workers->by_silence, worker, in_by_silence);
        TAILQ_INSERT_TAIL(&workers->joined, worker, in_joined);
        workers->of_height[worker->height]++;
    }
    workers->worker_count++;
    workers_account(workers, worker, 1);
    worker_update_level(workers, worker);
    workers_set_offers(workers, worker, &join->offers);
}

void workers_remove(struct workers *workers, struct worker *worker)
{
    assert(!worker->thread);
    assert(worker->held == 0);
    workers_account(workers, worker, -1);
    worker_move(worker, WORKER_EVENT_LOST);
    worker_update_level(workers, worker);
    if (workers->heartbeat_next == worker)
        workers->heartbeat_next = TAILQ_NEXT(worker, in_joined);
    skills_drop_all(&workers->skills,
                    (worker->skills | worker->banned) & ~skill_bit(SKILL_SAMPLES));
    TAILQ_REMOVE(&workers->by_silence, worker, in_by_silence);
    TAILQ_REMOVE(&workers->joined, worker, in_joined);
    workers->of_height[worker->height]--;
    if (--workers->worker_count == 0)
        for (int kind = 0; kind < KINDS; kind++)
            workers->speed[kind] = 0; /* exactly: drop the rounding errors */
}

void workers_apply(struct workers *workers, struct worker *worker, enum worker_event event)
{
    enum worker_state before = worker->state;

    workers_account(workers, worker, -1);
    worker_move(worker, event);
    workers_account(workers, worker, 1);
    if (worker->state != before)
        worker_update_level(workers, worker); /* else it keeps its place in the list */
}

void workers_received(struct workers *workers, struct worker *worker, int64_t now_ns)
{
    worker->received_at_ns = now_ns;
    TAILQ_REMOVE(&workers->by_silence, worker, in_by_silence);
    TAILQ_INSERT_TAIL(&workers->by_silence, worker, in_by_silence);
}
