/* Remembers that the user has pressed Ctrl-C. */
#include "client/common/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t sigint_received;

static void on_sigint(int signal)
{
    (void)signal;
    sigint_received = 1;
}

/* The action has no SA_RESTART, so that zmq_poll() returns after a signal. If the parent process
 * ignores SIGINT, as a shell does for background jobs, this program ignores SIGINT as well. */
void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_sigint, .sa_flags = SA_RESETHAND}, before;

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
}

bool interrupted(void)
{
    return sigint_received;
}
