/* Log lines that peers can cause: at most one a second for each kind. */
#include "server/log_limit.h"

#include <czmq.h>
#include <inttypes.h>

#include "proto/instant.h"

/* Time between two lines of one kind. */
#define LINE_NS NS_PER_S

uint64_t log_limit_due(struct log_limit *log, int kind)
{
    struct log_line *line = &log->lines[kind];
    int64_t now_ns = zclock_usecs() * NS_PER_US;
    uint64_t count = ++line->count;

    if (now_ns < line->line_at_ns)
        return 0;
    line->count = 0;
    line->line_at_ns = now_ns + LINE_NS;
    return count;
}

void log_limit_bad_message(struct log_limit *log, int kind, const char *text)
{
    uint64_t count = log_limit_due(log, kind);

    log->bad_messages++;
    if (count > 0)
        zsys_warning("%" PRIu64 " bad message%s since the last line of this kind: %s", count,
                     count == 1 ? "" : "s", text);
}

void log_limit_worker_dropped(struct log_limit *log, const struct refusal *refusal)
{
    uint64_t count = log_limit_due(log, LOG_KIND_WORKER_DROPPED + (int)refusal->status);

    if (count == 1)
        zsys_warning("%s", refusal->text);
    else if (count > 1)
        zsys_warning("%s (the last of %" PRIu64 ")", refusal->text, count);
}
