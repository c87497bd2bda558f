/* Audits of spans: see audits.h. */
#include "server/core/audits.h"

#include <assert.h>
#include <string.h>

#include "sums/fnv.h"

/* The output function of SplitMix64 (Steele, Lea, Flood, 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The choice depends on the position alone, and not on workers or time. */
static bool chosen(uint64_t seed, uint64_t first)
{
    return mix(seed + mix(first)) % AUDIT_ONE_IN == 0;
}

bool audit_needed(const struct span *span, const struct worker *worker)
{
    const struct request *r = span->request;

    if (!r->terms || r->asked.audit)
        return false;
    return span->vote_count > 0 || !(worker->verified & skill_bit(r->skill)) ||
           chosen(r->asked.seed, span->first);
}

/* ---- votes ------------------------------------------------------------------------------- */

static uint64_t add_units(uint64_t digest, const struct units *units)
{
    digest = fnv_add_bytes(digest, &units->unit_log2, sizeof units->unit_log2);
    digest = fnv_add_bytes(digest, &units->length, sizeof units->length);
    return fnv_add_bytes(digest, units->bytes, units->length);
}

/* Equal totals have equal bytes. Two totals that differ have the same digest once in 2^64 cases. */
static uint64_t digest_of(const struct outputs *outputs)
{
    uint64_t digest = FNV_OFFSET;

    for (uint32_t i = 0; i < outputs->count; i++) {
        digest = add_units(digest, &outputs->list[i].sum);
        digest = add_units(digest, &outputs->list[i].squares);
    }
    return digest;
}

struct worker *audit_voter(const struct workers *workers, const struct vote *vote)
{
    struct worker *worker = workers_at(workers, vote->worker);

    return worker->state != WORKER_FREE && worker->joined == vote->joined ? worker : NULL;
}

bool audit_has_voted(const struct workers *workers, const struct span *span,
                     const struct worker *worker)
{
    for (uint32_t i = 0; i < span->vote_count; i++)
        if (audit_voter(workers, &span->votes[i]) == worker)
            return true;
    return false;
}

/* How many workers could still vote. */
static uint32_t others(const struct workers *workers, const struct span *span)
{
    uint32_t skill = span->request->skill;
    uint32_t count = workers->skills.all[skill].workers;

    for (uint32_t i = 0; i < span->vote_count; i++) {
        const struct worker *voter = audit_voter(workers, &span->votes[i]);
        count -= voter && voter->state != WORKER_LEAVING && voter->capacity > 0 &&
                 voter->skills & skill_bit(skill);
    }
    return count;
}

bool audit_hopeless(const struct workers *workers, const struct span *span)
{
    return span->vote_count == AUDIT_VOTES_MAX ||
           (span->vote_count == 2 && others(workers, span) == 0);
}

/* A worker that votes twice agrees with itself only if no other worker has voted. */
static enum verdict vote_again(const struct span *span, uint64_t digest, const struct vote *vote)
{
    if (vote->digest != digest)
        return VERDICT_FAILED;
    return span->vote_count == 1 ? VERDICT_AGREED : VERDICT_WAIT;
}

enum verdict audit_vote(const struct workers *workers, struct span *span,
                        const struct worker *worker, const struct outputs *outputs)
{
    struct vote vote = {
        .digest = digest_of(outputs),
        .worker = workers_number(workers, worker),
        .joined = worker->joined,
    };

    span->agreed = vote.digest;
    for (uint32_t i = 0; i < span->vote_count; i++)
        if (audit_voter(workers, &span->votes[i]) == worker)
            return vote_again(span, vote.digest, &span->votes[i]);
    for (uint32_t i = 0; i < span->vote_count; i++)
        if (span->votes[i].digest == vote.digest)
            return VERDICT_AGREED;
    assert(span->vote_count < AUDIT_VOTES_MAX);
    span->votes[span->vote_count++] = vote;
    return audit_hopeless(workers, span) ? VERDICT_FAILED : VERDICT_WAIT;
}

void audit_verify(const struct workers *workers, const struct span *span, struct worker *worker)
{
    skill_set skill = skill_bit(span->request->skill);

    worker->verified |= skill;
    for (uint32_t i = 0; i < span->vote_count; i++) {
        struct worker *voter = audit_voter(workers, &span->votes[i]);
        if (voter && span->votes[i].digest == span->agreed)
            voter->verified |= skill;
    }
}

/* ---- the next worker --------------------------------------------------------------------- */

static bool may_compute(const struct workers *workers, const struct span *span,
                        const struct worker *worker, bool cut, bool alone)
{
    return worker->skills & skill_bit(span->request->skill) && (worker_proven(worker) || !cut) &&
           (alone || !audit_has_voted(workers, span, worker));
}

struct worker *audit_worker(const struct workers *workers, const struct span *span, bool cut)
{
    bool alone = others(workers, span) == 0;
    struct worker *worker;

    if (workers->ready_of[span->request->skill] == 0)
        return NULL;
    for (int level = 0; level < WORKER_CREDIT; level++)
        TAILQ_FOREACH (worker, &workers->ready[level], in_ready)
            if (may_compute(workers, span, worker, cut, alone))
                return worker;
    return NULL;
}
