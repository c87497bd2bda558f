/* Tests of proto/message.c: each limit of each field, then laws, then damaged frames. */
#include "proto/message.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/proto/frames.h"

#define INT128_MAX ((__int128)(((unsigned __int128)1 << 127) - 1))
#define INT128_MIN (-INT128_MAX - 1)

/* ---- Tools ---- */

/* The result of decoding a frame. */
struct decoded {
    bool taken;
    struct message message;
    struct message_error error;
};

static struct decoded decode(const void *bytes, size_t size)
{
    struct decoded outcome = {0};
    uint8_t *exact = exact_copy(bytes, size);

    outcome.taken = message_decode(exact, size, &outcome.message, &outcome.error);
    free(exact);
    return outcome;
}

static bool sum_requests_equal(const struct sum_request *a, const struct sum_request *b)
{
    return a->id == b->id && a->seed == b->seed && a->kind == b->kind && a->first == b->first &&
           a->count == b->count && a->deadline_ms == b->deadline_ms && a->progress == b->progress;
}

static bool sum_replies_equal(const struct sum_reply *a, const struct sum_reply *b)
{
    return a->id == b->id && a->count == b->count && a->units == b->units &&
           a->unit_log2 == b->unit_log2 && a->compute_ns == b->compute_ns;
}

static bool progresses_equal(const struct progress *a, const struct progress *b)
{
    return a->id == b->id && a->done == b->done && a->count == b->count;
}

static bool refusals_equal(const struct refusal *a, const struct refusal *b)
{
    return a->id == b->id && a->status == b->status && a->retry_after_ms == b->retry_after_ms &&
           strcmp(a->text, b->text) == 0;
}

static bool joins_equal(const struct join *a, const struct join *b)
{
    return a->digest == b->digest && a->capacity == b->capacity && a->height == b->height &&
           strcmp(a->name, b->name) == 0 && strcmp(a->kernel, b->kernel) == 0;
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
               a->heartbeat.height == b->heartbeat.height;
    case MESSAGE_LEAVE: return true;
    case MESSAGE_STATUS_REQUEST:
        return status_requests_equal(&a->status_request, &b->status_request);
    case MESSAGE_STATUS_REPLY: return true; /* see test_status.c */
    case MESSAGE_TYPES: break;
    }
    return false;
}

/* One message of each type that message_encode() writes. */
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
                 .status = STATUS_BUSY,
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
};
_Static_assert(COUNT_OF(samples) == MESSAGE_TYPES - 1, "all but the status reply");

static struct decoded decode_frame(const struct frame *frame)
{
    return decode(frame->bytes, frame->size);
}

/* ---- Ranges ---- */

/* A body of numbers, which field 0 ends, and the expected result. */
struct limit_row {
    unsigned body;
    struct number numbers[5];
    enum status status;
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
    if (row->status == STATUS_OK) {
        cr_assert(outcome.taken, "row %zu: %s", index, outcome.error.reason);
        return;
    }
    cr_assert(!outcome.taken, "row %zu was taken", index);
    cr_assert(outcome.error.status == row->status, "row %zu", index);
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
#define RANGE STATUS_OUT_OF_RANGE

Test(message, sum_request_is_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct limit_row rows[] = {
        /*                  id         kind    first       count */
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, 1}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 0}, {3, 1}, {4, 0}, {5, 1}}, RANGE, "id is 0;"},
        {BODY_SUM_REQUEST, {{1, UINT64_MAX}, {3, 1}, {4, 0}, {5, 1}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 0}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 2}, {4, 0}, {5, 1}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 3}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, UINT64_MAX}, {4, 0}, {5, 1}}, RANGE, "kind is unknown;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, 0}}, RANGE, "count is 0;"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END - 1}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 0}, {5, END + 1}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 1}, {5, END - 1}}, STATUS_OK, NULL},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, 1}, {5, END}}, RANGE, "first + count"},
        {BODY_SUM_REQUEST, {{1, 1}, {3, 1}, {4, END - 1}, {5, 1}}, STATUS_OK, NULL},
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
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-49)}}, STATUS_OK, NULL},
        {BODY_SUM_REPLY, {{1, 0}, {2, 1}, {5, zigzag(-49)}}, RANGE, "id is 0;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 0}, {5, zigzag(-49)}}, RANGE, "count is 0;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, END}, {5, zigzag(-49)}}, STATUS_OK, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, END + 1}, {5, zigzag(-49)}}, RANGE, "count is too large;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1)}}, STATUS_OK, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(0)}}, STATUS_OK, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(1)}}, RANGE, "unit_log2 is out of range;"},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1073)}}, STATUS_OK, NULL},
        {BODY_SUM_REPLY, {{1, 1}, {2, 1}, {5, zigzag(-1074)}}, STATUS_OK, NULL},
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
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, 2}}, STATUS_OK, NULL},
        {BODY_PROGRESS, {{1, 0}, {2, 0}, {3, 2}}, RANGE, "id is 0;"},
        {BODY_PROGRESS, {{1, 1}, {2, 1}, {3, 2}}, STATUS_OK, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 2}, {3, 2}}, STATUS_OK, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 3}, {3, 2}}, RANGE, "done is above count;"},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, 0}}, RANGE, "count is 0;"},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, END}}, STATUS_OK, NULL},
        {BODY_PROGRESS, {{1, 1}, {2, 0}, {3, END + 1}}, RANGE, "count is too large;"},
        {BODY_CANCEL, {{1, 0}}, RANGE, "id is 0;"},
        {BODY_CANCEL, {{1, 1}}, STATUS_OK, NULL},
        {BODY_CANCEL, {{1, UINT64_MAX}}, STATUS_OK, NULL},
        /*              id       status    retry_after_ms */
        {BODY_REFUSAL, {{1, 0}, {2, 1}, {4, 0}}, STATUS_OK, NULL},
        {BODY_REFUSAL, {{1, 1}, {2, 0}, {4, 0}}, RANGE, "status is unknown;"},
        {BODY_REFUSAL, {{1, 1}, {2, 11}, {4, UINT32_MAX}}, STATUS_OK, NULL},
        {BODY_REFUSAL, {{1, 1}, {2, 12}, {4, 0}}, RANGE, "status is unknown; it must be 1 to 11"},
        {BODY_REFUSAL, {{1, 1}, {2, UINT64_MAX}, {4, 0}}, RANGE, "status is unknown;"},
    };
    check_limit_rows(rows, COUNT_OF(rows));
}

Test(message, messages_of_a_membership_are_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct limit_row rows[] = {
        /*           capacity */
        {BODY_JOIN, {{2, 0}}, STATUS_OK, NULL},
        {BODY_JOIN, {{2, 1}}, STATUS_OK, NULL},
        {BODY_JOIN, {{2, 1048576}}, STATUS_OK, NULL},
        {BODY_JOIN, {{2, 1048577}}, RANGE, "capacity is too large; it must be 1048576 or less"},
        {BODY_JOIN, {{2, UINT32_MAX}}, RANGE, "capacity is too large;"},
        {BODY_JOIN, {{5, UINT32_MAX}}, STATUS_OK, NULL}, /* only a front checks the height */
        /*              heartbeat_ms */
        {BODY_WELCOME, {{0, 0}}, RANGE, "heartbeat_ms is out of range; it must be 10 to 60000"},
        {BODY_WELCOME, {{1, 9}}, RANGE, "heartbeat_ms is out of range;"},
        {BODY_WELCOME, {{1, 10}}, STATUS_OK, NULL},
        {BODY_WELCOME, {{1, 11}}, STATUS_OK, NULL},
        {BODY_WELCOME, {{1, 59999}}, STATUS_OK, NULL},
        {BODY_WELCOME, {{1, 60000}}, STATUS_OK, NULL},
        {BODY_WELCOME, {{1, 60001}}, RANGE, "heartbeat_ms is out of range;"},
        {BODY_WELCOME, {{1, UINT32_MAX}}, RANGE, "heartbeat_ms is out of range;"},
        /*                capacity */
        {BODY_HEARTBEAT, {{0, 0}}, STATUS_OK, NULL},
        {BODY_HEARTBEAT, {{1, 1048576}}, STATUS_OK, NULL},
        {BODY_HEARTBEAT, {{1, 1048577}}, RANGE, "capacity is too large;"},
        {BODY_HEARTBEAT, {{2, UINT32_MAX}}, STATUS_OK, NULL},
        {BODY_LEAVE, {{0, 0}}, STATUS_OK, NULL},
        /*                     first_worker     first_request */
        {BODY_STATUS_REQUEST, {{1, 0}, {2, 0}}, STATUS_OK, NULL},
        {BODY_STATUS_REQUEST, {{1, UINT32_MAX}, {2, UINT32_MAX}}, STATUS_OK, NULL},
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
        enum status status;
    } rows[] = {
        {"", 0, STATUS_MALFORMED},
        {"\0", 1, STATUS_MALFORMED},
        {"hello", 5, STATUS_MALFORMED},
        {"\x08", 1, STATUS_MALFORMED},                             /* a tag without its number */
        {"\x08\x01", 2, STATUS_MALFORMED},                         /* no body */
        {"\x08\x01\x6a\x00", 4, STATUS_MALFORMED},                 /* a body of a later version */
        {"\x08\x01\x2a\x02\x08", 5, STATUS_MALFORMED},             /* a truncated body */
        {"\x08\x01\x28\x01", 4, STATUS_MALFORMED},                 /* a number instead of a body */
        {"\x08\x01\x2b\x2c", 4, STATUS_MALFORMED},                 /* a group */
        {"\x08\x01\x2a\x80\x80\x80\x80\x08", 8, STATUS_MALFORMED}, /* a length of 2^31 */
        {"\x2a\x02\x08\x07", 4, STATUS_WRONG_VERSION},             /* no version */
        {"\x08\x00\x2a\x02\x08\x07", 6, STATUS_WRONG_VERSION},
        {"\x08\x02\x2a\x02\x08\x07", 6, STATUS_WRONG_VERSION},
        {"\x08\x02", 2, STATUS_WRONG_VERSION},
        {"\x08\x02\x2a\x02\x08\x00", 6, STATUS_WRONG_VERSION}, /* the version is checked first */
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome = decode(rows[i].bytes, rows[i].size);
        cr_assert(!outcome.taken, "row %zu was taken", i);
        cr_assert(outcome.error.status == rows[i].status, "row %zu: %s", i, outcome.error.reason);
        cr_assert(!outcome.error.sum_request && outcome.error.id == 0, "row %zu", i);
    }
}

Test(message, null_with_size_0_is_malformed)
{
    struct message message;
    struct message_error error;

    cr_assert(!message_decode(NULL, 0, &message, &error));
    cr_assert(error.status == STATUS_MALFORMED);
    cr_assert_str_eq(error.reason, "the frame is empty");
}

Test(message, error_of_a_sum_request_has_its_id_for_the_refusal)
{
    static const struct {
        uint64_t version;
        struct number numbers[3];
        enum status status;
    } rows[] = {
        {PROTOCOL_VERSION, {{1, 77}, {5, 0}}, STATUS_OUT_OF_RANGE},
        {PROTOCOL_VERSION + 1, {{1, 77}, {5, 0}}, STATUS_WRONG_VERSION},
        {UINT32_MAX, {{1, 77}, {5, 1}}, STATUS_WRONG_VERSION},
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct frame body = {.size = 0};
        struct frame frame;
        struct decoded outcome;

        put_numbers(&body, rows[i].numbers);
        frame = frame_of(rows[i].version, BODY_SUM_REQUEST, &body);
        outcome = decode_frame(&frame);
        cr_assert(!outcome.taken && outcome.error.status == rows[i].status, "row %zu", i);
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
    cr_assert(!outcome.taken && outcome.error.status == STATUS_MALFORMED);
    cr_assert_str_eq(outcome.error.reason, "the frame is too long; it must be 65536 bytes or less");
}

Test(message, frame_at_the_limit_is_malformed_if_it_needs_more_memory_than_the_arena_has)
{
    struct frame frame = cancel_of_size(FRAME_BYTES_MAX);
    struct decoded outcome = decode_frame(&frame);

    cr_assert(frame.size == FRAME_BYTES_MAX);
    cr_assert(!outcome.taken && outcome.error.status == STATUS_MALFORMED);
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
    } rows[] = {{60, 500}, {250, 64}, {1000, 16}, {2000, 0}, {5000, 0}};

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded outcome = decode_with_unknown_fields(rows[i].count, rows[i].size);
        cr_assert(!outcome.taken && outcome.error.status == STATUS_MALFORMED, "row %zu", i);
    }
}

Test(message, wrong_version_refusal_is_readable_in_every_version)
{
    static const uint32_t versions[] = {0, PROTOCOL_VERSION, PROTOCOL_VERSION + 1, UINT32_MAX};
    struct frame body = {.size = 0};

    put_number(&body, 1, 7);
    put_number(&body, 2, STATUS_WRONG_VERSION);
    put_bytes(&body, 3, "say 9", 5);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct frame frame = frame_of(versions[i], BODY_REFUSAL, &body);
        struct decoded outcome = decode_frame(&frame);
        const struct refusal *refusal = &outcome.message.refusal;
        cr_assert(outcome.taken, "%s", outcome.error.reason);
        cr_assert(outcome.message.type == MESSAGE_REFUSAL && refusal->id == 7);
        cr_assert(refusal->status == STATUS_WRONG_VERSION && refusal->retry_after_ms == 0);
        cr_assert_str_eq(refusal->text, "say 9");
    }
}

Test(message, any_other_refusal_of_another_version_is_rejected)
{
    struct frame body = {.size = 0};
    struct decoded outcome;

    put_number(&body, 1, 7);
    put_number(&body, 2, STATUS_BUSY);
    struct frame frame = frame_of(PROTOCOL_VERSION + 1, BODY_REFUSAL, &body);
    outcome = decode_frame(&frame);
    cr_assert(!outcome.taken && outcome.error.status == STATUS_WRONG_VERSION);
}

Test(message, join_with_unknown_fields_is_valid)
{
    struct frame body = {.size = 0};
    struct frame frame;
    struct decoded outcome;

    put_bytes(&body, 3, "node7", 5);
    put_bytes(&body, 6, "rack 12", 7);
    put_number(&body, 7, 9);
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

    put_number(&body, 2, STATUS_BUSY);
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
    cr_assert(!outcome.taken && outcome.error.status == STATUS_OUT_OF_RANGE);
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
        cr_assert(!outcome.taken && outcome.error.status == STATUS_OUT_OF_RANGE);
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
    for (int a = STATUS_OK; a < STATUS_END; ++a)
        for (int b = STATUS_OK; b < a; ++b)
            cr_assert_str_neq(status_text((enum status)a), status_text((enum status)b));
    cr_assert_str_eq(status_text(STATUS_BUSY), "busy");
    cr_assert_str_eq(status_text(STATUS_END), "unknown status");
    cr_assert_str_eq(status_text((enum status) - 1), "unknown status");
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
}

static void draw_progress(struct chance *chance, struct progress *progress)
{
    progress->id = draw_positive(chance, UINT64_MAX);
    progress->count = draw_positive(chance, SAMPLE_END_MAX);
    progress->done = chance_next(chance) % progress->count;
}

static void draw_refusal(struct chance *chance, struct refusal *refusal)
{
    refusal->id = draw_number(chance, UINT64_MAX);
    refusal->status = (enum status)(1 + chance_next(chance) % (STATUS_END - 1));
    refusal->retry_after_ms = draw_word(chance);
    draw_text(chance, refusal->text, TEXT_BYTES_MAX);
}

static void draw_join(struct chance *chance, struct join *join)
{
    join->digest = chance_next(chance);
    join->capacity = (uint32_t)draw_number(chance, CAPACITY_MAX);
    join->height = (uint32_t)draw_number(chance, UINT32_MAX);
    draw_text(chance, join->name, NAME_BYTES_MAX);
    draw_text(chance, join->kernel, NAME_BYTES_MAX);
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
}

static void draw_status_request(struct chance *chance, struct status_request *request)
{
    request->first_worker = draw_word(chance);
    request->first_request = draw_word(chance);
}

static struct message draw_message(struct chance *chance)
{
    struct message message = {.type = (enum message_type)(chance_next(chance) % COUNT_OF(samples))};

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

Test(message, longest_message_is_as_long_as_computed)
{
    struct message longest = {.type = MESSAGE_REFUSAL,
                              .refusal = {UINT64_MAX, STATUS_END - 1, UINT32_MAX, ""}};
    uint8_t bytes[MESSAGE_BYTES_MAX];

    memset(longest.refusal.text, 'x', TEXT_BYTES_MAX);
    cr_assert(message_encode(&longest, bytes) == 539);
    check_round_trip(&longest, "longest message", 0);
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
    cr_assert(outcome.error.status == STATUS_MALFORMED ||
                  outcome.error.status == STATUS_WRONG_VERSION ||
                  outcome.error.status == STATUS_OUT_OF_RANGE,
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
