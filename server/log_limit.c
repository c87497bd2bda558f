/* Log lines that peers can cause: limits for each second, and counts of what was held back. */
#include "server/log_limit.h"

#include <czmq.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/instant.h"

#define SECOND_NS NS_PER_S

static int64_t clock_ns(void)
{
    return zclock_usecs() * NS_PER_US;
}

/* ---- clients ----------------------------------------------------------------------------- */

static const char *shown(const char *address)
{
    return *address ? address : "an unknown address";
}

static bool has_address(const struct log_client_events *events, const char *address)
{
    for (uint32_t i = 0; i < events->address_count; i++)
        if (strcmp(events->addresses[i], address) == 0)
            return true;
    return false;
}

static void add_address(struct log_client_events *events, const char *address)
{
    if (has_address(events, address))
        return;
    if (events->address_count == LOG_ADDRESSES_MAX)
        events->more_addresses = true;
    else
        snprintf(events->addresses[events->address_count++], PEER_BYTES, "%s", address);
}

static void hold(struct log_client_events *events, enum log_level level, const char *what,
                 const char *address, const char *why)
{
    events->count++;
    events->level = level;
    snprintf(events->what, sizeof events->what, "%s", what);
    snprintf(events->text, sizeof events->text, "%s", why);
    add_address(events, shown(address));
}

void log_limit_client(struct log_limit *log, int kind, enum log_level level, const char *what,
                      const char *address, const char *why)
{
    struct log_client_events *events = &log->clients[kind];
    int64_t now_ns = clock_ns();

    if (!log_wants(level))
        return;
    if (events->count > 0 || now_ns < events->held_until_ns) {
        hold(events, level, what, address, why);
        return;
    }
    events->held_until_ns = now_ns + SECOND_NS;
    log_line(level, "%s %s: %s", what, shown(address), why);
}

static void write_held(struct log_client_events *events)
{
    char addresses[LOG_ADDRESSES_MAX * (PEER_BYTES + 2)] = "";
    size_t size = 0;

    for (uint32_t i = 0; i < events->address_count; i++)
        size += (size_t)snprintf(addresses + size, sizeof addresses - size, "%s%s",
                                 i > 0 ? ", " : "", events->addresses[i]);
    log_line(events->level, "%s %s%s: %" PRIu64 " more; the last one: %s", events->what, addresses,
             events->more_addresses ? " and others" : "", events->count, events->text);
    events->count = events->address_count = 0;
    events->more_addresses = false;
    events->held_until_ns = clock_ns() + SECOND_NS;
}

void log_limit_bad_message(struct log_limit *log, int kind, const char *address, const char *why)
{
    log->bad_messages++;
    log_limit_client(log, kind, LEVEL_WARNING, "bad message from", address, why);
}

/* The client of a cancelled request knows why it ended. */
void log_limit_refused(struct log_limit *log, const char *address, const struct refusal *refusal)
{
    static const enum log_level levels[REFUSAL_END] = {
        [REFUSAL_CANCELLED] = LEVEL_DEBUG,
        [REFUSAL_STOPPING] = LEVEL_INFO,
        [REFUSAL_DEADLINE_EXCEEDED] = LEVEL_INFO,
    };
    enum log_level level = levels[refusal->code];

    log_limit_client(log, LOG_KIND_REFUSED + (int)refusal->code,
                     level == LEVEL_ERROR ? LEVEL_WARNING : level, "refused a request from",
                     address, refusal->text);
}

/* ---- workers ----------------------------------------------------------------------------- */

static void write_held_workers(struct log_limit *log)
{
    static const char *const names[LOG_WORKER_KINDS] = {
        [LOG_WORKER_JOINED] = "joined",       [LOG_WORKER_LEFT] = "left",
        [LOG_WORKER_LOST] = "lost",           [LOG_WORKER_REFUSED] = "refused",
        [LOG_WORKER_SUMMAND] = "of summands", [LOG_WORKER_PARENT] = "of fronts"};
    char text[LOG_WORKER_KINDS * 40] = "";
    size_t size = 0;

    for (int i = 0; i < LOG_WORKER_KINDS; i++) {
        if (log->held[i] > 0)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%" PRIu64 " %s",
                                     size > 0 ? ", " : "", log->held[i], names[i]);
        log->held[i] = 0;
    }
    if (size > 0)
        log_warning("more events of workers in this second: %s", text);
}

static void workers_run_due(struct log_limit *log, int64_t now_ns)
{
    if (now_ns < log->workers_until_ns)
        return;
    write_held_workers(log);
    log->workers_until_ns = now_ns + SECOND_NS;
    log->worker_lines = 0;
}

void log_limit_worker(struct log_limit *log, enum log_worker_kind kind, enum log_level level,
                      const char *format, ...)
{
    char text[LOG_LINE_BYTES];
    va_list values;

    if (!log_wants(level))
        return;
    workers_run_due(log, clock_ns());
    if (log->worker_lines == LOG_WORKER_LINES_MAX) {
        log->held[kind]++;
        return;
    }
    log->worker_lines++;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    log_line(level, "%s", text);
}

static bool holds_workers(const struct log_limit *log)
{
    for (int i = 0; i < LOG_WORKER_KINDS; i++)
        if (log->held[i] > 0)
            return true;
    return false;
}

/* ---- time -------------------------------------------------------------------------------- */

void log_limit_run_due(struct log_limit *log, int64_t now_ns)
{
    for (int kind = 0; kind < LOG_KINDS; kind++)
        if (log->clients[kind].count > 0 && now_ns >= log->clients[kind].held_until_ns)
            write_held(&log->clients[kind]);
    if (holds_workers(log))
        workers_run_due(log, now_ns);
}

void log_limit_flush(struct log_limit *log)
{
    for (int kind = 0; kind < LOG_KINDS; kind++)
        if (log->clients[kind].count > 0)
            write_held(&log->clients[kind]);
    write_held_workers(log);
}

int64_t log_limit_due_at(const struct log_limit *log)
{
    int64_t due_at_ns = holds_workers(log) ? log->workers_until_ns : NEVER;

    for (int kind = 0; kind < LOG_KINDS; kind++)
        if (log->clients[kind].count > 0)
            due_at_ns = earlier(due_at_ns, log->clients[kind].held_until_ns);
    return due_at_ns;
}
