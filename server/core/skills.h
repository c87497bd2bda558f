/* The skills of workers: the sum of samples, or the terms of one summand with one build. A request
 * needs one skill, and only workers that have it get its spans. Part of the dispatcher's state: no
 * clock, no allocation. */
#ifndef MEANTIME_SERVER_CORE_SKILLS_H
#define MEANTIME_SERVER_CORE_SKILLS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "proto/outputs.h"

/* A set of skills has a bit for each. Skill 0 is the sum of samples, which every worker has. */
#define SKILLS_MAX    64
#define SKILL_SAMPLES 0

typedef uint64_t skill_set;

struct skill {
    char name[SUMMAND_NAME_BYTES_MAX + 1]; /* of the summand; empty: this entry is free */
    uint64_t build;
    double ns_per_term; /* the least that a worker has announced; 0: none has */
    uint32_t workers;   /* with cores that have it and do not leave */
    uint64_t capacity;  /* cores of these workers */
    uint32_t uses;      /* workers, bans and requests that refer to it */
};

struct skills {
    struct skill all[SKILLS_MAX];
    uint32_t used; /* entries that were ever used, without SKILL_SAMPLES: 1, 2, ..., used */
};

/* Why a worker that has not left lost a skill. */
enum skill_loss_reason {
    SKILL_WITHDRAWN,  /* its heartbeat offers the summand no longer, or with another build */
    SKILL_REFUSED,    /* it has refused a span, because it lacks the summand */
    SKILL_OTHER_BITS, /* its totals have other bits than those of the majority */
    SKILL_LOSS_REASONS,
};

/* For the log. */
struct skill_loss {
    uint32_t worker; /* its number */
    enum skill_loss_reason reason;
    char summand[SUMMAND_NAME_BYTES_MAX + 1];
    uint64_t build;
    uint64_t other_build; /* that it offers instead; 0: none */
};

/* A heartbeat withdraws at most OFFERS_MAX skills. */
#define SKILL_LOSSES_MAX OFFERS_MAX

/* The skill of an offer. It is added to the table if it is new. SKILL_SAMPLES: the table is full.
 */
uint32_t skills_learn(struct skills *skills, const struct offer *offer);

/* The skill of this summand with the most cores. build: 0: any. SKILL_SAMPLES: no worker has it. */
uint32_t skills_find(const struct skills *skills, const char *name, uint64_t build);

/* Each use keeps the entry. */
void skills_keep(struct skills *skills, uint32_t skill);
void skills_drop(struct skills *skills, uint32_t skill);

/* Writes what this server offers, at most OFFERS_MAX entries. Returns their number. */
uint32_t skills_offers(const struct skills *skills, struct offer *offers);

static inline skill_set skill_bit(uint32_t skill)
{
    return (skill_set)1 << skill;
}

/* The lowest skill of a set that is not empty. */
static inline uint32_t skill_lowest(skill_set set)
{
    return (uint32_t)__builtin_ctzll(set);
}

#endif
