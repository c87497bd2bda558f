/* Threads beside the program's own. */
#ifndef MEANTIME_DIAL_THREAD_H
#define MEANTIME_DIAL_THREAD_H

#include <stddef.h>

/* Starts a detached thread with a stack of `stack_bytes`. It blocks all signals: they are for the
 * program. Returns 0 or an errno. */
int thread_detached(void *(*run)(void *), void *argument, size_t stack_bytes);

#endif
