/* Whether the server was told to end while its event loop does not run. */
#ifndef MEANTIME_SERVER_STOP_SIGNAL_H
#define MEANTIME_SERVER_STOP_SIGNAL_H

#include <stdbool.h>

/* True if SIGINT or SIGTERM is blocked and pending. The signal stays pending. */
bool stop_signal_is_pending(void);

#endif
