/* One schedule: a caller's session with its servers, its network and its faults, on virtual time.
 * The seed determines all of it. The session is the real one: client/lib/meantime.c, session.c,
 * requests.c and exchange.c. The modules below it are simulated (links, clock, wakeup), and so are
 * the caller and the servers.
 *
 * The laws, which are checked after every step:
 *  1  A sum that is taken is the right one for its request.
 *  2  Effects are legal. An exchange uses one link at a time. It sends only while the link is up.
 *     Each attempt has its own id, and carries the time that is left. No endpoint is dialled before
 *     its pause has ended.
 *  3  Events belong to the link that was dialled last, and time never runs backwards.
 *  4  The session judges a server only by its own messages. A message about another server's
 *     request changes nothing, except if it is the right answer.
 *  5  An exchange leaves a silent server only after SILENCE_NS and PROBE_NS without a sign of life,
 *     however late the caller looks. It never leaves a server that worked and was reachable all the
 *     time.
 *  6  The descriptor wakes the caller for every message, event and due time, and not without need.
 *  7  A deadline ends a request at the first later look that has read all messages. A cancel ends
 *     a request at once. An answer that came in time counts, however late the caller looks.
 *  8  An error is true. NO_SERVER: no connection was established for CONNECT_NS, or for a turn of
 *     each endpoint. SERVER_LOST, SERVER_BUSY and NONSENSE: the patience after the last loss is
 *     used up, or no endpoint may be dialled before that, or LOSSES_MAX servers were lost.
 *     REFUSED: a server refused. TIMED_OUT: the deadline has passed, or a server says so.
 *  9  While the caller looks in time, none of these errors ends a request if a good server is
 *     reachable and may be dialled.
 * 10  After the faults have healed, every request ends. A closed session leaves no connection. */
#ifndef MEANTIME_TESTS_SIM_SESSION_SCENE_H
#define MEANTIME_TESTS_SIM_SESSION_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"
#include "tests/sim/agenda.h"
#include "tests/sim/session/caller.h"
#include "tests/sim/session/counters.h"
#include "tests/sim/session/fault_plan.h"
#include "tests/sim/session/model_servers.h"
#include "tests/sim/session/observer.h"
#include "tests/sim/session/wires.h"
#include "tests/sim/simulation.h"
#include "tests/sim/tally.h"
#include "tests/sim/trace.h"
#include "tests/support/chance.h"

/* Events that may be scheduled. The comments say what `object` is, and whether `stamp` is used. */
enum scene_event {
    SCENE_ARRIVAL,        /* packet */
    SCENE_CONNECT,        /* wire; stamp */
    SCENE_DISCONNECT,     /* wire; stamp */
    SCENE_UNACKNOWLEDGED, /* wire; stamp */
    SCENE_TASK,           /* task; stamp */
    SCENE_RESUME,         /* server; stamp */
    SCENE_START,          /* server; stamp */
    SCENE_ASK,            /* request */
    SCENE_CANCEL,         /* request */
    SCENE_FAULT,
    SCENE_HEAL,
};

struct session_scene {
    int64_t now_ns;
    struct chance chance;
    struct trace trace;
    struct tally *tally;
    struct agenda agenda;
    struct wires wires;
    struct model_servers servers;
    struct model_caller caller;
    struct observer observers[CALLER_REQUESTS_MAX];
    struct fault_plan faults;
    bool connected; /* the session was connected to any server, at any time */
    bool ended;
    char violation[VIOLATION_BYTES]; /* the first one; empty: none */
};

/* Schedules an event in delay_ns. object: a number, see enum scene_event. */
void scene_schedule(struct session_scene *scene, int64_t delay_ns, enum scene_event event,
                    size_t object, uint32_t stamp);

/* A law is broken. The schedule ends, and keeps the first text. */
__attribute__((format(printf, 2, 3))) void scene_violation(struct session_scene *scene,
                                                           const char *text, ...);

/* From now on, the session calls of this process use this scene. See seams.c. */
void seams_begin(struct session_scene *scene);

static inline void scene_count(struct session_scene *scene, enum session_counter counter)
{
    scene->tally->happened[counter]++;
}

#endif
