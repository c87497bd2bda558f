/* The real session, with what it needs of the system and of libzmq simulated: client/lib/meantime.c
 * stands in this file, and so its struct can be looked into. Its connections are in cables.c, and
 * each step of an exchange is witnessed. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "client/lib/exchange.h"
#include "tests/sim/session/scene.h"

/* One schedule at a time in a process. */
static struct scene *here;

void shell_begin(struct scene *scene)
{
    here = scene;
}

static int shell_clock(struct timespec *now)
{
    *now = (struct timespec){here->now_ns / S, here->now_ns % S};
    return 0;
}

static int shell_timer(const struct itimerspec *at)
{
    int64_t at_ns = at->it_value.tv_sec * S + at->it_value.tv_nsec;

    here->caller.timer_at_ns = at_ns ? at_ns : NEVER;
    return 0;
}

static int shell_ready(void)
{
    return cables_ring(here) || here->caller.timer_at_ns <= here->now_ns;
}

static bool shell_decode(const void *frame, struct message *message, struct message_error *error)
{
    (void)frame;
    *message = here->cables.taken.message;
    error->reason = "it is Greek";
    return !here->cables.taken.nonsense;
}

/* In place of proto/message.c, of which nothing else is needed. */
const char *status_text(enum status status)
{
    (void)status;
    return "for a reason";
}

static void shell_step(struct exchange *exchange, int64_t now_ns, const struct news *news)
{
    witness_step(here, exchange, now_ns, news);
}

#define clock_gettime(clock, now)                shell_clock(now)
#define timerfd_create(clock, flags)             0
#define timerfd_settime(fd, flags, at, old)      shell_timer(at)
#define epoll_create1(flags)                     0
#define epoll_ctl(fd, operation, other, event)   ((void)(event), 0)
#define epoll_wait(fd, events, count, timeout)   ((void)(events), shell_ready())
#define close(fd)                                (void)(fd)
#define zmq_ctx_new()                            here
#define zmq_ctx_term(context)                    0
#define zmq_strerror(number)                     strerror(number)
#define zmq_msg_init(frame)                      (void)(frame)
#define zmq_msg_close(frame)                     (void)(frame)
#define zmq_msg_data(frame)                      (frame)
#define zmq_msg_size(frame)                      0
#define message_decode(data, size, message, why) shell_decode(data, message, why)
#define exchange_step(exchange, now_ns, news)    shell_step(exchange, now_ns, news)
#include "client/lib/meantime.c"

bool shell_is_behind(const struct meantime *m)
{
    return m->behind_looks > 0;
}

bool shell_is_flooded(const struct meantime *m)
{
    return m->behind_looks > BEHIND_LOOKS_MAX;
}

/* Of a connection that nobody uses only an open one is kept, and no probe. */
static const char *check_line(const struct meantime *m, size_t at)
{
    const struct session_request *request;
    unsigned users = 0, probing = 0;

    TAILQ_FOREACH(request, &m->requests.in_flight, link)
    {
        users += request->attached && request->at == at;
        probing += request->probing && request->at == at;
    }
    if (m->lines[at].users != users || m->probes[at].users != probing)
        return "a connection has lost count of its users";
    if ((users == 0 && m->lines[at].dealer && !m->lines[at].up) ||
        (probing == 0 && m->probes[at].dealer))
        return "a connection is kept that nobody wants";
    return NULL;
}

const char *shell_check(const struct meantime *m)
{
    const struct session_request *request;
    const char *wrong = NULL;

    TAILQ_FOREACH(request, &m->requests.in_flight, link)
    if (exchange_due_at(&request->exchange) < here->caller.timer_at_ns)
        return "something is due";
    for (size_t i = 0; i < m->endpoints.count && !wrong; i++)
        wrong = check_line(m, i);
    return wrong;
}
