/* The descriptor that is readable when the caller must look: an epoll set with a timer and with the
 * sockets of all links. One thread. The simulator of sessions links its own implementation. */
#ifndef MEANTIME_CLIENT_LIB_WAKEUP_H
#define MEANTIME_CLIENT_LIB_WAKEUP_H

#include <stdbool.h>
#include <stdint.h>

struct wakeup {
    int epoll; /* a descriptor; -1: not open */
    int timer; /* a descriptor; -1: not open */
};

/* Returns false and sets errno if no memory or descriptor is left. Call wakeup_clear() in either
 * case. The timer is not set. */
bool wakeup_init(struct wakeup *wakeup);
void wakeup_clear(struct wakeup *wakeup);

/* Adds or removes a descriptor. While an added descriptor is readable, the caller must look. False:
 * errno says why. */
bool wakeup_add(const struct wakeup *wakeup, int fd);
void wakeup_remove(const struct wakeup *wakeup, int fd);

/* Sets the timer, even if it is set already. From at_ns on it is readable, until the next call of
 * this function. at_ns: by clock_ns(), 1 or more; a time in the past wakes the caller at once;
 * NEVER: not at all. A caller with an edge-triggered epoll gets a new edge, even if at_ns is in the
 * past again. */
void wakeup_set_timer(const struct wakeup *wakeup, int64_t at_ns);

/* Returns whether the caller must look. One system call, which does not wait. */
bool wakeup_ready(const struct wakeup *wakeup);

/* Waits until the caller must look, or until_ns has passed. NEVER: no limit.
 * False: a signal interrupted the wait. */
bool wakeup_wait(const struct wakeup *wakeup, int64_t until_ns);

#endif
