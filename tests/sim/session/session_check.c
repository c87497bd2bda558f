/* Checks the inside of a session. */
#include "tests/sim/session/session_check.h"

#include "client/lib/session.h"

bool session_has_unread(const struct meantime *m)
{
    return m->session.unread_looks > 0;
}

bool session_is_flooded(const struct meantime *m)
{
    return m->session.unread_looks > UNREAD_LOOKS_MAX;
}

/* A link without users stays open only while it is up. A probe without users is closed. */
static const char *check_link(const struct session *s, size_t endpoint)
{
    const struct session_request *request;
    unsigned users = 0, probing = 0;

    TAILQ_FOREACH (request, &s->requests.in_flight, link) {
        users += request->attached && request->endpoint == endpoint;
        probing += request->probing && request->endpoint == endpoint;
    }
    if (s->links[endpoint].users != users || s->probes[endpoint].users != probing)
        return "a link has a wrong number of users";
    if ((users == 0 && s->links[endpoint].dealer && !s->links[endpoint].up) ||
        (probing == 0 && s->probes[endpoint].dealer))
        return "a link without users stays open";
    return NULL;
}

const char *session_check(const struct meantime *m, int64_t timer_at_ns)
{
    const struct session *s = &m->session;
    const struct session_request *request;
    const char *wrong = NULL;

    TAILQ_FOREACH (request, &s->requests.in_flight, link) {
        if (exchange_due_at(&request->exchange) < timer_at_ns)
            return "a request is due before the timer fires";
    }
    for (size_t i = 0; i < s->endpoints.count && !wrong; i++)
        wrong = check_link(s, i);
    return wrong;
}
