/* A session: many requests over one link to each endpoint. The exchanges decide, the
 * session carries out their effects: it is the shell of client/lib/exchange.h. One thread.
 * meantime.c wraps it in the public calls. */
#ifndef MEANTIME_CLIENT_LIB_SESSION_H
#define MEANTIME_CLIENT_LIB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/endpoints.h"
#include "client/lib/meantime.h"
#include "client/lib/requests.h"
#include "client/lib/server_link.h"
#include "client/lib/wakeup.h"

/* A look may leave messages unread. After this many such looks in a row, and after this long, the
 * exchanges get EXCHANGE_EVENT_TIME nevertheless. If a server answers many requests at once,
 * the answers take about this many looks, or fewer if the caller looks rarely. */
#define UNREAD_LOOKS_MAX 100
#define UNREAD_NS_MAX    SILENCE_NS

struct session {
    struct link_context context;
    struct wakeup wakeup;
    int64_t due_at_ns;   /* when a request must get the time; may be too early, never too late */
    int64_t timer_at_ns; /* what the timer is set to; NEVER: not set */
    bool pending;        /* work is pending that no descriptor signals; the timer fires at once */
    bool looking;        /* session_look() runs, and sets the timer at its end */
    int unread_looks;    /* looks in a row that left messages unread */
    int64_t unread_since_at_ns; /* when the first of these looks began; valid if unread_looks > 0 */
    int64_t patience_ns;        /* of each request; 0: for ever */
    bool connected;             /* to any server, at any time */
    struct endpoints endpoints; /* the names are owned */
    struct dial_failure failures[ENDPOINTS_MAX]; /* the last one of each endpoint */
    struct server_link links[ENDPOINTS_MAX];     /* one for each endpoint */
    struct server_link probes[ENDPOINTS_MAX]; /* second links, to see whether a server is alive */
    struct requests requests;
    struct key_problem *key_problem; /* owned: why the last keys were refused; NULL: none were */
    struct meantime_output *taken; /* owned: the outputs of the result that was taken last, or NULL
                                    */
};

/* The public handle. */
struct meantime {
    struct session session;
};

/* Returns false and sets errno if no memory or descriptor is left. Call session_clear() in either
 * case. */
bool session_init(struct session *session);

/* Cancels all requests in flight, and closes all links. */
void session_clear(struct session *session);

/* Adds an endpoint. The name is copied.
 * MEANTIME_OK, _INVALID, _BAD_ENDPOINT, _TOO_MANY or _NO_RESOURCES; errno says why. */
int session_add_endpoint(struct session *session, const char *name);

/* Removes the last endpoints, so that `count` are left. No request has used the removed ones. */
void session_keep_endpoints(struct session *session, size_t count);

/* Begins a request that was just added to `requests`. The session has an endpoint. Returns false if
 * there is no memory for the texts of the question; then the request has not begun. */
bool session_begin(struct session *session, struct session_request *request,
                   const struct meantime_question *question);

/* Ends a request in flight with MEANTIME_CANCELLED, and sends a cancel to its server. */
void session_cancel(struct session *session, struct session_request *request);

/* Reads the messages and events that have come, and steps the exchanges that are due. */
void session_look(struct session *session);

#endif
