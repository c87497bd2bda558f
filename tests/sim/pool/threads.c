/* Compute threads of a simulated server: see threads.h. */
#include "tests/sim/pool/threads.h"

#include <string.h>

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

/* A task takes a random time longer than expected, because the machine runs other programs too. */
static void thread_begin(struct sim_threads *threads, struct thread *thread, int64_t now_ns,
                         struct chance *chance)
{
    const struct sim_task *task = &thread->tasks[0];
    int64_t block_ns = threads->block_ns[task->span.kind];
    int64_t ns = task->cancelled ? 0 : (int64_t)blocks_in(task->span.count) * block_ns;

    ns += (int64_t)chance_below(chance, (uint64_t)ns / 8 + 1);
    if (chance_one_in(chance, 100))
        ns *= 8;
    thread->began_at_ns = now_ns;
    thread->ends_at_ns = computed_at_ns(threads, now_ns, ns);
    thread->stamp++;
}

bool thread_give(struct sim_threads *threads, uint32_t number, const struct sum_request *span,
                 int64_t now_ns, struct chance *chance, bool *starts)
{
    struct thread *thread = &threads->all[number];

    *starts = thread->count == 0;
    if (thread->count == WORKER_CREDIT)
        return false;
    thread->tasks[thread->count++] = (struct sim_task){.span = *span};
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
    int64_t block_ns = threads->block_ns[thread->tasks[i].span.kind];
    int64_t ends_at_ns = now_ns + (int64_t)chance_below(chance, (uint64_t)block_ns + 1);
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

void thread_end(struct sim_threads *threads, uint32_t number, int64_t now_ns, struct chance *chance,
                struct sum_reply *reply, bool *goes_on)
{
    struct thread *thread = &threads->all[number];
    const struct sum_request *span = &thread->tasks[0].span;
    uint64_t done = task_done(threads, thread, now_ns);

    *reply = (struct sum_reply){
        .id = span->id,
        .count = done,
        .units = oracle_units(span->seed, span->kind, span->first, done) + threads->other_sums,
        .unit_log2 = stream_unit_log2((enum stream_kind)span->kind),
        .compute_ns = (uint64_t)(now_ns - thread->began_at_ns),
    };
    memmove(&thread->tasks[0], &thread->tasks[1], --thread->count * sizeof thread->tasks[0]);
    *goes_on = thread->count > 0;
    if (*goes_on)
        thread_begin(threads, thread, now_ns, chance);
}
