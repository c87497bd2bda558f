/* Ctrl-C: the first one asks the program to end cleanly, a second one ends it at once. */
#ifndef MEANTIME_CLIENT_COMMON_INTERRUPT_H
#define MEANTIME_CLIENT_COMMON_INTERRUPT_H

#include <stdbool.h>

/* Installs the handler of SIGINT. Call it before any socket is opened. */
void interrupt_catch(void);

/* True after the first SIGINT. */
bool interrupted(void);

#endif
