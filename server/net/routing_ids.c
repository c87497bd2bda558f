/* The numbers that a ROUTER gives its connections as routing ids. */
#include "server/net/routing_ids.h"

void routing_ids_count(struct routing_ids *ids)
{
    ids->next++;
    ids->numbers++;
    ids->unchecked++;
    ids->since_learned++;
    if (ids->until_learning > 0)
        ids->until_learning--;
}

bool routing_ids_learning(struct routing_ids *ids)
{
    if (ids->until_learning > 0)
        return false;
    ids->until_learning = ROUTING_IDS_LEARN_EVERY;
    ids->since_learned = 0;
    return true;
}

/* The handshakes since routing_ids_learning() may have had lower or higher numbers: all count as
 * higher. */
void routing_ids_learn(struct routing_ids *ids, uint32_t number)
{
    ids->known = true;
    ids->next = number + 1 + ids->since_learned;
    ids->numbers++;
}

bool routing_ids_possible(const struct routing_ids *ids, uint32_t number)
{
    return !ids->known ||
           ids->next + ROUTING_IDS_SLACK - 1 - number < ids->numbers + ROUTING_IDS_SLACK;
}

uint32_t routing_ids_ahead(struct routing_ids *ids, uint32_t *first)
{
    uint32_t handshakes = ids->unchecked;

    ids->unchecked = 0;
    *first = ids->next + ROUTING_IDS_SLACK;
    return handshakes && ids->known ? ROUTING_IDS_AHEAD + ROUTING_IDS_AHEAD_EACH * handshakes : 0;
}
