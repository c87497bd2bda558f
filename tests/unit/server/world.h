/* A dispatcher and all who talk to it, for stories told in rows of stimulus and consequence.
 *
 * A stimulus is one of
 *
 *     request CLIENT ID BLOCKS [uniform] [progress] [deadline MS]
 *     cancel CLIENT ID            lost CLIENT            CLIENT: 0, 1, ... or a parent, p0, ...
 *     join WORKER CORES [other] [height LEVELS]          WORKER: w0, w1, ...; other: a digest
 *     beat WORKER CORES [height LEVELS]
 *     leave WORKER                lost WORKER
 *     done RUN [in MS]            its worker gives the total of the run RUN: r1, r2, ..., numbered
 *     done RUN wrong WHAT         in the order of their starts; WHAT: count, units or unit
 *     done RUN by WORKER          another worker gives it
 *     stopped RUN                 its worker, a thread, heeds a cancel
 *     refuse RUN STATUS           its worker refuses it
 *     time +MS                    time passes, and is told
 *     drain                       stop
 *     threads NUMBER              the first row of a story, unless there are none
 *
 * and the consequence is all that the dispatcher then says, in its order:
 *
 *     start RUN WORKER CLIENT#ID FIRST+COUNT              in blocks
 *     cancel RUN         reply CLIENT#ID                  progress CLIENT#ID DONE/COUNT
 *     welcome WORKER     refuse CLIENT#ID STATUS          beat WORKER     drop WORKER STATUS
 *
 * In between a story asks how things are:
 *
 *     due: "5 ms" or "never"      busy: "yes" or "no"     capacity: cores     height: levels
 *     count COUNTER: its value    left: "nothing"         text: of the last refusal
 *     took: "3 ms", what the last reply says */
#ifndef MEANTIME_TESTS_UNIT_SERVER_WORLD_H
#define MEANTIME_TESTS_UNIT_SERVER_WORLD_H

#include <stdint.h>

#include "server/core/dispatcher.h"
#include "sums/stream.h"

#define MS INT64_C(1000000)

/* What a block takes: as the dispatcher expects at first, so that span sizes stay as they are. */
#define BLOCK_NS 100000

#define DIGEST_OF_TESTS 4711
#define RUNS_OF_STORY   256

/* A run as the dispatcher started it. */
struct given {
    uint32_t worker;
    struct sum_request asked;
};

struct world {
    struct dispatcher *d;
    uint32_t threads;
    int64_t now_ns;
    struct given given[RUNS_OF_STORY]; /* r1, r2, ... */
    unsigned given_count;
    uint64_t took_ns;              /* compute_ns of the last reply */
    char said[4096];               /* the consequence of the last stimulus */
    char text[TEXT_BYTES_MAX + 1]; /* of the last refusal */
};

struct row {
    const char *stimulus; /* NULL: the end */
    const char *consequence;
};

/* Room for 3 requests, 2 of each client, and 4 workers beside the threads. */
struct world world_new(uint32_t threads);
struct world world_of(const struct dispatcher_settings *settings);
void world_destroy(struct world *world);

/* One stimulus, whatever comes of it; a printf format. */
void world_do(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Any event; for what has no words. */
void world_step(struct world *world, const struct event *event);

/* Fails the test at the first row that is not as told. */
void story(const struct row *rows);

/* A request's seed says whose it is, so that its spans can be told apart. */
struct sum_request request_of(uint32_t client, uint64_t id, uint64_t first, uint64_t count);

/* The right total of a span, in compute_ns. Each sample is worth its own number and its seed, which
 * shows any gap or overlap. */
struct sum_reply total_of(const struct sum_request *asked, uint64_t compute_ns);

/* Fails the test where the message is none that could be sent. */
void check_wire(const struct message *message);

#endif
