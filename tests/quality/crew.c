#include "tests/quality/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t news;
    uint64_t next, done, items;
    unsigned at_work;
    bool failed;
    crew_work *work;
    void *context;
};

struct member {
    struct crew *crew;
    unsigned number;
    pthread_t thread;
};

/* The next item, or false when there is none. */
static bool crew_take(struct crew *crew, uint64_t *item)
{
    pthread_mutex_lock(&crew->lock);
    bool more = crew->next < crew->items && !crew->failed;
    *item = crew->next;
    crew->next += more;
    pthread_mutex_unlock(&crew->lock);
    return more;
}

static void crew_finish(struct crew *crew, bool ok)
{
    pthread_mutex_lock(&crew->lock);
    crew->done += ok;
    crew->failed |= !ok;
    pthread_mutex_unlock(&crew->lock);
}

static void crew_leave(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->at_work--;
    pthread_cond_signal(&crew->news);
    pthread_mutex_unlock(&crew->lock);
}

static void *member_run(void *argument)
{
    struct member *member = argument;
    struct crew *crew = member->crew;
    uint64_t item;
    while (crew_take(crew, &item))
        crew_finish(crew, crew->work(crew->context, member->number, item));
    crew_leave(crew);
    return NULL;
}

/* Starts as many as can be had. Returns their number. */
static unsigned crew_start(struct crew *crew, struct member *members, unsigned threads)
{
    unsigned started = 0;
    pthread_mutex_lock(&crew->lock);
    for (; started < threads; started++) {
        struct member *member = &members[started];
        *member = (struct member){.crew = crew, .number = started};
        if (pthread_create(&member->thread, NULL, member_run, member) != 0)
            break;
    }
    crew->at_work = started;
    pthread_mutex_unlock(&crew->lock);
    return started;
}

static void crew_watch(struct crew *crew, crew_progress *progress)
{
    pthread_mutex_lock(&crew->lock);
    while (crew->at_work > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&crew->news, &crew->lock, &until);
        progress(crew->done, crew->items);
    }
    pthread_mutex_unlock(&crew->lock);
}

bool crew_run(unsigned threads, uint64_t items, crew_work *work, void *context,
              crew_progress *progress)
{
    struct crew crew = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .items = items,
                        .work = work, .context = context};
    struct member *members = calloc(threads, sizeof *members);
    if (!members)
        return false;
    unsigned started = crew_start(&crew, members, threads);
    crew_watch(&crew, progress);
    for (unsigned i = 0; i < started; i++)
        pthread_join(members[i].thread, NULL);
    free(members);
    return crew.done == items;
}
