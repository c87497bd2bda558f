/* Compute threads of a simulated server: see threads.h. */
#include "tests/sim/pool/threads.h"

#include <string.h>

#include "proto/instant.h"

#include "tests/sim/oracle.h"

static uint64_t blocks_in(uint64_t samples)
{
    return (samples + BLOCK_SAMPLES - 1) / BLOCK_SAMPLES;
}

/* Returns when threads have computed for `ns` from now_ns on. */
static int64_t computed_at_ns(const struct sim_threads *threads, int64_t now_ns, int64_t ns)
{
    if (threads->period_ns == 0)
        return now_ns + ns;
    int64_t periods = now_ns / threads->period_ns;
    int64_t done_ns = now_ns % threads->period_ns; /* of the burst of this period */
    if (done_ns > threads->burst_ns)
        done_ns = threads->burst_ns;
    ns += periods * threads->burst_ns + done_ns;
    return ns / threads->burst_ns * threads->period_ns + ns % threads->burst_ns;
}

static double fill_ns(const struct sim_threads *threads, const struct sum_request *span)
{
    return (double)(summand_fills(span) * SUMMAND_FILL_NS) * threads->relative;
}

/* The time of a thread for a span. */
static int64_t span_ns(const struct sim_threads *threads, const struct sum_request *span)
{
    if (!span->summand)
        return (int64_t)blocks_in(span->count) * threads->block_ns[span->kind];
    double term_ns = (double)summand_term_ns(span->parameters) * threads->relative;
    return (int64_t)(fill_ns(threads, span) + (double)span->count * term_ns);
}

/* The longest time until a thread notices a cancel. */
static int64_t cancel_ns(const struct sim_threads *threads, const struct sum_request *span)
{
    return span->summand ? 100 * NS_PER_MS : threads->block_ns[span->kind];
}

/* A task takes a random time longer than expected, because the machine runs other programs too. */
static void thread_begin(struct sim_threads *threads, struct thread *thread, int64_t now_ns,
                         struct chance *chance)
{
    const struct sim_task *task = &thread->tasks[0];
    int64_t ns = task->cancelled ? 0 : span_ns(threads, &task->span);

    ns += (int64_t)chance_below(chance, (uint64_t)ns / 8 + 1);
    bool slow = ns > NS_PER_S; /* a term of many seconds does not become hours */
    if (chance_one_in(chance, 100) && !slow)
        ns *= 8;
    thread->began_at_ns = now_ns;
    thread->ends_at_ns = slow ? now_ns + ns : computed_at_ns(threads, now_ns, ns);
    thread->stamp++;
}

bool thread_give(struct sim_threads *threads, uint32_t number, const struct sum_request *span,
                 int64_t now_ns, struct chance *chance, bool *starts)
{
    struct thread *thread = &threads->all[number];

    *starts = thread->count == 0;
    if (thread->count == WORKER_CREDIT)
        return false;
    thread->tasks[thread->count++] = (struct sim_task){.span = summand_request(span)};
    if (*starts)
        thread_begin(threads, thread, now_ns, chance);
    return true;
}

bool thread_cancel(struct sim_threads *threads, uint32_t number, uint64_t id, int64_t now_ns,
                   struct chance *chance, bool *moved)
{
    struct thread *thread = &threads->all[number];
    uint32_t i = 0;

    *moved = false;
    while (i < thread->count && thread->tasks[i].span.id != id)
        i++;
    if (i == thread->count || thread->tasks[i].cancelled)
        return false;
    thread->tasks[i].cancelled = true;
    int64_t longest_ns = cancel_ns(threads, &thread->tasks[i].span);
    int64_t ends_at_ns = now_ns + (int64_t)chance_below(chance, (uint64_t)longest_ns + 1);
    if (i == 0 && ends_at_ns < thread->ends_at_ns) {
        thread->ends_at_ns = ends_at_ns;
        thread->stamp++;
        *moved = true;
    }
    return true;
}

static uint64_t task_done(const struct sim_threads *threads, const struct thread *thread,
                          int64_t now_ns)
{
    const struct sum_request *span = &thread->tasks[0].span;
    int64_t block_ns = threads->block_ns[span->kind];
    uint64_t done = (uint64_t)((now_ns - thread->began_at_ns) / block_ns) * BLOCK_SAMPLES;

    return !thread->tasks[0].cancelled || done > span->count ? span->count : done;
}

static struct message samples_end(const struct sim_threads *threads, const struct thread *thread,
                                  int64_t now_ns)
{
    const struct sum_request *span = &thread->tasks[0].span;
    uint64_t done = task_done(threads, thread, now_ns);

    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply =
            {
                .id = span->id,
                .count = done,
                .units =
                    oracle_units(span->seed, span->kind, span->first, done) + threads->other_sums,
                .unit_log2 = stream_unit_log2((enum stream_kind)span->kind),
                .compute_ns = (uint64_t)(now_ns - thread->began_at_ns),
            },
    };
}

static struct message refusal(uint64_t id, enum refusal_code code, uint32_t deaths)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .code = code, .deaths = deaths},
    };
}

/* A cancelled span ends with a refusal, or its total comes first. */
static struct message terms_end(struct sim_threads *threads, const struct thread *thread,
                                int64_t now_ns, struct chance *chance)
{
    const struct sim_task *task = &thread->tasks[0];
    const struct sum_request *span = &task->span;
    struct message message = {.type = MESSAGE_SUM_REPLY};

    if (task->cancelled && chance_one_in(chance, 2))
        return refusal(span->id, REFUSAL_CANCELLED, 0);
    if (summand_rejects(span->parameters))
        return refusal(span->id, REFUSAL_BAD_PARAMETERS, 0);
    if (chance_one_in(chance, threads->die_one_in)) {
        threads->helper_deaths++;
        return refusal(span->id, REFUSAL_SUMMAND_FAILED, 1);
    }
    message.sum_reply = summand_reply(
        span, (uint64_t)(now_ns - thread->began_at_ns), (uint64_t)fill_ns(threads, span),
        threads->odd ? 1 + chance_below(chance, 1000000) : 0, &threads->totals);
    return message;
}

void thread_end(struct sim_threads *threads, uint32_t number, int64_t now_ns, struct chance *chance,
                struct message *message, bool *goes_on)
{
    struct thread *thread = &threads->all[number];

    *message = thread->tasks[0].span.summand ? terms_end(threads, thread, now_ns, chance)
                                             : samples_end(threads, thread, now_ns);
    memmove(&thread->tasks[0], &thread->tasks[1], --thread->count * sizeof thread->tasks[0]);
    *goes_on = thread->count > 0;
    if (*goes_on)
        thread_begin(threads, thread, now_ns, chance);
}
