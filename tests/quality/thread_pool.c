/* Runs numbered items of work on several threads. */
#include "tests/quality/thread_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct thread_pool {
    pthread_mutex_t lock;
    pthread_cond_t thread_ended;
    uint64_t next;    /* the first item that no thread has taken */
    uint64_t done;    /* number of items done */
    uint64_t items;   /* number of all items */
    unsigned running; /* threads that have not ended */
    bool failed;      /* true: an item failed */
    pool_work *work;
    void *context;
};

struct pool_thread {
    struct thread_pool *pool;
    unsigned number;
    pthread_t handle;
};

/* Takes the next item. Returns false if there is none, or if an item has failed. */
static bool pool_take(struct thread_pool *pool, uint64_t *item)
{
    pthread_mutex_lock(&pool->lock);
    bool more = pool->next < pool->items && !pool->failed;
    *item = pool->next;
    pool->next += more;
    pthread_mutex_unlock(&pool->lock);
    return more;
}

static void pool_finish(struct thread_pool *pool, bool ok)
{
    pthread_mutex_lock(&pool->lock);
    pool->done += ok;
    pool->failed |= !ok;
    pthread_mutex_unlock(&pool->lock);
}

static void pool_thread_end(struct thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    pthread_cond_signal(&pool->thread_ended);
    pthread_mutex_unlock(&pool->lock);
}

static void *pool_thread_run(void *argument)
{
    struct pool_thread *thread = argument;
    struct thread_pool *pool = thread->pool;
    uint64_t item;
    while (pool_take(pool, &item))
        pool_finish(pool, pool->work(pool->context, thread->number, item));
    pool_thread_end(pool);
    return NULL;
}

/* Starts as many of the threads as the system allows. Returns their number. */
static unsigned pool_start(struct thread_pool *pool, struct pool_thread *list, unsigned threads)
{
    unsigned started = 0;
    pthread_mutex_lock(&pool->lock);
    for (; started < threads; started++) {
        struct pool_thread *thread = &list[started];
        *thread = (struct pool_thread){.pool = pool, .number = started};
        if (pthread_create(&thread->handle, NULL, pool_thread_run, thread) != 0)
            break;
    }
    pool->running = started;
    pthread_mutex_unlock(&pool->lock);
    return started;
}

static void pool_wait(struct thread_pool *pool, pool_progress *progress)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&pool->thread_ended, &pool->lock, &until);
        progress(pool->done, pool->items);
    }
    pthread_mutex_unlock(&pool->lock);
}

bool thread_pool_run(unsigned threads, uint64_t items, pool_work *work, void *context,
                     pool_progress *progress)
{
    struct thread_pool pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .items = items,
                               .work = work, .context = context};
    struct pool_thread *list = calloc(threads, sizeof *list);
    if (!list)
        return false;
    unsigned started = pool_start(&pool, list, threads);
    pool_wait(&pool, progress);
    for (unsigned i = 0; i < started; i++)
        pthread_join(list[i].handle, NULL);
    free(list);
    return pool.done == items;
}
