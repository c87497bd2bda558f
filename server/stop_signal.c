/* Whether the server was told to end. */
#include "server/stop_signal.h"

#include <signal.h>

bool stop_signal_is_pending(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM);
}
