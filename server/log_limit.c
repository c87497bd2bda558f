#include "server/log_limit.h"

#include <czmq.h>
#include <inttypes.h>

/* Time between two lines in the log about the same wrong. */
#define COMPLAINT_NS INT64_C(1000000000)

uint64_t complaints_due(struct complaints *complaints, int type)
{
    struct complaint *complaint = &complaints->of[type];
    int64_t now_ns = zclock_usecs() * 1000;
    uint64_t count = ++complaint->count;

    if (now_ns < complaint->line_at_ns)
        return 0;
    complaint->count = 0;
    complaint->line_at_ns = now_ns + COMPLAINT_NS;
    return count;
}

void complain(struct complaints *complaints, int type, const char *text)
{
    uint64_t count = complaints_due(complaints, type);

    complaints->bad_messages++;
    if (count > 0)
        zsys_warning("%" PRIu64 " bad message%s since the last line of this kind: %s", count,
                     count == 1 ? "" : "s", text);
}

void complain_of_worker(struct complaints *complaints, const struct refusal *refusal)
{
    uint64_t count = complaints_due(complaints, COMPLAINT_WORKER + (int)refusal->status);

    if (count == 1)
        zsys_warning("%s", refusal->text);
    else if (count > 1)
        zsys_warning("%s (the last of %" PRIu64 ")", refusal->text, count);
}
