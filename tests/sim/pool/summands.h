/* The summands of simulated servers, and the expected totals of their terms. */
#ifndef MEANTIME_TESTS_SIM_POOL_SUMMANDS_H
#define MEANTIME_TESTS_SIM_POOL_SUMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

/* Two names with two builds each. A set of them has a bit for each. */
#define SUMMANDS 4

/* The storage of the outputs of a reply, for one output. */
struct sim_totals {
    struct exact_total sum, squares;
    struct output_total output;
};

/* The summand of that number. */
struct offer summand_offer(uint32_t number, double ns_per_term);

/* The set of the summands with this name and build. build: 0: any. */
uint32_t summands_named(const char *name, uint64_t build);

/* The set of these offers. */
uint32_t summands_of(const struct offers *offers);

/* The set of the summands that may compute this request. 0: none. */
uint32_t summands_fit(const struct sum_request *asked);

/* The same request, whose texts live for ever. */
struct sum_request summand_request(const struct sum_request *asked);

/* The time of one term on an average core depends on the parameters: 10^exponent ns, exponent 0 to
 * SUMMAND_EXPONENT_MAX. */
#define SUMMAND_EXPONENT_MAX 10
const char *summand_parameters(uint32_t exponent);
int64_t summand_term_ns(const char *parameters);

/* Every worker rejects these parameters, in the time of a nanosecond for each term. */
#define SUMMAND_REJECTED (SUMMAND_EXPONENT_MAX + 1)
bool summand_rejects(const char *parameters);

/* Terms of which the samples are made at once, and the time for that on an average core. */
#define SUMMAND_GRAIN   5456
#define SUMMAND_FILL_NS 20000

/* How often a span makes samples. */
uint64_t summand_fills(const struct sum_request *span);

/* The reply to a span with this build. The sum differs for each build and all parameters, and the
 * squares for each seed and all parameters. odd: 0, or what makes its bits wrong. */
struct sum_reply summand_reply(const struct sum_request *asked, uint64_t compute_ns,
                               uint64_t fill_ns, uint64_t odd, struct sim_totals *totals);

/* True if the reply is the answer to this request. */
bool summand_agrees(const struct sum_request *asked, const struct sum_reply *reply);

/* True if the reply has all that the answer to this request needs, apart from the bits. */
bool summand_answers(const struct sum_request *asked, const struct sum_reply *reply);

/* True if the progress is that of this request. */
bool summand_progresses(const struct sum_request *asked, const struct progress *progress);

/* Copies the outputs into `totals`, and lets `outputs` point there. */
void summand_keep_outputs(struct outputs *outputs, struct sim_totals *totals);

#endif
