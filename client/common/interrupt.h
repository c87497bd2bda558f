/* Ctrl-C: noted once, so that the program can end in good order; a second one ends it at once. */
#ifndef MEANTIME_CLIENT_COMMON_INTERRUPT_H
#define MEANTIME_CLIENT_COMMON_INTERRUPT_H

#include <stdbool.h>

/* Before any socket is opened. */
void interrupt_catch(void);

bool interrupted(void);

#endif
