/* Tests of proto/message.c: each limit of each field, then laws, then damaged frames. */
#include "proto/message.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/proto/frames.h"

#define INT128_MAX ((__int128)(((unsigned __int128)1 << 127) - 1))
#define INT128_MIN (-INT128_MAX - 1)

/* ---- Tools ---- */

/* The result of decoding a frame. Outputs and offers are valid until the second decode() after this
 * one. */
struct decoded {
    bool taken;
    struct message message;
    struct message_error error;
};

static struct decoded decode(const void *bytes, size_t size)
{
    static struct decode_arena arenas[2];
    static unsigned turn;
    struct decoded outcome = {0};
    uint8_t *exact = exact_copy(bytes, size);

    outcome.taken =
        message_decode(&arenas[turn++ % 2], exact, size, &outcome.message, &outcome.error);
    free(exact);
    return outcome;
}

static bool texts_equal(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool sum_requests_equal(const struct sum_request *a, const struct sum_request *b)
{
    return texts_equal(a->summand, b->summand) && texts_equal(a->parameters, b->parameters) &&
           a->build == b->build && a->audit == b->audit && a->id == b->id && a->seed == b->seed &&
           a->kind == b->kind && a->first == b->first && a->count == b->count &&
           a->deadline_ms == b->deadline_ms && a->progress == b->progress;
}

static bool units_equal(const struct units *a, const struct units *b)
{
    return a->length == b->length && a->unit_log2 == b->unit_log2 &&
           (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static bool outputs_equal(const struct outputs *a, const struct outputs *b)
{
    bool equal = a->count == b->count;

    for (uint32_t i = 0; equal && i < a->count; ++i) {
        const struct output_total *x = &a->list[i], *y = &b->list[i];
        equal = strcmp(x->name, y->name) == 0 && units_equal(&x->sum, &y->sum) &&
                x->has_squares == y->has_squares &&
                (!x->has_squares || units_equal(&x->squares, &y->squares));
    }
    return equal;
}

static bool sum_replies_equal(const struct sum_reply *a, const struct sum_reply *b)
{
    return a->id == b->id && a->count == b->count && a->units == b->units &&
           a->unit_log2 == b->unit_log2 && a->compute_ns == b->compute_ns && a->build == b->build &&
           a->grain == b->grain && a->fill_ns == b->fill_ns &&
           outputs_equal(&a->outputs, &b->outputs);
}

static bool progresses_equal(const struct progress *a, const struct progress *b)
{
    return a->id == b->id && a->done == b->done && a->count == b->count &&
           outputs_equal(&a->outputs, &b->outputs);
}

static bool refusals_equal(const struct refusal *a, const struct refusal *b)
{
    return a->id == b->id && a->code == b->code && a->retry_after_ms == b->retry_after_ms &&
           a->deaths == b->deaths && strcmp(a->text, b->text) == 0;
}

static bool joins_equal(const struct join *a, const struct join *b)
{
    return a->digest == b->digest && a->capacity == b->capacity && a->height == b->height &&
           strcmp(a->name, b->name) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           offers_equal(&a->offers, &b->offers);
}

static bool status_requests_equal(const struct status_request *a, const struct status_request *b)
{
    return a->first_worker == b->first_worker && a->first_request == b->first_request;
}

static bool messages_equal(const struct message *a, const struct message *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case MESSAGE_SUM_REQUEST: return sum_requests_equal(&a->sum_request, &b->sum_request);
    case MESSAGE_SUM_REPLY: return sum_replies_equal(&a->sum_reply, &b->sum_reply);
    case MESSAGE_PROGRESS: return progresses_equal(&a->progress, &b->progress);
    case MESSAGE_CANCEL: return a->cancel.id == b->cancel.id;
    case MESSAGE_REFUSAL: return refusals_equal(&a->refusal, &b->refusal);
    case MESSAGE_JOIN: return joins_equal(&a->join, &b->join);
    case MESSAGE_WELCOME: return a->welcome.heartbeat_ms == b->welcome.heartbeat_ms;
    case MESSAGE_HEARTBEAT:
        return a->heartbeat.capacity == b->heartbeat.capacity &&
               a->heartbeat.height == b->heartbeat.height &&
               offers_equal(&a->heartbeat.offers, &b->heartbeat.offers);
    case MESSAGE_LEAVE: return true;
    case MESSAGE_STATUS_REQUEST:
        return status_requests_equal(&a->status_request, &b->status_request);
    case MESSAGE_STATUS_REPLY: return true; /* see test_status.c */
    case MESSAGE_TYPES: break;
    }
    return false;
}

static const struct output_total sample_outputs[] = {
    {.name = "price",
     .sum = {.unit_log2 = -64, .length = 3, .bytes = (const uint8_t[]){1, 2, 3}},
     .squares = {.unit_log2 = -128, .length = 2, .bytes = (const uint8_t[]){5, 6}},
     .has_squares = true},
    {.name = "delta_0", .sum = {.unit_log2 = 8, .length = 1, .bytes = (const uint8_t[]){0xff}}},
    {.name = "0", .has_squares = true},
};

static const struct offer sample_offers[] = {
    {.name = "asian", .build = 0x0123456789abcdef, .capacity = 16, .ns_per_term = 16.4},
    {.name = "prime-count", .build = 1},
};

/* One message of each type that message_encode() writes, then those with the fields of summands. */
static const struct message samples[] = {
    {.type = MESSAGE_SUM_REQUEST,
     .sum_request = {.id = 7,
                     .seed = 42,
                     .kind = MESSAGE_KIND_UNIFORM,
                     .first = 1,
                     .count = 10000000,
                     .deadline_ms = 1500,
                     .progress = true}},
    {.type = MESSAGE_SUM_REPLY,
     .sum_reply = {.id = 7,
                   .count = 65536,
                   .units = -58584426632097568,
                   .unit_log2 = -49,
                   .compute_ns = 16384000}},
    {.type = MESSAGE_PROGRESS, .progress = {.id = 7, .done = 300, .count = 1000}},
    {.type = MESSAGE_CANCEL, .cancel = {.id = 7}},
    {.type = MESSAGE_REFUSAL,
     .refusal = {.id = 7,
                 .code = REFUSAL_BUSY,
                 .retry_after_ms = 250,
                 .text = "The queue is full (10,000 requests)"}},
    {.type = MESSAGE_JOIN,
     .join = {.digest = 0x8e5e5b86cb34c6e0,
              .capacity = 16,
              .name = "node7.example:4711",
              .kernel = "avx512",
              .height = 2}},
    {.type = MESSAGE_WELCOME, .welcome = {.heartbeat_ms = 500}},
    {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = 16, .height = 2}},
    {.type = MESSAGE_LEAVE},
    {.type = MESSAGE_STATUS_REQUEST, .status_request = {.first_worker = 64, .first_request = 128}},
    {.type = MESSAGE_SUM_REQUEST,
     .sum_request = {.id = 8,
                     .first = 1,
                     .count = 100,
                     .summand = "asian",
                     .parameters = "strike=1 volatility=0.2",
                     .build = 0x0123456789abcdef,
                     .audit = true}},
    {.type = MESSAGE_SUM_REPLY,
     .sum_reply = {.id = 8,
                   .count = 100,
                   .compute_ns = 1640,
                   .build = 0x0123456789abcdef,
                   .grain = 5456,
                   .fill_ns = 420,
                   .outputs = {COUNT_OF(sample_outputs), sample_outputs}}},
    {.type = MESSAGE_PROGRESS,
     .progress = {.id = 8,
                  .done = 50,
                  .count = 100,
                  .outputs = {COUNT_OF(sample_outputs), sample_outputs}}},
    {.type = MESSAGE_REFUSAL,
     .refusal = {.id = 8, .code = REFUSAL_SUMMAND_FAILED, .deaths = 2, .text = "SIGSEGV"}},
    {.type = MESSAGE_JOIN, .join = {.offers = {COUNT_OF(sample_offers), sample_offers}}},
    {.type = MESSAGE_HEARTBEAT, .heartbeat = {.offers = {COUNT_OF(sample_offers), sample_offers}}},
};
#define TYPES_WRITTEN (MESSAGE_TYPES - 1) /* all but the status reply */
_Static_assert(COUNT_OF(samples) == TYPES_WRITTEN + 6, "");

static struct decoded decode_frame(const struct frame *frame)
{
    return decode(frame->bytes, frame->size);
}

/* ---- Ranges ---- */

/* A body of numbers, which field 0 ends, and the expected result. */
struct limit_row {
    unsigned body;
    struct number numbers[5];
    enum refusal_code code;
    const char *reason_names;
};

static uint64_t zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static void check_limit_row(const struct limit_row *row, size_t index)
{
    struct frame body = {.size = 0};
    struct frame frame;
    struct decoded outcome;

    put_numbers(&body, row->numbers);
    frame = frame_of(PROTOCOL_VERSION, row->body, &body);
    outcome = decode_frame(&frame);
    if (row->code == REFUSAL_NONE) {
        cr_assert(outcome.taken, "row %zu: %s", index, outcome.error.reason);
        return;
    }
    cr_assert(!outcome.taken, "row %zu was taken", index);
    cr_assert(outcome.error.code == row->code, "row %zu", index);
    cr_assert(strstr(outcome.error.reason, row->reason_names) == outcome.error.reason,
              "row %zu: \"%s\" should begin with %s", index, outcome.error.reason,
              row->reason_names);
}

static void check_limit_rows(const struct limit_row *rows, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        check_limit_row(&rows[i], i);
}

#define END   SAMPLE_END_MAX
#define RANGE REFUSAL_OUT_OF_RANGE

Test(message, sum_request_is_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct limit_row rows[] = {
        /*                  id         kind    first       count */
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 0}, {3, 1}, {4, 0}, {5, 1}}, RANGE, "id is 0;"},
        {BODY_SUM_REQUEST, {{1, UINT64_MAX}, {3, 1}, {4, 0}, {5, 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 0}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 2}, {4, 0}, {5, 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 3}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, UINT64_MAX}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, 0}}, RANGE, "count is 0;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END - 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END + 1}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 1}, {5, END - 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 1}, {5, END}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, END - 1}, {5, 1}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, END}, {5, 1}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, END}, {5, END}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, UINT64_MAX}, {5, 2}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 1}, {5, UINT64_MAX}}, RANGE, "first + count"},
    };
    check_limit_rows(rows, COUNT_OF(rows));
}

Test(message, sum_reply_is_valid_up_to_each_limit_and_invalid_beyond)
{
    const struct limit_row rows[] = {
        /*                id       count     unit_log2 */
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-49)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 0}, {2, 1}, {5, zigzag(-49)}}, RANGE, "id is 0;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 0}, {5, zigzag(-49)}}, RANGE, "count is 0;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, END}, {5, zigzag(-49)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, END + 1}, {5, zigzag(-49)}}, RANGE, "count is too large;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(0)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(1)}}, RANGE, "unit_log2 is out of range;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1073)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1074)}}, REFUSAL_NONE, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1075)}}, RANGE, "unit_log2 is out of range;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(INT32_MIN)}}, RANGE, "unit_log2"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(INT32_MAX)}}, RANGE, "unit_log2"},
    };
    check_limit_rows(rows, COUNT_OF(rows));
}

Test(message, progress_cancel_and_refusal_are_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct limit_row rows[] = {
        /*               id       done      count */
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, 2}}, REFUSAL_NONE, NULL},
        {BODY_PROGRESS, {{1, 0}, {2, 0}, {3, 2}}, RANGE, "id is 0;"},
        {BODY_PROGRESS, {{1, 1}, {2, 1}, {3, 2}}, REFUSAL_NONE, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 2}, {3, 2}}, REFUSAL_NONE, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 3}, {3, 2}}, RANGE, "done is above count;"},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, 0}}, RANGE, "count is 0;"},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, END}}, REFUSAL_NONE, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, END + 1}}, RANGE, "count is too large;"},
        {BODY_CANCEL, {{1, 0}}, RANGE, "id is 0;"},
        {BODY_CANCEL, {{1, 1}}, REFUSAL_NONE, NULL},
        {BODY_CANCEL, {{1, UINT64_MAX}}, REFUSAL_NONE, NULL},
        /*              id       code    retry_after_ms */
        {BODY_REFUSAL, {{1, 0}, {2, 1}, {4, 0}}, REFUSAL_NONE, NULL},
        {BODY_REFUSAL, {{1, 1}, {2, 0}, {4, 0}}, RANGE, "code is unknown;"},
        {BODY_REFUSAL, {{1, 1}, {2, 15}, {4, UINT32_MAX}, {5, UINT32_MAX}}, REFUSAL_NONE, NULL},
        {BODY_REFUSAL, {{1, 1}, {2, 16}, {4, 0}}, RANGE, "code is unknown; it must be 1 to 15"},
        {BODY_REFUSAL, {{1, 1}, {2, UINT64_MAX}, {4, 0}}, RANGE, "code is unknown;"},
    };
    check_limit_rows(rows, COUNT_OF(rows));
}

Test(message, messages_of_a_membership_are_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct limit_row rows[] = {
        /*           capacity */
        {BODY_JOIN, {{2, 0}}, REFUSAL_NONE, NULL},
        {BODY_JOIN, {{2, 1}}, REFUSAL_NONE, NULL},
        {BODY_JOIN, {{2, 1048576}}, REFUSAL_NONE, NULL},
        {BODY_JOIN, {{2, 1048577}}, RANGE, "capacity is too large; it must be 1048576 or less"},
        {BODY_JOIN, {{2, UINT32_MAX}}, RANGE, "capacity is too large;"},
        {BODY_JOIN, {{5, UINT32_MAX}}, REFUSAL_NONE, NULL}, /* only a front checks the height */
        /*              heartbeat_ms */
        {BODY_WELCOME, {{0, 0}}, RANGE, "heartbeat_ms is out of range; it must be 10 to 60000"},
        {BODY_WELCOME, {{1, 9}}, RANGE, "heartbeat_ms is out of range;"},
        {BODY_WELCOME, {{1, 10}}, REFUSAL_NONE, NULL},
        {BODY_WELCOME, {{1, 11}}, REFUSAL_NONE, NULL},
        {BODY_WELCOME, {{1, 59999}}, REFUSAL_NONE, NULL},
        {BODY_WELCOME, {{1, 60000}}, REFUSAL_NONE, NULL},
        {BODY_WELCOME, {{1, 60001}}, RANGE, "heartbeat_ms is out of range;"},
        {BODY_WELCOME, {{1, UINT32_MAX}}, RANGE, "heartbeat_ms is out of range;"},
        /*                capacity */
        {BODY_HEARTBEAT, {{0, 0}}, REFUSAL_NONE, NULL},
        {BODY_HEARTBEAT, {{1, 1048576}}, REFUSAL_NONE, NULL},
        {BODY_HEARTBEAT, {{1, 1048577}}, RANGE, "capacity is too large;"},
        {BODY_HEARTBEAT, {{2, UINT32_MAX}}, REFUSAL_NONE, NULL},
        {BODY_LEAVE, {{0, 0}}, REFUSAL_NONE, NULL},
        /*                     first_worker     first_request */
        {BODY_STATUS_REQUEST, {{1, 0}, {2, 0}}, REFUSAL_NONE, NULL},
        {BODY_STATUS_REQUEST, {{1, UINT32_MAX}, {2, UINT32_MAX}}, REFUSAL_NONE, NULL},
    };
    check_limit_rows(rows, COUNT_OF(rows));
}

Test(message, status_reply_is_decoded_to_its_type_only)
{
    struct frame body = {.size = 0};
    struct frame frame = frame_of(PROTOCOL_VERSION, BODY_STATUS_REPLY, &body);
    struct decoded outcome = decode_frame(&frame);

    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert(outcome.message.type == MESSAGE_STATUS_REPLY);
}

/* ---- Frames that are not messages ---- */

Test(message, frames_that_are_no_message_are_malformed)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum refusal_code code;
    } rows[] = {
        {"", 0, REFUSAL_MALFORMED},
        {"\0", 1, REFUSAL_MALFORMED},
        {"hello", 5, REFUSAL_MALFORMED},
        {"\x08", 1, REFUSAL_MALFORMED},                             /* a tag without its number */
        {"\x08\x01", 2, REFUSAL_MALFORMED},                         /* no body */
        {"\x08\x01\x6a\x00", 4, REFUSAL_MALFORMED},                 /* a body of a later version */
        {"\x08\x01\x2a\x02\x08", 5, REFUSAL_MALFORMED},             /* a truncated body */
        {"\x08\x01\x28\x01", 4, REFUSAL_MALFORMED},                 /* a number instead of a body */
        {"\x08\x01\x2b\x2c", 4, REFUSAL_MALFORMED},                 /* a group */
        {"\x08\x01\x2a\x80\x80\x80\x80\x08", 8, REFUSAL_MALFORMED}, /* a length of 2^31 */
        {"\x2a\x02\x08\x07", 4, REFUSAL_WRONG_VERSION},             /* no version */
        {"\x08\x00\x2a\x02\x08\x07", 6, REFUSAL_WRONG_VERSION},
        {"\x08\x02\x2a\x02\x08\x07", 6, REFUSAL_WRONG_VERSION},
        {"\x08\x02", 2, REFUSAL_WRONG_VERSION},
        {"\x08\x02\x2a\x02\x08\x00", 6, REFUSAL_WRONG_VERSION}, /* the version is checked first */
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome = decode(rows[i].bytes, rows[i].size);
        cr_assert(!outcome.taken, "row %zu was taken", i);
        cr_assert(outcome.error.code == rows[i].code, "row %zu: %s", i, outcome.error.reason);
        cr_assert(!outcome.error.sum_request && outcome.error.id == 0, "row %zu", i);
    }
}

Test(message, null_with_size_0_is_malformed)
{
    static struct decode_arena arena;
    struct message message;
    struct message_error error;

    cr_assert(!message_decode(&arena, NULL, 0, &message, &error));
    cr_assert(error.code == REFUSAL_MALFORMED);
    cr_assert_str_eq(error.reason, "the frame is empty");
}

Test(message, error_of_a_sum_request_has_its_id_for_the_refusal)
{
    static const struct {
        uint64_t version;
        struct number numbers[3];
        enum refusal_code code;
    } rows[] = {
        {PROTOCOL_VERSION, {{1, 77}, {5, 0}}, REFUSAL_OUT_OF_RANGE},
        {PROTOCOL_VERSION + 1, {{1, 77}, {5, 0}}, REFUSAL_WRONG_VERSION},
        {UINT32_MAX, {{1, 77}, {5, 1}}, REFUSAL_WRONG_VERSION},
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct frame body = {.size = 0};
        struct frame frame;
        struct decoded outcome;

        put_numbers(&body, rows[i].numbers);
        frame = frame_of(rows[i].version, BODY_SUM_REQUEST, &body);
        outcome = decode_frame(&frame);
        cr_assert(!outcome.taken && outcome.error.code == rows[i].code, "row %zu", i);
        cr_assert(outcome.error.sum_request && outcome.error.id == 77, "row %zu", i);
    }
}

Test(message, error_of_a_wrong_version_names_the_supported_version)
{
    struct decoded outcome = decode("\x08\x02", 2);

    cr_assert_str_eq(outcome.error.reason, "version is not 1, the only supported version");
}

/* A Cancel of `size` bytes in all, padded with an unknown field in front. */
static struct frame cancel_of_size(size_t size)
{
    static const uint8_t zeros[FRAME_BYTES_MAX];
    struct frame frame = {.size = 0};
    struct frame body = {.size = 0};

    put_number(&body, 1, 7);
    frame = frame_of(PROTOCOL_VERSION, BODY_CANCEL, &body);
    put_bytes(&frame, 100, zeros, size - frame.size - 5);
    return frame;
}

Test(message, frame_beyond_the_limit_is_malformed_unread)
{
    struct frame frame = cancel_of_size(FRAME_BYTES_MAX + 1);
    struct decoded outcome = decode_frame(&frame);

    cr_assert(frame.size == FRAME_BYTES_MAX + 1);
    cr_assert(!outcome.taken && outcome.error.code == REFUSAL_MALFORMED);
    cr_assert_str_eq(outcome.error.reason, "the frame is too long; it must be 65536 bytes or less");
}

Test(message, frame_at_the_limit_is_malformed_if_it_needs_more_memory_than_the_arena_has)
{
    struct frame frame = cancel_of_size(FRAME_BYTES_MAX / 2);
    struct decoded outcome;

    while (frame.size < FRAME_BYTES_MAX)
        put_bytes(&frame, 1, "", 0); /* version with the wrong type: an unknown field */
    outcome = decode_frame(&frame);
    cr_assert(frame.size == FRAME_BYTES_MAX);
    cr_assert(!outcome.taken && outcome.error.code == REFUSAL_MALFORMED);
}

/* ---- Unknown fields ---- */

/* A Cancel with `count` unknown fields of `size` bytes each inside and as many around it. */
static struct decoded decode_with_unknown_fields(unsigned count, size_t size)
{
    static const uint8_t zeros[500];
    struct frame body = {.size = 0};
    struct frame frame;

    put_number(&body, 1, 7);
    for (unsigned i = 0; i < count; ++i)
        put_bytes(&body, 100 + i, zeros, size);
    frame = frame_of(PROTOCOL_VERSION, BODY_CANCEL, &body);
    for (unsigned i = 0; i < count; ++i)
        put_bytes(&frame, 100 + i, zeros, size);
    return decode_frame(&frame);
}

Test(message, unknown_fields_are_ignored)
{
    struct decoded outcome = decode_with_unknown_fields(32, 32);

    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert(outcome.message.type == MESSAGE_CANCEL && outcome.message.cancel.id == 7);
}

Test(message, too_many_unknown_fields_are_malformed)
{
    static const struct {
        unsigned count;
        size_t size;
    } rows[] = {{400, 64}, {1000, 16}, {2000, 0}, {5000, 0}};

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome = decode_with_unknown_fields(rows[i].count, rows[i].size);
        cr_assert(!outcome.taken && outcome.error.code == REFUSAL_MALFORMED, "row %zu", i);
    }
}

Test(message, wrong_version_refusal_is_readable_in_every_version)
{
    static const uint32_t versions[] = {0, PROTOCOL_VERSION, PROTOCOL_VERSION + 1, UINT32_MAX};
    struct frame body = {.size = 0};

    put_number(&body, 1, 7);
    put_number(&body, 2, REFUSAL_WRONG_VERSION);
    put_bytes(&body, 3, "say 9", 5);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct frame frame = frame_of(versions[i], BODY_REFUSAL, &body);
        struct decoded outcome = decode_frame(&frame);
        const struct refusal *refusal = &outcome.message.refusal;
        cr_assert(outcome.taken, "%s", outcome.error.reason);
        cr_assert(outcome.message.type == MESSAGE_REFUSAL && refusal->id == 7);
        cr_assert(refusal->code == REFUSAL_WRONG_VERSION && refusal->retry_after_ms == 0);
        cr_assert_str_eq(refusal->text, "say 9");
    }
}

Test(message, any_other_refusal_of_another_version_is_rejected)
{
    struct frame body = {.size = 0};
    struct decoded outcome;

    put_number(&body, 1, 7);
    put_number(&body, 2, REFUSAL_BUSY);
    struct frame frame = frame_of(PROTOCOL_VERSION + 1, BODY_REFUSAL, &body);
    outcome = decode_frame(&frame);
    cr_assert(!outcome.taken && outcome.error.code == REFUSAL_WRONG_VERSION);
}

Test(message, join_with_unknown_fields_is_valid)
{
    struct frame body = {.size = 0};
    struct frame frame;
    struct decoded outcome;

    put_bytes(&body, 3, "node7", 5);
    put_bytes(&body, 16, "rack 12", 7);
    put_number(&body, 17, 9);
    put_number(&body, 2, 4);
    frame = frame_of(PROTOCOL_VERSION, BODY_JOIN, &body);
    outcome = decode_frame(&frame);
    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert(outcome.message.type == MESSAGE_JOIN && outcome.message.join.capacity == 4);
    cr_assert_str_eq(outcome.message.join.name, "node7");
}

Test(message, last_of_two_fields_counts)
{
    struct frame body = {.size = 0};
    struct frame frame;
    struct decoded outcome;

    for (uint64_t capacity = 1; capacity <= 2; ++capacity) {
        put_number(&body, 2, capacity);
        put_bytes(&body, 3, capacity == 1 ? "first" : "last", capacity == 1 ? 5 : 4);
    }
    frame = frame_of(PROTOCOL_VERSION, BODY_JOIN, &body);
    outcome = decode_frame(&frame);
    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert(outcome.message.join.capacity == 2);
    cr_assert_str_eq(outcome.message.join.name, "last");
}

Test(message, last_of_two_bodies_counts)
{
    struct decoded outcome = decode("\x08\x01\x22\x06\x08\x07\x10\x01\x18\x02\x2a\x02\x08\x09", 14);

    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert(outcome.message.type == MESSAGE_CANCEL && outcome.message.cancel.id == 9);
}

/* ---- Text ---- */

static struct decoded decode_text(const char *text, size_t size)
{
    struct frame body = {.size = 0};
    struct frame frame;

    put_number(&body, 2, REFUSAL_BUSY);
    put_bytes(&body, 3, text, size);
    frame = frame_of(PROTOCOL_VERSION, BODY_REFUSAL, &body);
    return decode_frame(&frame);
}

Test(message, text_is_valid_up_to_512_bytes)
{
    char text[TEXT_BYTES_MAX + 1];
    struct decoded outcome;

    memset(text, 'x', sizeof(text));
    outcome = decode_text(text, TEXT_BYTES_MAX);
    cr_assert(outcome.taken && strlen(outcome.message.refusal.text) == 512);
    outcome = decode_text(text, TEXT_BYTES_MAX + 1);
    cr_assert(!outcome.taken && outcome.error.code == REFUSAL_OUT_OF_RANGE);
    cr_assert_str_eq(outcome.error.reason, "text is too long; it must be 512 bytes or less");
}

Test(message, text_is_made_printable)
{
    static const struct {
        const char *sent;
        const char *shown;
    } rows[] = {
        {"", ""},
        {"plain, ~ and space", "plain, ~ and space"},
        {"\x1b[2Jboo\a\r\n\t", "?[2Jboo????"},
        {"\x01\x1f\x20\x7e\x7f", "??\x20\x7e?"},
        {"M\xc3\xbcller", "M??ller"}, /* well-formed UTF-8 */
        {"\xc2\x9b"
         "31m",
         "??31m"},               /* a terminal's control, in UTF-8 */
        {"\x80\xff\xc3", "???"}, /* not UTF-8 */
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome = decode_text(rows[i].sent, strlen(rows[i].sent));
        cr_assert(outcome.taken, "row %zu: %s", i, outcome.error.reason);
        cr_assert_str_eq(outcome.message.refusal.text, rows[i].shown, "row %zu", i);
    }
}

/* A Join with `name` in field 3 (its name) or 4 (its kernel). */
static struct decoded decode_name(unsigned field, const char *name, size_t size)
{
    struct frame body = {.size = 0};
    struct frame frame;

    put_bytes(&body, field, name, size);
    frame = frame_of(PROTOCOL_VERSION, BODY_JOIN, &body);
    return decode_frame(&frame);
}

Test(message, names_are_valid_up_to_95_bytes)
{
    static const char *const reasons[] = {"name is too long; it must be 95 bytes or less",
                                          "kernel is too long; it must be 95 bytes or less"};
    char name[NAME_BYTES_MAX + 1];

    memset(name, 'x', sizeof(name));
    for (unsigned field = 3; field <= 4; ++field) {
        struct decoded outcome = decode_name(field, name, NAME_BYTES_MAX);
        const struct join *join = &outcome.message.join;
        cr_assert(outcome.taken && strlen(field == 3 ? join->name : join->kernel) == 95);
        outcome = decode_name(field, name, NAME_BYTES_MAX + 1);
        cr_assert(!outcome.taken && outcome.error.code == REFUSAL_OUT_OF_RANGE);
        cr_assert_str_eq(outcome.error.reason, reasons[field - 3]);
    }
}

Test(message, names_are_made_printable)
{
    struct decoded name = decode_name(3, "n\xc3\xb6x\x1b[2J\n", 9);
    struct decoded kernel = decode_name(4, "a\0b", 3);

    cr_assert(name.taken && kernel.taken);
    cr_assert_str_eq(name.message.join.name, "n??x?[2J?");
    cr_assert_str_eq(kernel.message.join.kernel, "a");
}

Test(message, text_ends_at_its_first_nul)
{
    struct decoded outcome = decode_text("busy\0, they say", 15);

    cr_assert(outcome.taken, "%s", outcome.error.reason);
    cr_assert_str_eq(outcome.message.refusal.text, "busy");
}

Test(message, every_status_has_its_own_text)
{
    for (int a = REFUSAL_NONE; a < REFUSAL_END; ++a)
        for (int b = REFUSAL_NONE; b < a; ++b)
            cr_assert_str_neq(refusal_code_text((enum refusal_code)a),
                              refusal_code_text((enum refusal_code)b));
    cr_assert_str_eq(refusal_code_text(REFUSAL_BUSY), "busy");
    cr_assert_str_eq(refusal_code_text(REFUSAL_END), "unknown code");
    cr_assert_str_eq(refusal_code_text((enum refusal_code) - 1), "unknown code");
}

/* ---- Law: decoding undoes encoding ---- */

static void check_round_trip(const struct message *message, const char *what, uint64_t seed)
{
    uint8_t *bytes = malloc(MESSAGE_BYTES_MAX);
    size_t size = message_encode(message, bytes);
    struct decoded outcome = decode(bytes, size);

    free(bytes);
    cr_assert(size >= 1 && size <= MESSAGE_BYTES_MAX, "%s, seed %" PRIu64, what, seed);
    cr_assert(outcome.taken, "%s, seed %" PRIu64 ": %s", what, seed, outcome.error.reason);
    cr_assert(messages_equal(message, &outcome.message), "%s, seed %" PRIu64, what, seed);
}

/* A reply of `count` times the same output. units: the bytes of its sum. */
static struct decoded decode_output(const char *name, const void *units, size_t length,
                                    int64_t unit_log2, unsigned count)
{
    struct frame body = {.size = 0}, output = {.size = 0}, total = {.size = 0}, frame;

    put_bytes(&total, 1, units, length);
    put_number(&total, 2, zigzag(unit_log2));
    put_bytes(&output, 1, name, strlen(name));
    put_bytes(&output, 2, total.bytes, total.size);
    put_number(&body, 1, 7);
    put_number(&body, 2, 1);
    put_double(&body, 8, 1); /* the build: any bits but 0 */
    for (unsigned i = 0; i < count; ++i)
        put_bytes(&body, 7, output.bytes, output.size);
    frame = frame_of(PROTOCOL_VERSION, BODY_SUM_REPLY, &body);
    return decode_frame(&frame);
}

/* Builds the bytes of a reply, which may be invalid, with an empty output for each output. */
static struct decoded decode_reply_as_sent(const struct sum_reply *reply)
{
    struct frame body = {.size = 0}, output = {.size = 0}, frame;
    double build, low;
    uint64_t units = (uint64_t)reply->units;

    memcpy(&build, &reply->build, sizeof(build));
    memcpy(&low, &units, sizeof(low));
    put_number(&body, 1, reply->id);
    put_number(&body, 2, reply->count);
    put_double(&body, 4, low);
    put_number(&body, 5, zigzag(reply->unit_log2));
    put_bytes(&output, 1, "x", 1);
    for (uint32_t i = 0; i < reply->outputs.count; ++i)
        put_bytes(&body, 7, output.bytes, output.size);
    put_double(&body, 8, build);
    put_number(&body, 9, reply->grain);
    put_number(&body, 10, reply->fill_ns);
    frame = frame_of(PROTOCOL_VERSION, BODY_SUM_REPLY, &body);
    return decode_frame(&frame);
}

static void draw_summand(struct chance *chance, struct sum_request *request)
{
    static char parameters[PARAMETERS_BYTES_MAX + 1];
    static const char *const names[] = {"a", "asian", "x-0123456789-0123456789-0123456"};

    draw_text(chance, parameters, PARAMETERS_BYTES_MAX);
    request->kind = MESSAGE_KIND_NONE;
    request->summand = names[chance_below(chance, COUNT_OF(names))];
    request->parameters = parameters[0] ? parameters : NULL;
    request->build = chance_below(chance, 2) ? chance_next(chance) : 0;
    request->audit = chance_next(chance) & 1;
}

static void draw_sum_request(struct chance *chance, struct sum_request *request)
{
    request->id = draw_positive(chance, UINT64_MAX);
    request->seed = draw_number(chance, UINT64_MAX);
    request->kind = chance_next(chance) & 1 ? MESSAGE_KIND_GAUSSIAN : MESSAGE_KIND_UNIFORM;
    request->count = draw_positive(chance, SAMPLE_END_MAX);
    request->first = SAMPLE_END_MAX - request->count;
    if (request->first >= 4)
        request->first = draw_number(chance, request->first);
    request->deadline_ms = draw_word(chance);
    request->progress = chance_next(chance) & 1;
    if (chance_next(chance) & 1)
        draw_summand(chance, request);
}

/* A total of one or more terms. */
static void draw_total(struct chance *chance, enum exact_form form, struct exact_total *total)
{
    uint64_t word = chance_next(chance) >> (1 + chance_below(chance, 63));
    int unit_log2 = form == EXACT_SUM ? -1072 + 8 * (int)chance_below(chance, 240)
                                      : -2144 + 8 * (int)chance_below(chance, 480);

    if (form == EXACT_SUM && chance_next(chance) & 1)
        word = -word;
    exact_total_set(total, &word, 1, unit_log2);
}

/* Up to OUTPUTS_MAX outputs, mostly few. */
static struct outputs draw_outputs(struct chance *chance)
{
    static struct output_total list[OUTPUTS_MAX];
    static struct exact_total totals[OUTPUTS_MAX][2];
    static const char *const names[] = {"0", "mean_x", "x-0123456789_0123456789-0123456"};
    uint32_t count = 1 + (uint32_t)chance_below(chance, chance_below(chance, 8) ? 3 : OUTPUTS_MAX);

    for (uint32_t i = 0; i < count; ++i) {
        draw_total(chance, EXACT_SUM, &totals[i][0]);
        draw_total(chance, EXACT_SQUARES, &totals[i][1]);
        list[i] = (struct output_total){.name = names[chance_below(chance, COUNT_OF(names))],
                                        .sum = units_view(&totals[i][0]),
                                        .has_squares = chance_next(chance) & 1};
        if (list[i].has_squares)
            list[i].squares = units_view(&totals[i][1]);
    }
    return (struct outputs){.count = count, .list = list};
}

static struct offers draw_offers(struct chance *chance)
{
    static struct offer list[OFFERS_MAX];
    uint32_t count = (uint32_t)chance_below(chance, OFFERS_MAX + 1);

    for (uint32_t i = 0; i < count; ++i)
        list[i] = (struct offer){
            .name = "asian",
            .build = chance_next(chance) | 1,
            .capacity = (uint32_t)draw_number(chance, CAPACITY_MAX),
            .ns_per_term = (double)draw_number(chance, UINT64_MAX) / 1000,
        };
    return (struct offers){.count = count, .list = list};
}

static __int128 draw_units(struct chance *chance)
{
    unsigned __int128 bits = (unsigned __int128)chance_next(chance) << 64 | chance_next(chance);

    return (__int128)bits >> chance_next(chance) % 128;
}

static void draw_sum_reply(struct chance *chance, struct sum_reply *reply)
{
    reply->id = draw_positive(chance, UINT64_MAX);
    reply->count = draw_positive(chance, SAMPLE_END_MAX);
    reply->units = draw_units(chance);
    reply->unit_log2 = -(int32_t)(chance_next(chance) % 1075);
    reply->compute_ns = draw_number(chance, UINT64_MAX);
    if (chance_next(chance) & 1)
        return;
    reply->units = reply->unit_log2 = 0;
    reply->outputs = draw_outputs(chance);
    reply->build = chance_next(chance) | 1;
    reply->grain = draw_number(chance, UINT64_MAX);
    reply->fill_ns = draw_number(chance, UINT64_MAX);
}

static void draw_progress(struct chance *chance, struct progress *progress)
{
    progress->id = draw_positive(chance, UINT64_MAX);
    progress->count = draw_positive(chance, SAMPLE_END_MAX);
    progress->done = chance_next(chance) % progress->count;
    if (progress->done > 0 && chance_next(chance) & 1)
        progress->outputs = draw_outputs(chance);
}

static void draw_refusal(struct chance *chance, struct refusal *refusal)
{
    refusal->id = draw_number(chance, UINT64_MAX);
    refusal->code = (enum refusal_code)(1 + chance_next(chance) % (REFUSAL_END - 1));
    refusal->retry_after_ms = draw_word(chance);
    refusal->deaths = draw_word(chance);
    draw_text(chance, refusal->text, TEXT_BYTES_MAX);
}

static void draw_join(struct chance *chance, struct join *join)
{
    join->digest = chance_next(chance);
    join->capacity = (uint32_t)draw_number(chance, CAPACITY_MAX);
    join->height = (uint32_t)draw_number(chance, UINT32_MAX);
    draw_text(chance, join->name, NAME_BYTES_MAX);
    draw_text(chance, join->kernel, NAME_BYTES_MAX);
    join->offers = draw_offers(chance);
}

static void draw_welcome(struct chance *chance, struct welcome *welcome)
{
    welcome->heartbeat_ms =
        (uint32_t)(HEARTBEAT_MS_MIN + draw_number(chance, HEARTBEAT_MS_MAX - HEARTBEAT_MS_MIN));
}

static void draw_heartbeat(struct chance *chance, struct heartbeat *heartbeat)
{
    heartbeat->capacity = (uint32_t)draw_number(chance, CAPACITY_MAX);
    heartbeat->height = (uint32_t)draw_number(chance, UINT32_MAX);
    heartbeat->offers = draw_offers(chance);
}

static void draw_status_request(struct chance *chance, struct status_request *request)
{
    request->first_worker = draw_word(chance);
    request->first_request = draw_word(chance);
}

static struct message draw_message(struct chance *chance)
{
    struct message message = {.type = (enum message_type)(chance_next(chance) % TYPES_WRITTEN)};

    switch (message.type) {
    case MESSAGE_SUM_REQUEST: draw_sum_request(chance, &message.sum_request); break;
    case MESSAGE_SUM_REPLY: draw_sum_reply(chance, &message.sum_reply); break;
    case MESSAGE_PROGRESS: draw_progress(chance, &message.progress); break;
    case MESSAGE_CANCEL: message.cancel.id = draw_positive(chance, UINT64_MAX); break;
    case MESSAGE_REFUSAL: draw_refusal(chance, &message.refusal); break;
    case MESSAGE_JOIN: draw_join(chance, &message.join); break;
    case MESSAGE_WELCOME: draw_welcome(chance, &message.welcome); break;
    case MESSAGE_HEARTBEAT: draw_heartbeat(chance, &message.heartbeat); break;
    case MESSAGE_LEAVE: break;
    case MESSAGE_STATUS_REQUEST: draw_status_request(chance, &message.status_request); break;
    case MESSAGE_STATUS_REPLY:
    case MESSAGE_TYPES: cr_assert_fail("a type that message_encode() does not write");
    }
    return message;
}

Test(message, decode_undoes_encode_for_any_valid_message)
{
    for (uint64_t seed = 1; seed <= 100000; ++seed) {
        struct chance chance = {seed};
        struct message message = draw_message(&chance);
        check_round_trip(&message, "drawn message", seed);
    }
}

Test(message, decode_undoes_encode_for_the_extremes_of_a_total)
{
    const __int128 two_64 = (__int128)1 << 64;
    const __int128 extremes[] = {
        0,
        1,
        -1,
        INT64_MAX,
        INT64_MIN,
        (__int128)INT64_MIN - 1,
        UINT64_MAX,
        two_64,
        two_64 + 1,
        -two_64,
        1 - two_64,
        -two_64 - 1,
        INT128_MAX,
        INT128_MIN,
        INT128_MAX - 1,
        INT128_MIN + 1,
    };

    for (size_t i = 0; i < COUNT_OF(extremes); ++i) {
        struct message message = samples[1];
        message.sum_reply.units = extremes[i];
        check_round_trip(&message, "extreme total", i);
    }
}

/* The number just below 2^log2 in units of 2^unit_log2, with no byte of 0 at either end. */
static void set_longest(struct exact_total *total, int log2, int unit_log2, int lowest_log2)
{
    uint64_t words[EXACT_SQUARES_WORDS] = {0};

    for (int bit = lowest_log2 - unit_log2; bit < log2 - unit_log2; ++bit)
        words[bit / 64] |= UINT64_C(1) << bit % 64;
    exact_total_set(total, words, EXACT_SQUARES_WORDS, unit_log2);
}

/* No 2^63 terms reach the last byte of the fixed point of a sum, nor the last 3 of its squares. */
Test(message, longest_message_is_as_long_as_computed)
{
    static uint8_t bytes[MESSAGE_BYTES_MAX];
    static struct output_total outputs[OUTPUTS_MAX];
    struct exact_total sum, squares;
    struct message longest = {.type = MESSAGE_SUM_REPLY,
                              .sum_reply = {.id = UINT64_MAX,
                                            .count = END,
                                            .compute_ns = UINT64_MAX,
                                            .outputs = {OUTPUTS_MAX, outputs},
                                            .build = UINT64_MAX,
                                            .grain = UINT64_MAX,
                                            .fill_ns = UINT64_MAX}};

    set_longest(&sum, 1024 + 63, EXACT_SUM_UNIT_LOG2, -1074);
    set_longest(&squares, 2048 + 63, EXACT_SQUARES_UNIT_LOG2, -2148);
    for (int i = 0; i < OUTPUTS_MAX; ++i)
        outputs[i] = (struct output_total){.name = "x-0123456789_0123456789-0123456",
                                           .sum = units_view(&sum),
                                           .squares = units_view(&squares),
                                           .has_squares = true};
    cr_assert(message_encode(&longest, bytes) == MESSAGE_BYTES_MAX - OUTPUTS_MAX * (1 + 3));
    check_round_trip(&longest, "longest message", 0);
}

Test(message, longest_request_is_as_long_as_computed)
{
    static uint8_t bytes[MESSAGE_BYTES_MAX];
    char parameters[PARAMETERS_BYTES_MAX + 1] = {0};
    struct message longest = {.type = MESSAGE_SUM_REQUEST,
                              .sum_request = {.id = UINT64_MAX,
                                              .seed = UINT64_MAX,
                                              .first = END / 2,
                                              .count = END / 2,
                                              .deadline_ms = UINT32_MAX,
                                              .progress = true,
                                              .summand = "x-0123456789-0123456789-0123456",
                                              .parameters = parameters,
                                              .build = UINT64_MAX,
                                              .audit = true}};

    memset(parameters, 'x', PARAMETERS_BYTES_MAX);
    cr_assert(message_encode(&longest, bytes) == 614 - 2);
    check_round_trip(&longest, "longest request", 0);
}

Test(message, outputs_are_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct {
        const char *name;
        const char *units;
        size_t length;
        int64_t unit_log2;
        const char *reason; /* NULL: valid */
    } rows[] = {
        {"price", "\1", 1, 0, NULL},
        {"price", "\1", 1, 1016, NULL},
        {"price", "", 0, 0, NULL}, /* the total is 0 */
        {"", "\1", 1, 0, "name of an output is invalid;"},
        {"Price", "\1", 1, 0, "name of an output is invalid;"},
        {"a b", "\1", 1, 0, "name of an output is invalid;"},
        {"0123456789012345678901234567890", "\1", 1, 0, NULL},
        {"01234567890123456789012345678901", "\1", 1, 0, "name of an output is invalid;"},
        {"price", "", 0, 8, "sum of an output is invalid;"},
        {"price", "\0", 1, 0, "sum of an output is invalid;"},
        {"price", "\0\1", 2, 0, "sum of an output is invalid;"},
        {"price", "\1\0", 2, 0, "sum of an output is invalid;"},
        {"price", "\200\377", 2, 0, "sum of an output is invalid;"},
        {"price", "\1", 1, 1, "sum of an output is invalid;"},
        {"price", "\2", 1, 1024, "sum of an output is invalid;"},
        {"price", "\1", 1, INT32_MAX, "sum of an output is invalid;"},
        {"price", "\1", 1, INT32_MIN, "sum of an output is invalid;"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome =
            decode_output(rows[i].name, rows[i].units, rows[i].length, rows[i].unit_log2, 1);
        const char *reason = outcome.taken ? NULL : outcome.error.reason;
        cr_assert((reason == NULL) == (rows[i].reason == NULL), "row %zu: %s", i, reason);
        cr_assert(reason == NULL || strstr(reason, rows[i].reason) == reason, "row %zu: %s", i,
                  reason);
    }
}

Test(message, outputs_are_at_most_64_and_a_total_at_most_as_long_as_its_form)
{
    static uint8_t ones[70000];

    memset(ones, 1, sizeof(ones));
    cr_assert(decode_output("x", "\1", 1, 0, OUTPUTS_MAX).taken);
    cr_assert(!decode_output("x", "\1", 1, 0, OUTPUTS_MAX + 1).taken);
    cr_assert(!decode_output("x", ones, 536, -1080, 1).taken);
    cr_assert(!decode_output("x", ones, 537, -1080, 1).taken);
    cr_assert(!decode_output("x", ones, 30000, -1080, 1).taken);
}

/* A body with numbers and texts, and the start of the reason why it is invalid, or NULL. */
struct summand_row {
    struct number numbers[4];
    const char *summand, *parameters;
    const char *reason;
};

Test(message, request_for_a_summand_is_valid_up_to_each_limit_and_invalid_beyond)
{
    static char long_text[PARAMETERS_BYTES_MAX + 2];
    const struct summand_row rows[] = {
        {{{1, 1}, {5, 1}}, "asian", "", NULL},
        {{{1, 1}, {5, 1}, {11, 1}}, "asian", "strike=1", NULL},
        {{{1, 1}, {5, 1}}, "asian", long_text + 1, NULL},
        {{{1, 1}, {5, 1}}, "asian", long_text, "parameters are invalid;"},
        {{{1, 1}, {5, 1}}, "asian", "a\n", "parameters are invalid;"},
        {{{1, 1}, {5, 1}}, "asian", "\xc3\xbc", "parameters are invalid;"},
        {{{1, 1}, {5, 1}}, "Asian", "", "summand is invalid;"},
        {{{1, 1}, {5, 1}}, "asian_1", "", "summand is invalid;"},
        {{{1, 1}, {5, 1}}, "01234567890123456789012345678901", "", "summand is invalid;"},
        {{{1, 1}, {3, 1}, {5, 1}}, "asian", "", "kind is not 0;"},
        {{{1, 1}, {5, 1}}, "", "", "kind is unknown;"},
        {{{1, 1}, {3, 1}, {5, 1}}, "", "a", "parameters, build or audit are set;"},
        {{{1, 1}, {3, 1}, {5, 1}, {11, 1}}, "", "", "parameters, build or audit are set;"},
    };

    memset(long_text, 'x', PARAMETERS_BYTES_MAX + 1);
    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct frame body = {.size = 0};
        for (int n = 0; n < 4 && rows[i].numbers[n].field; ++n)
            put_number(&body, rows[i].numbers[n].field, rows[i].numbers[n].value);
        put_bytes(&body, 8, rows[i].summand, strlen(rows[i].summand));
        put_bytes(&body, 9, rows[i].parameters, strlen(rows[i].parameters));
        struct frame frame = frame_of(PROTOCOL_VERSION, BODY_SUM_REQUEST, &body);
        struct decoded outcome = decode_frame(&frame);
        const char *reason = outcome.taken ? NULL : outcome.error.reason;
        cr_assert((reason == NULL) == (rows[i].reason == NULL), "row %zu: %s", i, reason);
        cr_assert(reason == NULL || strstr(reason, rows[i].reason) == reason, "row %zu: %s", i,
                  reason);
    }
}

Test(message, offers_are_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct {
        const char *name;
        double build_bits; /* any bits but 0 are a build */
        uint64_t capacity;
        double ns_per_term;
        unsigned count;
        const char *reason;
    } rows[] = {
        {"asian", 1, 0, 0, 1, NULL},
        {"asian", 1, CAPACITY_MAX, 1e300, OFFERS_MAX, NULL},
        {"asian", 1, 0, 0, OFFERS_MAX + 1, "summands are too many; they must be 32 or less"},
        {"", 1, 0, 0, 1, "name of a summand is invalid;"},
        {"a_b", 1, 0, 0, 1, "name of a summand is invalid;"},
        {"01234567890123456789012345678901", 1, 0, 0, 1, "name of a summand is invalid;"},
        {"asian", 0, 0, 0, 1, "build of a summand is 0;"},
        {"asian", 1, CAPACITY_MAX + 1, 0, 1, "capacity of a summand is too large;"},
        {"asian", 1, 0, -1, 1, "ns_per_term of a summand is out of range;"},
        {"asian", 1, 0, INFINITY, 1, "ns_per_term of a summand is out of range;"},
        {"asian", 1, 0, NAN, 1, "ns_per_term of a summand is out of range;"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        static const struct {
            unsigned body, field;
        } places[] = {{BODY_JOIN, 6}, {BODY_HEARTBEAT, 3}};
        for (size_t place = 0; place < COUNT_OF(places); ++place) {
            struct frame body = {.size = 0}, offer = {.size = 0};
            put_bytes(&offer, 1, rows[i].name, strlen(rows[i].name));
            put_double(&offer, 2, rows[i].build_bits);
            put_number(&offer, 3, rows[i].capacity);
            put_double(&offer, 4, rows[i].ns_per_term);
            for (unsigned n = 0; n < rows[i].count; ++n)
                put_bytes(&body, places[place].field, offer.bytes, offer.size);
            struct frame frame = frame_of(PROTOCOL_VERSION, places[place].body, &body);
            struct decoded outcome = decode_frame(&frame);
            const char *reason = outcome.taken ? NULL : outcome.error.reason;
            cr_assert((reason == NULL) == (rows[i].reason == NULL), "row %zu: %s", i, reason);
            cr_assert(reason == NULL || strstr(reason, rows[i].reason) == reason, "row %zu: %s", i,
                      reason);
        }
    }
}

Test(message, fields_of_outputs_and_of_samples_exclude_each_other)
{
    struct message rows[] = {samples[TYPES_WRITTEN + 1],
                             samples[TYPES_WRITTEN + 1],
                             samples[TYPES_WRITTEN + 1],
                             samples[1],
                             samples[1],
                             samples[1]};

    rows[0].sum_reply.units = 1;
    rows[1].sum_reply.unit_log2 = -1;
    rows[2].sum_reply.build = 0;
    rows[3].sum_reply.build = 1;
    rows[4].sum_reply.grain = 1;
    rows[5].sum_reply.fill_ns = 1;
    for (size_t i = 0; i < COUNT_OF(rows); ++i)
        cr_assert(!decode_reply_as_sent(&rows[i].sum_reply).taken, "row %zu", i);
    cr_assert(decode_reply_as_sent(&samples[1].sum_reply).taken);
    cr_assert(decode_reply_as_sent(&samples[TYPES_WRITTEN + 1].sum_reply).taken);
}

Test(message, encoding_a_status_reply_here_is_a_bug, .signal = SIGABRT)
{
    static const struct message message = {.type = MESSAGE_STATUS_REPLY};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    message_encode(&message, bytes);
}

Test(message, encoding_an_invalid_message_is_a_bug, .signal = SIGABRT)
{
    struct message message = samples[0];
    uint8_t bytes[MESSAGE_BYTES_MAX];

    message.sum_request.count = 0;
    message_encode(&message, bytes);
}

Test(message, encoding_unprintable_text_is_a_bug, .signal = SIGABRT)
{
    struct message message = samples[4];
    uint8_t bytes[MESSAGE_BYTES_MAX];

    message.refusal.text[0] = '\n';
    message_encode(&message, bytes);
}

/* ---- Damaged frames: decoding gives an error or a valid message ---- */

static void check_damaged(const uint8_t *bytes, size_t size, const char *what, uint64_t seed)
{
    struct decoded outcome = decode(bytes, size);

    if (outcome.taken && outcome.message.type == MESSAGE_STATUS_REPLY)
        return; /* test_status.c tests damaged status replies */
    if (outcome.taken) {
        check_round_trip(&outcome.message, what, seed);
        return;
    }
    cr_assert(outcome.error.code == REFUSAL_MALFORMED ||
                  outcome.error.code == REFUSAL_WRONG_VERSION ||
                  outcome.error.code == REFUSAL_OUT_OF_RANGE,
              "%s, seed %" PRIu64, what, seed);
    cr_assert(outcome.error.reason != NULL && outcome.error.reason[0] != '\0');
    cr_assert(outcome.error.sum_request || outcome.error.id == 0);
}

Test(message, every_truncation_of_every_type_is_harmless)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    for (size_t i = 0; i < COUNT_OF(samples); ++i) {
        size_t size = message_encode(&samples[i], bytes);
        for (size_t shorter = 0; shorter < size; ++shorter) {
            check_damaged(bytes, shorter, "truncated sample", i);
            cr_assert(!decode(bytes, shorter).taken, "sample %zu, %zu bytes", i, shorter);
        }
    }
}

Test(message, every_flipped_bit_of_every_type_is_harmless)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    for (size_t i = 0; i < COUNT_OF(samples); ++i) {
        size_t size = message_encode(&samples[i], bytes);
        for (size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_damaged(bytes, size, "sample with a flipped bit", bit);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

Test(message, garbage_is_harmless)
{
    uint8_t bytes[2048];

    for (uint64_t seed = 1; seed <= 200000; ++seed) {
        struct chance chance = {seed};
        size_t size = chance_next(&chance) % (sizeof(bytes) + 1);
        draw_bytes(&chance, bytes, size);
        check_damaged(bytes, size, "garbage", seed);
    }
}

/* The decoder rejects most garbage at its first bytes. Valid messages with a few wrong bytes reach
 * the code behind. */
Test(message, valid_messages_with_overwritten_bytes_are_harmless)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    for (uint64_t seed = 1; seed <= 200000; ++seed) {
        struct chance chance = {seed};
        struct message message = draw_message(&chance);
        size_t size = message_encode(&message, bytes);
        for (uint64_t wrong = 1 + chance_next(&chance) % 4; wrong > 0; --wrong)
            bytes[chance_next(&chance) % size] = (uint8_t)chance_next(&chance);
        check_damaged(bytes, size, "message with bytes overwritten", seed);
    }
}

/* ---- PROTOCOL.md shows the bytes that are sent ---- */

/* Adds the pairs of hexadecimal digits at the start of a line; two spaces end them. */
static void put_hex_line(struct frame *frame, const char *line)
{
    unsigned byte;
    int used;

    line += strspn(line, " ");
    while (sscanf(line, "%2x%n", &byte, &used) == 1 && used == 2 && line[2] == ' ') {
        put(frame, &(uint8_t){(uint8_t)byte}, 1);
        line += 3;
        if (*line == ' ')
            return;
    }
}

/* The bytes in the first code block below `heading`. */
static struct frame documented_bytes(const char *heading)
{
    enum { BEFORE_HEADING, BEFORE_BLOCK, IN_BLOCK, AFTER_BLOCK } place = BEFORE_HEADING;
    struct frame frame = {.size = 0};
    char line[512];
    FILE *file = fopen(PROTOCOL_DOCUMENT, "r");

    cr_assert(file != NULL, "cannot open %s", PROTOCOL_DOCUMENT);
    while (fgets(line, sizeof(line), file) != NULL && place != AFTER_BLOCK) {
        if (place == BEFORE_HEADING)
            place += strncmp(line, heading, strlen(heading)) == 0;
        else if (strncmp(line, "```", 3) == 0)
            ++place;
        else if (place == IN_BLOCK)
            put_hex_line(&frame, line);
    }
    fclose(file);
    return frame;
}

static void check_documented(const char *heading, const struct message *message)
{
    struct frame frame = documented_bytes(heading);
    struct decoded outcome = decode_frame(&frame);
    uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, bytes);

    cr_assert(outcome.taken, "%s: %s", heading, outcome.error.reason);
    cr_assert(messages_equal(message, &outcome.message), "%s", heading);
    cr_assert(frame.size == size, "%s: %zu bytes there, %zu here", heading, frame.size, size);
    cr_assert(memcmp(frame.bytes, bytes, size) == 0, "%s", heading);
}

Test(message, bytes_in_the_protocol_document_are_the_bytes_sent)
{
    static const struct message request = {.type = MESSAGE_SUM_REQUEST,
                                           .sum_request = {.id = 7,
                                                           .seed = 42,
                                                           .kind = MESSAGE_KIND_UNIFORM,
                                                           .first = 0,
                                                           .count = 120000000,
                                                           .deadline_ms = 1500}};
    static const struct message reply = {
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = 7, .count = 65536, .units = -58584426632097568, .unit_log2 = -49}};
    static const struct message join = {
        .type = MESSAGE_JOIN,
        .join = {.digest = 0x8e5e5b86cb34c6e0, .capacity = 16, .name = "node7", .kernel = "avx2"}};

    check_documented("### A request in bytes", &request);
    check_documented("### A reply in bytes", &reply);
    check_documented("### A Join in bytes", &join);
}
