/* Audits: a second worker computes some spans of summands again, and the totals must have the same
 * bits. One span in AUDIT_ONE_IN is audited, and all totals of a worker until an audit has verified
 * the worker. The answer to a request waits for its audits. A request of a front for an audit is
 * not audited itself.
 *
 * Each total of an audited span is a vote. Two equal votes of two workers settle the span. If two
 * workers differ, a third one decides, and the odd worker loses the summand. If only one worker has
 * the summand, it computes the span again, with a fresh helper process and other chunks. Part of
 * the dispatcher: no clock, no allocation. */
#ifndef MEANTIME_SERVER_CORE_AUDITS_H
#define MEANTIME_SERVER_CORE_AUDITS_H

#include "server/core/workers.h"

#define AUDIT_ONE_IN 64

enum verdict {
    VERDICT_WAIT,   /* another total is needed */
    VERDICT_AGREED, /* two totals are equal; votes with other bits are odd */
    VERDICT_FAILED, /* no majority is possible */
};

/* True if the total of this worker for the span needs an audit. */
bool audit_needed(const struct span *span, const struct worker *worker);

/* Counts the total of a worker for an audited span. */
enum verdict audit_vote(const struct workers *workers, struct span *span,
                        const struct worker *worker, const struct outputs *outputs);

/* The votes that are equal verify their workers. Call it after VERDICT_AGREED. */
void audit_verify(const struct workers *workers, const struct span *span, struct worker *worker);

/* The same question as audit_vote() after a worker was lost or has lost the summand. */
bool audit_hopeless(const struct workers *workers, const struct span *span);

/* The ready worker that computes the span next, or NULL. cut: the skill has new spans, too, which
 * unproven workers get first. */
struct worker *audit_worker(const struct workers *workers, const struct span *span, bool cut);

/* The worker of a vote, or NULL if it has left since. */
struct worker *audit_voter(const struct workers *workers, const struct vote *vote);

/* True if this worker has voted about the span. */
bool audit_has_voted(const struct workers *workers, const struct span *span,
                     const struct worker *worker);

#endif
