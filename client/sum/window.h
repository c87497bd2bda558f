/* Divides a long sum into pieces, one request each, that take about a second. Some of them are in
 * flight at a time: a sliding window. A pure core: times and answers come in, requests go out. No
 * socket, no clock, no allocation.
 *
 * Answers may arrive in any order. `so_far` is the sum of all samples before the first gap. A
 * checkpoint needs nothing else to resume the sum later. */
#ifndef MEANTIME_CLIENT_SUM_WINDOW_H
#define MEANTIME_CLIENT_SUM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "proto/instant.h"
#include "sums/total.h"

/* Pieces in flight. While an answer and the next request are on their way, the servers compute the
 * other pieces. */
#define WINDOW_IN_FLIGHT 4

/* Pieces from the oldest unanswered one on, answered or not. If one piece is late, because its
 * server is slower, the others of these pieces can be answered meanwhile. */
#define WINDOW_PIECES 16

/* Wanted time of a piece, with the other pieces in flight. If a client or a server crashes, not
 * much more work than this is lost. */
#define WINDOW_PIECE_NS NS_PER_S

/* Blocks of the first pieces, if there is no time limit: one second of work for a very slow server,
 * some milliseconds for a fast one. Later pieces have at least as many blocks: a piece may be slow
 * because a server is lost or busy, and smaller pieces would not be faster then. */
#define WINDOW_FIRST_BLOCKS 256

struct piece {
    uint64_t first;      /* its first sample, counted from the begin of the sum */
    uint64_t count;      /* its samples */
    uint64_t load;       /* samples in flight when it was asked for, with its own */
    int64_t asked_at_ns; /* when it was asked for */
    bool answered;
    __int128 units; /* its sum, once it is answered */
};

struct window {
    /* For reading. */
    struct total so_far; /* all samples before the first gap */
    unsigned in_flight;  /* pieces in flight */
    uint64_t asked;      /* pieces asked for, up to now */

    /* Private. */
    uint64_t count;       /* samples of the whole sum */
    int64_t stop_at_ns;   /* when the time is over; NEVER: no limit */
    struct pacing pacing; /* of a piece; its unit is a block */
    uint64_t load;        /* samples in flight */
    uint64_t last_load;   /* the load of the piece that was answered last; 0: none */
    int64_t last_ns;      /* how long that piece took; 0: none */
    uint64_t oldest;      /* number of the first piece that so_far does not have; counts from 0 */
    uint64_t asked_to;    /* samples asked for, from the begin of the sum */
    struct piece pieces[WINDOW_PIECES]; /* [number of the piece % WINDOW_PIECES] */
};

/* count: samples to sum; the first so_far->count of them are summed already. stop_at_ns: when the
 * time is over; NEVER: no limit. */
void window_init(struct window *window, uint64_t count, const struct total *so_far,
                 int64_t stop_at_ns);

/* Returns the next piece to ask for. It is in flight from now on, and the window owns it. NULL: ask
 * for none now, because enough are in flight, all are asked for, or there is no time left. */
struct piece *window_ask(struct window *window, int64_t now_ns);

/* A server has answered: `units` is the sum of the piece. */
void window_answered(struct window *window, struct piece *piece, __int128 units, int64_t now_ns);

static inline bool window_done(const struct window *window)
{
    return window->so_far.count == window->count;
}

#endif
