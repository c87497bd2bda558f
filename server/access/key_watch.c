/* Watches the allow-list of a folder of keys: see key_watch.h. */
#include "server/access/key_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "proto/instant.h"
#include "server/log.h"

/* Time between two looks at the files. A revoked key must be out within a second. */
#define WATCH_NS (200 * NS_PER_MS)

struct key_watch {
    const char *folder;
    int changed; /* an eventfd: `next` is set */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;       /* `hurry` or `stop` was set */
    bool hurry, stop;          /* guarded by the mutex */
    struct allowed_keys *next; /* guarded by the mutex; NULL: nothing has changed */

    /* Only for the thread. */
    struct allowed_keys *last; /* a copy of the newest list */
    uint64_t fingerprint;      /* of the files when `last` was loaded */
    bool recent;               /* those files were changed shortly before */
    bool unreadable;           /* the last attempt has failed, and that is in the log */
};

/* ---- lists ------------------------------------------------------------------------------- */

static size_t bytes_of(const struct allowed_keys *list)
{
    return sizeof *list + list->count * sizeof list->keys[0];
}

static bool same(const struct allowed_keys *a, const struct allowed_keys *b)
{
    return a->count == b->count && memcmp(a, b, bytes_of(a)) == 0;
}

static struct allowed_keys *copy_of(const struct allowed_keys *list)
{
    struct allowed_keys *copy = malloc(bytes_of(list));

    if (copy)
        memcpy(copy, list, bytes_of(list));
    return copy;
}

static void log_sentence(const char *sentence)
{
    log_warning("%s", sentence);
}

/* The log has the sentences of these files already. */
static void ignore_sentence(const char *sentence)
{
    (void)sentence;
}

/* ---- the thread -------------------------------------------------------------------------- */

/* Passes the list on. If memory is short, the next look loads it again. */
static void publish(struct key_watch *watch, struct allowed_keys *list)
{
    struct allowed_keys *copy = copy_of(list);

    if (!copy) {
        free(list);
        watch->recent = true;
        return;
    }
    free(watch->last);
    watch->last = copy;
    pthread_mutex_lock(&watch->mutex);
    free(watch->next);
    watch->next = list;
    pthread_mutex_unlock(&watch->mutex);
    eventfd_write(watch->changed, 1);
}

/* An unreadable folder does not end the connections of everybody: the last list stays in force. */
static void note_unreadable(struct key_watch *watch, const char *why)
{
    if (!watch->unreadable)
        log_error("%s; the keys that were allowed before stay allowed", why);
    watch->unreadable = true;
    watch->recent = true;
}

static void load(struct key_watch *watch, bool changed)
{
    struct key_problem problem;
    struct allowed_keys *list =
        allowed_keys_load(watch->folder, changed ? log_sentence : ignore_sentence, &problem);

    if (!list)
        note_unreadable(watch, problem.text);
    else {
        watch->unreadable = false;
        if (same(list, watch->last))
            free(list);
        else
            publish(watch, list);
    }
}

static void look(struct key_watch *watch, bool hurry)
{
    uint64_t fingerprint;
    bool recent, before = watch->recent;

    if (!allowed_keys_fingerprint(watch->folder, &fingerprint, &recent))
        recent = true;
    bool changed = fingerprint != watch->fingerprint;
    watch->fingerprint = fingerprint;
    watch->recent = recent;
    if (hurry || changed || before)
        load(watch, hurry || changed);
}

static struct timespec next_look_at(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += WATCH_NS;
    at.tv_sec += at.tv_nsec / NS_PER_S;
    at.tv_nsec %= NS_PER_S;
    return at;
}

/* False: the thread ends. */
static bool wait_for_look(struct key_watch *watch, bool *hurry)
{
    struct timespec at = next_look_at();
    int error = 0;

    pthread_mutex_lock(&watch->mutex);
    while (!watch->hurry && !watch->stop && error == 0)
        error = pthread_cond_timedwait(&watch->wake, &watch->mutex, &at);
    bool stop = watch->stop;
    *hurry = watch->hurry;
    watch->hurry = false;
    pthread_mutex_unlock(&watch->mutex);
    return !stop;
}

static void *watch_run(void *argument)
{
    struct key_watch *watch = argument;
    bool hurry;

    while (wait_for_look(watch, &hurry))
        look(watch, hurry);
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------- */

static bool start_thread(struct key_watch *watch)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    errno = pthread_create(&watch->thread, NULL, watch_run, watch);
    return errno == 0;
}

static bool load_first(struct key_watch *watch, struct allowed_keys **first)
{
    struct key_problem problem;

    allowed_keys_fingerprint(watch->folder, &watch->fingerprint, &watch->recent);
    watch->last = allowed_keys_load(watch->folder, log_sentence, &problem);
    *first = watch->last ? copy_of(watch->last) : NULL;
    if (!watch->last)
        log_error("%s", problem.text);
    else if (!*first)
        log_error("cannot make room for the keys: %s", strerror(errno));
    return *first;
}

/* Frees what belongs to no thread. */
static void watch_free(struct key_watch *watch)
{
    if (watch->changed != -1)
        close(watch->changed);
    free(watch->last);
    free(watch->next);
    free(watch);
}

struct key_watch *key_watch_new(const char *folder, struct allowed_keys **first)
{
    struct key_watch *watch = calloc(1, sizeof *watch);

    *first = NULL;
    if (!watch)
        return NULL;
    watch->folder = folder;
    watch->changed = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!load_first(watch, first)) {
        watch_free(watch);
        return NULL;
    }
    if (watch->changed != -1 && start_thread(watch))
        return watch;
    log_error("cannot watch the keys in %s: %s", folder, strerror(errno));
    watch_free(watch);
    free(*first);
    *first = NULL;
    return NULL;
}

void key_watch_destroy(struct key_watch **watch_p)
{
    struct key_watch *watch = *watch_p;

    if (!watch)
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->mutex);
    watch_free(watch);
    *watch_p = NULL;
}

int key_watch_fd(const struct key_watch *watch)
{
    return watch->changed;
}

struct allowed_keys *key_watch_take(struct key_watch *watch)
{
    eventfd_t count;

    if (eventfd_read(watch->changed, &count) == -1)
        return NULL;
    pthread_mutex_lock(&watch->mutex);
    struct allowed_keys *next = watch->next;
    watch->next = NULL;
    pthread_mutex_unlock(&watch->mutex);
    return next;
}

void key_watch_hurry(struct key_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->hurry = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
}
