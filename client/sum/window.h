/* Divides a long sum into pieces, one request each, that take about a second. Some of them are in
 * flight at a time: a sliding window. A pure core: times and answers come in, requests go out. No
 * socket, no clock, no allocation.
 *
 * Answers may arrive in any order. The caller adds them in the order of the pieces, up to the first
 * gap. A checkpoint needs nothing else to resume the sum later.
 *
 * The numbers that are summed are samples, or the terms of a summand. The cost of samples is known
 * roughly. That of a term is from 1 ns to hours, so the first piece is one term. */
#ifndef MEANTIME_CLIENT_SUM_WINDOW_H
#define MEANTIME_CLIENT_SUM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/pacing.h"
#include "proto/instant.h"

/* Pieces in flight. While an answer and the next request are on their way, the servers compute the
 * other pieces. */
#define WINDOW_IN_FLIGHT 4

/* Pieces from the oldest unanswered one on, answered or not. If one piece is late, because its
 * server is slower, the others of these pieces can be answered meanwhile. */
#define WINDOW_PIECES 16

/* Wanted time from the request of a piece to its answer, while the other pieces are in flight. If a
 * client or a server crashes, not much more work than this is lost. */
#define WINDOW_PIECE_NS NS_PER_S

/* Blocks of the first pieces of samples, if there is no time limit: one second of work for a very
 * slow server, some milliseconds for a fast one. Later pieces have at least as many blocks: a piece
 * may be slow because a server is lost or busy, and smaller pieces would not be faster then. */
#define WINDOW_FIRST_BLOCKS 256

/* For the same reason, pieces of terms have at least this much work for one core, if there is no
 * time limit. */
#define WINDOW_LEAST_NS (100 * NS_PER_MS)

/* This minimum grows at most to this many times the terms of the piece before. So the step from one
 * term to a million takes four pieces. */
#define WINDOW_GROWTH_MAX 256

/* "Numbers" are samples or terms. All counts are from the start of the sum. */
struct piece {
    uint64_t first;      /* its first number */
    uint64_t count;      /* its numbers */
    uint64_t load;       /* numbers in flight with this piece, when it was asked for */
    int64_t asked_at_ns; /* when it was asked for */
    bool answered;
};

struct window_setting {
    uint64_t count;     /* numbers to sum */
    uint64_t added;     /* the first of them, which are summed already */
    int64_t stop_at_ns; /* when the time is over; NEVER: no limit */
    bool terms;         /* the numbers are terms, not samples */
    uint64_t origin;    /* the number of the first term in the whole sequence */
    bool cut;           /* end pieces at the counts of client/sum/stopping.h */
};

struct window {
    /* For reading. */
    uint64_t added;     /* numbers before the first gap, whose pieces window_take() has returned */
    unsigned in_flight; /* pieces in flight */
    uint64_t asked;     /* pieces asked for, up to now */

    /* Private. */
    struct window_setting setting;
    uint64_t unit;        /* numbers in one unit of the pacing: a block of samples, or one term */
    uint64_t grain;       /* pieces of at least this many numbers end at its multiples */
    uint64_t least;       /* units; smaller pieces would not be faster */
    struct pacing pacing; /* of a piece */
    uint64_t load;        /* numbers in flight */
    uint64_t last_load;   /* the load of the piece that was answered last; 0: none */
    int64_t last_ns;      /* how long that piece took; 0: none */
    uint64_t oldest;      /* number of the first piece that is not added; counts from 0 */
    uint64_t asked_to;    /* numbers asked for, from the start of the sum */
    struct piece pieces[WINDOW_PIECES]; /* [number of the piece % WINDOW_PIECES] */
};

void window_init(struct window *window, const struct window_setting *setting);

/* Returns the next piece to ask for. It is in flight from now on, and the window owns it. NULL: ask
 * for none now, because enough are in flight, all are asked for, or there is no time left. */
struct piece *window_ask(struct window *window, int64_t now_ns);

/* A server has answered. compute_ns: the time of all its cores together. */
void window_answered(struct window *window, struct piece *piece, uint64_t compute_ns,
                     int64_t now_ns);

/* A server has reported the grain of its summand: 1 or more terms, see summand/layout.h. */
void window_set_grain(struct window *window, uint64_t grain);

/* If the first piece after the added ones is answered, removes and returns that piece: the caller
 * adds its sum. Otherwise returns NULL. The piece is valid until the next window_ask(). */
struct piece *window_take(struct window *window);

/* Returns the index of a piece in window.pieces, for what the caller stores beside it. */
static inline unsigned window_index(const struct window *window, const struct piece *piece)
{
    return (unsigned)(piece - window->pieces);
}

static inline bool window_done(const struct window *window)
{
    return window->added == window->setting.count;
}

#endif
