#include "server/worker.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sums/sum.h"

/* The kernel weighs a thread of nice 10 at a tenth of a thread of nice 0. */
#define WORKER_NICE 10

#define TOTALS_ADDRESS_BYTES 64

struct workers {
    zsock_t *totals; /* where tasks come back */
    char totals_address[TOTALS_ADDRESS_BYTES];
    const struct kernel *kernel;
    uint32_t count;
    zactor_t *threads[];
};

static void task_run(struct task *task, const struct kernel *kernel)
{
    int64_t began_at_us = zclock_usecs();
    uint64_t done = 0;

    task->total = (struct total){0};
    while (done < task->count && !atomic_load_explicit(&task->cancelled, memory_order_relaxed)) {
        uint64_t first = task->first + done;
        uint64_t count = BLOCK_SAMPLES - first % BLOCK_SAMPLES;
        if (count > task->count - done)
            count = task->count - done;
        sum_range(kernel, &task->stream, first, count, &task->total);
        done += count;
    }
    task->elapsed_ns = (zclock_usecs() - began_at_us) * 1000;
}

/* Best effort: a thread that may not change its priority computes all the same. */
static void worker_be_nice(void)
{
    struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
}

/* A message is a pointer to a task; anything else, such as czmq's "$TERM", is the end. A stopped
 * process that goes on finds its waits interrupted. */
static bool task_wait(zsock_t *pipe, struct task **task)
{
    int size;

    do
        size = zmq_recv(zsock_resolve(pipe), task, sizeof *task, 0);
    while (size == -1 && errno == EINTR);
    return size == sizeof *task;
}

static void worker_main(zsock_t *pipe, void *arguments)
{
    struct workers *workers = arguments;
    zsock_t *totals = zsock_new(ZMQ_PUSH);
    struct task *task;

    assert(totals);
    zsock_set_sndhwm(totals, 0);
    zsock_connect(totals, "%s", workers->totals_address);
    worker_be_nice();
    zsock_signal(pipe, 0);
    while (task_wait(pipe, &task)) {
        task_run(task, workers->kernel);
        zmq_send(zsock_resolve(totals), &task, sizeof task, 0);
    }
    zsock_destroy(&totals);
}

struct workers *workers_new(uint32_t count, const struct kernel *kernel)
{
    struct workers *workers = calloc(1, sizeof *workers + count * sizeof *workers->threads);

    if (!workers)
        return NULL;
    workers->kernel = kernel;
    workers->totals = zsock_new(ZMQ_PULL);
    if (!workers->totals) {
        workers_destroy(&workers);
        return NULL;
    }
    zsock_set_rcvhwm(workers->totals, 0);
    snprintf(workers->totals_address, sizeof workers->totals_address, "inproc://totals-%p",
             (void *)workers);
    zsock_bind(workers->totals, "%s", workers->totals_address);
    while (workers->count < count) {
        zactor_t *thread = zactor_new(worker_main, workers);
        if (!thread) {
            workers_destroy(&workers);
            break;
        }
        workers->threads[workers->count++] = thread;
    }
    return workers;
}

void workers_destroy(struct workers **workers_p)
{
    struct workers *workers = *workers_p;

    if (!workers)
        return;
    while (workers->count > 0)
        zactor_destroy(&workers->threads[--workers->count]);
    zsock_destroy(&workers->totals);
    free(workers);
    *workers_p = NULL;
}

void workers_start(struct workers *workers, uint32_t worker, struct task *task)
{
    assert(worker < workers->count);
    zmq_send(zsock_resolve(workers->threads[worker]), &task, sizeof task, 0);
}

struct task *workers_done(struct workers *workers)
{
    struct task *task;
    int size = zmq_recv(workers_socket(workers), &task, sizeof task, ZMQ_DONTWAIT);

    return size == sizeof task ? task : NULL;
}

void *workers_socket(const struct workers *workers)
{
    return zsock_resolve(workers->totals);
}
