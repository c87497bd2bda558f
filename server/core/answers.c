/* Composes the messages that end a request or a membership: see answers.h. */
#include "server/core/answers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sums/stream.h"

void answer_refuse(struct dispatcher *d, enum effect_type type, uint32_t peer, uint64_t id,
                   enum refusal_code code, uint32_t retry_after_ms, const char *text, ...)
{
    struct refusal *refusal = &d->answer.message.refusal;
    va_list arguments;

    assert(!d->answer_due);
    d->answer_due = true;
    d->answer.type = type;
    d->answer.client = peer;
    d->answer.message.type = MESSAGE_REFUSAL;
    refusal->id = id;
    refusal->code = code;
    refusal->retry_after_ms = retry_after_ms;
    va_start(arguments, text);
    vsnprintf(refusal->text, sizeof refusal->text, text, arguments);
    va_end(arguments);
}

static void write_reply(const struct request *r, struct message *message)
{
    assert(r->total.count == r->asked.count);
    message->type = MESSAGE_SUM_REPLY;
    message->sum_reply = (struct sum_reply){
        .id = r->asked.id,
        .count = r->total.count,
        .units = r->total.units,
        .unit_log2 = stream_unit_log2((enum stream_kind)r->asked.kind),
        .compute_ns = r->compute_ns,
    };
}

static void write_terms(struct dispatcher *d, const struct request *r, struct message *message)
{
    assert(r->total.count == r->asked.count);
    message->type = MESSAGE_SUM_REPLY;
    message->sum_reply = (struct sum_reply){
        .id = r->asked.id,
        .count = r->total.count,
        .compute_ns = r->compute_ns,
        .outputs = terms_outputs(r->terms, d->outputs),
        .build = r->asked.build,
        .grain = terms_rate(&d->terms, r->terms)->grain,
        .fill_ns = r->terms->fill_ns,
    };
}

/* The noun for what the request counts, in the singular. */
static const char *unit_of(const struct request *r)
{
    return r->terms ? "term" : "sample";
}

static void write_refusal(const struct request *r, struct message *message)
{
    struct refusal *refusal = &message->refusal;
    char *text = refusal->text;
    size_t room = sizeof refusal->text;
    uint64_t done = r->total.count, count = r->asked.count;

    message->type = MESSAGE_REFUSAL;
    refusal->id = r->asked.id;
    refusal->code = r->ending;
    refusal->retry_after_ms = r->ending == REFUSAL_BUSY ? BUSY_RETRY_MS : 0;
    refusal->deaths = r->terms ? r->terms->deaths : 0;
    switch (r->ending) {
    case REFUSAL_DEADLINE_EXCEEDED:
        snprintf(text, room, "the deadline passed after %" PRIu64 " of %" PRIu64 " %ss", done,
                 count, unit_of(r));
        break;
    case REFUSAL_CANCELLED:
        snprintf(text, room, "cancelled after %" PRIu64 " of %" PRIu64 " %ss", done, count,
                 unit_of(r));
        break;
    case REFUSAL_STOPPING:
        snprintf(text, room,
                 "the server was stopped after %" PRIu64 " of %" PRIu64 " %ss; ask another one",
                 done, count, unit_of(r));
        break;
    case REFUSAL_WORKERS_LOST:
        snprintf(text, room,
                 "%d workers were lost while they summed %" PRIu64 " %ss from %s %" PRIu64
                 " on; these %ss may crash workers",
                 SPAN_DEATHS_MAX, r->deadly_count, unit_of(r), unit_of(r), r->deadly_first,
                 unit_of(r));
        break;
    case REFUSAL_BUSY:
        snprintf(text, room, "the server has no room for the outputs of this summand");
        break;
    case REFUSAL_BAD_PARAMETERS:
    case REFUSAL_SUMMAND_FAILED:
    case REFUSAL_OTHER_BITS: snprintf(text, room, "%s", r->terms->text); break;
    default: assert(!"a request does not end with this code");
    }
}

void answer_request(struct dispatcher *d, const struct request *r, struct message *message)
{
    if (r->ending == REFUSAL_NONE && r->terms)
        write_terms(d, r, message);
    else if (r->ending == REFUSAL_NONE)
        write_reply(r, message);
    else
        write_refusal(r, message);
}
