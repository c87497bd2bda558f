/* Wakes the caller of a session: epoll and timerfd behind one descriptor. */
#include "client/lib/wakeup.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/lib/clock.h"
#include "proto/instant.h"

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

bool wakeup_init(struct wakeup *wakeup)
{
    wakeup->epoll = epoll_create1(EPOLL_CLOEXEC);
    wakeup->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return wakeup->epoll != -1 && wakeup->timer != -1 && wakeup_add(wakeup, wakeup->timer);
}

void wakeup_clear(struct wakeup *wakeup)
{
    if (wakeup->timer != -1)
        close(wakeup->timer);
    if (wakeup->epoll != -1)
        close(wakeup->epoll);
    wakeup->timer = wakeup->epoll = -1;
}

bool wakeup_add(const struct wakeup *wakeup, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(wakeup->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void wakeup_remove(const struct wakeup *wakeup, int fd)
{
    epoll_ctl(wakeup->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* timerfd takes a time of 0 for "never". */
void wakeup_set_timer(const struct wakeup *wakeup, int64_t at_ns)
{
    struct itimerspec at = {.it_value = timespec_of(at_ns == NEVER ? 0 : at_ns)};
    int rc = timerfd_settime(wakeup->timer, TFD_TIMER_ABSTIME, &at, NULL);

    assert(rc == 0);
}

bool wakeup_ready(const struct wakeup *wakeup)
{
    struct epoll_event event;

    return epoll_wait(wakeup->epoll, &event, 1, 0) > 0;
}

bool wakeup_wait(const struct wakeup *wakeup, int64_t until_ns)
{
    struct pollfd fd = {.fd = wakeup->epoll, .events = POLLIN};
    struct timespec left = timespec_of(later(until_ns - clock_ns(), 0));

    return ppoll(&fd, 1, until_ns == NEVER ? NULL : &left, NULL) != -1 || errno != EINTR;
}
