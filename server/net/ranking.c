/* Which connection holds the most places of a table. */
#include "server/net/ranking.h"

#include <stddef.h>

void ranking_init(struct ranking *ranking)
{
    for (int level = 0; level < RANKING_LEVELS; level++)
        TAILQ_INIT(&ranking->levels[level]);
}

/* The number of bits of the count. */
static int level_of(uint32_t count)
{
    return count == 0 ? 0 : 32 - __builtin_clz(count);
}

void ranking_set(struct ranking *ranking, struct holder *holder, uint32_t count)
{
    int before = level_of(holder->count), level = level_of(count);

    holder->count = count;
    if (level == before)
        return;
    if (before > 0)
        TAILQ_REMOVE(&ranking->levels[before], holder, link);
    if (level > 0)
        TAILQ_INSERT_TAIL(&ranking->levels[level], holder, link);
}

struct holder *ranking_largest(const struct ranking *ranking)
{
    for (int level = RANKING_LEVELS - 1; level > 0; level--)
        if (!TAILQ_EMPTY(&ranking->levels[level]))
            return TAILQ_FIRST(&ranking->levels[level]);
    return NULL;
}
