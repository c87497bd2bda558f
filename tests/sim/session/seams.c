/* Simulates the modules below the session: the clock, the wakeup, and libzmq's context. The links
 * are in wires.c. Also passes each step of an exchange to its observer. */
#include <string.h>

#include "client/lib/clock.h"
#include "client/lib/exchange.h"
#include "client/lib/server_link.h"
#include "client/lib/wakeup.h"
#include "tests/sim/session/scene.h"

/* A process runs one schedule at a time. */
static struct session_scene *current;

void seams_begin(struct session_scene *scene)
{
    current = scene;
}

/* ---- client/lib/clock.h ------------------------------------------------------------------ */

int64_t clock_ns(void)
{
    return current->now_ns;
}

/* ---- client/lib/wakeup.h ----------------------------------------------------------------- */

bool wakeup_init(struct wakeup *wakeup)
{
    *wakeup = (struct wakeup){.epoll = -1, .timer = -1};
    return true;
}

void wakeup_clear(struct wakeup *wakeup)
{
    (void)wakeup;
}

void wakeup_set_timer(const struct wakeup *wakeup, int64_t at_ns)
{
    (void)wakeup;
    current->caller.timer_at_ns = at_ns;
}

bool wakeup_ready(const struct wakeup *wakeup)
{
    (void)wakeup;
    return wires_readable(current) || current->caller.timer_at_ns <= current->now_ns;
}

/* The simulated caller waits by itself, and never calls meantime_wait(). */
bool wakeup_wait(const struct wakeup *wakeup, int64_t until_ns)
{
    (void)wakeup, (void)until_ns;
    return false;
}

/* ---- client/lib/server_link.h: the context ----------------------------------------------- */

bool link_context_init(struct link_context *context, struct wakeup *wakeup)
{
    *context = (struct link_context){.zmq = current, .wakeup = wakeup};
    return true;
}

bool link_context_set_keys(struct link_context *context, const char *key_file,
                           const char *server_key, struct key_problem *problem)
{
    (void)context, (void)key_file, (void)server_key, (void)problem;
    return false; /* no caller of the simulator has keys */
}

void link_context_clear(struct link_context *context)
{
    (void)context;
}

const char *server_link_error_text(int error)
{
    return strerror(error);
}

/* ---- proto/message.h: the simulator needs nothing else of message.c ----------------------- */

const char *refusal_code_text(enum refusal_code code)
{
    (void)code;
    return "for a reason";
}

/* ---- client/lib/exchange.h: the linker's --wrap=exchange_step calls this instead ----------- */

void __wrap_exchange_step(struct exchange *exchange, int64_t now_ns,
                          const struct exchange_event *event);

void __wrap_exchange_step(struct exchange *exchange, int64_t now_ns,
                          const struct exchange_event *event)
{
    observer_step(current, exchange, now_ns, event);
}
