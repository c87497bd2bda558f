/* The table of skills: see skills.h. */
#include "server/core/skills.h"

#include <assert.h>
#include <string.h>

static bool matches(const struct skill *skill, const char *name, uint64_t build)
{
    return strcmp(skill->name, name) == 0 && (build == 0 || skill->build == build);
}

/* A free entry has an empty name. */
static uint32_t skill_of(const struct skills *skills, const char *name, uint64_t build)
{
    for (uint32_t i = 1; i <= skills->used; i++)
        if (matches(&skills->all[i], name, build))
            return i;
    return SKILL_SAMPLES;
}

/* SKILL_SAMPLES: the table is full. */
static uint32_t skill_free(struct skills *skills)
{
    uint32_t number = skill_of(skills, "", 0);

    return number == SKILL_SAMPLES && skills->used < SKILLS_MAX - 1 ? ++skills->used : number;
}

uint32_t skills_learn(struct skills *skills, const struct offer *offer)
{
    uint32_t number = skill_of(skills, offer->name, offer->build);

    if (number == SKILL_SAMPLES) {
        number = skill_free(skills);
        if (number == SKILL_SAMPLES)
            return number;
        struct skill *skill = &skills->all[number];
        *skill = (struct skill){.build = offer->build};
        strcpy(skill->name, offer->name);
    }
    double ns = offer->ns_per_term;
    struct skill *skill = &skills->all[number];
    if (ns > 0 && (skill->ns_per_term <= 0 || ns < skill->ns_per_term))
        skill->ns_per_term = ns;
    return number;
}

uint32_t skills_find(const struct skills *skills, const char *name, uint64_t build)
{
    uint32_t best = SKILL_SAMPLES;

    for (uint32_t i = 1; i <= skills->used; i++) {
        const struct skill *skill = &skills->all[i];
        if (matches(skill, name, build) && skill->workers > 0 &&
            (best == SKILL_SAMPLES || skill->capacity > skills->all[best].capacity))
            best = i;
    }
    return best;
}

void skills_keep(struct skills *skills, uint32_t skill)
{
    skills->all[skill].uses++;
}

void skills_drop(struct skills *skills, uint32_t skill)
{
    assert(skills->all[skill].uses > 0);
    if (--skills->all[skill].uses == 0)
        skills->all[skill].name[0] = '\0';
}

uint32_t skills_offers(const struct skills *skills, struct offer *offers)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i <= skills->used && count < OFFERS_MAX; i++) {
        const struct skill *skill = &skills->all[i];
        if (skill->workers == 0)
            continue;
        struct offer *offer = &offers[count++];
        *offer = (struct offer){
            .build = skill->build,
            .capacity = skill->capacity < CAPACITY_MAX ? (uint32_t)skill->capacity : CAPACITY_MAX,
            .ns_per_term = skill->ns_per_term,
        };
        strcpy(offer->name, skill->name);
    }
    return count;
}
