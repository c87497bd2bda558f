/* The signals that ask the program to end: SIGINT (Ctrl-C), SIGTERM and SIGHUP. The first one asks
 * the program to end cleanly. A further one, at least a second later, ends the program at once. */
#ifndef MEANTIME_CLIENT_COMMON_INTERRUPT_H
#define MEANTIME_CLIENT_COMMON_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* Installs the handlers. Call it before any socket is opened. A signal that is ignored at the start
 * stays ignored: nohup(1) does so with SIGHUP, and a shell with SIGINT for its background jobs.
 * SIGXFSZ is ignored, so that a file that grows too long is an error of write(). */
void interrupt_catch(void);

/* True after the first of these signals. */
bool interrupted(void);

/* The exit status for the signal, as shells report it: 130 for SIGINT, 143 for SIGTERM, 129 for
 * SIGHUP. Only if interrupted(). */
int interrupt_exit_status(void);

/* Holds back all signals, except those that cannot be held back, until interrupt_release(). So no
 * signal ends the program while a temporary file exists. */
void interrupt_hold(sigset_t *before);
void interrupt_release(const sigset_t *before);

#endif
