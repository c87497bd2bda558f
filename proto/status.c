/* Checks, reads and writes the status reply. */
#include "proto/status.h"

#include <assert.h>
#include <float.h>

#include "proto/outputs_wire.h"
#include "proto/wire.h"

_Static_assert(WORKER_STATUS_THREAD == (int)MEANTIME__WORKER_STATE__WORKER_STATE_THREAD, "");
_Static_assert(WORKER_STATUS_JOINED == (int)MEANTIME__WORKER_STATE__WORKER_STATE_JOINED, "");
_Static_assert(WORKER_STATUS_LEAVING == (int)MEANTIME__WORKER_STATE__WORKER_STATE_LEAVING, "");

/* ---- Checks: each returns the reason why a field is out of range, or NULL ---- */

/* Returns false for a NaN, because every comparison with a NaN is false. */
static bool is_rate(double rate)
{
    return rate >= 0 && rate <= DBL_MAX;
}

static const char *worker_wrong(const struct worker_status *worker)
{
    const struct wire_rule rules[] = {
        {worker->state < WORKER_STATUS_THREAD || worker->state > WORKER_STATUS_LEAVING,
         "state of a worker is unknown; it must be 1 to 3"},
        {worker->capacity > CAPACITY_MAX,
         "capacity of a worker is too large; it must be " QUOTE(CAPACITY_MAX) " or less"},
        {!is_rate(worker->gaussian_rate),
         "gaussian_rate of a worker is out of range; it must be 0 or more, and finite"},
        {!is_rate(worker->uniform_rate),
         "uniform_rate of a worker is out of range; it must be 0 or more, and finite"},
    };
    return wire_broken(rules, COUNT_OF(rules));
}

static const char summand_is_wrong[] =
    "summand of a request is invalid; it must be up to " QUOTE(SUMMAND_NAME_BYTES_MAX) " bytes of "
                                                                                       "a-z 0-9 -";

static const char *request_wrong(const struct request_status *request)
{
    bool summand = request->summand[0] != '\0';
    const char *reason =
        wire_samples_wrong(request->id, summand, request->kind, request->first, request->count);

    if (reason == NULL && summand && !summand_name_valid(request->summand))
        reason = summand_is_wrong;
    if (reason == NULL && request->done > request->count)
        reason = "done is above count; it must be count or less";
    return reason;
}

static const char *lists_wrong(uint32_t worker_count, size_t workers_listed, uint32_t request_count,
                               size_t requests_listed)
{
    const struct wire_rule rules[] = {
        {workers_listed > STATUS_ENTRIES_MAX,
         "workers are too many; they must be " QUOTE(STATUS_ENTRIES_MAX) " or less"},
        {requests_listed > STATUS_ENTRIES_MAX,
         "requests are too many; they must be " QUOTE(STATUS_ENTRIES_MAX) " or less"},
        {worker_count < workers_listed, "worker_count is below the number of workers listed"},
        {request_count < requests_listed, "request_count is below the number of requests listed"},
    };
    return wire_broken(rules, COUNT_OF(rules));
}

/* ---- Decoding ---- */

/* The largest memory that protobuf-c allocates for a valid status reply: the message, its body, the
 * counters, two names of the server, both lists, and the struct and names of each entry.
 * protobuf-c also keeps 32 bytes for each of the body's 169 fields: 16 of them on the stack, the
 * others in allocations for 32, 64 and 128 fields. The name of a summand takes 32 bytes.
 * A third of the arena is free for later fields. */
#define NAME_TAKEN WIRE_ARENA_TAKEN(NAME_BYTES_MAX + 1)
#define STATUS_TAKEN_MAX                                                                           \
    (WIRE_ARENA_TAKEN(sizeof(Meantime__Message)) +                                                 \
     WIRE_ARENA_TAKEN(sizeof(Meantime__StatusReply)) + 2 * NAME_TAKEN +                            \
     WIRE_ARENA_TAKEN(sizeof(Meantime__Counters)) + (32 + 64 + 128) * 32 +                         \
     STATUS_ENTRIES_MAX * (WIRE_ARENA_TAKEN(sizeof(Meantime__WorkerStatus)) +                      \
                           WIRE_ARENA_TAKEN(sizeof(Meantime__RequestStatus)) + 3 * NAME_TAKEN +    \
                           2 * sizeof(void *)) +                                                   \
     (STATUS_ENTRIES_MAX + OFFERS_MAX) * 32 +                                                      \
     OFFERS_MAX * (WIRE_ARENA_TAKEN(sizeof(Meantime__Summand)) + sizeof(void *)))
_Static_assert(STATUS_TAKEN_MAX <= DECODE_ARENA_BYTES / 3 * 2, "");

/* Copies a name. Returns false if it is too long. */
static bool name_read(char *name, const char *wire)
{
    if (!wire_text_fits(wire, NAME_BYTES_MAX))
        return false;
    wire_text_copy(name, wire);
    return true;
}

static const char name_is_long[] =
    "a name is too long; it must be " QUOTE(NAME_BYTES_MAX) " bytes or less";

static const char *worker_read(const Meantime__WorkerStatus *wire, struct worker_status *worker)
{
    *worker = (struct worker_status){
        .number = wire->number,
        .state = (enum worker_status_state)wire->state,
        .capacity = wire->capacity,
        .credit = wire->credit,
        .in_flight = wire->in_flight,
        .gaussian_rate = wire->gaussian_rate,
        .uniform_rate = wire->uniform_rate,
        .silent_ms = wire->silent_ms,
        .samples = wire->samples,
    };
    if (!name_read(worker->name, wire->name) || !name_read(worker->kernel, wire->kernel))
        return name_is_long;
    return worker_wrong(worker);
}

static const char *request_read(const Meantime__RequestStatus *wire, struct request_status *request)
{
    *request = (struct request_status){
        .client = wire->client,
        .id = wire->id,
        .seed = wire->seed,
        .kind = (enum message_kind)wire->kind,
        .first = wire->first,
        .count = wire->count,
        .done = wire->done,
        .in_flight = wire->in_flight,
        .age_ms = wire->age_ms,
    };
    if (!name_read(request->owner, wire->owner))
        return name_is_long;
    if (!wire_text_fits(wire->summand, SUMMAND_NAME_BYTES_MAX))
        return summand_is_wrong;
    wire_text_copy(request->summand, wire->summand);
    return request_wrong(request);
}

static struct counters counters_read(const Meantime__Counters *wire)
{
    return (struct counters){
        .answered = wire->answered,
        .refused = wire->refused,
        .spans = wire->spans,
        .requeued = wire->requeued,
        .given_twice = wire->given_twice,
        .duplicates = wire->duplicates,
        .workers_lost = wire->workers_lost,
        .bad_messages = wire->bad_messages,
    };
}

static const char *server_read(const Meantime__StatusReply *wire, struct status_reply *status)
{
    if (!name_read(status->name, wire->name) || !name_read(status->kernel, wire->kernel))
        return name_is_long;
    status->up_ms = wire->up_ms;
    status->draining = wire->draining != 0;
    status->counters =
        wire->counters != NULL ? counters_read(wire->counters) : (struct counters){0};
    status->worker_count = wire->worker_count;
    status->request_count = wire->request_count;
    status->workers_listed = (uint32_t)wire->n_workers;
    status->requests_listed = (uint32_t)wire->n_requests;
    return NULL;
}

/* Reads an offer of the server. */
static const char *status_offer_read(const Meantime__Summand *wire, struct offer *offer)
{
    offer_read(wire, offer);
    return offer_wrong(offer);
}

static const char *status_read(const Meantime__StatusReply *wire, struct status_reply *status)
{
    const char *reason =
        lists_wrong(wire->worker_count, wire->n_workers, wire->request_count, wire->n_requests);

    if (reason == NULL)
        reason = server_read(wire, status);
    for (size_t i = 0; reason == NULL && i < wire->n_workers; ++i)
        reason = worker_read(wire->workers[i], &status->workers[i]);
    for (size_t i = 0; reason == NULL && i < wire->n_requests; ++i)
        reason = request_read(wire->requests[i], &status->requests[i]);
    if (reason == NULL && wire->n_summands > OFFERS_MAX)
        reason = offers_too_many;
    for (size_t i = 0; reason == NULL && i < wire->n_summands; ++i)
        reason = status_offer_read(wire->summands[i], &status->offers[i]);
    status->offer_count = (uint32_t)wire->n_summands;
    return reason;
}

static const char *message_read(const Meantime__Message *wire, struct status_reply *status)
{
    if (wire->version != PROTOCOL_VERSION)
        return wire_other_version;
    if (wire->body_case != MEANTIME__MESSAGE__BODY_STATUS_REPLY)
        return "the message is not a status reply";
    return status_read(wire->status_reply, status);
}

bool status_decode(const void *bytes, size_t size, struct status_reply *status, const char **reason)
{
    struct decode_arena arena;
    const Meantime__Message *wire;

    *reason = wire_unpack(&arena, bytes, size, &wire);
    if (*reason == NULL)
        *reason = message_read(wire, status);
    return *reason == NULL;
}

/* ---- Encoding ---- */

/* Bytes of each field, its tag included:
 *     11       a 64-bit number, at most
 *     6        a 32-bit number, at most
 *     9        a fixed 64-bit number, or a double
 *     2        an enumerator, or a bool
 *     97       a name: 1 + 1 + 95
 *     4        a capacity, which is at most 2^20
 *     10 each  first, count and done: if one of them has its 64th bit, first is 0 and is left out
 *     33       the name of a summand; such a request has no kind
 *     57       a summand: its tag and length, name, build, capacity, and ns_per_term
 * The tag and the length of an entry take 1 + 2 bytes, those of the counters 1 + 1, and those of
 * the whole reply 1 + 3. The version takes 1 + 1. */
#define NAME_BYTES              (2 + NAME_BYTES_MAX)
#define WORKER_BYTES_MAX        (3 + 4 * 6 + 4 + 2 + 2 * 9 + 11 + 2 * NAME_BYTES)
#define REQUEST_ENTRY_BYTES_MAX (3 + 2 * 11 + 3 * 10 + 9 + 2 * 6 + 33 + NAME_BYTES)
#define SERVER_BYTES_MAX        (2 * NAME_BYTES + 11 + 2 + (2 + 8 * 11) + 2 * 6)
_Static_assert(STATUS_BYTES_MAX ==
                   4 + 2 + SERVER_BYTES_MAX +
                       STATUS_ENTRIES_MAX * (WORKER_BYTES_MAX + REQUEST_ENTRY_BYTES_MAX) +
                       OFFERS_MAX * 57,
               "");
_Static_assert(NAME_BYTES_MAX < 128 && CAPACITY_MAX < 1 << 21,
               "a name's length takes one byte, and a capacity three");
_Static_assert(STATUS_BYTES_MAX <= FRAME_BYTES_MAX / 2, "");

/* The lists in the form that protobuf-c requires: structs, and pointers to them. */
struct wire_lists {
    Meantime__WorkerStatus workers[STATUS_ENTRIES_MAX];
    Meantime__WorkerStatus *worker_pointers[STATUS_ENTRIES_MAX];
    Meantime__RequestStatus requests[STATUS_ENTRIES_MAX];
    Meantime__RequestStatus *request_pointers[STATUS_ENTRIES_MAX];
    struct wire_offers offers;
};

static void worker_write(const struct worker_status *worker, Meantime__WorkerStatus *wire)
{
    assert(worker_wrong(worker) == NULL);
    meantime__worker_status__init(wire);
    wire->number = worker->number;
    wire->state = (Meantime__WorkerState)worker->state;
    wire->name = wire_text_out(worker->name, NAME_BYTES_MAX);
    wire->kernel = wire_text_out(worker->kernel, NAME_BYTES_MAX);
    wire->capacity = worker->capacity;
    wire->credit = worker->credit;
    wire->in_flight = worker->in_flight;
    wire->gaussian_rate = worker->gaussian_rate;
    wire->uniform_rate = worker->uniform_rate;
    wire->silent_ms = worker->silent_ms;
    wire->samples = worker->samples;
}

static void request_write(const struct request_status *request, Meantime__RequestStatus *wire)
{
    assert(request_wrong(request) == NULL);
    meantime__request_status__init(wire);
    wire->id = request->id;
    wire->client = request->client;
    wire->owner = wire_text_out(request->owner, NAME_BYTES_MAX);
    wire->seed = request->seed;
    wire->kind = (Meantime__Kind)request->kind;
    wire->first = request->first;
    wire->count = request->count;
    wire->done = request->done;
    wire->in_flight = request->in_flight;
    wire->age_ms = request->age_ms;
    wire->summand = wire_text_out(request->summand, SUMMAND_NAME_BYTES_MAX);
}

static void counters_write(const struct counters *counters, Meantime__Counters *wire)
{
    meantime__counters__init(wire);
    wire->answered = counters->answered;
    wire->refused = counters->refused;
    wire->spans = counters->spans;
    wire->requeued = counters->requeued;
    wire->given_twice = counters->given_twice;
    wire->duplicates = counters->duplicates;
    wire->workers_lost = counters->workers_lost;
    wire->bad_messages = counters->bad_messages;
}

static void server_write(const struct status_reply *status, Meantime__StatusReply *wire)
{
    wire->name = wire_text_out(status->name, NAME_BYTES_MAX);
    wire->kernel = wire_text_out(status->kernel, NAME_BYTES_MAX);
    wire->up_ms = status->up_ms;
    wire->draining = status->draining;
    wire->worker_count = status->worker_count;
    wire->request_count = status->request_count;
}

static void lists_write(const struct status_reply *status, struct wire_lists *lists,
                        Meantime__StatusReply *wire)
{
    struct offers offers = {.count = status->offer_count, .list = status->offers};

    assert(lists_wrong(status->worker_count, status->workers_listed, status->request_count,
                       status->requests_listed) == NULL);
    assert(offers_wrong(&offers) == NULL);
    for (uint32_t i = 0; i < status->workers_listed; ++i) {
        worker_write(&status->workers[i], &lists->workers[i]);
        lists->worker_pointers[i] = &lists->workers[i];
    }
    for (uint32_t i = 0; i < status->requests_listed; ++i) {
        request_write(&status->requests[i], &lists->requests[i]);
        lists->request_pointers[i] = &lists->requests[i];
    }
    offers_write(&offers, &lists->offers);
    wire->summands = lists->offers.pointers;
    wire->n_summands = offers.count;
    wire->workers = lists->worker_pointers;
    wire->n_workers = status->workers_listed;
    wire->requests = lists->request_pointers;
    wire->n_requests = status->requests_listed;
}

size_t status_encode(const struct status_reply *status, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__StatusReply body = MEANTIME__STATUS_REPLY__INIT;
    Meantime__Counters counters;
    struct wire_lists lists;

    server_write(status, &body);
    counters_write(&status->counters, &counters);
    lists_write(status, &lists, &body);
    body.counters = &counters;
    wire.version = PROTOCOL_VERSION;
    wire.body_case = MEANTIME__MESSAGE__BODY_STATUS_REPLY;
    wire.status_reply = &body;
    assert(meantime__message__get_packed_size(&wire) <= STATUS_BYTES_MAX);
    return meantime__message__pack(&wire, bytes);
}
