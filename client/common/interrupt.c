#include "client/common/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t noted;

static void note(int signal)
{
    (void)signal;
    noted = 1;
}

/* Without SA_RESTART: what waits in zmq_poll() is to come back. Who was started with SIGINT
 * ignored, as a shell's job in the background, is not meant. */
void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESETHAND}, before;

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
}

bool interrupted(void)
{
    return noted;
}
