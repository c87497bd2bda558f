/* A dispatcher with simulated clients and workers, for stories told in rows of stimulus and
 * consequence.
 *
 * A stimulus is one of
 *
 *     request CLIENT ID BLOCKS [uniform] [progress] [deadline MS]
 *     request CLIENT ID TERMS of NAME [build BUILD] [progress] [deadline MS]
 *     cancel CLIENT ID            lost CLIENT            CLIENT: 0, 1, ... or a parent, p0, ...
 *     join WORKER CORES [other] [height LEVELS] [has NAME BUILD NS]...
 *                                 WORKER: w0, w1, ...; other: a wrong digest; NS: ns per term
 *     beat WORKER CORES [height LEVELS] [has NAME BUILD NS]...
 *                                 the worker sends a heartbeat
 *     leave WORKER                lost WORKER
 *     done RUN [in MS]            the worker returns the total of the run RUN; runs are numbered
 *                                 r1, r2, ... in the order of their starts
 *     done RUN wrong WHAT         a wrong total; WHAT: count, units or unit
 *     done RUN by WORKER          another worker returns the total
 *     done RUN odd                of a summand: other bits
 *     done RUN grain TERMS        of a summand: with this grain
 *     stopped RUN                 a compute thread ends the run after a cancel
 *     refuse RUN STATUS [deaths NUMBER]                  the worker refuses the span
 *     time +MS                    time passes, and EVENT_TIME follows
 *     drain                       stop
 *     verify                      audits have verified all workers, for all summands
 *     threads NUMBER              only as the first row of a story; the default is 0
 *
 * and the consequence is the list of all effects, in their order:
 *
 *     start RUN WORKER CLIENT#ID FIRST+COUNT [of NAME BUILD] [audit]   in blocks, or in terms
 *     cancel RUN         reply CLIENT#ID                  progress CLIENT#ID DONE/COUNT
 *     welcome WORKER     refuse CLIENT#ID STATUS          beat WORKER     drop WORKER STATUS
 *
 * A row may also ask a question. The consequence is then the answer:
 *
 *     due: "5 ms" or "never"      busy: "yes" or "no"     capacity: cores     height: levels
 *     count COUNTER: its value    left: "nothing"         text: of the last refusal
 *     took: "3 ms", compute_ns of the last reply */
#ifndef MEANTIME_TESTS_UNIT_SERVER_FIXTURE_H
#define MEANTIME_TESTS_UNIT_SERVER_FIXTURE_H

#include <stdint.h>

#include "proto/instant.h"
#include "server/core/dispatcher.h"
#include "sums/stream.h"

#define MS NS_PER_MS

/* The time of a block: what the dispatcher expects of a new worker, so that span sizes do not
 * change. */
#define BLOCK_NS (100 * NS_PER_US)

#define DIGEST_OF_TESTS 4711
#define RUNS_OF_STORY   256

/* A run as the dispatcher started it. */
struct started {
    uint32_t worker;
    struct sum_request asked;
};

struct fixture {
    struct dispatcher *d;
    uint32_t threads;
    int64_t now_ns;
    struct started started[RUNS_OF_STORY]; /* r1, r2, ... */
    unsigned started_count;
    uint64_t took_ns;              /* compute_ns of the last reply */
    char output[4096];             /* the consequence of the last stimulus */
    char text[TEXT_BYTES_MAX + 1]; /* of the last refusal */
};

struct row {
    const char *stimulus; /* NULL: the end of the story */
    const char *consequence;
};

/* A dispatcher for 3 requests, 2 of each client, and 4 joined workers besides the threads. */
struct fixture fixture_new(uint32_t threads);
struct fixture fixture_of(const struct dispatcher_settings *settings);
void fixture_destroy(struct fixture *fixture);

/* Applies one stimulus, a printf format, and ignores its consequence. */
void fixture_do(struct fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Applies any event, for events that no stimulus describes. */
void fixture_step(struct fixture *fixture, const struct event *event);

/* Runs the rows. Fails the test at the first row with another consequence. */
void story(const struct row *rows);

/* A request whose seed contains its client and id, so that its spans can be assigned to it. */
struct sum_request request_of(uint32_t client, uint64_t id, uint64_t first, uint64_t count);

/* The correct total of a span. The value of a sample is its number plus the seed, so that any gap
 * or overlap changes the total. */
struct sum_reply total_of(const struct sum_request *asked, uint64_t compute_ns);

/* The totals of the one output of a summand. */
struct totals {
    struct exact_total sum, squares;
    struct output_total output;
};

/* The same for a span of a summand. The value of a term is its number plus the seed. totals: the
 * storage of the outputs. */
struct sum_reply terms_of(const struct sum_request *asked, uint64_t compute_ns,
                          struct totals *totals);

/* Fails the test if the message cannot be encoded and decoded again. */
void check_wire(const struct message *message);

#endif
