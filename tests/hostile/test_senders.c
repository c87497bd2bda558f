/* Hostile envelopes: whatever a peer puts before its messages, the server stays fast and small. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/attacker.h"
#include "tests/support/story.h"

TestSuite(hostile_senders, .fini = story_end);

/* Blocks of 16 bytes that FNV-1a (64 bits) cannot tell apart: for each group, either half of the
 * row leads to the same hash, from each state whose low byte is 0. A block is 8 pairs (v, 0xb3 v).
 * 16 tails made of these have one hash. */
#define GROUPS 4
#define PAIRS  8
#define TAILS  16
static const uint8_t fnv_twins[GROUPS][2][PAIRS] = {
    {{78, 0, 221, 161, 247, 192, 227, 141}, {237, 204, 22, 167, 94, 254, 107, 4}},
    {{5, 170, 143, 134, 78, 255, 61, 10}, {224, 208, 69, 40, 210, 225, 144, 225}},
    {{252, 245, 46, 29, 158, 85, 181, 239}, {33, 207, 120, 123, 26, 115, 98, 24}},
    {{193, 253, 26, 173, 80, 157, 115, 89}, {34, 49, 225, 167, 233, 95, 235, 226}},
};

/* A frame of an envelope: a zero, a byte that brings the low byte of the hash to 0, and a tail. */
#define TWIN_BYTES (2 + GROUPS * PAIRS * 2)

static void put_twin(uint8_t *frame, uint8_t candidate, int tail)
{
    *frame++ = 0;
    *frame++ = candidate;
    for (int group = 0; group < GROUPS; group++)
        for (int pair = 0; pair < PAIRS; pair++) {
            uint8_t v = fnv_twins[group][tail >> group & 1][pair];
            *frame++ = v;
            *frame++ = (uint8_t)(v * 0xb3);
        }
}

static uint8_t *put_twin_message(uint8_t *at, uint8_t candidate, int tail,
                                 const struct message *message)
{
    uint8_t frame[TWIN_BYTES];

    put_twin(frame, candidate, tail);
    at = attacker_put_frame(at, frame, sizeof frame, true);
    return attacker_put_message(at, message);
}

/* A hash table of czmq doubles at each look-up that passes a long chain: 40 look-ups would be
 * enough to fill the memory. One of the 256 candidates is right for any descriptor. */
#define TWINS    4
#define LOOK_UPS 40

static void send_twins(int attacker, uint8_t candidate)
{
    static const struct message ask = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS}};
    static const struct message cancel_other = {.type = MESSAGE_CANCEL, .cancel = {.id = 99}};
    static const struct message cancel = {.type = MESSAGE_CANCEL, .cancel = {.id = 1}};
    static uint8_t bytes[1 << 16];
    uint8_t *at = bytes;

    for (int tail = 0; tail < TWINS; tail++)
        at = put_twin_message(at, candidate, tail, &ask);
    for (int look_up = 0; look_up < LOOK_UPS; look_up++)
        at = put_twin_message(at, candidate, look_up % TWINS, &cancel_other);
    for (int tail = 0; tail < TWINS; tail++)
        at = put_twin_message(at, candidate, tail, &cancel);
    cr_assert(attacker_send(attacker, bytes, (size_t)(at - bytes)));
}

/* Waits until the server has read everything that the attacker has sent. */
static void await_read(int attacker)
{
    static const struct message last = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = 2, .kind = MESSAGE_KIND_GAUSSIAN, .count = 1}};
    uint8_t bytes[64];

    attacker_send(attacker, bytes, (size_t)(attacker_put_message(bytes, &last) - bytes));
    cr_assert(attacker_await(attacker, MESSAGE_SUM_REPLY));
}

Test(hostile_senders, envelopes_with_equal_fnv_hashes_cost_neither_time_nor_memory)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    int attacker = attacker_try(server.port, "A", 1);

    for (int candidate = 0; candidate < 256; candidate++)
        send_twins(attacker, (uint8_t)candidate);
    await_read(attacker);
    expect_good_client(&server);
    expect_peak_below(&server, 256);
    close(attacker);
    server_drain(&server);
}
