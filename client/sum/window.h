/* A long sum, cut into requests of about a second, of which some are in flight at a time: a sliding
 * window. A pure core: the time and answers come in, requests go out. No socket, no clock, no
 * allocation.
 *
 * Answers may come in any order. What counts is how far the sum is without a gap, `so_far`: that is
 * all there is to keep for going on another day. */
#ifndef MEANTIME_CLIENT_SUM_WINDOW_H
#define MEANTIME_CLIENT_SUM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "sums/total.h"

/* Requests in flight: while one is answered and the next one is on its way, the servers still have
 * work. */
#define WINDOW_IN_FLIGHT 4

/* Requests from the oldest that is not answered on. When one is late, as others' servers are
 * faster, so many are answered meanwhile. */
#define WINDOW_PIECES 16

/* What a request is to take with the others beside it. What is lost with a client or a server that
 * dies is not much more. */
#define WINDOW_PIECE_NS INT64_C(1000000000)

/* Blocks of the first requests, where time is not short: a second's work of the slowest server that
 * one would use, milliseconds of a fast one. Later ones have no fewer: what makes them slow may be
 * no work, but a server that is away or busy, and then smaller ones would be no faster. */
#define WINDOW_FIRST_BLOCKS 256

/* One request. first: from the begin of the sum. load: samples in flight when it was asked for, its
 * own included. */
struct piece {
    uint64_t first;
    uint64_t count;
    uint64_t load;
    int64_t asked_at_ns;
    bool answered;
    __int128 units;
};

/* For reading: so_far, in_flight and asked, the number of requests up to now. */
struct window {
    struct total so_far;
    unsigned in_flight;
    uint64_t asked;

    uint64_t count;
    int64_t stop_at_ns;
    struct pacing pacing; /* of blocks */
    uint64_t load;        /* samples in flight */
    uint64_t last_load;   /* of the request that was answered last, */
    int64_t last_ns;      /* and how long it took */
    uint64_t oldest;      /* of the requests, counted from 0: the first that so_far does not have */
    uint64_t asked_to;    /* samples */
    struct piece pieces[WINDOW_PIECES]; /* [number of the request % WINDOW_PIECES] */
};

/* count: samples to sum, so_far->count of which are summed already. stop_at_ns: when no answer
 * helps any more; INT64_MAX: never. */
void window_init(struct window *window, uint64_t count, const struct total *so_far,
                 int64_t stop_at_ns);

/* The next request that is to be made now, which counts as in flight from here on; NULL: none is,
 * because there are enough, or all have been, or there is no time left for one. It stays the
 * window's. */
struct piece *window_ask(struct window *window, int64_t now_ns);

/* The answer to `piece`. */
void window_answered(struct window *window, struct piece *piece, __int128 units, int64_t now_ns);

static inline bool window_done(const struct window *window)
{
    return window->so_far.count == window->count;
}

#endif
