/* Checks, reads and writes the messages of the protocol, one section for each message. */
#include "proto/message.h"

#include <assert.h>

#include "proto/outputs_wire.h"
#include "proto/printable.h"
#include "proto/wire.h"

/* A unit is a power of two between the smallest subnormal double and 1. */
#define UNIT_LOG2_MIN (-1074)
#define UNIT_LOG2_MAX 0

/* The enumerators of message.h have the wire's values, so a cast converts one to the other. */
_Static_assert(MESSAGE_KIND_NONE == (int)MEANTIME__KIND__KIND_UNSPECIFIED, "");
_Static_assert(MESSAGE_KIND_GAUSSIAN == (int)MEANTIME__KIND__KIND_GAUSSIAN, "");
_Static_assert(MESSAGE_KIND_UNIFORM == (int)MEANTIME__KIND__KIND_UNIFORM, "");
_Static_assert(REFUSAL_NONE == (int)MEANTIME__REFUSAL_CODE__REFUSAL_UNSPECIFIED, "");
_Static_assert(REFUSAL_MALFORMED == (int)MEANTIME__REFUSAL_CODE__REFUSAL_MALFORMED, "");
_Static_assert(REFUSAL_WRONG_VERSION == (int)MEANTIME__REFUSAL_CODE__REFUSAL_WRONG_VERSION, "");
_Static_assert(REFUSAL_OUT_OF_RANGE == (int)MEANTIME__REFUSAL_CODE__REFUSAL_OUT_OF_RANGE, "");
_Static_assert(REFUSAL_DUPLICATE_ID == (int)MEANTIME__REFUSAL_CODE__REFUSAL_DUPLICATE_ID, "");
_Static_assert(REFUSAL_BUSY == (int)MEANTIME__REFUSAL_CODE__REFUSAL_BUSY, "");
_Static_assert(REFUSAL_DEADLINE_EXCEEDED == (int)MEANTIME__REFUSAL_CODE__REFUSAL_DEADLINE_EXCEEDED,
               "");
_Static_assert(REFUSAL_CANCELLED == (int)MEANTIME__REFUSAL_CODE__REFUSAL_CANCELLED, "");
_Static_assert(REFUSAL_STOPPING == (int)MEANTIME__REFUSAL_CODE__REFUSAL_STOPPING, "");
_Static_assert(REFUSAL_WORKERS_LOST == (int)MEANTIME__REFUSAL_CODE__REFUSAL_WORKERS_LOST, "");
_Static_assert(REFUSAL_NOT_JOINED == (int)MEANTIME__REFUSAL_CODE__REFUSAL_NOT_JOINED, "");
_Static_assert(REFUSAL_OTHER_SUMS == (int)MEANTIME__REFUSAL_CODE__REFUSAL_OTHER_SUMS, "");
_Static_assert(REFUSAL_UNKNOWN_SUMMAND == (int)MEANTIME__REFUSAL_CODE__REFUSAL_UNKNOWN_SUMMAND, "");
_Static_assert(REFUSAL_BAD_PARAMETERS == (int)MEANTIME__REFUSAL_CODE__REFUSAL_BAD_PARAMETERS, "");
_Static_assert(REFUSAL_SUMMAND_FAILED == (int)MEANTIME__REFUSAL_CODE__REFUSAL_SUMMAND_FAILED, "");
_Static_assert(REFUSAL_OTHER_BITS == (int)MEANTIME__REFUSAL_CODE__REFUSAL_OTHER_BITS, "");

/* Each section below has up to three functions:
 *     x_wrong    returns the reason why a field is out of range, or NULL if all fields are in range
 *     x_read     fills in a struct message from protobuf-c's struct; returns like x_wrong
 *     x_write    packs a struct into bytes and returns their number */

/* These reasons are used by several messages. */
static const char id_is_0[] = "id is 0; it must be 1 or more";
static const char count_is_0[] = "count is 0; it must be 1 or more";
static const char count_is_large[] = "count is too large; it must be 2^63 or less";
static const char capacity_is_large[] =
    "capacity is too large; it must be " QUOTE(CAPACITY_MAX) " or less";

/* Bytes of each field, its tag included:
 *     2 + 31   a name of a summand or of an output
 *     278      the Total of a sum: units 1 + 2 + 272, unit_log2 1 + 2
 *     542      the Total of squares: units 1 + 2 + 536, unit_log2 1 + 2
 * Each Total and each Output has 1 + 2 bytes for its tag and its length.
 * The longest message is a reply with all outputs. Its id, count, compute_ns, grain and fill_ns
 * take 11 bytes each and its build 9. The reply's own tag and length take 1 + 3 bytes, and the
 * version 1 + 1. The longest message of a client is a request for a summand: the name, 1 + 2 + 512
 * for the parameters, 11 each for id, first and count, 9 each for seed and build, 6 for
 * deadline_ms, 2 each for progress and audit, 3 for its tag and length, 2 for the version: 614
 * bytes. A refusal has a text of 1 + 2 + 512 bytes and less than 64 others. A join has two names of
 * 1 + 1 + 95 bytes, numbers of less than 64 bytes, and 32 summands of 57. */
#define OUTPUT_BYTES (3 + 33 + (3 + 278) + (3 + 542))
_Static_assert(MESSAGE_BYTES_MAX == 2 + 4 + 5 * 11 + 9 + OUTPUTS_MAX * OUTPUT_BYTES, "");
_Static_assert(EXACT_SUM_WORDS == 34 && EXACT_SQUARES_WORDS == 67, "272 and 536 bytes");
_Static_assert(614 <= REQUEST_BYTES_MAX && 515 + 64 <= REQUEST_BYTES_MAX, "");
_Static_assert(TEXT_BYTES_MAX == 512 && PARAMETERS_BYTES_MAX == 512 && NAME_BYTES_MAX == 95, "");
_Static_assert(FRAME_BYTES_MAX >= MESSAGE_BYTES_MAX, "");

/* The largest memory that protobuf-c allocates for a valid reply: the message, its body, 32 bytes
 * for each of up to 128 fields, and the structs, names and bytes of all outputs. */
#define OUTPUT_TAKEN                                                                               \
    (WIRE_ARENA_TAKEN(sizeof(Meantime__Output)) + 2 * WIRE_ARENA_TAKEN(sizeof(Meantime__Total)) +  \
     32 + WIRE_ARENA_TAKEN(272) + WIRE_ARENA_TAKEN(536) + sizeof(void *) +                         \
     sizeof(struct output_total))
_Static_assert(WIRE_ARENA_TAKEN(sizeof(Meantime__Message)) +
                       WIRE_ARENA_TAKEN(sizeof(Meantime__SumReply)) + (32 + 64 + 128) * 32 +
                       OUTPUTS_MAX * OUTPUT_TAKEN + 32 <=
                   DECODE_ARENA_BYTES / 6 * 5,
               "a sixth is free for unknown fields");

/* The function has a large stack frame. It is not inlined into message_encode(), because any thread
 * may encode a request, also a thread with little stack. */
#define LARGE_FRAME __attribute__((noinline))

static size_t wire_write(Meantime__Message *wire, Meantime__Message__BodyCase body_case,
                         uint8_t *bytes)
{
    wire->version = PROTOCOL_VERSION;
    wire->body_case = body_case;
    return meantime__message__pack(wire, bytes);
}

/* ---- SumRequest ---- */

static const char *sum_request_wrong(const struct sum_request *request)
{
    const struct wire_rule rules[] = {
        {request->summand != NULL && !summand_name_valid(request->summand),
         "summand is invalid; it must be 1 to " QUOTE(SUMMAND_NAME_BYTES_MAX) " bytes of a-z 0-9 "
                                                                              "-"},
        {request->parameters != NULL && !parameters_valid(request->parameters),
         "parameters are invalid; they must be " QUOTE(PARAMETERS_BYTES_MAX) " bytes of printable "
                                                                             "ASCII or less"},
        {request->summand == NULL &&
             (request->parameters != NULL || request->build != 0 || request->audit),
         "parameters, build or audit are set; they must be absent without a summand"},
    };
    const char *reason = wire_samples_wrong(request->id, request->summand != NULL, request->kind,
                                            request->first, request->count);
    return reason != NULL ? reason : wire_broken(rules, COUNT_OF(rules));
}

/* NULL for an empty text. */
static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static const char *sum_request_read(const Meantime__SumRequest *wire, struct message *message)
{
    message->type = MESSAGE_SUM_REQUEST;
    message->sum_request = (struct sum_request){
        .id = wire->id,
        .seed = wire->seed,
        .kind = (enum message_kind)wire->kind,
        .first = wire->first,
        .count = wire->count,
        .deadline_ms = wire->deadline_ms,
        .progress = wire->progress != 0,
        .summand = text_or_null(wire->summand),
        .parameters = text_or_null(wire->parameters),
        .build = wire->build,
        .audit = wire->audit != 0,
    };
    return sum_request_wrong(&message->sum_request);
}

/* protobuf-c only reads the text. */
static char *text_of(const char *text)
{
    return (char *)(text != NULL ? text : protobuf_c_empty_string);
}

static size_t sum_request_write(const struct sum_request *request, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__SumRequest body = MEANTIME__SUM_REQUEST__INIT;

    assert(sum_request_wrong(request) == NULL);
    body.id = request->id;
    body.seed = request->seed;
    body.kind = (Meantime__Kind)request->kind;
    body.first = request->first;
    body.count = request->count;
    body.deadline_ms = request->deadline_ms;
    body.progress = request->progress;
    body.summand = text_of(request->summand);
    body.parameters = text_of(request->parameters);
    body.build = request->build;
    body.audit = request->audit;
    wire.sum_request = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_SUM_REQUEST, bytes);
}

/* ---- SumReply ---- */

static const char *sum_reply_wrong(const struct sum_reply *reply)
{
    const struct wire_rule rules[] = {
        {reply->id == 0, id_is_0},
        {reply->count == 0, count_is_0},
        {reply->count > SAMPLE_END_MAX, count_is_large},
        {reply->unit_log2 < UNIT_LOG2_MIN || reply->unit_log2 > UNIT_LOG2_MAX,
         "unit_log2 is out of range; it must be -1074 to 0"},
        {reply->outputs.count > 0 && (reply->units != 0 || reply->unit_log2 != 0),
         "total_high, total_low or unit_log2 is not 0; they must be 0 with outputs"},
        {reply->outputs.count > 0 && reply->build == 0,
         "build is 0; it must be 1 or more with outputs"},
        {reply->outputs.count == 0 &&
             (reply->build != 0 || reply->grain != 0 || reply->fill_ns != 0),
         "build, grain or fill_ns is not 0; they must be 0 without outputs"},
    };
    const char *reason = wire_broken(rules, COUNT_OF(rules));
    return reason != NULL ? reason : outputs_wrong(&reply->outputs, reply->count);
}

static __int128 units_join(int64_t high, uint64_t low)
{
    return (__int128)((unsigned __int128)(uint64_t)high << 64 | low);
}

static const char *sum_reply_read(struct decode_arena *arena, const Meantime__SumReply *wire,
                                  struct message *message)
{
    const char *reason;

    message->type = MESSAGE_SUM_REPLY;
    message->sum_reply = (struct sum_reply){
        .id = wire->id,
        .count = wire->count,
        .units = units_join(wire->total_high, wire->total_low),
        .unit_log2 = wire->unit_log2,
        .compute_ns = wire->compute_ns,
        .build = wire->build,
        .grain = wire->grain,
        .fill_ns = wire->fill_ns,
    };
    reason = outputs_read(arena, wire->outputs, wire->n_outputs, &message->sum_reply.outputs);
    return reason != NULL ? reason : sum_reply_wrong(&message->sum_reply);
}

static LARGE_FRAME size_t sum_reply_write(const struct sum_reply *reply, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__SumReply body = MEANTIME__SUM_REPLY__INIT;
    struct wire_outputs outputs;

    assert(sum_reply_wrong(reply) == NULL);
    body.id = reply->id;
    body.count = reply->count;
    body.total_high = (int64_t)((unsigned __int128)reply->units >> 64);
    body.total_low = (uint64_t)reply->units;
    body.unit_log2 = reply->unit_log2;
    body.compute_ns = reply->compute_ns;
    body.build = reply->build;
    body.grain = reply->grain;
    body.fill_ns = reply->fill_ns;
    outputs_write(&reply->outputs, &outputs);
    body.outputs = outputs.pointers;
    body.n_outputs = reply->outputs.count;
    wire.sum_reply = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_SUM_REPLY, bytes);
}

/* ---- Progress ---- */

static const char *progress_wrong(const struct progress *progress)
{
    const struct wire_rule rules[] = {
        {progress->id == 0, id_is_0},
        {progress->count == 0, count_is_0},
        {progress->count > SAMPLE_END_MAX, count_is_large},
        {progress->done > progress->count, "done is above count; it must be count or less"},
    };
    const char *reason = wire_broken(rules, COUNT_OF(rules));
    return reason != NULL ? reason : outputs_wrong(&progress->outputs, progress->done);
}

static const char *progress_read(struct decode_arena *arena, const Meantime__Progress *wire,
                                 struct message *message)
{
    const char *reason;

    message->type = MESSAGE_PROGRESS;
    message->progress = (struct progress){.id = wire->id, .done = wire->done, .count = wire->count};
    reason = outputs_read(arena, wire->outputs, wire->n_outputs, &message->progress.outputs);
    return reason != NULL ? reason : progress_wrong(&message->progress);
}

static LARGE_FRAME size_t progress_write(const struct progress *progress, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Progress body = MEANTIME__PROGRESS__INIT;
    struct wire_outputs outputs;

    assert(progress_wrong(progress) == NULL);
    body.id = progress->id;
    body.done = progress->done;
    body.count = progress->count;
    outputs_write(&progress->outputs, &outputs);
    body.outputs = outputs.pointers;
    body.n_outputs = progress->outputs.count;
    wire.progress = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_PROGRESS, bytes);
}

/* ---- Cancel ---- */

static const char *cancel_wrong(const struct cancel *cancel)
{
    return cancel->id == 0 ? id_is_0 : NULL;
}

static const char *cancel_read(const Meantime__Cancel *wire, struct message *message)
{
    message->type = MESSAGE_CANCEL;
    message->cancel = (struct cancel){.id = wire->id};
    return cancel_wrong(&message->cancel);
}

static size_t cancel_write(const struct cancel *cancel, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Cancel body = MEANTIME__CANCEL__INIT;

    assert(cancel_wrong(cancel) == NULL);
    body.id = cancel->id;
    wire.cancel = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_CANCEL, bytes);
}

/* ---- Refusal ---- */

static const char *refusal_wrong(const struct refusal *refusal)
{
    _Static_assert(REFUSAL_END == 16, "the reason names the last code");
    return refusal->code < REFUSAL_MALFORMED || refusal->code >= REFUSAL_END
               ? "code is unknown; it must be 1 to 15"
               : NULL;
}

static const char *refusal_read(const Meantime__Refusal *wire, struct message *message)
{
    struct refusal *refusal = &message->refusal;

    if (!wire_text_fits(wire->text, TEXT_BYTES_MAX))
        return "text is too long; it must be " QUOTE(TEXT_BYTES_MAX) " bytes or less";
    message->type = MESSAGE_REFUSAL;
    refusal->id = wire->id;
    refusal->code = (enum refusal_code)wire->code;
    refusal->retry_after_ms = wire->retry_after_ms;
    refusal->deaths = wire->deaths;
    wire_text_copy(refusal->text, wire->text);
    return refusal_wrong(refusal);
}

static size_t refusal_write(const struct refusal *refusal, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Refusal body = MEANTIME__REFUSAL__INIT;

    assert(refusal_wrong(refusal) == NULL);
    body.id = refusal->id;
    body.code = (Meantime__RefusalCode)refusal->code;
    body.text = wire_text_out(refusal->text, TEXT_BYTES_MAX);
    body.retry_after_ms = refusal->retry_after_ms;
    body.deaths = refusal->deaths;
    wire.refusal = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_REFUSAL, bytes);
}

/* ---- Join ---- */

static const char *join_wrong(const struct join *join)
{
    return join->capacity > CAPACITY_MAX ? capacity_is_large : offers_wrong(&join->offers);
}

static const char *join_read(struct decode_arena *arena, const Meantime__Join *wire,
                             struct message *message)
{
    struct join *join = &message->join;
    const char *reason;

    if (!wire_text_fits(wire->name, NAME_BYTES_MAX))
        return "name is too long; it must be " QUOTE(NAME_BYTES_MAX) " bytes or less";
    if (!wire_text_fits(wire->kernel, NAME_BYTES_MAX))
        return "kernel is too long; it must be " QUOTE(NAME_BYTES_MAX) " bytes or less";
    message->type = MESSAGE_JOIN;
    join->digest = wire->digest;
    join->capacity = wire->capacity;
    join->height = wire->height;
    wire_text_copy(join->name, wire->name);
    wire_text_copy(join->kernel, wire->kernel);
    reason = offers_read(arena, wire->summands, wire->n_summands, &join->offers);
    return reason != NULL ? reason : join_wrong(join);
}

static LARGE_FRAME size_t join_write(const struct join *join, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Join body = MEANTIME__JOIN__INIT;
    struct wire_offers offers;

    assert(join_wrong(join) == NULL);
    body.digest = join->digest;
    body.capacity = join->capacity;
    body.height = join->height;
    body.name = wire_text_out(join->name, NAME_BYTES_MAX);
    body.kernel = wire_text_out(join->kernel, NAME_BYTES_MAX);
    offers_write(&join->offers, &offers);
    body.summands = offers.pointers;
    body.n_summands = join->offers.count;
    wire.join = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_JOIN, bytes);
}

/* ---- Welcome ---- */

static const char *welcome_wrong(const struct welcome *welcome)
{
    return welcome->heartbeat_ms < HEARTBEAT_MS_MIN || welcome->heartbeat_ms > HEARTBEAT_MS_MAX
               ? "heartbeat_ms is out of range; it must be " QUOTE(HEARTBEAT_MS_MIN) " to " QUOTE(
                     HEARTBEAT_MS_MAX)
               : NULL;
}

static const char *welcome_read(const Meantime__Welcome *wire, struct message *message)
{
    message->type = MESSAGE_WELCOME;
    message->welcome = (struct welcome){.heartbeat_ms = wire->heartbeat_ms};
    return welcome_wrong(&message->welcome);
}

static size_t welcome_write(const struct welcome *welcome, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Welcome body = MEANTIME__WELCOME__INIT;

    assert(welcome_wrong(welcome) == NULL);
    body.heartbeat_ms = welcome->heartbeat_ms;
    wire.welcome = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_WELCOME, bytes);
}

/* ---- Heartbeat ---- */

static const char *heartbeat_wrong(const struct heartbeat *heartbeat)
{
    return heartbeat->capacity > CAPACITY_MAX ? capacity_is_large
                                              : offers_wrong(&heartbeat->offers);
}

static const char *heartbeat_read(struct decode_arena *arena, const Meantime__Heartbeat *wire,
                                  struct message *message)
{
    const char *reason;

    message->type = MESSAGE_HEARTBEAT;
    message->heartbeat = (struct heartbeat){.capacity = wire->capacity, .height = wire->height};
    reason = offers_read(arena, wire->summands, wire->n_summands, &message->heartbeat.offers);
    return reason != NULL ? reason : heartbeat_wrong(&message->heartbeat);
}

static LARGE_FRAME size_t heartbeat_write(const struct heartbeat *heartbeat, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Heartbeat body = MEANTIME__HEARTBEAT__INIT;
    struct wire_offers offers;

    assert(heartbeat_wrong(heartbeat) == NULL);
    body.capacity = heartbeat->capacity;
    body.height = heartbeat->height;
    offers_write(&heartbeat->offers, &offers);
    body.summands = offers.pointers;
    body.n_summands = heartbeat->offers.count;
    wire.heartbeat = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_HEARTBEAT, bytes);
}

/* ---- Leave ---- */

static const char *leave_read(struct message *message)
{
    message->type = MESSAGE_LEAVE;
    return NULL;
}

static size_t leave_write(uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Leave body = MEANTIME__LEAVE__INIT;

    wire.leave = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_LEAVE, bytes);
}

/* ---- StatusRequest ---- */

static const char *status_request_read(const Meantime__StatusRequest *wire, struct message *message)
{
    message->type = MESSAGE_STATUS_REQUEST;
    message->status_request = (struct status_request){
        .first_worker = wire->first_worker,
        .first_request = wire->first_request,
    };
    return NULL;
}

static size_t status_request_write(const struct status_request *request, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__StatusRequest body = MEANTIME__STATUS_REQUEST__INIT;

    body.first_worker = request->first_worker;
    body.first_request = request->first_request;
    wire.status_request = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_STATUS_REQUEST, bytes);
}

/* ---- StatusReply: the body is read and written by status.c ---- */

static const char *status_reply_read(struct message *message)
{
    message->type = MESSAGE_STATUS_REPLY;
    return NULL;
}

/* ---- Decoding: from bytes to the section of their message ---- */

/* The body of `wire` must be set. */
static const char *body_read(struct decode_arena *arena, const Meantime__Message *wire,
                             struct message *message)
{
    switch (wire->body_case) {
    case MEANTIME__MESSAGE__BODY_SUM_REQUEST: return sum_request_read(wire->sum_request, message);
    case MEANTIME__MESSAGE__BODY_SUM_REPLY: return sum_reply_read(arena, wire->sum_reply, message);
    case MEANTIME__MESSAGE__BODY_PROGRESS: return progress_read(arena, wire->progress, message);
    case MEANTIME__MESSAGE__BODY_CANCEL: return cancel_read(wire->cancel, message);
    case MEANTIME__MESSAGE__BODY_REFUSAL: return refusal_read(wire->refusal, message);
    case MEANTIME__MESSAGE__BODY_JOIN: return join_read(arena, wire->join, message);
    case MEANTIME__MESSAGE__BODY_WELCOME: return welcome_read(wire->welcome, message);
    case MEANTIME__MESSAGE__BODY_HEARTBEAT: return heartbeat_read(arena, wire->heartbeat, message);
    case MEANTIME__MESSAGE__BODY_LEAVE: return leave_read(message);
    case MEANTIME__MESSAGE__BODY_STATUS_REQUEST:
        return status_request_read(wire->status_request, message);
    case MEANTIME__MESSAGE__BODY_STATUS_REPLY: return status_reply_read(message);
    default: assert(!"protobuf-c knows a body that this file does not"); return NULL;
    }
}

/* Fills in `error` and returns false, so that a decoder can return the result.
 * wire: the readable part of the message, or NULL. */
static bool fail(struct message_error *error, enum refusal_code code, const char *reason,
                 const Meantime__Message *wire)
{
    bool sum_request = wire != NULL && wire->body_case == MEANTIME__MESSAGE__BODY_SUM_REQUEST;

    *error = (struct message_error){
        .code = code,
        .sum_request = sum_request,
        .id = sum_request ? wire->sum_request->id : 0,
        .reason = reason,
    };
    return false;
}

/* Reads a WRONG_VERSION refusal of another version. Every version writes its id, code and text
 * alike. The meaning of retry_after_ms may differ, so that field is set to 0. */
static bool wrong_version_read(const Meantime__Message *wire, struct message *message)
{
    if (wire->body_case != MEANTIME__MESSAGE__BODY_REFUSAL ||
        wire->refusal->code != MEANTIME__REFUSAL_CODE__REFUSAL_WRONG_VERSION ||
        refusal_read(wire->refusal, message) != NULL)
        return false;
    message->refusal.retry_after_ms = 0;
    return true;
}

static bool wire_read(struct decode_arena *arena, const Meantime__Message *wire,
                      struct message *message, struct message_error *error)
{
    const char *reason;

    if (wire->version != PROTOCOL_VERSION)
        return wrong_version_read(wire, message) ||
               fail(error, REFUSAL_WRONG_VERSION, wire_other_version, wire);
    if (wire->body_case == MEANTIME__MESSAGE__BODY__NOT_SET)
        return fail(error, REFUSAL_MALFORMED, "the message has no body that this version knows",
                    wire);
    reason = body_read(arena, wire, message);
    return reason == NULL || fail(error, REFUSAL_OUT_OF_RANGE, reason, wire);
}

bool message_decode(struct decode_arena *arena, const void *bytes, size_t size,
                    struct message *message, struct message_error *error)
{
    const Meantime__Message *wire;
    const char *reason = wire_unpack(arena, bytes, size, &wire);

    if (reason != NULL)
        return fail(error, REFUSAL_MALFORMED, reason, NULL);
    return wire_read(arena, wire, message, error);
}

/* ---- Encoding: from a message to its section ---- */

size_t message_encode(const struct message *message, uint8_t *bytes)
{
    switch (message->type) {
    case MESSAGE_SUM_REQUEST: return sum_request_write(&message->sum_request, bytes);
    case MESSAGE_SUM_REPLY: return sum_reply_write(&message->sum_reply, bytes);
    case MESSAGE_PROGRESS: return progress_write(&message->progress, bytes);
    case MESSAGE_CANCEL: return cancel_write(&message->cancel, bytes);
    case MESSAGE_REFUSAL: return refusal_write(&message->refusal, bytes);
    case MESSAGE_JOIN: return join_write(&message->join, bytes);
    case MESSAGE_WELCOME: return welcome_write(&message->welcome, bytes);
    case MESSAGE_HEARTBEAT: return heartbeat_write(&message->heartbeat, bytes);
    case MESSAGE_LEAVE: return leave_write(bytes);
    case MESSAGE_STATUS_REQUEST: return status_request_write(&message->status_request, bytes);
    case MESSAGE_STATUS_REPLY: assert(!"status_encode() writes a status reply"); return 0;
    case MESSAGE_TYPES: break;
    }
    assert(!"the message has an unknown type");
    return 0;
}

const char *refusal_code_text(enum refusal_code code)
{
    static const char *const texts[] = {
        [REFUSAL_NONE] = "ok",
        [REFUSAL_MALFORMED] = "malformed",
        [REFUSAL_WRONG_VERSION] = "wrong version",
        [REFUSAL_OUT_OF_RANGE] = "out of range",
        [REFUSAL_DUPLICATE_ID] = "duplicate id",
        [REFUSAL_BUSY] = "busy",
        [REFUSAL_DEADLINE_EXCEEDED] = "deadline exceeded",
        [REFUSAL_CANCELLED] = "cancelled",
        [REFUSAL_STOPPING] = "stopping",
        [REFUSAL_WORKERS_LOST] = "workers lost",
        [REFUSAL_NOT_JOINED] = "not joined",
        [REFUSAL_OTHER_SUMS] = "other sums",
        [REFUSAL_UNKNOWN_SUMMAND] = "unknown summand",
        [REFUSAL_BAD_PARAMETERS] = "bad parameters",
        [REFUSAL_SUMMAND_FAILED] = "summand failed",
        [REFUSAL_OTHER_BITS] = "other bits",
    };
    _Static_assert(COUNT_OF(texts) == REFUSAL_END, "");

    return (size_t)code < COUNT_OF(texts) ? texts[code] : "unknown code";
}
