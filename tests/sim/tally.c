#include "tests/sim/tally.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[HAPPENINGS] = {
    [HAPPENED_KILL] = "servers killed",
    [HAPPENED_STOP] = "servers stopped and continued",
    [HAPPENED_DRAIN] = "servers drained",
    [HAPPENED_HALT] = "servers that stopped at the second signal",
    [HAPPENED_RESET] = "connections reset",
    [HAPPENED_CUT] = "connections cut for a while",
    [HAPPENED_ISOLATED] = "servers isolated for a while",
    [HAPPENED_FULL] = "pipes full for a while",
    [HAPPENED_BURST] = "delays followed by a burst",
    [HAPPENED_IGNORED] = "connections ignored for their routing id",
    [HAPPENED_CLIENT_GONE] = "clients gone while they waited",
    [HAPPENED_HOSTILE] = "hostile workers",
    [HAPPENED_OTHER_SUMS] = "servers with other sums",
    [HAPPENED_MESSAGE] = "messages read",
    [HAPPENED_MESSAGE_LOST] = "messages lost",
    [HAPPENED_UNREACHABLE] = "sends to nobody (EHOSTUNREACH)",
    [HAPPENED_AGAIN] = "sends to a full pipe (EAGAIN)",
    [HAPPENED_NEVER_TOLD] = "ends that never learn of their connection's end",
    [HAPPENED_LATE_WORD] = "messages of a connection given up",
    [HAPPENED_SILENT_WORKER] = "workers dropped by their parent",
    [HAPPENED_SILENT_PARENT] = "parents found silent",
    [HAPPENED_DIAL] = "connections made",
    [HAPPENED_LIE] = "lies told by hostile workers",
    [HAPPENED_TWO_LEVELS] = "pools of two levels",
    [HAPPENED_ASKED] = "requests sent",
    [HAPPENED_ANSWERED] = "answered with their sum",
    [HAPPENED_PROGRESS] = "progress messages",
    [HAPPENED_DUPLICATE_ID] = "refused: duplicate id",
    [HAPPENED_BUSY] = "refused: busy",
    [HAPPENED_DEADLINE] = "refused: deadline exceeded",
    [HAPPENED_CANCELLED] = "refused: cancelled",
    [HAPPENED_STOPPING] = "refused: stopping",
    [HAPPENED_WORKERS_LOST] = "refused: workers lost",
    [HAPPENED_NOT_JOINED] = "workers told that they have not joined",
    [HAPPENED_REFUSED_JOIN] = "joins refused",
    [HAPPENED_GAVE_UP] = "requests asked again elsewhere",
    [HAPPENED_SPAN] = "spans summed",
    [HAPPENED_REQUEUED] = "spans requeued",
    [HAPPENED_GIVEN_TWICE] = "late spans given twice",
    [HAPPENED_DUPLICATE_TOTAL] = "duplicate totals dropped",
    [HAPPENED_WORKER_LOST] = "workers lost",
};

void tally_add(struct tally *into, const struct tally *part)
{
    into->schedules += part->schedules;
    into->violations += part->violations;
    into->steps += part->steps;
    into->simulated_ms += part->simulated_ms;
    for (int i = 0; i < HAPPENINGS; i++)
        into->happened[i] += part->happened[i];
}

void tally_print(const struct tally *tally)
{
    for (int i = 0; i < HAPPENINGS; i++)
        printf("%14" PRIu64 "  %s\n", tally->happened[i], names[i]);
}

unsigned tally_print_missing(const struct tally *tally)
{
    unsigned missing = 0;

    for (int i = 0; i < HAPPENINGS; i++)
        if (tally->happened[i] == 0) {
            printf("never: %s\n", names[i]);
            missing++;
        }
    return missing;
}
