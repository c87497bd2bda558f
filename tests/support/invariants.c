/* The invariants of a dispatcher: see invariants.h. */
#include "tests/support/invariants.h"

#include <stddef.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/assign.h"
#include "server/core/audits.h"
#include "server/core/dispatcher_state.h"

/* Returns the text of the call from the calling function, unless it is NULL. */
#define RETURN_WRONG(call)                                                                         \
    do {                                                                                           \
        const char *wrong_ = (call);                                                               \
        if (wrong_)                                                                                \
            return wrong_;                                                                         \
    } while (0)

/* What one pass over the requests and one over the workers count. */
struct census {
    uint32_t skills;              /* skills from this number on were never used */
    uint32_t states[SPAN_STATES]; /* spans in each state; FREE: not counted */
    uint32_t held;                /* runs */
    uint32_t workers;             /* that are not FREE */
    uint32_t ready;               /* in ready lists */
    uint32_t height;              /* one above the highest joined worker */
    uint64_t capacity;            /* cores that do not leave */
    double speed[KINDS];          /* of workers that do not leave, in blocks per ns */
    skill_set known;              /* skills that workers have or have lost */
    struct census_of_skill {
        uint32_t workers;
        uint32_t ready;
        uint32_t uses; /* workers and bans */
        uint64_t capacity;
    } of[SKILLS_MAX]; /* the first `skills` are filled in */
};

static void census_init(struct census *census, const struct dispatcher *d)
{
    uint32_t skills = d->workers.skills.used + 1;

    memset(census, 0, offsetof(struct census, of));
    census->skills = skills;
    for (uint32_t skill = 0; skill < skills; skill++)
        census->of[skill] = (struct census_of_skill){0};
}

/* ---- spans of requests ------------------------------------------------------------------- */

static const char *span_wrong(const struct span *span)
{
    unsigned runs = 0;

    for (unsigned i = 0; i < SPAN_RUNS_MAX; i++) {
        const struct run *run = span->runs[i];
        if (!run)
            continue;
        if (run->span != span || run->state != RUN_RUNNING || run->cancel_due)
            return "a span has a run that is not its own";
        runs++;
    }
    if (runs == 2 && span->runs[0]->worker == span->runs[1]->worker)
        return "one worker has a span twice";
    if (runs != (unsigned)span->state - SPAN_WAITING)
        return "a span's state does not match its runs";
    if (span->deaths >= SPAN_DEATHS_MAX)
        return "a span with too many deaths still exists";
    return NULL;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* Every assigned sample is summed or part of one span. */
static const char *request_wrong(const struct dispatcher *d, const struct request *r,
                                 struct census *census)
{
    const struct span *span;
    uint64_t out = 0;

    TAILQ_FOREACH (span, &r->spans, in_request) {
        if (span->request != r || span->state == SPAN_FREE)
            return "a request has a span that is not its own";
        if (span->count == 0 || span->first < r->asked.first ||
            span->first + span->count > r->asked.first + r->assigned)
            return "a span is outside of the assigned samples";
        RETURN_WRONG(span_wrong(span));
        census->states[span->state]++;
        out += span->count;
    }
    if (r->assigned > r->asked.count || r->total.count + out != r->assigned)
        return "samples are lost or counted twice";
    if (r->total.count == r->asked.count)
        return "a complete request has no answer";
    if (r->deadline_at_ns < d->deadline_at_ns)
        return "no timer is set for a deadline";
    if (r->asked.progress && d->progress_at_ns > d->now_ns + PROGRESS_NS)
        return "no timer is set for progress";
    if ((r->skill != SKILL_SAMPLES) != (r->terms != NULL) || r->skill >= census->skills)
        return "a request needs a skill that does not exist";
    return NULL;
}

static const char *requests_wrong(const struct dispatcher *d, struct census *census)
{
    const struct queue *queue = &d->queue;
    const struct request *r;
    uint32_t open = 0, free = 0;

    TAILQ_FOREACH (r, &queue->open, in_state) {
        if (r->state != REQUEST_OPEN || !r->client || open++ > queue->requests_max)
            return "the list of open requests is wrong";
        RETURN_WRONG(request_wrong(d, r, census));
    }
    TAILQ_FOREACH (r, &queue->free, in_state)
        if (r->state != REQUEST_FREE || free++ > queue->requests_max)
            return "the list of free requests is wrong";
    if (!TAILQ_EMPTY(&queue->outbox))
        return "an answer was not sent";
    if (open != queue->open_count || open + free != queue->requests_used ||
        queue->requests_used > queue->requests_max)
        return "requests are lost";
    return NULL;
}

static const char *client_wrong(const struct dispatcher *d, const struct client *client,
                                uint32_t *requests, uint32_t *runnable)
{
    const struct request *r;
    const struct turn *turn;
    uint32_t count = 0, left = 0, turns = 0;

    TAILQ_FOREACH (r, &client->requests, in_client) {
        if (r->client != client || r->state != REQUEST_OPEN)
            return "a client has a request that is not its own";
        left += request_left(r) > 0;
        count++;
    }
    TAILQ_FOREACH (turn, &client->turns, in_client) {
        if (turn->client != client || TAILQ_EMPTY(&turn->runnable))
            return "a client without samples left has a turn";
        TAILQ_FOREACH (r, &turn->runnable, in_turn)
            if (r->client != client || r->turn != turn || r->skill != turn->skill ||
                request_left(r) == 0 || turns++ > left)
                return "a request without samples left has a turn";
        ++*runnable;
    }
    if (count != client->request_count || count > d->settings.client_requests_max)
        return "a client's requests are miscounted";
    if (left != turns)
        return "a request with samples left has no turn";
    *requests += count;
    return NULL;
}

static const char *clients_wrong(const struct dispatcher *d, const struct census *census)
{
    const struct queue *queue = &d->queue;
    const struct client *client;
    const struct turn *turn;
    uint32_t requests = 0, runnable = 0, turns = 0;

    for (uint32_t i = 0; i < queue->requests_max + 1 + FIXED_CLIENTS; i++) {
        client = &queue->clients[i];
        if (client->request_count == 0 && TAILQ_EMPTY(&client->requests) &&
            TAILQ_EMPTY(&client->turns))
            continue;
        RETURN_WRONG(client_wrong(d, client, &requests, &runnable));
    }
    for (uint32_t skill = 0; skill < census->skills; skill++) {
        uint64_t last = 0;
        if (TAILQ_EMPTY(&queue->turns[skill]) == (queue->wanted >> skill & 1))
            return "the set of wanted skills is wrong";
        TAILQ_FOREACH (turn, &queue->turns[skill], in_skill) {
            if (turn->skill != skill || turn->number <= last || turns++ > runnable)
                return "a turn is in a wrong place";
            last = turn->number;
        }
    }
    if (requests != queue->open_count)
        return "a request has no client";
    return turns == runnable ? NULL : "a client with samples left has no turn";
}

/* ---- spans and runs ---------------------------------------------------------------------- */

static uint32_t spans_length(const struct span_list *list)
{
    const struct span *span;
    uint32_t length = 0;

    TAILQ_FOREACH (span, list, in_waiting)
        length++;
    return length;
}

static uint32_t singles_length(const struct run_list *list)
{
    const struct run *run;
    uint32_t length = 0;

    TAILQ_FOREACH (run, list, in_single)
        length++;
    return length;
}

static const char *spans_wrong(const struct spans *spans, const struct census *census)
{
    const uint32_t *states = census->states;
    const struct span *span;
    uint32_t free = 0, waiting = 0, twice = 0, running = 0;

    TAILQ_FOREACH (span, &spans->free_spans, in_request)
        if (span->state != SPAN_FREE || free++ > spans->spans_used)
            return "the list of free spans is wrong";
    if (spans->spans_used !=
        free + states[SPAN_WAITING] + states[SPAN_RUNNING] + states[SPAN_TWICE])
        return "a span has no request";
    for (uint32_t skill = 0; skill < census->skills; skill++) {
        const struct spans_of_skill *of = &spans->of[skill];
        waiting +=
            spans_length(&of->waiting) + spans_length(&of->suspects) + spans_length(&of->audits);
        twice += spans_length(&of->twice);
        running += singles_length(&of->single);
    }
    return states[SPAN_WAITING] == waiting && states[SPAN_TWICE] == twice &&
                   states[SPAN_RUNNING] == running
               ? NULL
               : "a span is not in the list of its state";
}

static const char *run_wrong(const struct run *run)
{
    if (run->generation == 0)
        return "a run has no generation";
    if ((run->state == RUN_RUNNING) != (run->span != NULL))
        return "a run's state does not match its span";
    if (run->span && run->span->runs[0] != run && run->span->runs[1] != run)
        return "a run's span does not contain the run";
    return NULL;
}

/* All runs are free, or held by a worker. */
static const char *runs_wrong(const struct spans *spans, uint32_t held)
{
    const struct run *run;
    uint32_t free = 0;

    TAILQ_FOREACH (run, &spans->free_runs, in_worker)
        if (run->state != RUN_FREE || run->generation == 0 || free++ > spans->runs_used)
            return "the list of free runs is wrong";
    if (free + held != spans->runs_used)
        return "runs are lost";
    return TAILQ_EMPTY(&spans->cancels) ? NULL : "a cancel was not sent";
}

/* Suspects wait in a list of their own, and are assigned after their rest. */
static const char *suspects_wrong(const struct dispatcher *d, uint32_t skill)
{
    const struct spans_of_skill *of = &d->spans.of[skill];
    const struct span *first = TAILQ_FIRST(&of->suspects), *span;

    TAILQ_FOREACH (span, &of->waiting, in_waiting)
        if (span_suspect(span))
            return "a suspect is in the list of waiting spans";
    TAILQ_FOREACH (span, &of->suspects, in_waiting)
        if (!span_suspect(span))
            return "the list of suspects contains another span";
    if (!first || !workers_ready(&d->workers, skill) || !spans_run_available(&d->spans))
        return NULL;
    return first->rests_until_ns > d->now_ns && dispatcher_due_at(d) <= first->rests_until_ns
               ? NULL
               : "no timer is set for the end of a suspect's rest";
}

/* If both runs of a span are overdue, a third worker gets the span. */
static const char *twice_wrong(const struct dispatcher *d, uint32_t skill)
{
    const struct span *span;

    if (!spans_run_available(&d->spans))
        return NULL;
    TAILQ_FOREACH (span, &d->spans.of[skill].twice, in_waiting) {
        if (span->vote_count > 0)
            continue;
        int64_t patience_ns =
            span->revocations < REVOCATIONS_MAX ? OVERDUE_NS << span->revocations : NEVER / 2;
        if (span->runs[0]->late_at_ns + patience_ns <= d->now_ns &&
            span->runs[1]->late_at_ns + patience_ns <= d->now_ns &&
            workers_ready_for(&d->workers, span))
            return "a stuck span is not revoked";
    }
    return NULL;
}

/* ---- workers ----------------------------------------------------------------------------- */

uint64_t invariants_credit(const struct worker *w)
{
    uint64_t credit = (uint64_t)w->capacity * WORKER_CREDIT;

    return credit < w->runs_max ? credit : w->runs_max;
}

static const char *held_wrong(const struct worker *w, struct census *census)
{
    const struct run *run;
    uint32_t count = 0;

    TAILQ_FOREACH (run, &w->runs, in_worker) {
        if (run->worker != w || run->state == RUN_FREE || count++ > w->held)
            return "a worker's runs are not its own";
        RETURN_WRONG(run_wrong(run));
    }
    census->held += count;
    return count == w->held ? NULL : "a worker's runs are miscounted";
}

/* A worker gets spans of its skills, and counts as a use of them and of those it has lost. */
static void count_skills(const struct worker *w, struct census *census)
{
    bool stays = w->state != WORKER_LEAVING;

    census->known |= w->skills | w->banned;
    for (skill_set left = w->skills | w->banned; left; left &= left - 1) {
        uint32_t skill = skill_lowest(left);
        if (skill >= census->skills)
            return; /* see skills_wrong() */
        struct census_of_skill *of = &census->of[skill];
        of->uses++;
        if (!(w->skills >> skill & 1))
            continue;
        of->workers += stays && w->capacity > 0;
        of->capacity += stays ? w->capacity : 0;
        of->ready += w->level >= 0;
    }
}

static void count_worker(const struct worker *w, struct census *census)
{
    census->workers++;
    census->ready += w->level >= 0;
    census->capacity += w->state == WORKER_LEAVING ? 0 : w->capacity;
    if (!w->thread && w->height >= census->height)
        census->height = w->height + 1;
    if (w->state != WORKER_LEAVING)
        for (int kind = 0; kind < KINDS; kind++)
            census->speed[kind] += worker_cores(w) / w->block_ns[kind];
    count_skills(w, census);
}

static const char *worker_wrong(const struct worker *w, struct census *census)
{
    if (w->state == WORKER_FREE)
        return w->held == 0 && w->level <= 0 ? NULL : "a free worker holds runs";
    RETURN_WRONG(held_wrong(w, census));
    bool ready = w->state == WORKER_JOINED && w->held < invariants_credit(w);
    if (w->level != (ready ? (int)(w->held / w->capacity) : -1))
        return "a worker is in the wrong list for its load";
    if (w->skills & w->banned)
        return "a worker has a skill from which it is banned";
    count_worker(w, census);
    return NULL;
}

/* The ready lists contain exactly the workers with credit. */
static const char *ready_wrong(const struct workers *workers, uint32_t ready)
{
    const struct worker *w;
    uint32_t listed = 0;

    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH (w, &workers->ready[level], in_ready)
            if (w->state != WORKER_JOINED || w->level != level || listed++ > workers->workers_max)
                return "a worker without credit is in a ready list";
    return ready == listed ? NULL : "a worker with credit is in no ready list";
}

static const char *lists_wrong(const struct dispatcher *d, uint32_t joined)
{
    const struct worker *w;
    int64_t received_at_ns = INT64_MIN;
    uint32_t listed_by_silence = 0, listed = 0;

    TAILQ_FOREACH (w, &d->workers.by_silence, in_by_silence) {
        if (w->state == WORKER_FREE || w->thread || w->received_at_ns < received_at_ns ||
            listed_by_silence++ > joined)
            return "workers are not in the order of their last messages";
        received_at_ns = w->received_at_ns;
    }
    TAILQ_FOREACH (w, &d->workers.joined, in_joined)
        if (w->state == WORKER_FREE || w->thread || listed++ > joined)
            return "the list of workers that have joined is wrong";
    if (listed_by_silence != joined || listed != joined)
        return "a worker that has joined is not in its list";
    if (joined > 0 && d->heartbeat_at_ns > d->now_ns + d->settings.heartbeat_ns)
        return "no timer is set for heartbeats";
    return NULL;
}

/* The speed of all workers is the sum of their speeds, apart from rounding. */
static const char *speed_wrong(const struct workers *workers, const struct census *census)
{
    for (int kind = 0; kind < KINDS; kind++) {
        double error = census->speed[kind] - workers->speed[kind];
        if (error > 1e-6 || error < -1e-6)
            return "the total speed is not the sum of all speeds";
    }
    return NULL;
}

static const char *workers_wrong(const struct dispatcher *d, struct census *census)
{
    const struct workers *workers = &d->workers;

    for (uint32_t i = 0; i < workers->workers_max; i++) {
        RETURN_WRONG(worker_wrong(&workers->table[i], census));
    }
    if (census->held != workers->held)
        return "a run has no worker";
    if (census->workers != workers->worker_count || census->capacity != workers->capacity)
        return "workers are miscounted";
    if (census->height != workers_height(workers))
        return "the height is not one above the highest worker";
    RETURN_WRONG(speed_wrong(workers, census));
    RETURN_WRONG(ready_wrong(workers, census->ready));
    RETURN_WRONG(lists_wrong(d, census->workers - d->settings.threads));
    return NULL;
}

bool invariants_has_voted(const struct workers *workers, const struct span *span,
                          const struct worker *w)
{
    for (uint32_t i = 0; i < span->vote_count; i++)
        if (span->votes[i].worker == (uint32_t)(w - workers->table) &&
            span->votes[i].joined == w->joined)
            return true;
    return false;
}

uint32_t invariants_jurors(const struct workers *workers, const struct span *span)
{
    uint32_t jurors = 0;

    for (uint32_t i = 0; i < workers->workers_max; i++) {
        const struct worker *w = &workers->table[i];
        jurors += (w->state == WORKER_JOINED || w->state == WORKER_RESTING) && w->capacity > 0 &&
                  w->skills >> span->request->skill & 1 && !invariants_has_voted(workers, span, w);
    }
    return jurors;
}

/* True if a new span of this skill can be cut. */
static bool may_cut(const struct dispatcher *d, uint32_t skill)
{
    return d->queue.wanted >> skill & 1 && spans_span_available(&d->spans);
}

/* An audit waits only for a worker that may compute it, and for no longer than one may exist. */
static const char *audits_wrong(const struct dispatcher *d, uint32_t skill)
{
    const struct span *span;
    int looks = 0;

    TAILQ_FOREACH (span, &d->spans.of[skill].audits, in_waiting) {
        if (span->vote_count == 0 || span->vote_count > 2)
            return "a span without votes waits for an audit";
        if (span->vote_count == 2 && invariants_jurors(&d->workers, span) == 0)
            return "an audit waits that no worker can decide";
        if (looks++ < AUDIT_LOOKS && span->rests_until_ns <= d->now_ns &&
            spans_run_available(&d->spans) && audit_worker(&d->workers, span, may_cut(d, skill)))
            return "a ready worker is idle while an audit waits";
    }
    return NULL;
}

/* The table of skills counts workers, cores, and uses. */
static const char *skill_use_wrong(const struct dispatcher *d, const struct census_of_skill *of,
                                   uint32_t number)
{
    const struct skill *skill = &d->workers.skills.all[number];
    uint32_t open = d->queue.open_of[number];

    if (of->workers != skill->workers || of->capacity != skill->capacity ||
        of->ready != d->workers.ready_of[number])
        return "the workers with a skill are miscounted";
    if (number == SKILL_SAMPLES)
        return NULL;
    if (of->uses + open != skill->uses || (skill->uses > 0) != (skill->name[0] != '\0'))
        return "the uses of a skill are miscounted";
    return (open > 0) == (d->queue.needed >> number & 1) ? NULL
                                                         : "the set of needed skills is wrong";
}

/* ---- all --------------------------------------------------------------------------------- */

static const char *idle_wrong(const struct dispatcher *d, uint32_t skill)
{
    return d->workers.ready_of[skill] > 0 && spans_run_available(&d->spans) &&
                   (!TAILQ_EMPTY(&d->spans.of[skill].waiting) || may_cut(d, skill))
               ? "a ready worker is idle while a span waits"
               : NULL;
}

static const char *skills_wrong(const struct dispatcher *d, const struct census *census)
{
    for (uint32_t skill = 0; skill < census->skills; skill++) {
        RETURN_WRONG(skill_use_wrong(d, &census->of[skill], skill));
        RETURN_WRONG(idle_wrong(d, skill));
        RETURN_WRONG(suspects_wrong(d, skill));
        RETURN_WRONG(twice_wrong(d, skill));
        RETURN_WRONG(audits_wrong(d, skill));
    }
    skill_set known = census->known | d->queue.needed | d->queue.wanted;
    return census->skills == SKILLS_MAX || known >> census->skills == 0
               ? NULL
               : "a skill is in use that is not in the table";
}

const char *invariants_wrong(const struct dispatcher *d)
{
    struct census census;

    census_init(&census, d);
    RETURN_WRONG(requests_wrong(d, &census));
    RETURN_WRONG(workers_wrong(d, &census));
    RETURN_WRONG(runs_wrong(&d->spans, census.held));
    RETURN_WRONG(clients_wrong(d, &census));
    RETURN_WRONG(spans_wrong(&d->spans, &census));
    RETURN_WRONG(skills_wrong(d, &census));
    if (d->answer_due || d->progress_next || d->workers.heartbeat_next || d->silence_due)
        return "an effect was not taken";
    return NULL;
}
