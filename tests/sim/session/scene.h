/* A caller's session with its servers, its network and its bad luck, on virtual time. All of it
 * follows from the seed. The session is the real one: client/lib/meantime.c, requests.c and
 * exchange.c; what is simulated is below them (lines, the clock, the timer) and around them.
 *
 * The laws, which are looked at after every step:
 *  1  A sum that is taken is the right one for its question.
 *  2  Orders are legal: one connection each; words only while it is up, each attempt under an id of
 *     its own, with the time that is left; no endpoint is dialled before it has rested.
 *  3  News are of the connection that was dialled last, and time never runs backwards.
 *  4  A server is blamed, trusted and believed for what it said itself; another one's word is taken
 *     for nothing but a right answer.
 *  5  A server is left for its silence only after SILENCE_NS and DOUBT_NS without a sign of life,
 *     however late the caller looks; and never one that was well and reachable all the time.
 *  6  Whatever there is to hear or to do wakes the caller; nothing keeps it awake without need.
 *  7  A deadline ends a request at the first look after it that has taken all there is, a cancel at
 *     once; an answer that was there in time counts, however late the caller looks.
 *  8  An error is true: NO_SERVER only where no connection came about, for CONNECT_NS or a turn for
 *     each endpoint; SERVER_LOST, SERVER_BUSY and NONSENSE only when the patience for the last loss
 *     is used up, or no endpoint may be asked before it is, or LOSSES_MAX servers were lost;
 *     the word of a refusal only from a server; TIMED_OUT at the deadline, or where one says so.
 *  9  As long as the caller looks in time, none of these errors befalls a request while a good
 *     server is there that it may ask.
 * 10  Once the faults have healed, everything ends; and when it is closed, nothing is left over. */
#ifndef MEANTIME_TESTS_SIM_SESSION_SCENE_H
#define MEANTIME_TESTS_SIM_SESSION_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"
#include "tests/sim/agenda.h"
#include "tests/sim/chance.h"
#include "tests/sim/session/cables.h"
#include "tests/sim/session/caller.h"
#include "tests/sim/session/events.h"
#include "tests/sim/session/luck.h"
#include "tests/sim/session/servers.h"
#include "tests/sim/session/witness.h"
#include "tests/sim/simulation.h"
#include "tests/sim/tally.h"
#include "tests/sim/trace.h"

/* Things that may be about to happen. */
enum scene_event {
    SCENE_ARRIVAL, /* who: letter */
    SCENE_CALL,    /* who: connection; stamp */
    SCENE_GONE,    /* who: connection; stamp */
    SCENE_UNHEARD, /* who: connection; stamp */
    SCENE_TASK,    /* who: task; stamp */
    SCENE_THAW,    /* who: server; stamp */
    SCENE_START,   /* who: server; stamp */
    SCENE_ASK,     /* who: question */
    SCENE_CANCEL,  /* who: question */
    SCENE_FAULT,
    SCENE_HEAL,
};

struct scene {
    int64_t now_ns;
    struct chance chance;
    struct trace trace;
    struct tally *tally;
    struct agenda agenda;
    struct cables cables;
    struct servers servers;
    struct caller caller;
    struct witness witnesses[QUESTIONS_MAX];
    struct luck luck;
    bool ended;
    char violation[VIOLATION_BYTES]; /* the first; empty: none */
};

/* Something is to happen in `delay_ns`. */
void scene_later(struct scene *scene, int64_t delay_ns, enum scene_event event, size_t who,
                 uint32_t stamp);

/* What must not be; the schedule ends. */
__attribute__((format(printf, 2, 3))) void scene_violation(struct scene *scene, const char *text,
                                                           ...);

static inline void scene_happened(struct scene *scene, enum event event)
{
    scene->tally->happened[event]++;
}

#endif
