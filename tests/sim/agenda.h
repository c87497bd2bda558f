/* The agenda of a simulation: a heap of occasions, ordered by time and then by entry, so that a
 * seed always gives the same order of events. */
#ifndef MEANTIME_TESTS_SIM_AGENDA_H
#define MEANTIME_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

/* Room for all messages that may be on their way, and for far more other occasions than a small
 * pool needs. If the agenda is full, the simulation is in an endless loop. */
#define AGENDA_MAX 40000

enum occasion_type {
    OCCASION_LETTER,       /* a message arrives; object: letter */
    OCCASION_DIAL,         /* a connection is tried; object: cable; stamp */
    OCCASION_DISCONNECTED, /* an end of a connection notices its end; object: cable; stamp; end */
    OCCASION_NODE_DUE,     /* a timer of a server; object: node */
    OCCASION_THREAD,       /* a compute thread finishes; object: node; end: thread; stamp */
    OCCASION_CLIENT,       /* a timer of a client; object: client */
    OCCASION_HOSTILE,      /* a timer of a hostile worker; object: hostile */
    OCCASION_START,        /* a server's process starts; object: node; stamp */
    OCCASION_CONTINUE,     /* a stopped process continues; object: node; stamp */
    OCCASION_SIGNAL,       /* a process gets its second signal; object: node; stamp */
    OCCASION_FAULT,        /* a fault happens */
    OCCASION_HEAL,         /* all faults end */
    OCCASION_CHECK,        /* after healing: are all requests answered? */
    OCCASION_TYPES,
};

struct occasion {
    int64_t at_ns;  /* simulated time */
    uint32_t order; /* of entry */
    uint32_t stamp; /* of its object; if the object's stamp has changed, the occasion is outdated */
    uint16_t object; /* its number, as the type says */
    uint8_t end;
    uint8_t type; /* enum occasion_type */
};

struct agenda {
    uint32_t count; /* entries of `heap` */
    uint32_t order; /* of the next entry */
    struct occasion heap[AGENDA_MAX];
};

/* False if it is full. The agenda fills in `order`. */
bool agenda_add(struct agenda *agenda, struct occasion occasion);

/* Takes the next occasion. False if the agenda is empty. */
bool agenda_next(struct agenda *agenda, struct occasion *occasion);

#endif
