/* Tests of traffic.c: which bytes libzmq holds, and what flood control does about them. */
#include <criterion/criterion.h>

#include "server/net/traffic.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))
#define KIB           UINT64_C(1024)
#define MAX           ((uint64_t)UNREAD_BYTES_MAX)

/* A handshake of this size, in both directions. */
#define HANDSHAKE 107

/* One connection as TCP sees it, and its time. */
struct scene {
    struct traffic_totals totals;
    struct traffic traffic;
    struct tcp_counts tcp;
    int64_t now_ns;
};

static struct scene scene_new(void)
{
    return (struct scene){.totals.round = 1, .now_ns = NS_PER_S};
}

static uint64_t inspect(struct scene *scene)
{
    scene->now_ns += 10 * NS_PER_MS;
    traffic_inspect(&scene->totals, &scene->traffic, &scene->tcp, scene->now_ns);
    return scene->traffic.unread_bytes;
}

static enum verdict judge(struct scene *scene)
{
    inspect(scene);
    return traffic_judge(&scene->totals, &scene->traffic, traffic_limit(&scene->totals),
                         scene->now_ns);
}

/* A message of that size arrives and is read. */
static void message(struct scene *scene, size_t bytes)
{
    scene->tcp.received += bytes;
    traffic_read(&scene->totals, &scene->traffic, bytes);
}

static void answer(struct scene *scene, size_t bytes)
{
    traffic_hand(&scene->totals, &scene->traffic, bytes, false);
    scene->tcp.written += bytes;
}

/* A connection whose handshake and first message are read and answered. */
static struct scene spoken_new(uint32_t frame_overhead)
{
    struct scene scene = scene_new();

    scene.totals.frame_overhead = frame_overhead;
    scene.tcp = (struct tcp_counts){HANDSHAKE, HANDSHAKE, HANDSHAKE};
    inspect(&scene);
    message(&scene, 30);
    answer(&scene, 40);
    scene.tcp.acked += 40;
    inspect(&scene);
    traffic_all_read(&scene.totals);
    cr_assert(inspect(&scene) == 0);
    return scene;
}

/* ---- unread bytes ------------------------------------------------------------------------ */

Test(traffic, the_handshake_is_unread_until_all_messages_are_read_and_only_once)
{
    struct scene scene = scene_new();

    scene.tcp.received = HANDSHAKE;
    cr_assert(inspect(&scene) == HANDSHAKE);
    message(&scene, 30);
    cr_assert(inspect(&scene) == HANDSHAKE);
    traffic_all_read(&scene.totals);
    cr_assert(inspect(&scene) == 0);
    message(&scene, 30);
    scene.tcp.received += 500;
    traffic_all_read(&scene.totals);
    cr_assert(inspect(&scene) == 500, "a message that is not complete");
}

/* A message of the connection before may be counted for this one. */
Test(traffic, no_more_bytes_are_read_than_have_arrived)
{
    struct scene scene = scene_new();

    scene.tcp.received = 300;
    traffic_read(&scene.totals, &scene.traffic, 900);
    cr_assert(inspect(&scene) == 0);
    scene.tcp.received = 500;
    cr_assert(inspect(&scene) == 200);
}

static const uint32_t overheads[] = {FRAME_OVERHEAD_NULL, FRAME_OVERHEAD_CURVE};

/* As libzmq with ZMQ_HEARTBEAT_IVL sends them, for months. */
Test(traffic, pings_are_never_unread)
{
    for (size_t i = 0; i < LENGTH(overheads); i++) {
        struct scene scene = spoken_new(overheads[i]);
        for (int ping = 0; ping < 1000000; ping++) {
            scene.tcp.received += 9 + overheads[i];
            scene.tcp.written += 7 + overheads[i];
            scene.tcp.acked += 7 + overheads[i];
        }
        cr_assert(inspect(&scene) == 0);
        message(&scene, 100);
        answer(&scene, 100);
        cr_assert(inspect(&scene) == 0);
    }
}

Test(traffic, a_peer_that_sends_pings_before_its_first_message_stays)
{
    struct scene scene = scene_new();

    scene.tcp = (struct tcp_counts){HANDSHAKE, HANDSHAKE, HANDSHAKE};
    for (int ping = 0; ping < 10000; ping++) {
        scene.tcp.received += 9;
        scene.tcp.written += 7;
        scene.tcp.acked += 7;
        scene.now_ns += NS_PER_S;
        traffic_all_read(&scene.totals);
        cr_assert(judge(&scene) == VERDICT_NONE);
    }
    message(&scene, 30);
    traffic_all_read(&scene.totals);
    cr_assert(inspect(&scene) == 0);
    cr_assert(scene.traffic.settled);
}

/* Unread bytes of four connections, and the limit; 0: no limit. */
static const struct {
    uint64_t unread[4];
    uint64_t limit;
} shares[] = {
    {{MAX}, 0},
    {{MAX + KIB}, MAX},
    {{MAX / 2, MAX / 2}, 0},
    {{MAX / 2, MAX / 2 - 7 * KIB, 8 * KIB}, MAX / 2},
    {{MAX / 5, MAX / 5, MAX / 5, 4 * MAX}, MAX / 4},
};

Test(traffic, connections_with_many_unread_bytes_share_the_maximum)
{
    for (size_t i = 0; i < LENGTH(shares); i++) {
        struct traffic_totals totals = {.round = 1};
        struct traffic traffic[4] = {{.settled = false}};
        for (int k = 0; k < 4; k++)
            traffic_inspect(&totals, &traffic[k], &(struct tcp_counts){shares[i].unread[k], 0, 0},
                            1);
        cr_assert(traffic_limit(&totals) == (shares[i].limit ? shares[i].limit : UINT64_MAX),
                  "row %zu", i);
        for (int k = 0; k < 4; k++)
            traffic_end(&totals, &traffic[k]);
        cr_assert(totals.unread_bytes == 0 && totals.sharers == 0 && totals.unread_count == 0);
    }
}

/* What libzmq still holds of connections that have ended counts until it is read. */
Test(traffic, bytes_of_ended_connections_throttle_the_next_ones_until_they_are_read)
{
    struct traffic_totals totals = {.round = 1};
    struct traffic first = {.settled = false}, second = {.settled = false};

    traffic_inspect(&totals, &first, &(struct tcp_counts){5000 * KIB, 0, 0}, 1);
    cr_assert(traffic_throttle_new(&totals, &second));
    traffic_end(&totals, &first);
    cr_assert(totals.residue_bytes == 5000 * KIB);
    cr_assert(traffic_judge(&totals, &second, UINT64_MAX, 2) == VERDICT_NONE);
    traffic_all_read(&totals);
    cr_assert(traffic_judge(&totals, &second, UINT64_MAX, 2) == VERDICT_RESUME);
    struct traffic third = {.settled = false};
    cr_assert(!traffic_throttle_new(&totals, &third));
}

/* ---- verdicts ---------------------------------------------------------------------------- */

/* One inspection, and the verdict. */
struct inspection {
    int64_t after_ms;  /* the inspection before */
    uint64_t received; /* bytes beyond the first message */
    uint64_t read;     /* of these */
    uint64_t rounds;   /* in which all messages were read */
    enum verdict verdict;
};

static void inspect_all(const struct inspection *inspections, size_t count)
{
    struct scene scene = spoken_new(FRAME_OVERHEAD_NULL);
    uint64_t received = scene.tcp.received, read = 0;

    for (size_t i = 0; i < count; i++) {
        const struct inspection *at = &inspections[i];
        scene.now_ns += at->after_ms * NS_PER_MS;
        scene.tcp.received = received + at->received;
        if (at->read > read)
            traffic_read(&scene.totals, &scene.traffic, at->read - read);
        read = at->read;
        for (uint64_t round = 0; round < at->rounds; round++)
            traffic_all_read(&scene.totals);
        enum verdict verdict = judge(&scene);
        cr_assert(verdict == at->verdict, "inspection %zu: %d", i, (int)verdict);
    }
}

Test(traffic, with_too_many_unread_bytes_is_throttled_until_they_are_read)
{
    static const struct inspection inspections[] = {
        {1, MAX, 0, 0, VERDICT_NONE},
        {1, MAX + KIB, 0, 0, VERDICT_THROTTLE},
        {1, MAX + 500 * KIB, 900 * KIB, 0, VERDICT_NONE},
        {1, MAX + 500 * KIB, MAX + 400 * KIB, 0, VERDICT_NONE},
        {1, MAX + 500 * KIB, MAX + 493 * KIB, 0, VERDICT_RESUME},
        {1, 3 * MAX, MAX + 493 * KIB, 0, VERDICT_THROTTLE},
    };

    inspect_all(inspections, LENGTH(inspections));
}

Test(traffic, a_message_that_does_not_end_in_10_s_is_abandoned_whatever_its_size)
{
    static const struct inspection inspections[] = {
        {1, 100, 0, 0, VERDICT_NONE},    {9000, 100, 0, 5, VERDICT_NONE},
        {900, 5000, 0, 5, VERDICT_NONE}, {200, 6000, 0, 1, VERDICT_ABANDON},
        {1, 6000, 0, 0, VERDICT_NONE},   {1, 6000, 0, 1, VERDICT_DISCONNECT},
    };

    inspect_all(inspections, LENGTH(inspections));
}

/* The loop may be busy for long. */
Test(traffic, bytes_are_no_endless_message_while_messages_are_left_to_read)
{
    static const struct inspection inspections[] = {
        {1, 3000, 0, 0, VERDICT_NONE},       {60000, 3000, 0, 1, VERDICT_NONE},
        {1, 3000, 3000, 1, VERDICT_NONE},    {1, 6000, 3000, 0, VERDICT_NONE},
        {9900, 9000, 6000, 3, VERDICT_NONE}, /* a message was read meanwhile */
        {9900, 9000, 6000, 3, VERDICT_NONE}, {200, 9000, 6000, 3, VERDICT_ABANDON},
    };

    inspect_all(inspections, LENGTH(inspections));
}

Test(traffic, a_throttled_connection_whose_bytes_do_not_change_is_abandoned_sooner)
{
    static const struct inspection inspections[] = {
        {1, MAX + KIB, 0, 0, VERDICT_THROTTLE},   {50, MAX + KIB, 0, 3, VERDICT_NONE},
        {50, MAX + KIB, 90, 3, VERDICT_NONE},     {400, MAX + KIB, 90, 0, VERDICT_NONE},
        {200, MAX + KIB, 90, 3, VERDICT_ABANDON},
    };

    inspect_all(inspections, LENGTH(inspections));
}

/* 10,000 connections with some kilobytes of empty frames each took 2.7 GB. */
Test(traffic, many_endless_messages_are_abandoned_at_once_until_they_fit)
{
    enum { MANY = 2000, BYTES = 7900 };
    static struct traffic traffic[MANY];
    struct traffic_totals totals = {.round = 1};
    int64_t later_ns = NS_PER_S + UNENDED_MANY_NS;
    int abandoned = 0;

    for (int i = 0; i < MANY; i++)
        traffic_inspect(&totals, &traffic[i], &(struct tcp_counts){BYTES, 0, 0}, NS_PER_S);
    for (int i = 0; i < MANY; i++)
        cr_assert(traffic_judge(&totals, &traffic[i], UINT64_MAX, later_ns) == VERDICT_NONE);
    traffic_all_read(&totals);
    traffic_all_read(&totals);
    for (int i = 0; i < MANY; i++)
        abandoned += traffic_judge(&totals, &traffic[i], UINT64_MAX, later_ns) == VERDICT_ABANDON;
    cr_assert(totals.unread_bytes <= UNREAD_BYTES_MAX);
    cr_assert(abandoned == MANY - UNREAD_BYTES_MAX / BYTES, "%d", abandoned);
}

/* ---- pending bytes ----------------------------------------------------------------------- */

Test(traffic, answers_are_pending_until_they_are_acknowledged)
{
    struct scene scene = spoken_new(FRAME_OVERHEAD_NULL);

    answer(&scene, 1000);
    inspect(&scene);
    cr_assert(scene.traffic.pending_bytes == 1000 && scene.totals.pending_bytes == 1000);
    cr_assert(traffic_is_active(&scene.traffic));
    scene.tcp.acked += 400;
    inspect(&scene);
    cr_assert(scene.traffic.pending_bytes == 600);
    scene.tcp.acked += 600;
    inspect(&scene);
    cr_assert(scene.totals.pending_bytes == 0);
    cr_assert(!traffic_is_active(&scene.traffic));
}

Test(traffic, acknowledged_pongs_hide_no_answers)
{
    struct scene scene = spoken_new(FRAME_OVERHEAD_NULL);

    scene.tcp.received += 9000;
    scene.tcp.written += 7000;
    scene.tcp.acked += 7000;
    inspect(&scene);
    answer(&scene, 5000);
    inspect(&scene);
    cr_assert(scene.traffic.pending_bytes == 5000);
}

Test(traffic, a_connection_and_all_together_have_room_for_limited_bytes)
{
    struct scene scene = spoken_new(FRAME_OVERHEAD_NULL);

    answer(&scene, PENDING_BYTES_FAIR - 100);
    cr_assert(traffic_has_room(&scene.totals, &scene.traffic, 100));
    cr_assert(!traffic_has_room(&scene.totals, &scene.traffic, 101));
    struct traffic other = {.settled = true};
    scene.totals.pending_bytes = PENDING_BYTES_MAX;
    cr_assert(traffic_has_room(&scene.totals, &other, 60000), "one message");
    traffic_hand(&scene.totals, &other, 60000, false);
    cr_assert(!traffic_has_room(&scene.totals, &other, 10));
    traffic_end(&scene.totals, &other);
    traffic_end(&scene.totals, &scene.traffic);
    cr_assert(scene.totals.pending_bytes == PENDING_BYTES_MAX - (PENDING_BYTES_FAIR - 100));
}

Test(traffic, one_status_reply_is_pending_at_a_time)
{
    struct scene scene = spoken_new(FRAME_OVERHEAD_NULL);

    cr_assert(!traffic_status_is_pending(&scene.traffic));
    answer(&scene, 50);
    traffic_hand(&scene.totals, &scene.traffic, 20000, true);
    answer(&scene, 50);
    scene.tcp.acked += 50 + 19999;
    inspect(&scene);
    cr_assert(traffic_status_is_pending(&scene.traffic));
    scene.tcp.acked += 1;
    inspect(&scene);
    cr_assert(!traffic_status_is_pending(&scene.traffic));
}

Test(traffic, frames_are_longer_with_keys)
{
    struct traffic_totals plain = {.frame_overhead = FRAME_OVERHEAD_NULL};
    struct traffic_totals keys = {.frame_overhead = FRAME_OVERHEAD_CURVE};

    cr_assert(traffic_frame_bytes(&plain, 0) == 2);
    cr_assert(traffic_frame_bytes(&plain, 255) == 257);
    cr_assert(traffic_frame_bytes(&plain, 256) == 265);
    cr_assert(traffic_frame_bytes(&keys, 30) == 65);
    cr_assert(traffic_frame_bytes(&keys, 230) == 272);
}
