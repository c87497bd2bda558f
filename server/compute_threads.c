/* Compute threads: they sum spans, each with a pipe for its tasks. */
#include "server/compute_threads.h"

#include <assert.h>
#include <czmq.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "proto/time_slice.h"
#include "server/log.h"
#include "sums/sum.h"

/* The nice value of compute threads. Linux gives a thread of nice 10 a tenth of the weight of a
 * thread of nice 0. If the server has a higher nice value, its threads have the same nice value. */
#define COMPUTE_NICE 10

/* From Linux 6.12 on, a thread may ask the scheduler for a slice, which has two effects.
 * 1. A thread that wakes gets the core at once if the running thread has asked for a longer slice.
 *    Otherwise it often gets the core at the next tick, 4 ms later. So a thread that computes asks
 *    for the longest slice.
 * 2. Among threads that wait for a core, the thread whose slice would end first runs first. So a
 *    thread that waits for a task asks for the shortest slice: beside other programs it would
 *    otherwise wait for seconds. */
#define COMPUTING_SLICE_NS (100 * NS_PER_MS)
#define WAITING_SLICE_NS   (100 * NS_PER_US)

/* After a small task, a thread polls for the next task for this long and then sleeps. While it
 * polls, it yields its core to other threads. Waking a thread takes longer than the rest of a small
 * request, and clients often send the next request as soon as they have an answer. */
#define SPIN_US 200

#define ADDRESS_BYTES 64

struct compute_thread {
    pthread_t thread;
    struct compute_threads *all;
    zsock_t *pipe;     /* the server's end */
    zsock_t *pipe_end; /* while the thread runs, only it uses this field and the next ones */
    zsock_t *results;
    struct helpers *helpers; /* for terms of summands; NULL: there was no such task yet */
    uint64_t slice_ns;       /* that the thread has asked for; 0: none yet */
};

struct compute_threads {
    zsock_t *results; /* the server's end */
    char results_address[ADDRESS_BYTES];
    const struct kernel *kernel;
    int nice;
    uint32_t count;                  /* threads that run */
    atomic_bool cancelled[RUNS_MAX]; /* by the low bits of a span's id */
    struct compute_thread threads[];
};

static atomic_bool *cancel_flag(struct compute_threads *threads, uint64_t span)
{
    return &threads->cancelled[span % RUNS_MAX];
}

/* ---- in the threads ---------------------------------------------------------------------- */

static bool is_cancelled(void *flag)
{
    return atomic_load_explicit((atomic_bool *)flag, memory_order_relaxed);
}

static void print_line(void *flag, const struct summand *summand, const char *line)
{
    (void)flag;
    log_info("summand %s prints: %s", summand->name, line);
}

/* Helper processes end with the thread that started them, so each thread has helpers of its own. */
static void sum_terms(struct compute_thread *thread, const struct compute_task *task)
{
    const struct helpers_watch watch = {is_cancelled, print_line,
                                        cancel_flag(thread->all, task->span)};
    if (!thread->helpers)
        thread->helpers = helpers_new();
    assert(thread->helpers);
    helpers_sum(thread->helpers, &task->terms->task, &watch, &task->terms->outcome);
}

static struct compute_result terms_run(struct compute_thread *thread,
                                       const struct compute_task *task)
{
    int64_t began_at_us = zclock_usecs();
    assert(atomic_load_explicit(&task->terms->is_running, memory_order_acquire));
    sum_terms(thread, task);
    atomic_store_explicit(&task->terms->is_running, false, memory_order_release);
    return (struct compute_result){
        .span = task->span,
        .thread = (uint32_t)(thread - thread->all->threads),
        .terms = task->terms,
        .elapsed_ns = (zclock_usecs() - began_at_us) * NS_PER_US,
    };
}

static struct compute_result samples_run(const struct compute_thread *thread,
                                         const struct compute_task *task)
{
    atomic_bool *cancelled = cancel_flag(thread->all, task->span);
    struct compute_result result = {
        .span = task->span,
        .thread = (uint32_t)(thread - thread->all->threads),
        .kind = task->stream.kind,
    };
    int64_t began_at_us = zclock_usecs();
    uint64_t done = 0;

    while (done < task->count && !is_cancelled(cancelled)) {
        uint64_t first = task->first + done;
        uint64_t count = BLOCK_SAMPLES - first % BLOCK_SAMPLES;
        if (count > task->count - done)
            count = task->count - done;
        sum_range(thread->all->kernel, &task->stream, first, count, &result.total);
        done += count;
    }
    result.elapsed_ns = (zclock_usecs() - began_at_us) * NS_PER_US;
    return result;
}

/* Asks for a slice. If the thread may not change its priority, it computes with the old one. */
static void thread_schedule(struct compute_thread *thread, uint64_t slice_ns)
{
    if (thread->slice_ns != slice_ns)
        time_slice_ask(SCHED_BATCH, thread->all->nice, slice_ns);
    thread->slice_ns = slice_ns;
}

static int task_receive(zsock_t *pipe, struct compute_task *task, int flags)
{
    int size;

    do
        size = zmq_recv(zsock_resolve(pipe), task, sizeof *task, flags);
    while (size == -1 && errno == EINTR); /* the process was stopped and continued */
    return size;
}

static int task_poll(zsock_t *pipe, struct compute_task *task)
{
    int64_t sleep_at_us = zclock_usecs() + SPIN_US;
    int size;

    do {
        sched_yield();
        size = task_receive(pipe, task, ZMQ_DONTWAIT);
    } while (size == -1 && zclock_usecs() < sleep_at_us);
    return size;
}

/* Waits for the next task. False at the end, which is an empty message. sched_yield() gives away
 * the rest of the slice, so a thread that has computed a large task sleeps without polling. */
static bool task_next(struct compute_thread *thread, struct compute_task *task)
{
    int size = task_receive(thread->pipe_end, task, ZMQ_DONTWAIT);

    if (size == -1 && thread->slice_ns == WAITING_SLICE_NS)
        size = task_poll(thread->pipe_end, task);
    if (size == -1) {
        thread_schedule(thread, WAITING_SLICE_NS);
        size = task_receive(thread->pipe_end, task, 0);
    }
    return size == sizeof *task;
}

static void *thread_main(void *argument)
{
    struct compute_thread *thread = argument;
    struct compute_task task;

    thread_schedule(thread, WAITING_SLICE_NS);
    while (task_next(thread, &task)) {
        if (!task.terms && task.count > BLOCK_SAMPLES) /* for terms, the thread only waits */
            thread_schedule(thread, COMPUTING_SLICE_NS);
        struct compute_result result =
            task.terms ? terms_run(thread, &task) : samples_run(thread, &task);
        zmq_send(zsock_resolve(thread->results), &result, sizeof result, 0);
        if (thread->helpers)
            helpers_prepare(thread->helpers);
    }
    helpers_destroy(&thread->helpers);
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------- */

/* A socket within this process. It has no limit, because the dispatcher bounds the spans in flight.
 */
static zsock_t *inproc_new(int type)
{
    zsock_t *socket = zsock_new(type);

    if (socket) {
        zsock_set_sndhwm(socket, 0);
        zsock_set_rcvhwm(socket, 0);
    }
    return socket;
}

static bool thread_connect(struct compute_thread *thread)
{
    char address[ADDRESS_BYTES];

    thread->pipe = inproc_new(ZMQ_PAIR);
    thread->pipe_end = inproc_new(ZMQ_PAIR);
    thread->results = inproc_new(ZMQ_PUSH);
    if (!thread->pipe || !thread->pipe_end || !thread->results)
        return false;
    snprintf(address, sizeof address, "inproc://thread-%p", (void *)thread);
    return zsock_bind(thread->pipe, "%s", address) != -1 &&
           zsock_connect(thread->pipe_end, "%s", address) != -1 &&
           zsock_connect(thread->results, "%s", thread->all->results_address) != -1;
}

static void thread_disconnect(struct compute_thread *thread)
{
    zsock_destroy(&thread->results);
    zsock_destroy(&thread->pipe_end);
    zsock_destroy(&thread->pipe);
}

static bool thread_start(struct compute_thread *thread, struct compute_threads *threads)
{
    thread->all = threads;
    int reason =
        thread_connect(thread) ? pthread_create(&thread->thread, NULL, thread_main, thread) : errno;
    if (reason)
        thread_disconnect(thread);
    errno = reason;
    return reason == 0;
}

static void thread_end(struct compute_thread *thread)
{
    zmq_send(zsock_resolve(thread->pipe), NULL, 0, 0);
    pthread_join(thread->thread, NULL);
    thread_disconnect(thread);
}

static bool results_open(struct compute_threads *threads)
{
    threads->results = inproc_new(ZMQ_PULL);
    snprintf(threads->results_address, sizeof threads->results_address, "inproc://results-%p",
             (void *)threads);
    return threads->results && zsock_bind(threads->results, "%s", threads->results_address) != -1;
}

struct compute_threads *compute_threads_new(uint32_t count, const struct kernel *kernel)
{
    struct compute_threads *threads = calloc(1, sizeof *threads + count * sizeof *threads->threads);

    if (!threads)
        return NULL;
    threads->kernel = kernel;
    threads->nice = getpriority(PRIO_PROCESS, 0);
    if (threads->nice < COMPUTE_NICE)
        threads->nice = COMPUTE_NICE;
    bool started = results_open(threads);
    while (started && threads->count < count) {
        started = thread_start(&threads->threads[threads->count], threads);
        threads->count += started;
    }
    if (!started)
        ERRNO_SAVED(compute_threads_destroy(&threads));
    return threads;
}

void compute_threads_destroy(struct compute_threads **compute_threads_p)
{
    struct compute_threads *threads = *compute_threads_p;

    if (!threads)
        return;
    while (threads->count > 0)
        thread_end(&threads->threads[--threads->count]);
    for (struct compute_result result; threads->results && compute_threads_done(threads, &result);)
        free(result.terms);
    zsock_destroy(&threads->results);
    free(threads);
    *compute_threads_p = NULL;
}

static void *await_semaphore(void *semaphore)
{
    while (sem_wait(semaphore) == -1) /* interrupted */
        ;
    return NULL;
}

bool compute_threads_rehearse(uint32_t count)
{
    pthread_t *threads = calloc(count, sizeof *threads);
    uint32_t started = 0;
    int reason = threads || count == 0 ? 0 : ENOMEM;
    sem_t semaphore;

    sem_init(&semaphore, 0, 0);
    while (reason == 0 && started < count) {
        reason = pthread_create(&threads[started], NULL, await_semaphore, &semaphore);
        started += reason == 0;
    }
    for (uint32_t i = 0; i < started; i++)
        sem_post(&semaphore);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    sem_destroy(&semaphore);
    free(threads);
    errno = reason;
    return reason == 0;
}

/* ---- tasks ------------------------------------------------------------------------------- */

void compute_threads_start(struct compute_threads *threads, uint32_t thread,
                           const struct compute_task *task)
{
    assert(thread < threads->count);
    atomic_store(cancel_flag(threads, task->span), false);
    if (task->terms)
        atomic_store_explicit(&task->terms->is_running, true, memory_order_release);
    zmq_send(zsock_resolve(threads->threads[thread].pipe), task, sizeof *task, 0);
}

void compute_threads_cancel(struct compute_threads *threads, uint64_t span)
{
    atomic_store(cancel_flag(threads, span), true);
}

bool compute_threads_done(struct compute_threads *threads, struct compute_result *result)
{
    int size = zmq_recv(compute_threads_socket(threads), result, sizeof *result, ZMQ_DONTWAIT);

    if (size != sizeof *result)
        return false;
    assert(!result->terms ||
           !atomic_load_explicit(&result->terms->is_running, memory_order_acquire));
    return true;
}

void *compute_threads_socket(const struct compute_threads *threads)
{
    return zsock_resolve(threads->results);
}
