/* The agenda of a simulation: see agenda.h. */
#include "tests/sim/agenda.h"

static bool before(const struct occasion *a, const struct occasion *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

bool agenda_add(struct agenda *agenda, struct occasion occasion)
{
    uint32_t hole = agenda->count;

    if (hole == AGENDA_MAX)
        return false;
    occasion.order = agenda->order++;
    agenda->count++;
    while (hole > 0 && before(&occasion, &agenda->heap[(hole - 1) / 2])) {
        agenda->heap[hole] = agenda->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    agenda->heap[hole] = occasion;
    return true;
}

bool agenda_next(struct agenda *agenda, struct occasion *occasion)
{
    if (agenda->count == 0)
        return false;
    *occasion = agenda->heap[0];
    struct occasion last = agenda->heap[--agenda->count];
    uint32_t hole = 0, child;
    while ((child = 2 * hole + 1) < agenda->count) {
        if (child + 1 < agenda->count && before(&agenda->heap[child + 1], &agenda->heap[child]))
            child++;
        if (!before(&agenda->heap[child], &last))
            break;
        agenda->heap[hole] = agenda->heap[child];
        hole = child;
    }
    agenda->heap[hole] = last;
    return true;
}
