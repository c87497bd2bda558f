/* The helper processes of one compute thread. */
#include "summand/helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/instant.h"

/* A cancel is noticed after this time. */
#define LOOK_NS (5 * NS_PER_MS)

/* If a helper has had no span for this long, it is ended when another span begins. */
#define IDLE_NS (10 * NS_PER_S)

/* Terms of one call in an audit, so that its calls end elsewhere. */
#define AUDIT_CHUNK 333

/* A helper and the request that it serves. */
struct place {
    struct helper_process *process; /* NULL: the place is free */
    const struct summand *summand;
    struct helper_question question;
    int64_t used_at_ns;
};

struct helpers {
    struct place places[HELPERS_KEPT];
    struct helper_process *ready; /* without a request; NULL: none */
    const struct summand *ready_for;
    const struct summand *last; /* of the last span; NULL: there was none */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

struct helpers *helpers_new(void)
{
    return calloc(1, sizeof(struct helpers));
}

void helpers_destroy(struct helpers **helpers_p)
{
    struct helpers *helpers = *helpers_p;
    if (!helpers)
        return;
    for (int i = 0; i < HELPERS_KEPT; i++)
        helper_process_destroy(&helpers->places[i].process);
    helper_process_destroy(&helpers->ready);
    free(helpers);
    *helpers_p = NULL;
}

/* ---- places -------------------------------------------------------------------------------- */

static bool serves(const struct place *place, const struct helpers_task *task)
{
    return place->process && place->summand == task->summand &&
           place->question.seed == task->question.seed &&
           strcmp(place->question.parameters, task->question.parameters) == 0;
}

/* The place of this request, or the free or least recently used one. */
static struct place *place_of(struct helpers *helpers, const struct helpers_task *task)
{
    struct place *best = &helpers->places[0];
    for (int i = 0; i < HELPERS_KEPT; i++) {
        struct place *place = &helpers->places[i];
        if (serves(place, task))
            return place;
        if (place->used_at_ns < best->used_at_ns)
            best = place;
    }
    return best;
}

static void place_clear(struct place *place)
{
    helper_process_destroy(&place->process);
    place->used_at_ns = 0;
}

static void end_idle(struct helpers *helpers)
{
    for (int i = 0; i < HELPERS_KEPT; i++)
        if (helpers->places[i].used_at_ns < now_ns() - IDLE_NS)
            place_clear(&helpers->places[i]);
}

/* ---- new helpers --------------------------------------------------------------------------- */

/* The helper that is ready, if it has this summand, or a new one. */
static struct helper_process *take_helper(struct helpers *helpers, const struct summand *summand,
                                          char error[SENTENCE_BYTES])
{
    struct helper_process *process = helpers->ready;
    if (!process || helpers->ready_for != summand || !helper_process_is_alive(process))
        return helper_process_new(&summand->settings, error);
    helpers->ready = NULL;
    return process;
}

/* Starts the next helper beside the present one. Without it, the next request only takes longer, so
 * an error has no consequence. */
static void prepare(struct helpers *helpers, const struct summand *summand)
{
    char error[SENTENCE_BYTES];
    if (helpers->ready && helpers->ready_for == summand)
        return;
    helper_process_destroy(&helpers->ready);
    helpers->ready = helper_process_new(&summand->settings, error);
    helpers->ready_for = summand;
}

void helpers_prepare(struct helpers *helpers)
{
    if (helpers->last)
        prepare(helpers, helpers->last);
}

static void place_fill(struct helpers *helpers, struct place *place,
                       const struct helpers_task *task, char error[SENTENCE_BYTES])
{
    if (!serves(place, task)) {
        place_clear(place);
        place->process = take_helper(helpers, task->summand, error);
        place->summand = task->summand;
        place->question = task->question;
    }
    place->used_at_ns = now_ns();
}

/* ---- spans --------------------------------------------------------------------------------- */

static void pass_lines(struct helper_process *process, const struct summand *summand,
                       const struct helpers_watch *watch)
{
    for (const char *line; (line = helper_process_line(process));)
        watch->print(watch->context, summand, line);
}

/* During a long span, the next helper is started. The start takes a millisecond, which a short span
 * does not wait for: see helpers_prepare(). */
static void run(struct helpers *helpers, struct helper_process *process,
                const struct helpers_task *task, const struct helpers_watch *watch,
                struct helper_outcome *outcome)
{
    helper_process_sum(process, &task->question, task->first, task->count);
    for (int looks = 0; !helper_process_next(process, outcome); looks++) {
        if (watch->is_cancelled(watch->context))
            helper_process_cancel(process);
        if (looks > 0)
            prepare(helpers, task->summand);
        helper_process_wait(process, LOOK_NS);
        pass_lines(process, task->summand, watch);
    }
    pass_lines(process, task->summand, watch);
}

/* No helper could be started. Another worker may have the memory. */
static void fail(struct helper_outcome *outcome, const char *error)
{
    outcome->end = HELPER_DIED;
    snprintf(outcome->text, sizeof outcome->text, "%s", error);
}

static void audit(struct helpers *helpers, const struct helpers_task *task,
                  const struct helpers_watch *watch, struct helper_outcome *outcome)
{
    char error[SENTENCE_BYTES];
    struct helpers_task other = *task;
    struct helper_process *process = take_helper(helpers, task->summand, error);
    other.question.chunk = AUDIT_CHUNK;
    if (process)
        run(helpers, process, &other, watch, outcome);
    else
        fail(outcome, error);
    helper_process_destroy(&process);
}

/* A helper that has failed in any way is not used again. */
void helpers_sum(struct helpers *helpers, const struct helpers_task *task,
                 const struct helpers_watch *watch, struct helper_outcome *outcome)
{
    char error[SENTENCE_BYTES];
    end_idle(helpers);
    helpers->last = task->summand;
    if (task->audit) {
        audit(helpers, task, watch, outcome);
        return;
    }
    struct place *place = place_of(helpers, task);
    place_fill(helpers, place, task, error);
    if (place->process)
        run(helpers, place->process, task, watch, outcome);
    else
        fail(outcome, error);
    if (outcome->end != HELPER_SUMMED)
        place_clear(place);
}
