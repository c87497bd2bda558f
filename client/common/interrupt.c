/* Remembers that a signal has asked the program to end. */
#include "client/common/interrupt.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "proto/errno_saved.h"

/* A signal within this time after the first one counts as the first one: timeout(1) sends its
 * signal twice, systemd sends SIGHUP right after SIGTERM, and both the terminal and the shell send
 * SIGHUP when a terminal is closed. */
#define AGAIN_AFTER_S 1

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS (sizeof signals / sizeof *signals)

static volatile sig_atomic_t received; /* the first of these signals; 0: none */
static struct timespec received_at;    /* used by the handler only */

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

static bool comes_again(void)
{
    struct timespec time = now();
    time_t passed_s = time.tv_sec - received_at.tv_sec;

    return passed_s > AGAIN_AFTER_S ||
           (passed_s == AGAIN_AFTER_S && time.tv_nsec >= received_at.tv_nsec);
}

/* The handler ends the program itself. The default action would do nothing in process 1. */
static void on_signal(int signal)
{
    if (!received) {
        ERRNO_SAVED(received_at = now());
        received = signal;
    } else if (comes_again())
        _exit(128 + signal);
}

/* The actions have no SA_RESTART, so that zmq_poll() returns after a signal. */
void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal}, before;

    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    signal(SIGXFSZ, SIG_IGN);
}

bool interrupted(void)
{
    return received;
}

int interrupt_exit_status(void)
{
    return 128 + received;
}

void interrupt_hold(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void interrupt_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
