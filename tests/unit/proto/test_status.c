/* Tests of proto/status.c: each limit of each field, then laws, then damaged frames. */
#include "proto/status.h"

#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>

#include "tests/unit/proto/frames.h"

/* Fields of a StatusReply. */
enum {
    NAME = 1,
    KERNEL = 2,
    COUNTERS = 5,
    WORKER_COUNT = 6,
    REQUEST_COUNT = 7,
    WORKERS = 8,
    REQUESTS = 9
};

/* ---- Tools ---- */

struct decoded_status {
    bool taken;
    struct status_reply status;
    const char *reason;
};

/* Decodes with both functions, and checks that they agree: status_decode() rejects each frame that
 * message_decode() rejects, and both agree whether the frame is a status reply. */
static void decode(const void *bytes, size_t size, struct decoded_status *outcome)
{
    static struct decode_arena arena;
    uint8_t *exact = exact_copy(bytes, size);
    struct message message;
    struct message_error error;
    bool known = message_decode(&arena, exact, size, &message, &error) &&
                 message.type == MESSAGE_STATUS_REPLY;

    outcome->taken = status_decode(exact, size, &outcome->status, &outcome->reason);
    cr_assert(known || !outcome->taken);
    cr_assert(outcome->taken == (outcome->reason == NULL));
    free(exact);
}

static void decode_body(const struct frame *body, struct decoded_status *outcome)
{
    struct frame frame = frame_of(PROTOCOL_VERSION, BODY_STATUS_REPLY, body);

    decode(frame.bytes, frame.size, outcome);
}

static void check_refused(const struct decoded_status *outcome, const char *begins, size_t row)
{
    cr_assert(!outcome->taken, "row %zu was taken", row);
    cr_assert(strstr(outcome->reason, begins) == outcome->reason,
              "row %zu: \"%s\" should begin with %s", row, outcome->reason, begins);
}

static bool workers_equal(const struct worker_status *a, const struct worker_status *b)
{
    return a->number == b->number && a->state == b->state && strcmp(a->name, b->name) == 0 &&
           strcmp(a->kernel, b->kernel) == 0 && a->capacity == b->capacity &&
           a->credit == b->credit && a->in_flight == b->in_flight &&
           a->gaussian_rate == b->gaussian_rate && a->uniform_rate == b->uniform_rate &&
           a->silent_ms == b->silent_ms && a->samples == b->samples;
}

static bool requests_equal(const struct request_status *a, const struct request_status *b)
{
    return a->client == b->client && strcmp(a->owner, b->owner) == 0 && a->id == b->id &&
           a->seed == b->seed && a->kind == b->kind && a->first == b->first &&
           a->count == b->count && a->done == b->done && a->in_flight == b->in_flight &&
           a->age_ms == b->age_ms && strcmp(a->summand, b->summand) == 0;
}

static bool offer_equal(const struct offer *a, const struct offer *b)
{
    return strcmp(a->name, b->name) == 0 && a->build == b->build && a->capacity == b->capacity &&
           a->ns_per_term == b->ns_per_term;
}

static bool servers_equal(const struct status_reply *a, const struct status_reply *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           a->up_ms == b->up_ms && a->draining == b->draining &&
           memcmp(&a->counters, &b->counters, sizeof(a->counters)) == 0 &&
           a->worker_count == b->worker_count && a->request_count == b->request_count &&
           a->workers_listed == b->workers_listed && a->requests_listed == b->requests_listed;
}

static bool statuses_equal(const struct status_reply *a, const struct status_reply *b)
{
    bool equal = servers_equal(a, b);

    for (uint32_t i = 0; equal && i < a->workers_listed; ++i)
        equal = workers_equal(&a->workers[i], &b->workers[i]);
    for (uint32_t i = 0; equal && i < a->requests_listed; ++i)
        equal = requests_equal(&a->requests[i], &b->requests[i]);
    equal = equal && a->offer_count == b->offer_count;
    for (uint32_t i = 0; equal && i < a->offer_count; ++i)
        equal = offer_equal(&a->offers[i], &b->offers[i]);
    return equal;
}

static void check_round_trip(const struct status_reply *status, const char *what, uint64_t seed)
{
    uint8_t *bytes = malloc(FRAME_BYTES_MAX);
    size_t size = status_encode(status, bytes);
    struct decoded_status outcome;

    decode(bytes, size, &outcome);
    free(bytes);
    cr_assert(size >= 1 && size <= STATUS_BYTES_MAX, "%s, seed %" PRIu64, what, seed);
    cr_assert(outcome.taken, "%s, seed %" PRIu64 ": %s", what, seed, outcome.reason);
    cr_assert(statuses_equal(status, &outcome.status), "%s, seed %" PRIu64, what, seed);
}

/* ---- Ranges ---- */

#define END SAMPLE_END_MAX

/* Fields of one entry, and the start of the expected reason; NULL: the entry is valid. */
struct entry_row {
    struct number numbers[6];
    const char *reason;
};

static void check_entry_rows(unsigned list, unsigned count_field, const struct entry_row *rows,
                             size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        struct frame entry = {.size = 0};
        struct frame body = {.size = 0};
        struct decoded_status outcome;

        put_numbers(&entry, rows[i].numbers);
        put_number(&body, count_field, 1);
        put_bytes(&body, list, entry.bytes, entry.size);
        decode_body(&body, &outcome);
        if (rows[i].reason != NULL)
            check_refused(&outcome, rows[i].reason, i);
        else
            cr_assert(outcome.taken, "row %zu: %s", i, outcome.reason);
    }
}

Test(status, worker_is_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct entry_row rows[] = {
        /* state    capacity */
        {{{2, 1}, {5, 0}}, NULL},
        {{{2, 0}, {5, 0}}, "state of a worker is unknown;"},
        {{{2, 3}, {5, 0}}, NULL},
        {{{2, 4}, {5, 0}}, "state of a worker is unknown;"},
        {{{2, UINT64_MAX}, {5, 0}}, "state of a worker is unknown;"},
        {{{2, 1}, {5, CAPACITY_MAX}}, NULL},
        {{{2, 1}, {5, CAPACITY_MAX + 1}}, "capacity of a worker is too large;"},
        /* number, credit, in_flight, silent_ms, samples */
        {{{2, 1}, {1, UINT32_MAX}, {6, UINT32_MAX}, {7, UINT32_MAX}, {10, UINT32_MAX}}, NULL},
        {{{2, 1}, {11, UINT64_MAX}}, NULL},
    };

    check_entry_rows(WORKERS, WORKER_COUNT, rows, COUNT_OF(rows));
}

Test(status, request_is_valid_up_to_each_limit_and_invalid_beyond)
{
    static const struct entry_row rows[] = {
        /* id      kind    first   count   done */
        {{{1, 1}, {5, 1}, {6, 0}, {7, 2}, {8, 0}}, NULL},
        {{{1, 0}, {5, 1}, {6, 0}, {7, 2}, {8, 0}}, "id is 0;"},
        {{{1, 1}, {5, 0}, {6, 0}, {7, 2}, {8, 0}}, "kind is unknown;"},
        {{{1, 1}, {5, 2}, {6, 0}, {7, 2}, {8, 0}}, NULL},
        {{{1, 1}, {5, 3}, {6, 0}, {7, 2}, {8, 0}}, "kind is unknown;"},
        {{{1, 1}, {5, 1}, {6, 0}, {7, 0}, {8, 0}}, "count is 0;"},
        {{{1, 1}, {5, 1}, {6, 0}, {7, END}, {8, 0}}, NULL},
        {{{1, 1}, {5, 1}, {6, 0}, {7, END + 1}, {8, 0}}, "first + count is too large;"},
        {{{1, 1}, {5, 1}, {6, 1}, {7, END}, {8, 0}}, "first + count is too large;"},
        {{{1, 1}, {5, 1}, {6, 0}, {7, 2}, {8, 1}}, NULL},
        {{{1, 1}, {5, 1}, {6, 0}, {7, 2}, {8, 2}}, NULL},
        {{{1, 1}, {5, 1}, {6, 0}, {7, 2}, {8, 3}}, "done is above count;"},
    };

    check_entry_rows(REQUESTS, REQUEST_COUNT, rows, COUNT_OF(rows));
}

Test(status, rates_must_be_finite_and_0_or_more)
{
    static const struct {
        double rate;
        bool taken;
    } rows[] = {
        {0.0, true},     {-0.0, true},      {DBL_TRUE_MIN, true},   {1e9, true},
        {DBL_MAX, true}, {INFINITY, false}, {-INFINITY, false},     {NAN, false},
        {-NAN, false},   {-1.0, false},     {-DBL_TRUE_MIN, false},
    };
    static const char *const reasons[] = {"gaussian_rate of a worker is out of range;",
                                          "uniform_rate of a worker is out of range;"};

    for (size_t i = 0; i < 2 * COUNT_OF(rows); ++i) {
        unsigned field = 8 + i % 2;
        struct frame worker = {.size = 0};
        struct frame body = {.size = 0};
        struct decoded_status outcome;

        put_number(&worker, 2, WORKER_STATUS_JOINED);
        put_double(&worker, field, rows[i / 2].rate);
        put_number(&body, WORKER_COUNT, 1);
        put_bytes(&body, WORKERS, worker.bytes, worker.size);
        decode_body(&body, &outcome);
        if (!rows[i / 2].taken)
            check_refused(&outcome, reasons[i % 2], i);
        else
            cr_assert(outcome.taken, "row %zu: %s", i, outcome.reason);
    }
}

/* Numbers of shortest entries in both lists, and the counts that the reply states. */
struct list_row {
    unsigned workers, requests;
    uint32_t worker_count, request_count;
    const char *reason;
};

static void decode_lists(const struct list_row *row, struct decoded_status *outcome)
{
    struct frame body = {.size = 0};

    put_number(&body, WORKER_COUNT, row->worker_count);
    put_number(&body, REQUEST_COUNT, row->request_count);
    for (unsigned i = 0; i < row->workers; ++i)
        put_bytes(&body, WORKERS, "\x10\x02", 2);
    for (unsigned i = 0; i < row->requests; ++i)
        put_bytes(&body, REQUESTS, "\x08\x01\x28\x01\x38\x01", 6);
    decode_body(&body, outcome);
}

Test(status, lists_are_valid_up_to_64_entries_and_up_to_their_counts)
{
    static const struct list_row rows[] = {
        {0, 0, 0, 0, NULL},
        {0, 0, UINT32_MAX, UINT32_MAX, NULL},
        {1, 1, 1, 1, NULL},
        {64, 64, 64, 64, NULL},
        {64, 64, 5000, 10000, NULL},
        {65, 0, 65, 0, "workers are too many; they must be 64 or less"},
        {0, 65, 0, 65, "requests are too many; they must be 64 or less"},
        {150, 100, 150, 100, "workers are too many;"},
        {2, 0, 1, 0, "worker_count is below the number of workers listed"},
        {0, 64, 0, 63, "request_count is below the number of requests listed"},
        {4000, 4000, 4000, 4000, "the bytes are not a message"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        struct decoded_status outcome;

        decode_lists(&rows[i], &outcome);
        if (rows[i].reason != NULL) {
            check_refused(&outcome, rows[i].reason, i);
            continue;
        }
        cr_assert(outcome.taken, "row %zu: %s", i, outcome.reason);
        cr_assert(outcome.status.workers_listed == rows[i].workers, "row %zu", i);
        cr_assert(outcome.status.requests_listed == rows[i].requests, "row %zu", i);
    }
}

/* A field of a StatusReply that holds a name, in the reply itself or in an entry of `list`. */
static const struct {
    unsigned list, field;
} name_places[] = {{0, NAME}, {0, KERNEL}, {WORKERS, 3}, {WORKERS, 4}, {REQUESTS, 3}};

static void decode_name(size_t place, const char *name, size_t size, struct decoded_status *outcome)
{
    unsigned list = name_places[place].list;
    struct frame body = {.size = 0};
    struct frame entry = {.size = 0};

    if (list == WORKERS)
        put_number(&entry, 2, WORKER_STATUS_THREAD);
    else if (list == REQUESTS)
        put_numbers(&entry, (const struct number[]){{1, 1}, {5, 1}, {7, 1}, {0, 0}});
    put_bytes(list == 0 ? &body : &entry, name_places[place].field, name, size);
    put_number(&body, WORKER_COUNT, 1);
    put_number(&body, REQUEST_COUNT, 1);
    if (list != 0)
        put_bytes(&body, list, entry.bytes, entry.size);
    decode_body(&body, outcome);
}

static const char *name_in(const struct status_reply *status, size_t place)
{
    const char *const names[] = {status->name, status->kernel, status->workers[0].name,
                                 status->workers[0].kernel, status->requests[0].owner};

    return names[place];
}

Test(status, names_are_valid_up_to_95_bytes)
{
    char name[NAME_BYTES_MAX + 1];
    struct decoded_status outcome;

    memset(name, 'x', sizeof(name));
    for (size_t place = 0; place < COUNT_OF(name_places); ++place) {
        decode_name(place, name, NAME_BYTES_MAX, &outcome);
        cr_assert(outcome.taken, "place %zu: %s", place, outcome.reason);
        cr_assert(strlen(name_in(&outcome.status, place)) == 95, "place %zu", place);
        decode_name(place, name, NAME_BYTES_MAX + 1, &outcome);
        check_refused(&outcome, "a name is too long; it must be 95 bytes or less", place);
    }
}

Test(status, names_are_made_printable)
{
    struct decoded_status outcome;

    for (size_t place = 0; place < COUNT_OF(name_places); ++place) {
        decode_name(place, "n\xc3\xb6\x1b[31m\n\0x", 11, &outcome);
        cr_assert(outcome.taken, "place %zu: %s", place, outcome.reason);
        cr_assert_str_eq(name_in(&outcome.status, place), "n???[31m?", "place %zu", place);
    }
}

/* ---- Frames that are not status replies ---- */

Test(status, frames_that_are_no_status_reply_are_rejected_with_a_reason)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *reason;
    } rows[] = {
        {"", 0, "the frame is empty"},
        {"hello", 5, "the bytes are not a message"},
        {"\x08\x01", 2, "the message is not a status reply"},
        {"\x08\x01\x2a\x02\x08\x07", 6, "the message is not a status reply"}, /* a Cancel */
        {"\x08\x02\x62\x00", 4, "version is not 1, the only supported version"},
        {"\x62\x00", 2, "version is not 1, the only supported version"},
        {"\x08\x01\x62\x02\x42", 5, "the bytes are not a message"},
        {"\x08\x01\x62\x02\x42\x01", 6, "the bytes are not a message"}, /* a truncated entry */
    };
    struct decoded_status outcome;

    for (size_t i = 0; i < COUNT_OF(rows); ++i) {
        decode(rows[i].bytes, rows[i].size, &outcome);
        check_refused(&outcome, rows[i].reason, i);
    }
}

Test(status, absent_fields_are_0)
{
    static const struct counters none;
    struct decoded_status outcome;

    memset(&outcome, 0xff, sizeof(outcome));
    decode("\x08\x01\x62\x00", 4, &outcome);
    cr_assert(outcome.taken, "%s", outcome.reason);
    cr_assert_str_eq(outcome.status.name, "");
    cr_assert(outcome.status.up_ms == 0 && !outcome.status.draining);
    cr_assert(memcmp(&outcome.status.counters, &none, sizeof(none)) == 0);
    cr_assert(outcome.status.workers_listed == 0 && outcome.status.requests_listed == 0);
}

Test(status, last_of_two_fields_counts)
{
    struct frame body = {.size = 0};
    struct decoded_status outcome;

    put_number(&body, WORKER_COUNT, 1);
    put_number(&body, WORKER_COUNT, 2);
    put_bytes(&body, NAME, "first", 5);
    put_bytes(&body, NAME, "last", 4);
    put_bytes(&body, COUNTERS, "\x08\x05", 2); /* answered */
    put_bytes(&body, COUNTERS, "\x08\x07", 2);
    decode_body(&body, &outcome);
    cr_assert(outcome.taken, "%s", outcome.reason);
    cr_assert(outcome.status.worker_count == 2);
    cr_assert_str_eq(outcome.status.name, "last");
    cr_assert(outcome.status.counters.answered == 7);
}

/* ---- Random replies ---- */

static double draw_rate(struct chance *chance)
{
    return (double)draw_number(chance, UINT64_MAX) / (double)draw_positive(chance, 1000);
}

static void draw_worker(struct chance *chance, struct worker_status *worker)
{
    worker->number = draw_word(chance);
    worker->state = (enum worker_status_state)(1 + chance_next(chance) % 3);
    draw_text(chance, worker->name, NAME_BYTES_MAX);
    draw_text(chance, worker->kernel, NAME_BYTES_MAX);
    worker->capacity = (uint32_t)draw_number(chance, CAPACITY_MAX);
    worker->credit = draw_word(chance);
    worker->in_flight = draw_word(chance);
    worker->gaussian_rate = draw_rate(chance);
    worker->uniform_rate = draw_rate(chance);
    worker->silent_ms = draw_word(chance);
    worker->samples = draw_number(chance, UINT64_MAX);
}

static void draw_request(struct chance *chance, struct request_status *request)
{
    request->client = draw_word(chance);
    draw_text(chance, request->owner, NAME_BYTES_MAX);
    request->id = draw_positive(chance, UINT64_MAX);
    request->seed = draw_number(chance, UINT64_MAX);
    request->kind = chance_next(chance) & 1 ? MESSAGE_KIND_GAUSSIAN : MESSAGE_KIND_UNIFORM;
    request->count = draw_positive(chance, SAMPLE_END_MAX);
    request->first = chance_next(chance) % (SAMPLE_END_MAX - request->count + 1);
    request->done = chance_next(chance) % (request->count + 1);
    request->in_flight = draw_word(chance);
    request->age_ms = draw_number(chance, UINT64_MAX);
    request->summand[0] = '\0';
    if (chance_next(chance) & 1)
        return;
    request->kind = MESSAGE_KIND_NONE;
    strcpy(request->summand, "asian");
}

static void draw_counters(struct chance *chance, struct counters *counters)
{
    counters->answered = draw_number(chance, UINT64_MAX);
    counters->refused = draw_number(chance, UINT64_MAX);
    counters->spans = draw_number(chance, UINT64_MAX);
    counters->requeued = draw_number(chance, UINT64_MAX);
    counters->given_twice = draw_number(chance, UINT64_MAX);
    counters->duplicates = draw_number(chance, UINT64_MAX);
    counters->workers_lost = draw_number(chance, UINT64_MAX);
    counters->bad_messages = draw_number(chance, UINT64_MAX);
}

static void draw_status(struct chance *chance, struct status_reply *status)
{
    draw_text(chance, status->name, NAME_BYTES_MAX);
    draw_text(chance, status->kernel, NAME_BYTES_MAX);
    status->up_ms = draw_number(chance, UINT64_MAX);
    status->draining = chance_next(chance) & 1;
    draw_counters(chance, &status->counters);
    status->workers_listed = (uint32_t)(chance_next(chance) % (STATUS_ENTRIES_MAX + 1));
    status->requests_listed = (uint32_t)(chance_next(chance) % (STATUS_ENTRIES_MAX + 1));
    status->worker_count = status->workers_listed + (uint32_t)draw_number(chance, 100000);
    status->request_count = status->requests_listed + (uint32_t)draw_number(chance, 100000);
    for (uint32_t i = 0; i < status->workers_listed; ++i)
        draw_worker(chance, &status->workers[i]);
    for (uint32_t i = 0; i < status->requests_listed; ++i)
        draw_request(chance, &status->requests[i]);
    status->offer_count = (uint32_t)(chance_next(chance) % (OFFERS_MAX + 1));
    for (uint32_t i = 0; i < status->offer_count; ++i)
        status->offers[i] = (struct offer){.name = "asian",
                                           .build = draw_positive(chance, UINT64_MAX),
                                           .capacity = (uint32_t)draw_number(chance, CAPACITY_MAX),
                                           .ns_per_term = draw_rate(chance)};
}

/* A reply with full lists, in which each number and each name has its maximum length. */
static const struct status_reply *longest_status(void)
{
    static struct status_reply status;
    char name[NAME_BYTES_MAX + 1] = {0};

    memset(name, 'x', NAME_BYTES_MAX);
    memset(&status.counters, 0xff, sizeof(status.counters));
    status.up_ms = UINT64_MAX;
    status.draining = true;
    status.worker_count = status.request_count = UINT32_MAX;
    status.workers_listed = status.requests_listed = STATUS_ENTRIES_MAX;
    strcpy(status.name, name);
    strcpy(status.kernel, name);
    for (int i = 0; i < STATUS_ENTRIES_MAX; ++i) {
        struct worker_status worker = {UINT32_MAX,   WORKER_STATUS_LEAVING,
                                       "",           "",
                                       CAPACITY_MAX, UINT32_MAX,
                                       UINT32_MAX,   DBL_MAX,
                                       DBL_MAX,      UINT32_MAX,
                                       UINT64_MAX};
        struct request_status request = {UINT32_MAX,           "",         UINT64_MAX, UINT64_MAX,
                                         MESSAGE_KIND_UNIFORM, END / 2,    END / 2,    END / 2,
                                         UINT32_MAX,           UINT64_MAX, ""};
        strcpy(worker.name, name);
        strcpy(worker.kernel, name);
        strcpy(request.owner, name);
        status.workers[i] = worker;
        request.kind = MESSAGE_KIND_NONE;
        memset(request.summand, 'x', SUMMAND_NAME_BYTES_MAX);
        status.requests[i] = request;
    }
    status.offer_count = OFFERS_MAX;
    for (int i = 0; i < OFFERS_MAX; ++i) {
        struct offer offer = {"", UINT64_MAX, CAPACITY_MAX, DBL_MAX};
        memset(offer.name, 'x', SUMMAND_NAME_BYTES_MAX);
        status.offers[i] = offer;
    }
    return &status;
}

Test(status, longest_reply_is_as_long_as_computed)
{
    static uint8_t bytes[FRAME_BYTES_MAX];

    cr_assert(status_encode(longest_status(), bytes) == STATUS_BYTES_MAX);
    check_round_trip(longest_status(), "longest reply", 0);
}

/* An unknown field of 32 bytes in each entry, and 32 of them in the message and in its body. */
Test(status, longest_reply_is_readable_with_unknown_fields)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    static const uint8_t zeros[32];
    size_t size = status_encode(longest_status(), bytes);
    const size_t head = 2 + 1 + 3; /* the version, the body's tag and its length */
    struct frame body = {.size = 0};
    struct frame frame = {.size = 0};
    struct decoded_status outcome;

    put(&body, bytes + head, size - head);
    for (unsigned i = 0; i < 32; ++i)
        put_bytes(&body, 100 + i, zeros, sizeof(zeros));
    frame = frame_of(PROTOCOL_VERSION, BODY_STATUS_REPLY, &body);
    for (unsigned i = 0; i < 32; ++i)
        put_bytes(&frame, 100 + i, zeros, sizeof(zeros));
    decode(frame.bytes, frame.size, &outcome);
    cr_assert(outcome.taken, "%s", outcome.reason);
    cr_assert(statuses_equal(longest_status(), &outcome.status));
}

/* ---- Law: decoding undoes encoding ---- */

Test(status, decode_undoes_encode_for_any_valid_reply)
{
    static struct status_reply status;

    for (uint64_t seed = 1; seed <= 3000; ++seed) {
        struct chance chance = {seed};
        draw_status(&chance, &status);
        check_round_trip(&status, "drawn reply", seed);
    }
}

/* One entry in each list. */
static const struct status_reply sample = {
    .name = "node1",
    .kernel = "avx2",
    .up_ms = 3600000,
    .draining = true,
    .counters = {.answered = 9, .refused = 1, .spans = 4000, .workers_lost = 1},
    .worker_count = 3,
    .request_count = 2,
    .workers_listed = 1,
    .requests_listed = 1,
    .workers = {{.number = 8,
                 .state = WORKER_STATUS_JOINED,
                 .name = "node7",
                 .kernel = "avx512",
                 .capacity = 16,
                 .credit = 32,
                 .in_flight = 31,
                 .gaussian_rate = 4e9,
                 .uniform_rate = 1e10,
                 .silent_ms = 120,
                 .samples = 1000000000}},
    .requests = {{.client = 5,
                  .owner = "127.0.0.1",
                  .id = 7,
                  .seed = 42,
                  .kind = MESSAGE_KIND_GAUSSIAN,
                  .first = 65536,
                  .count = 10000000,
                  .done = 131072,
                  .in_flight = 12,
                  .age_ms = 35}},
};

Test(status, encoding_a_nan_rate_is_a_bug, .signal = SIGABRT)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct status_reply status = sample;

    status.workers[0].uniform_rate = NAN;
    status_encode(&status, bytes);
}

Test(status, encoding_more_entries_than_the_count_is_a_bug, .signal = SIGABRT)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct status_reply status = sample;

    status.worker_count = 0;
    status_encode(&status, bytes);
}

Test(status, encoding_an_unprintable_name_is_a_bug, .signal = SIGABRT)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct status_reply status = sample;

    status.requests[0].owner[3] = '\t';
    status_encode(&status, bytes);
}

/* ---- Damaged frames: decoding gives a reason or a valid reply ---- */

static void check_damaged(const void *bytes, size_t size, const char *what, uint64_t seed)
{
    struct decoded_status outcome;

    decode(bytes, size, &outcome);
    if (outcome.taken)
        check_round_trip(&outcome.status, what, seed);
    else
        cr_assert(outcome.reason[0] != '\0', "%s, seed %" PRIu64, what, seed);
}

Test(status, every_truncation_is_harmless)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    size_t size = status_encode(&sample, bytes);
    struct decoded_status outcome;

    for (size_t shorter = 0; shorter < size; ++shorter) {
        decode(bytes, shorter, &outcome);
        cr_assert(!outcome.taken, "%zu bytes", shorter);
    }
}

/* The frame is complete, but its body is truncated. */
Test(status, every_truncation_of_the_body_is_harmless)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    size_t size = status_encode(&sample, bytes);
    const size_t head = 2 + 1 + 2;

    for (size_t shorter = 0; shorter <= size - head; ++shorter) {
        struct frame body = {.size = 0};
        struct frame frame;

        put(&body, bytes + head, shorter);
        frame = frame_of(PROTOCOL_VERSION, BODY_STATUS_REPLY, &body);
        check_damaged(frame.bytes, frame.size, "truncated body", shorter);
    }
}

Test(status, every_flipped_bit_is_harmless)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    size_t size = status_encode(&sample, bytes);

    for (size_t bit = 0; bit < 8 * size; ++bit) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_damaged(bytes, size, "reply with a flipped bit", bit);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(status, overwritten_bytes_are_harmless)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    static struct status_reply status;

    for (uint64_t seed = 1; seed <= 3000; ++seed) {
        struct chance chance = {seed};
        size_t size;

        draw_status(&chance, &status);
        size = status_encode(&status, bytes);
        for (uint64_t wrong = 1 + chance_next(&chance) % 4; wrong > 0; --wrong)
            bytes[chance_next(&chance) % size] = (uint8_t)chance_next(&chance);
        check_damaged(bytes, size, "reply with bytes overwritten", seed);
    }
}

Test(status, garbage_in_the_body_is_harmless)
{
    for (uint64_t seed = 1; seed <= 20000; ++seed) {
        struct chance chance = {seed};
        struct frame body = {.size = 0};
        struct frame frame;

        body.size = chance_next(&chance) % 200;
        draw_bytes(&chance, body.bytes, body.size);
        frame = frame_of(PROTOCOL_VERSION, BODY_STATUS_REPLY, &body);
        check_damaged(frame.bytes, frame.size, "garbage in the body", seed);
    }
}
