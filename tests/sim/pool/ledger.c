/* The answers that a server owes its clients: see ledger.h. */
#include "tests/sim/pool/ledger.h"

#include "proto/instant.h"
#include "server/core/spans.h"
#include "tests/sim/oracle.h"
#include "tests/sim/pool/summands.h"

struct debt *ledger_find(struct ledger *ledger, uint32_t client, uint64_t id)
{
    for (uint32_t i = 0; i < ledger->count; i++)
        if (ledger->debts[i].client == client && ledger->debts[i].asked.id == id)
            return &ledger->debts[i];
    return NULL;
}

uint32_t ledger_owes(const struct ledger *ledger, uint32_t client)
{
    uint32_t owed = 0;

    for (uint32_t i = 0; i < ledger->count; i++)
        owed += ledger->debts[i].client == client;
    return owed;
}

static void ledger_remove(struct ledger *ledger, struct debt *debt)
{
    *debt = ledger->debts[--ledger->count];
}

static void ledger_forget(struct ledger *ledger, uint32_t client)
{
    for (uint32_t i = ledger->count; i-- > 0;)
        if (ledger->debts[i].client == client)
            ledger_remove(ledger, &ledger->debts[i]);
}

void ledger_begin(struct ledger *ledger, int64_t now_ns, const struct event *event)
{
    const struct message *message = event->message;

    ledger->event = event;
    ledger->duplicate = ledger->fresh = false;
    if (event->type == EVENT_CLIENT_LOST)
        ledger_forget(ledger, event->client);
    if (event->type != EVENT_CLIENT_MESSAGE || message->type != MESSAGE_SUM_REQUEST)
        return;
    ledger->duplicate = ledger_find(ledger, event->client, message->sum_request.id);
    ledger->fresh = !ledger->duplicate;
    if (ledger->fresh)
        ledger->debts[ledger->count++] = (struct debt){
            .client = event->client,
            .asked = summand_request(&message->sum_request),
            .asked_at_ns = now_ns,
            .progress_at_ns = INT64_MIN / 2,
        };
}

/* True if the event of this step is this message. */
static bool just_asked(const struct ledger *ledger, enum message_type type, uint32_t client,
                       uint64_t id)
{
    const struct event *event = ledger->event;

    if (event->type != EVENT_CLIENT_MESSAGE || event->client != client ||
        event->message->type != type)
        return false;
    return id ==
           (type == MESSAGE_CANCEL ? event->message->cancel.id : event->message->sum_request.id);
}

static const char *busy_wrong(const struct ledger *ledger,
                              const struct dispatcher_settings *settings, const struct debt *debt,
                              const struct refusal *refusal)
{
    if (!just_asked(ledger, MESSAGE_SUM_REQUEST, debt->client, refusal->id))
        return "an accepted request is refused as busy";
    if (ledger->count <= settings->requests_max &&
        ledger_owes(ledger, debt->client) <= settings->client_requests_max)
        return "refused as busy although there is room";
    return refusal->retry_after_ms ? NULL : "refused as busy without a time to retry";
}

static const char *refusal_wrong(const struct ledger *ledger, int64_t now_ns,
                                 const struct dispatcher_settings *settings, bool draining,
                                 uint32_t lost, uint32_t failures, const struct debt *debt,
                                 const struct refusal *refusal)
{
    int64_t deadline_at_ns = debt->asked_at_ns + debt->asked.deadline_ms * NS_PER_MS;

    switch (refusal->code) {
    case REFUSAL_BUSY: return busy_wrong(ledger, settings, debt, refusal);
    case REFUSAL_DEADLINE_EXCEEDED:
        return debt->asked.deadline_ms && now_ns >= deadline_at_ns ? NULL
                                                                   : "refused before its deadline";
    case REFUSAL_CANCELLED:
        return just_asked(ledger, MESSAGE_CANCEL, debt->client, refusal->id)
                   ? NULL
                   : "refused as cancelled without a cancel";
    case REFUSAL_STOPPING:
        return draining ? NULL : "refused as stopping by a server that does not drain";
    case REFUSAL_WORKERS_LOST:
        return lost >= SPAN_DEATHS_MAX ? NULL
                                       : "refused for lost workers although too few were lost";
    case REFUSAL_SUMMAND_FAILED:
        return failures >= SPAN_DEATHS_MAX && refusal->deaths >= SPAN_DEATHS_MAX
                   ? NULL
                   : "refused for dead helpers although too few have died";
    case REFUSAL_BAD_PARAMETERS:
        return debt->asked.summand && summand_rejects(debt->asked.parameters)
                   ? NULL
                   : "right parameters are refused";
    case REFUSAL_OTHER_BITS: return debt->asked.summand ? NULL : "samples with other bits";
    case REFUSAL_UNKNOWN_SUMMAND:
        return debt->asked.summand &&
                       just_asked(ledger, MESSAGE_SUM_REQUEST, debt->client, refusal->id)
                   ? NULL
                   : "an accepted request is refused for its summand";
    default: return "a request is refused with an invalid code";
    }
}

/* The earlier request with this id stays in flight. */
static const char *duplicate_answer(struct ledger *ledger, uint32_t client, uint64_t id)
{
    bool right = ledger->duplicate && just_asked(ledger, MESSAGE_SUM_REQUEST, client, id);

    ledger->duplicate = false;
    ledger->refusals++;
    if (client >= CLIENTS_MAX)
        return "a parent uses an id twice";
    return right ? NULL : "refused as a duplicate, but the id is not in flight";
}

/* A server does not audit the answer to an audit: its front compares the bits. */
static bool is_answer(const struct sum_request *asked, const struct sum_reply *reply)
{
    if (asked->audit)
        return summand_answers(asked, reply);
    return asked->summand ? summand_agrees(asked, reply) : oracle_agrees(asked, reply);
}

const char *ledger_answer(struct ledger *ledger, int64_t now_ns,
                          const struct dispatcher_settings *settings, bool draining, uint32_t lost,
                          uint32_t failures, uint32_t client, const struct message *message)
{
    const struct refusal *refusal = &message->refusal;
    bool reply = message->type == MESSAGE_SUM_REPLY;
    uint64_t id = reply ? message->sum_reply.id : refusal->id;
    const char *wrong = NULL;

    if (!reply && message->type != MESSAGE_REFUSAL)
        return "an answer of a wrong type";
    if (!reply && refusal->code == REFUSAL_DUPLICATE_ID)
        return duplicate_answer(ledger, client, id);
    /* A draining server refuses before it checks the id. */
    if (!reply && ledger->duplicate && refusal->code == REFUSAL_STOPPING) {
        ledger->duplicate = false;
        ledger->refusals++;
        return draining ? NULL : "refused as stopping by a server that does not drain";
    }
    struct debt *debt = ledger_find(ledger, client, id);
    if (!debt)
        return "an answer that no client waits for";
    if (reply)
        wrong = is_answer(&debt->asked, &message->sum_reply) ? NULL : "a wrong sum";
    else
        wrong = refusal_wrong(ledger, now_ns, settings, draining, lost, failures, debt, refusal);
    ledger->replies += reply;
    ledger->refusals += !reply;
    ledger_remove(ledger, debt);
    return wrong;
}

const char *ledger_progress(struct ledger *ledger, int64_t now_ns, uint32_t client,
                            const struct progress *progress)
{
    struct debt *debt = ledger_find(ledger, client, progress->id);

    if (!debt || !debt->asked.progress)
        return "progress without a request for it";
    if (progress->count != debt->asked.count ||
        (progress->done < debt->done && !debt->asked.summand) || progress->done >= progress->count)
        return "implausible progress";
    if (debt->asked.summand && !summand_progresses(&debt->asked, progress))
        return "the outputs of a progress message are not those of its terms";
    if (now_ns - debt->progress_at_ns < PROGRESS_NS)
        return "progress more often than promised";
    debt->progress_at_ns = now_ns;
    debt->done = progress->done;
    return NULL;
}

const char *ledger_end(struct ledger *ledger, bool draining)
{
    const struct event *event = ledger->event;

    if (ledger->duplicate)
        return "a request with a duplicate id has no answer";
    if (draining && ledger->fresh &&
        ledger_find(ledger, event->client, event->message->sum_request.id))
        return "a draining server accepts a request";
    if (event->type == EVENT_STOP && ledger->count > 0)
        return "a request remains after a stop";
    if (event->type == EVENT_CLIENT_MESSAGE && event->message->type == MESSAGE_CANCEL &&
        ledger_find(ledger, event->client, event->message->cancel.id))
        return "a request remains after its cancel";
    return NULL;
}
