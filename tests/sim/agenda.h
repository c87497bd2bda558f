/* What is to happen when: a heap in the order of time, then of entry, so that a seed gives one
 * course of events. */
#ifndef MEANTIME_TESTS_SIM_AGENDA_H
#define MEANTIME_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

/* All messages that may be on their way, and far more than a small world needs beside these: what
 * fills it runs in circles. */
#define AGENDA_MAX 40000

enum occasion_type {
    OCCASION_LETTER,   /* who: letter */
    OCCASION_DIAL,     /* who: line; stamp */
    OCCASION_GONE,     /* who: line; stamp; end */
    OCCASION_NODE_DUE, /* who: node */
    OCCASION_THREAD,   /* who: node; end: thread; stamp */
    OCCASION_CLIENT,   /* who: client */
    OCCASION_HOSTILE,  /* who: hostile */
    OCCASION_START,    /* who: node; stamp */
    OCCASION_CONTINUE, /* who: node; stamp */
    OCCASION_SIGNAL,   /* who: node; stamp */
    OCCASION_FAULT,
    OCCASION_HEAL,
    OCCASION_LOOK,
    OCCASION_TYPES,
};

struct occasion {
    int64_t at_ns;
    uint32_t order;
    uint32_t stamp;
    uint16_t who;
    uint8_t end;
    uint8_t type;
};

struct agenda {
    uint32_t count;
    uint32_t order;
    struct occasion heap[AGENDA_MAX];
};

/* False where it is full. The agenda fills in `order`. */
bool agenda_add(struct agenda *agenda, struct occasion occasion);

/* False where it is empty. */
bool agenda_next(struct agenda *agenda, struct occasion *occasion);

#endif
