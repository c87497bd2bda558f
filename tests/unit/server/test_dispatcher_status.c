/* Tests of server/core/dispatcher_status.c. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/server/fixture.h"

#define MANY 100

static struct status_reply status_of(const struct fixture *fixture, uint32_t first_worker,
                                     uint32_t first_request)
{
    struct status_request asked = {first_worker, first_request};
    struct status_reply status = {.up_ms = 4711};

    dispatcher_status(fixture->d, fixture->now_ns, &asked, NULL, &status);
    cr_assert(status.up_ms == 4711, "the shell fills in this field");
    return status;
}

Test(status, lists_every_worker_with_its_state)
{
    struct fixture fixture = fixture_new(1);

    fixture_do(&fixture, "join w1 2");
    fixture_do(&fixture, "join w3 0");
    fixture_do(&fixture, "leave w3");
    fixture_do(&fixture, "request 0 1 1");
    fixture_do(&fixture, "done r1");
    fixture_do(&fixture, "request 0 1 3");
    fixture_do(&fixture, "time +7");
    struct status_reply status = status_of(&fixture, 0, 0);
    const struct worker_status *w = status.workers;
    cr_assert(status.worker_count == 3 && status.workers_listed == 3);
    cr_assert(w[0].state == WORKER_STATUS_THREAD && w[0].number == 0);
    cr_assert(w[0].capacity == 1 && w[0].credit == 2 && w[0].in_flight == 1);
    cr_assert(w[0].samples == BLOCK_SAMPLES && w[0].silent_ms == 0);
    cr_assert_str_eq(w[0].name, "thread 1");
    cr_assert(w[1].state == WORKER_STATUS_JOINED && w[1].number == 1);
    cr_assert(w[1].capacity == 2 && w[1].credit == 4 && w[1].in_flight == 2);
    cr_assert(w[1].samples == 0 && w[1].silent_ms == 7);
    cr_assert_str_eq(w[1].name, "w1");
    cr_assert_str_eq(w[1].kernel, "kernel");
    cr_assert(w[2].state == WORKER_STATUS_LEAVING && w[2].number == 3 && w[2].credit == 0);
    fixture_destroy(&fixture);
}

Test(status, shows_rates_as_measured)
{
    struct fixture fixture = fixture_new(0);

    fixture_do(&fixture, "join w0 2");
    fixture_do(&fixture, "request 0 1 1000000");
    for (unsigned i = 0; i < 40; i++) /* half of the assumed rate */
        fixture_do(&fixture, "done r%u in %f", i + 1,
                   (double)fixture.started[i].asked.count / BLOCK_SAMPLES * BLOCK_NS * 2 / MS);
    struct status_reply status = status_of(&fixture, 0, 0);
    double guess = 2 * BLOCK_SAMPLES * 1e9 / BLOCK_NS; /* two cores */
    cr_assert_float_eq(status.workers[0].gaussian_rate, guess / 2, guess / 1000);
    cr_assert_float_eq(status.workers[0].uniform_rate, guess, guess / 1000);
    fixture_destroy(&fixture);
}

Test(status, ages_grow_without_events)
{
    struct fixture fixture = fixture_new(0);

    fixture_do(&fixture, "join w0 0");
    fixture_do(&fixture, "request 0 1 1");
    fixture.now_ns += 5000 * MS;
    struct status_reply status = status_of(&fixture, 0, 0);
    cr_assert(status.requests[0].age_ms == 5000 && status.workers[0].silent_ms == 5000);
    fixture_destroy(&fixture);
}

Test(status, lists_every_request_with_its_progress)
{
    struct fixture fixture = fixture_new(1);

    fixture_do(&fixture, "request 2 1 1000");
    fixture_do(&fixture, "time +30");
    fixture_do(&fixture, "request p1 7 5 uniform");
    fixture_do(&fixture, "done r1");
    cr_assert_not(status_of(&fixture, 0, 0).draining);
    fixture_do(&fixture, "drain");
    struct status_reply status = status_of(&fixture, 0, 0);
    cr_assert(status.draining);
    const struct request_status *r = status.requests;
    cr_assert(status.request_count == 2 && status.requests_listed == 2);
    cr_assert(r[0].client == 2 && r[0].id == 1 && r[0].kind == MESSAGE_KIND_GAUSSIAN);
    cr_assert(r[0].first == 0 && r[0].count == (uint64_t)1000 * BLOCK_SAMPLES);
    cr_assert(r[0].done == 100 * BLOCK_SAMPLES && r[0].in_flight == 2 && r[0].age_ms == 30);
    cr_assert(r[1].client == CLIENTS_MAX + 1 && r[1].id == 7 && r[1].kind == MESSAGE_KIND_UNIFORM);
    cr_assert(r[1].done == 0 && r[1].in_flight == 0 && r[1].age_ms == 0);
    fixture_destroy(&fixture);
}

/* A dispatcher with MANY workers without cores, and MANY requests. */
static struct fixture crowd(void)
{
    struct fixture fixture = fixture_of(&(struct dispatcher_settings){
        .requests_max = MANY,
        .client_requests_max = MANY,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .joined_max = 2 * MANY,
        .digest = DIGEST_OF_TESTS,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    });

    for (unsigned i = 0; i < MANY; i++) {
        fixture_do(&fixture, "join w%u 0", 2 * i);
        fixture_do(&fixture, "request 0 %u 1", i + 1);
    }
    return fixture;
}

Test(status, long_lists_are_sent_in_pages)
{
    struct fixture fixture = crowd();
    struct status_reply status = status_of(&fixture, 0, MANY - 2);

    cr_assert(status.worker_count == MANY && status.workers_listed == STATUS_ENTRIES_MAX);
    cr_assert(status.workers[STATUS_ENTRIES_MAX - 1].number == 2 * STATUS_ENTRIES_MAX - 2);
    cr_assert(status.request_count == MANY && status.requests_listed == 2);
    cr_assert(status.requests[0].id == MANY - 1 && status.requests[1].id == MANY);
    status = status_of(&fixture, STATUS_ENTRIES_MAX, 0);
    cr_assert(status.workers_listed == MANY - STATUS_ENTRIES_MAX);
    cr_assert(status.workers[0].number == 2 * STATUS_ENTRIES_MAX);
    cr_assert(status.requests_listed == STATUS_ENTRIES_MAX);
    cr_assert(status.requests[STATUS_ENTRIES_MAX - 1].id == STATUS_ENTRIES_MAX);
    status = status_of(&fixture, MANY, UINT32_MAX);
    cr_assert(status.workers_listed == 0 && status.requests_listed == 0);
    fixture_destroy(&fixture);
}

Test(status, the_largest_status_can_be_encoded)
{
    struct fixture fixture = crowd();
    struct status_reply status = status_of(&fixture, 0, 0), read;
    uint8_t bytes[FRAME_BYTES_MAX];
    const char *reason = NULL;
    size_t size = status_encode(&status, bytes);

    cr_assert(status_decode(bytes, size, &read, &reason), "%s", reason);
    cr_assert(read.workers_listed == STATUS_ENTRIES_MAX);
    cr_assert(read.requests_listed == STATUS_ENTRIES_MAX);
    fixture_destroy(&fixture);
}

Test(status, counts_the_endings_of_requests)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 0 1 1", "refuse 0#1 duplicate id"},
        {"done r1", "reply 0#1"},
        {"request 0 2 1", "start r2 w0 0#2 0+1"},
        {"cancel 0 2", "cancel r2 refuse 0#2 cancelled"},
        {"stopped r2", ""}, /* a total of a cancelled run */
        {"request 1 1 1", "start r3 w0 1#1 0+1"},
        {"lost 1", "cancel r3"}, /* neither answered nor refused */
        {"drain", ""},
        {"request 2 1 1", "refuse 2#1 stopping"},
        {"count answered", "1"},
        {"count refused", "3"},
        {"count spans", "1"},
        {"count requeued", "0"},
        {"count duplicates", "1"},
        {0},
    });
}

Test(status, counts_the_endings_of_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 2", "start r1 w0 0#1 0+1 start r2 w0 0#1 1+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r3 w0 0#1 0+1 start r4 w0 0#1 1+1"},
        {"join w1 1", "welcome w1"},
        {"refuse r4 busy", "start r5 w1 0#1 1+1"},
        {"time +50", ""},
        {"done r5", "start r6 w1 0#1 0+1"}, /* w0's span is late, and w1 is idle */
        {"done r6", "cancel r3 reply 0#1"},
        {"done r3", ""},
        {"count spans", "2"},
        {"count requeued", "3"},
        {"count given_twice", "1"},
        {"count duplicates", "1"},
        {"count workers_lost", "1"},
        {0},
    });
}
