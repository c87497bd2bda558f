/* Which connection holds the most places of a table that connections share. Each call costs the
 * same for any number of connections. A core. One thread. */
#ifndef MEANTIME_SERVER_NET_RANKING_H
#define MEANTIME_SERVER_NET_RANKING_H

#include <stdint.h>
#include <sys/queue.h>

/* One for each power of two of a count. */
#define RANKING_LEVELS 33

struct holder {
    uint32_t count;           /* places that it holds; set by ranking_set() */
    TAILQ_ENTRY(holder) link; /* in its level; not linked while count is 0 */
};
TAILQ_HEAD(holder_list, holder);

struct ranking {
    struct holder_list levels[RANKING_LEVELS]; /* level k: counts of k bits */
};

void ranking_init(struct ranking *ranking);

void ranking_set(struct ranking *ranking, struct holder *holder, uint32_t count);

/* A holder of the highest level: none holds twice as many places or more. Of these, the one that
 * has been in the level for the longest time. NULL if no place is held. */
struct holder *ranking_largest(const struct ranking *ranking);

#endif
