/* The trace of a schedule: see trace.h. */
#include "tests/sim/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/instant.h"

/* Bytes of `what` that are hashed. Each text is longer. */
#define VERB_BYTES 8

static void mix(struct trace *trace, uint64_t x)
{
    trace->hash = (trace->hash ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    trace->hash ^= trace->hash >> 32;
}

static void mix_line(struct trace *trace, int64_t now_ns, const char *what, uint32_t number,
                     uint64_t peer)
{
    uint64_t verb = 0;

    for (int i = 0; i < VERB_BYTES; i++)
        verb = verb << 8 | (unsigned char)what[i];
    mix(trace, (uint64_t)now_ns);
    mix(trace, verb);
    mix(trace, (uint64_t)number << 32 ^ peer);
}

static void print_line(int64_t now_ns, const char *what, uint32_t number, uint64_t peer)
{
    printf("%4" PRId64 ".%09" PRId64 "  %s %" PRIu32 " %" PRIu64, now_ns / NS_PER_S,
           now_ns % NS_PER_S, what, number, peer);
}

void trace_note(struct trace *trace, int64_t now_ns, const char *what, uint32_t number,
                uint64_t peer)
{
    mix_line(trace, now_ns, what, number, peer);
    if (trace->print) {
        print_line(now_ns, what, number, peer);
        putchar('\n');
    }
}

/* The fields of a message that are hashed, as numbers. */
struct fields {
    const char *name;
    uint64_t numbers[5];
};

static struct fields message_fields(const struct message *m)
{
    switch (m->type) {
    case MESSAGE_SUM_REQUEST:
        return (struct fields){"sum_request id seed first count deadline_ms",
                               {m->sum_request.id, m->sum_request.seed, m->sum_request.first,
                                m->sum_request.count, m->sum_request.deadline_ms}};
    case MESSAGE_SUM_REPLY:
        return (struct fields){"sum_reply id count units unit_log2 compute_ns",
                               {m->sum_reply.id, m->sum_reply.count, (uint64_t)m->sum_reply.units,
                                (uint64_t)m->sum_reply.unit_log2, m->sum_reply.compute_ns}};
    case MESSAGE_PROGRESS:
        return (struct fields){"progress id done count",
                               {m->progress.id, m->progress.done, m->progress.count}};
    case MESSAGE_CANCEL: return (struct fields){"cancel id", {m->cancel.id}};
    case MESSAGE_REFUSAL:
        return (struct fields){"refusal id code retry_after_ms",
                               {m->refusal.id, m->refusal.code, m->refusal.retry_after_ms}};
    case MESSAGE_JOIN:
        return (struct fields){"join digest capacity height",
                               {m->join.digest, m->join.capacity, m->join.height}};
    case MESSAGE_WELCOME: return (struct fields){"welcome ms", {m->welcome.heartbeat_ms}};
    case MESSAGE_HEARTBEAT:
        return (struct fields){"heartbeat capacity height",
                               {m->heartbeat.capacity, m->heartbeat.height}};
    case MESSAGE_LEAVE: return (struct fields){"leave", {0}};
    default: return (struct fields){"other", {m->type}};
    }
}

void trace_message(struct trace *trace, int64_t now_ns, const char *what, uint32_t number,
                   uint64_t peer, const struct message *message)
{
    struct fields fields = message_fields(message);
    const uint64_t *n = fields.numbers;

    mix_line(trace, now_ns, what, number, peer);
    mix(trace, message->type);
    for (int i = 0; i < 5; i++)
        mix(trace, n[i]);
    if (!trace->print)
        return;
    print_line(now_ns, what, number, peer);
    printf(": %s", fields.name);
    for (int i = 0; i < 5; i++)
        printf(" %" PRIu64, n[i]);
    if (message->type == MESSAGE_REFUSAL)
        printf(" (%s)", message->refusal.text);
    putchar('\n');
}
