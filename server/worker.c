#include "server/worker.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sums/sum.h"

/* The kernel weighs a thread of nice 10 at a tenth of a thread of nice 0. */
#define WORKER_NICE 10

/* An idle thread looks for its next task this long before it sleeps, and yields to whoever wants
 * its core. To wake it takes longer than all else about a small request, and clients that have had
 * an answer often ask again at once. */
#define SPIN_US 200

#define ADDRESS_BYTES 64

struct workers {
    zsock_t *results;
    char results_address[ADDRESS_BYTES];
    const struct kernel *kernel;
    atomic_bool *cancelled; /* by span */
    uint32_t count;
    zactor_t *threads[];
};

static struct result task_run(const struct workers *workers, const struct task *task)
{
    atomic_bool *cancelled = &workers->cancelled[task->span];
    struct result result = {.span = task->span};
    int64_t began_at_us = zclock_usecs();
    uint64_t done = 0;

    while (done < task->count && !atomic_load_explicit(cancelled, memory_order_relaxed)) {
        uint64_t first = task->first + done;
        uint64_t count = BLOCK_SAMPLES - first % BLOCK_SAMPLES;
        if (count > task->count - done)
            count = task->count - done;
        sum_range(workers->kernel, &task->stream, first, count, &result.total);
        done += count;
    }
    result.elapsed_ns = (zclock_usecs() - began_at_us) * 1000;
    return result;
}

/* Best effort: a thread that may not change its priority computes all the same. */
static void worker_be_nice(void)
{
    struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
}

/* A message is a task; anything else, such as czmq's "$TERM", is the end. A stopped process that
 * goes on finds its waits interrupted. */
static bool task_wait(zsock_t *pipe, struct task *task)
{
    int64_t sleep_at_us = zclock_usecs() + SPIN_US;
    int size;

    do {
        sched_yield();
        size = zmq_recv(zsock_resolve(pipe), task, sizeof *task,
                        zclock_usecs() < sleep_at_us ? ZMQ_DONTWAIT : 0);
    } while (size == -1 && (errno == EAGAIN || errno == EINTR));
    return size == sizeof *task;
}

static void worker_main(zsock_t *pipe, void *arguments)
{
    const struct workers *workers = arguments;
    zsock_t *results = zsock_new(ZMQ_PUSH);
    struct task task;

    assert(results);
    zsock_set_sndhwm(results, 0);
    zsock_connect(results, "%s", workers->results_address);
    worker_be_nice();
    zsock_signal(pipe, 0);
    while (task_wait(pipe, &task)) {
        struct result result = task_run(workers, &task);
        zmq_send(zsock_resolve(results), &result, sizeof result, 0);
    }
    zsock_destroy(&results);
}

static bool workers_open(struct workers *workers, uint32_t spans)
{
    workers->cancelled = calloc(spans, sizeof *workers->cancelled);
    workers->results = zsock_new(ZMQ_PULL);
    if (!workers->cancelled || !workers->results)
        return false;
    zsock_set_rcvhwm(workers->results, 0);
    snprintf(workers->results_address, sizeof workers->results_address, "inproc://results-%p",
             (void *)workers);
    return zsock_bind(workers->results, "%s", workers->results_address) != -1;
}

struct workers *workers_new(uint32_t count, uint32_t spans, const struct kernel *kernel)
{
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof *workers->threads);

    if (!workers)
        return NULL;
    workers->kernel = kernel;
    bool started = workers_open(workers, spans);
    while (started && workers->count < count) {
        zactor_t *thread = zactor_new(worker_main, workers);
        if (thread)
            workers->threads[workers->count++] = thread;
        started = thread;
    }
    if (!started)
        workers_destroy(&workers);
    return workers;
}

void workers_destroy(struct workers **workers_p)
{
    struct workers *workers = *workers_p;

    if (!workers)
        return;
    while (workers->count > 0)
        zactor_destroy(&workers->threads[--workers->count]);
    zsock_destroy(&workers->results);
    free(workers->cancelled);
    free(workers);
    *workers_p = NULL;
}

void workers_start(struct workers *workers, uint32_t worker, const struct task *task)
{
    assert(worker < workers->count);
    atomic_store(&workers->cancelled[task->span], false);
    zmq_send(zsock_resolve(workers->threads[worker]), task, sizeof *task, 0);
}

void workers_cancel(struct workers *workers, uint32_t span)
{
    atomic_store(&workers->cancelled[span], true);
}

bool workers_done(struct workers *workers, struct result *result)
{
    return zmq_recv(workers_socket(workers), result, sizeof *result, ZMQ_DONTWAIT) ==
           sizeof *result;
}

void *workers_socket(const struct workers *workers)
{
    return zsock_resolve(workers->results);
}
