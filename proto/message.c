#include "proto/message.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "meantime.pb-c.h"

/* A unit is a power of two between the smallest subnormal double and 1. */
#define UNIT_LOG2_MIN (-1074)
#define UNIT_LOG2_MAX 0

#define COUNT_OF(array)     (sizeof(array) / sizeof((array)[0]))
#define QUOTE_EXPANDED(arg) #arg
#define QUOTE(arg)          QUOTE_EXPANDED(arg)

/* Our enumerators are the wire's, so that a cast takes one to the other. */
_Static_assert(MESSAGE_KIND_GAUSSIAN == (int)MEANTIME__KIND__KIND_GAUSSIAN, "");
_Static_assert(MESSAGE_KIND_UNIFORM == (int)MEANTIME__KIND__KIND_UNIFORM, "");
_Static_assert(STATUS_OK == (int)MEANTIME__STATUS__STATUS_UNSPECIFIED, "");
_Static_assert(STATUS_MALFORMED == (int)MEANTIME__STATUS__STATUS_MALFORMED, "");
_Static_assert(STATUS_WRONG_VERSION == (int)MEANTIME__STATUS__STATUS_WRONG_VERSION, "");
_Static_assert(STATUS_OUT_OF_RANGE == (int)MEANTIME__STATUS__STATUS_OUT_OF_RANGE, "");
_Static_assert(STATUS_DUPLICATE_ID == (int)MEANTIME__STATUS__STATUS_DUPLICATE_ID, "");
_Static_assert(STATUS_BUSY == (int)MEANTIME__STATUS__STATUS_BUSY, "");
_Static_assert(STATUS_DEADLINE_EXCEEDED == (int)MEANTIME__STATUS__STATUS_DEADLINE_EXCEEDED, "");
_Static_assert(STATUS_CANCELLED == (int)MEANTIME__STATUS__STATUS_CANCELLED, "");
_Static_assert(STATUS_STOPPING == (int)MEANTIME__STATUS__STATUS_STOPPING, "");

/* ---- What is in range. A reason of NULL means that everything is. ---- */

struct rule {
    bool broken;
    const char *reason;
};

static const char *first_broken(const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (rules[i].broken)
            return rules[i].reason;
    return NULL;
}

static const char id_is_0[] = "id is 0; it must be 1 or more";
static const char count_is_0[] = "count is 0; it must be 1 or more";
static const char count_is_large[] = "count is too large; it must be 2^63 or less";

static const char *sum_request_wrong(const struct sum_request *request)
{
    const struct rule rules[] = {
        {request->id == 0, id_is_0},
        {request->kind != MESSAGE_KIND_GAUSSIAN && request->kind != MESSAGE_KIND_UNIFORM,
         "kind is unknown; it must be 1 (Gaussian) or 2 (uniform)"},
        {request->count == 0, count_is_0},
        {request->first > SAMPLE_END_MAX || request->count > SAMPLE_END_MAX - request->first,
         "first + count is too large; it must be 2^63 or less"},
    };
    return first_broken(rules, COUNT_OF(rules));
}

static const char *sum_reply_wrong(const struct sum_reply *reply)
{
    const struct rule rules[] = {
        {reply->id == 0, id_is_0},
        {reply->count == 0, count_is_0},
        {reply->count > SAMPLE_END_MAX, count_is_large},
        {reply->unit_log2 < UNIT_LOG2_MIN || reply->unit_log2 > UNIT_LOG2_MAX,
         "unit_log2 is out of range; it must be -1074 to 0"},
    };
    return first_broken(rules, COUNT_OF(rules));
}

static const char *progress_wrong(const struct progress *progress)
{
    const struct rule rules[] = {
        {progress->id == 0, id_is_0},
        {progress->count == 0, count_is_0},
        {progress->count > SAMPLE_END_MAX, count_is_large},
        {progress->done > progress->count, "done is above count; it must be count or less"},
    };
    return first_broken(rules, COUNT_OF(rules));
}

static const char *cancel_wrong(const struct cancel *cancel)
{
    return cancel->id == 0 ? id_is_0 : NULL;
}

static const char *refusal_wrong(const struct refusal *refusal)
{
    return refusal->status < STATUS_MALFORMED || refusal->status > STATUS_STOPPING
               ? "status is unknown; it must be 1 to 8"
               : NULL;
}

static const char *text_wrong(const char *text)
{
    return strlen(text) > TEXT_BYTES_MAX
               ? "text is too long; it must be " QUOTE(TEXT_BYTES_MAX) " bytes or less"
               : NULL;
}

/* ---- Decoding ---- */

/* Where protobuf-c puts one decoded message: a piece of the stack, never given back in parts. */
struct arena {
    size_t used;
    alignas(max_align_t) uint8_t bytes[DECODE_ARENA_BYTES];
};
_Static_assert(DECODE_ARENA_BYTES % alignof(max_align_t) == 0, "");

/* `used` and the arena's size are multiples of the alignment, so what is left is one as well, and
 * a size that fits in it still fits when it is rounded up. */
static void *arena_take(void *arena_void, size_t size)
{
    struct arena *arena = arena_void;
    void *taken = arena->bytes + arena->used;

    if (size > DECODE_ARENA_BYTES - arena->used)
        return NULL;
    arena->used += (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    return taken;
}

static void arena_keep(void *arena, void *taken)
{
    (void)arena;
    (void)taken;
}

static __int128 units_join(int64_t high, uint64_t low)
{
    return (__int128)((unsigned __int128)(uint64_t)high << 64 | low);
}

static bool printable(char byte)
{
    return byte >= 0x20 && byte <= 0x7e;
}

/* Plain ASCII is left as it is. Everything else, UTF-8 included, could steer the terminal or spoil
 * the log where it is shown, and our own texts have none of it. */
static void text_copy(char *to, const char *from)
{
    for (; *from != '\0'; ++from)
        *to++ = printable(*from) ? *from : '?';
    *to = '\0';
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
    };
    return sum_request_wrong(&message->sum_request);
}

static const char *sum_reply_read(const Meantime__SumReply *wire, struct message *message)
{
    message->type = MESSAGE_SUM_REPLY;
    message->sum_reply = (struct sum_reply){
        .id = wire->id,
        .count = wire->count,
        .units = units_join(wire->total_high, wire->total_low),
        .unit_log2 = wire->unit_log2,
    };
    return sum_reply_wrong(&message->sum_reply);
}

static const char *progress_read(const Meantime__Progress *wire, struct message *message)
{
    message->type = MESSAGE_PROGRESS;
    message->progress = (struct progress){.id = wire->id, .done = wire->done, .count = wire->count};
    return progress_wrong(&message->progress);
}

static const char *cancel_read(const Meantime__Cancel *wire, struct message *message)
{
    message->type = MESSAGE_CANCEL;
    message->cancel = (struct cancel){.id = wire->id};
    return cancel_wrong(&message->cancel);
}

static const char *refusal_read(const Meantime__Refusal *wire, struct message *message)
{
    struct refusal *refusal = &message->refusal;
    const char *reason = text_wrong(wire->text);

    if (reason != NULL)
        return reason;
    message->type = MESSAGE_REFUSAL;
    refusal->id = wire->id;
    refusal->status = (enum status)wire->status;
    refusal->retry_after_ms = wire->retry_after_ms;
    text_copy(refusal->text, wire->text);
    return refusal_wrong(refusal);
}

/* wire: its body is set. */
static const char *body_read(const Meantime__Message *wire, struct message *message)
{
    switch (wire->body_case) {
    case MEANTIME__MESSAGE__BODY_SUM_REQUEST: return sum_request_read(wire->sum_request, message);
    case MEANTIME__MESSAGE__BODY_SUM_REPLY: return sum_reply_read(wire->sum_reply, message);
    case MEANTIME__MESSAGE__BODY_PROGRESS: return progress_read(wire->progress, message);
    case MEANTIME__MESSAGE__BODY_CANCEL: return cancel_read(wire->cancel, message);
    case MEANTIME__MESSAGE__BODY_REFUSAL: return refusal_read(wire->refusal, message);
    default: assert(!"a body that protobuf-c knows and we do not"); return NULL;
    }
}

/* wire: what could be read, or NULL. Always false, so that a decoder can end with it. */
static bool fail(struct message_error *error, enum status status, const char *reason,
                 const Meantime__Message *wire)
{
    bool sum_request = wire != NULL && wire->body_case == MEANTIME__MESSAGE__BODY_SUM_REQUEST;

    *error = (struct message_error){
        .status = status,
        .sum_request = sum_request,
        .id = sum_request ? wire->sum_request->id : 0,
        .reason = reason,
    };
    return false;
}

static bool wire_read(const Meantime__Message *wire, struct message *message,
                      struct message_error *error)
{
    const char *reason;

    if (wire->version != PROTOCOL_VERSION)
        return fail(error, STATUS_WRONG_VERSION,
                    "version is not " QUOTE(PROTOCOL_VERSION) ", the only one spoken here", wire);
    if (wire->body_case == MEANTIME__MESSAGE__BODY__NOT_SET)
        return fail(error, STATUS_MALFORMED, "the message has no body that is known here", wire);
    reason = body_read(wire, message);
    return reason == NULL || fail(error, STATUS_OUT_OF_RANGE, reason, wire);
}

bool message_decode(const void *bytes, size_t size, struct message *message,
                    struct message_error *error)
{
    struct arena arena;
    ProtobufCAllocator allocator = {arena_take, arena_keep, &arena};
    const Meantime__Message *wire;

    if (size == 0)
        return fail(error, STATUS_MALFORMED, "the frame is empty", NULL);
    if (size > FRAME_BYTES_MAX)
        return fail(error, STATUS_MALFORMED,
                    "the frame is too long; it must be " QUOTE(FRAME_BYTES_MAX) " bytes or less",
                    NULL);
    arena.used = 0;
    wire = meantime__message__unpack(&allocator, size, bytes);
    if (wire == NULL)
        return fail(error, STATUS_MALFORMED,
                    "the bytes are not a message, or one with too many unknown fields", NULL);
    return wire_read(wire, message, error);
}

/* ---- Encoding ---- */

/* The longest message is a refusal: its text takes 1 + 2 + 512 bytes, id 1 + 10, status 1 + 1 and
 * retry_after_ms 1 + 5; around it stand 1 + 2 for its own length and 1 + 1 for the version. That
 * makes 539. The others hold at most seven numbers of 11 bytes and stay below 84. */
_Static_assert(539 <= MESSAGE_BYTES_MAX && TEXT_BYTES_MAX == 512, "");

static size_t wire_write(Meantime__Message *wire, Meantime__Message__BodyCase body_case,
                         uint8_t *bytes)
{
    wire->version = PROTOCOL_VERSION;
    wire->body_case = body_case;
    assert(meantime__message__get_packed_size(wire) <= MESSAGE_BYTES_MAX);
    return meantime__message__pack(wire, bytes);
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
    wire.sum_request = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_SUM_REQUEST, bytes);
}

static size_t sum_reply_write(const struct sum_reply *reply, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__SumReply body = MEANTIME__SUM_REPLY__INIT;

    assert(sum_reply_wrong(reply) == NULL);
    body.id = reply->id;
    body.count = reply->count;
    body.total_high = (int64_t)((unsigned __int128)reply->units >> 64);
    body.total_low = (uint64_t)reply->units;
    body.unit_log2 = reply->unit_log2;
    wire.sum_reply = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_SUM_REPLY, bytes);
}

static size_t progress_write(const struct progress *progress, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Progress body = MEANTIME__PROGRESS__INIT;

    assert(progress_wrong(progress) == NULL);
    body.id = progress->id;
    body.done = progress->done;
    body.count = progress->count;
    wire.progress = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_PROGRESS, bytes);
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

static size_t refusal_write(const struct refusal *refusal, uint8_t *bytes)
{
    Meantime__Message wire = MEANTIME__MESSAGE__INIT;
    Meantime__Refusal body = MEANTIME__REFUSAL__INIT;
    char text[TEXT_BYTES_MAX + 1];

    assert(refusal_wrong(refusal) == NULL);
    assert(memchr(refusal->text, '\0', sizeof(refusal->text)) != NULL);
    text_copy(text, refusal->text);
    assert(strcmp(text, refusal->text) == 0);
    body.id = refusal->id;
    body.status = (Meantime__Status)refusal->status;
    body.text = text;
    body.retry_after_ms = refusal->retry_after_ms;
    wire.refusal = &body;
    return wire_write(&wire, MEANTIME__MESSAGE__BODY_REFUSAL, bytes);
}

size_t message_encode(const struct message *message, uint8_t *bytes)
{
    switch (message->type) {
    case MESSAGE_SUM_REQUEST: return sum_request_write(&message->sum_request, bytes);
    case MESSAGE_SUM_REPLY: return sum_reply_write(&message->sum_reply, bytes);
    case MESSAGE_PROGRESS: return progress_write(&message->progress, bytes);
    case MESSAGE_CANCEL: return cancel_write(&message->cancel, bytes);
    case MESSAGE_REFUSAL: return refusal_write(&message->refusal, bytes);
    }
    assert(!"a message of no type");
    return 0;
}

const char *status_text(enum status status)
{
    static const char *const texts[] = {
        [STATUS_OK] = "ok",
        [STATUS_MALFORMED] = "malformed",
        [STATUS_WRONG_VERSION] = "wrong version",
        [STATUS_OUT_OF_RANGE] = "out of range",
        [STATUS_DUPLICATE_ID] = "duplicate id",
        [STATUS_BUSY] = "busy",
        [STATUS_DEADLINE_EXCEEDED] = "deadline exceeded",
        [STATUS_CANCELLED] = "cancelled",
        [STATUS_STOPPING] = "stopping",
    };
    return (size_t)status < COUNT_OF(texts) ? texts[status] : "unknown status";
}
