#include "server/compute_threads.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sums/sum.h"

/* Linux weighs a thread of nice 10 at a tenth of a thread of nice 0. A server that was started
 * nicer has threads that are as nice. */
#define WORKER_NICE 10

/* Linux from 6.12 on takes two things from the slice that a thread asks for. Whoever wakes has the
 * core at once if the thread that runs asks for a longer slice, and otherwise often at the next
 * tick, 4 ms later: so a thread that computes asks for the longest that there is. And among threads
 * that want a core, the one whose slice would end first has it: so one that waits for its next
 * task, and may wake beside other programs, asks for the shortest; with the longest it would wait
 * seconds. */
#define COMPUTING_SLICE_NS 100000000
#define WAITING_SLICE_NS   100000

/* A thread that has done a small task looks for the next one this long before it sleeps, and yields
 * to whoever wants its core. To wake it takes longer than all else about a small request, and
 * clients that have had an answer often ask again at once. */
#define SPIN_US 200

#define ADDRESS_BYTES 64

/* The ends of its sockets that the thread has, and its slice, are its own while it runs. */
struct worker {
    pthread_t thread;
    struct compute_threads *workers;
    zsock_t *pipe;
    zsock_t *pipe_end;
    zsock_t *results;
    uint64_t slice_ns;
};

struct compute_threads {
    zsock_t *results;
    char results_address[ADDRESS_BYTES];
    const struct kernel *kernel;
    int nice;
    uint32_t count;
    atomic_bool cancelled[RUNS_MAX];
    struct worker threads[];
};

static atomic_bool *cancel_flag(struct compute_threads *workers, uint64_t span)
{
    return &workers->cancelled[span % RUNS_MAX];
}

/* ---- in the threads ---------------------------------------------------------------------- */

static struct compute_result task_run(const struct worker *worker, const struct compute_task *task)
{
    const atomic_bool *cancelled = cancel_flag(worker->workers, task->span);
    struct compute_result result = {
        .span = task->span,
        .worker = (uint32_t)(worker - worker->workers->threads),
        .kind = task->stream.kind,
    };
    int64_t began_at_us = zclock_usecs();
    uint64_t done = 0;

    while (done < task->count && !atomic_load_explicit(cancelled, memory_order_relaxed)) {
        uint64_t first = task->first + done;
        uint64_t count = BLOCK_SAMPLES - first % BLOCK_SAMPLES;
        if (count > task->count - done)
            count = task->count - done;
        sum_range(worker->workers->kernel, &task->stream, first, count, &result.total);
        done += count;
    }
    result.elapsed_ns = (zclock_usecs() - began_at_us) * 1000;
    return result;
}

/* What sched_setattr(2) takes, for which glibc has no name before 2.41. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

/* Best effort: a thread that may not change its priority computes all the same. */
static void worker_schedule(struct worker *worker, uint64_t slice_ns)
{
    struct scheduling scheduling = {
        .size = sizeof scheduling,
        .policy = SCHED_BATCH,
        .nice = worker->workers->nice,
        .slice_ns = slice_ns,
    };

    if (worker->slice_ns != slice_ns)
        syscall(SYS_sched_setattr, 0, &scheduling, 0);
    worker->slice_ns = slice_ns;
}

static int task_receive(zsock_t *pipe, struct compute_task *task, int flags)
{
    int size;

    do
        size = zmq_recv(zsock_resolve(pipe), task, sizeof *task, flags);
    while (size == -1 && errno == EINTR); /* a stopped process that goes on */
    return size;
}

static int task_look(zsock_t *pipe, struct compute_task *task)
{
    int64_t sleep_at_us = zclock_usecs() + SPIN_US;
    int size;

    do {
        sched_yield();
        size = task_receive(pipe, task, ZMQ_DONTWAIT);
    } while (size == -1 && zclock_usecs() < sleep_at_us);
    return size;
}

/* A message is a task, and an empty one the end. Who yields gives the rest of its slice away, so
 * one that has computed for long sleeps at once. */
static bool task_next(struct worker *worker, struct compute_task *task)
{
    int size = task_receive(worker->pipe_end, task, ZMQ_DONTWAIT);

    if (size == -1 && worker->slice_ns == WAITING_SLICE_NS)
        size = task_look(worker->pipe_end, task);
    if (size == -1) {
        worker_schedule(worker, WAITING_SLICE_NS);
        size = task_receive(worker->pipe_end, task, 0);
    }
    return size == sizeof *task;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct compute_task task;

    worker_schedule(worker, WAITING_SLICE_NS);
    while (task_next(worker, &task)) {
        if (task.count > BLOCK_SAMPLES)
            worker_schedule(worker, COMPUTING_SLICE_NS);
        struct compute_result result = task_run(worker, &task);
        zmq_send(zsock_resolve(worker->results), &result, sizeof result, 0);
    }
    return NULL;
}

/* ---- their life -------------------------------------------------------------------------- */

/* A socket within this process, without limits: what is out is bounded by the dispatcher. */
static zsock_t *inner_new(int type)
{
    zsock_t *socket = zsock_new(type);

    if (socket) {
        zsock_set_sndhwm(socket, 0);
        zsock_set_rcvhwm(socket, 0);
    }
    return socket;
}

static bool worker_connect(struct worker *worker)
{
    char address[ADDRESS_BYTES];

    worker->pipe = inner_new(ZMQ_PAIR);
    worker->pipe_end = inner_new(ZMQ_PAIR);
    worker->results = inner_new(ZMQ_PUSH);
    if (!worker->pipe || !worker->pipe_end || !worker->results)
        return false;
    snprintf(address, sizeof address, "inproc://worker-%p", (void *)worker);
    return zsock_bind(worker->pipe, "%s", address) != -1 &&
           zsock_connect(worker->pipe_end, "%s", address) != -1 &&
           zsock_connect(worker->results, "%s", worker->workers->results_address) != -1;
}

static void worker_disconnect(struct worker *worker)
{
    zsock_destroy(&worker->results);
    zsock_destroy(&worker->pipe_end);
    zsock_destroy(&worker->pipe);
}

static bool worker_start(struct worker *worker, struct compute_threads *workers)
{
    worker->workers = workers;
    int reason =
        worker_connect(worker) ? pthread_create(&worker->thread, NULL, worker_main, worker) : errno;
    if (reason)
        worker_disconnect(worker);
    errno = reason;
    return reason == 0;
}

static void worker_end(struct worker *worker)
{
    zmq_send(zsock_resolve(worker->pipe), NULL, 0, 0);
    pthread_join(worker->thread, NULL);
    worker_disconnect(worker);
}

static bool workers_open(struct compute_threads *workers)
{
    workers->results = inner_new(ZMQ_PULL);
    snprintf(workers->results_address, sizeof workers->results_address, "inproc://results-%p",
             (void *)workers);
    return workers->results && zsock_bind(workers->results, "%s", workers->results_address) != -1;
}

struct compute_threads *compute_threads_new(uint32_t count, const struct kernel *kernel)
{
    struct compute_threads *workers = calloc(1, sizeof *workers + count * sizeof *workers->threads);

    if (!workers)
        return NULL;
    workers->kernel = kernel;
    workers->nice = getpriority(PRIO_PROCESS, 0);
    if (workers->nice < WORKER_NICE)
        workers->nice = WORKER_NICE;
    bool started = workers_open(workers);
    while (started && workers->count < count) {
        started = worker_start(&workers->threads[workers->count], workers);
        workers->count += started;
    }
    if (!started) {
        int reason = errno;
        compute_threads_destroy(&workers);
        errno = reason;
    }
    return workers;
}

void compute_threads_destroy(struct compute_threads **compute_threads_p)
{
    struct compute_threads *workers = *compute_threads_p;

    if (!workers)
        return;
    while (workers->count > 0)
        worker_end(&workers->threads[--workers->count]);
    zsock_destroy(&workers->results);
    free(workers);
    *compute_threads_p = NULL;
}

static void *await_curtain(void *curtain)
{
    while (sem_wait(curtain) == -1) /* interrupted */
        ;
    return NULL;
}

bool compute_threads_rehearse(uint32_t count)
{
    pthread_t *threads = calloc(count, sizeof *threads);
    uint32_t started = 0;
    int reason = threads || count == 0 ? 0 : ENOMEM;
    sem_t curtain;

    sem_init(&curtain, 0, 0);
    while (reason == 0 && started < count) {
        reason = pthread_create(&threads[started], NULL, await_curtain, &curtain);
        started += reason == 0;
    }
    for (uint32_t i = 0; i < started; i++)
        sem_post(&curtain);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    sem_destroy(&curtain);
    free(threads);
    errno = reason;
    return reason == 0;
}

/* ---- their work -------------------------------------------------------------------------- */

void compute_threads_start(struct compute_threads *workers, uint32_t worker,
                           const struct compute_task *task)
{
    assert(worker < workers->count);
    atomic_store(cancel_flag(workers, task->span), false);
    zmq_send(zsock_resolve(workers->threads[worker].pipe), task, sizeof *task, 0);
}

void compute_threads_cancel(struct compute_threads *workers, uint64_t span)
{
    atomic_store(cancel_flag(workers, span), true);
}

bool compute_threads_done(struct compute_threads *workers, struct compute_result *result)
{
    return zmq_recv(compute_threads_socket(workers), result, sizeof *result, ZMQ_DONTWAIT) ==
           sizeof *result;
}

void *compute_threads_socket(const struct compute_threads *workers)
{
    return zsock_resolve(workers->results);
}
