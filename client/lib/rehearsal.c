/* Tries out what a libzmq context needs: descriptors, memory and threads. */
#include "client/lib/rehearsal.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "dial/descriptors.h"

/* libzmq's I/O thread and reaper, and the session's helper that resolves names. */
#define THREADS 3

/* A context with 16 links takes less than half of this. */
#define MEMORY_BYTES (4 << 20)

/* More than a thread of libzmq allocates before its first connection. */
#define THREAD_MEMORY_BYTES (64 << 10)

struct rehearsal {
    sem_t end;      /* the threads wait for it, so that all exist at the same time */
    sem_t no_bytes; /* posted by each thread that gets no memory */
};

static void *thread_main(void *rehearsal_void)
{
    struct rehearsal *rehearsal = rehearsal_void;
    void *volatile memory = malloc(THREAD_MEMORY_BYTES);

    if (!memory)
        sem_post(&rehearsal->no_bytes);
    while (sem_wait(&rehearsal->end) == -1) /* interrupted */
        continue;
    free(memory);
    return NULL;
}

/* pthread_create() returns EAGAIN also if there is no memory for a stack. */
static int error_of_create(int error)
{
    pthread_attr_t attributes;
    size_t bytes = 0;

    if (error != EAGAIN)
        return error;
    pthread_attr_init(&attributes);
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
    void *stack = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return ENOMEM;
    munmap(stack, bytes);
    return EAGAIN;
}

/* Returns 0 or an errno. */
static int try_threads(struct rehearsal *rehearsal)
{
    pthread_t threads[THREADS];
    int started = 0, error = 0, without_memory;

    while (error == 0 && started < THREADS) {
        error = pthread_create(&threads[started], NULL, thread_main, rehearsal);
        started += error == 0;
    }
    error = error_of_create(error);
    for (int i = 0; i < started; i++)
        sem_post(&rehearsal->end);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    sem_getvalue(&rehearsal->no_bytes, &without_memory);
    return error == 0 && without_memory > 0 ? ENOMEM : error;
}

/* The threads block all signals, so that none of the caller's handlers runs in them. */
static int try_threads_without_signals(void)
{
    struct rehearsal rehearsal;
    sigset_t all, before;

    sem_init(&rehearsal.end, 0, 0);
    sem_init(&rehearsal.no_bytes, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = try_threads(&rehearsal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sem_destroy(&rehearsal.no_bytes);
    sem_destroy(&rehearsal.end);
    return error;
}

bool rehearse_context(int more_descriptors)
{
    void *volatile memory = malloc(MEMORY_BYTES);

    if (!memory || !descriptors_left(DESCRIPTORS_FIRST_SOCKET + more_descriptors)) {
        free(memory); /* keeps errno */
        return false;
    }
    int error = try_threads_without_signals();
    free(memory);
    errno = error;
    return error == 0;
}
