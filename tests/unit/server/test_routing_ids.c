/* Tests of routing_ids.c and handshake_limit.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/instant.h"
#include "server/net/handshake_limit.h"
#include "server/net/routing_ids.h"

/* ---- ids --------------------------------------------------------------------------------- */

static struct routing_ids ids_from(uint32_t number)
{
    struct routing_ids ids = {.known = false};

    routing_ids_learning(&ids);
    routing_ids_learn(&ids, number);
    return ids;
}

static void count(struct routing_ids *ids, int handshakes)
{
    while (handshakes-- > 0)
        routing_ids_count(ids);
}

/* The counter wraps. */
static const uint32_t firsts[] = {0, 1000, UINT32_MAX - 5, UINT32_C(1) << 31};

Test(routing_ids, only_numbers_that_libzmq_has_used_are_possible)
{
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct routing_ids ids = ids_from(firsts[i]);
        count(&ids, 10);
        cr_assert(routing_ids_possible(&ids, firsts[i]));
        cr_assert(routing_ids_possible(&ids, firsts[i] + 10));
        cr_assert(!routing_ids_possible(&ids, firsts[i] - 1));
        cr_assert(routing_ids_possible(&ids, firsts[i] + 10 + ROUTING_IDS_SLACK));
        cr_assert(!routing_ids_possible(&ids, firsts[i] + 11 + ROUTING_IDS_SLACK));
        cr_assert(!routing_ids_possible(&ids, firsts[i] + (UINT32_C(1) << 30)));
    }
}

Test(routing_ids, any_number_is_possible_before_the_counter_is_known)
{
    struct routing_ids ids = {.known = false};
    uint32_t first;

    cr_assert(routing_ids_possible(&ids, 12345));
    routing_ids_count(&ids);
    cr_assert(routing_ids_ahead(&ids, &first) == 0);
}

Test(routing_ids, the_numbers_ahead_are_checked_once_after_each_handshake)
{
    struct routing_ids ids = ids_from(100);
    uint32_t first;

    cr_assert(routing_ids_ahead(&ids, &first) == 0, "no handshake");
    count(&ids, 3);
    cr_assert(routing_ids_ahead(&ids, &first) == ROUTING_IDS_AHEAD + 3 * ROUTING_IDS_AHEAD_EACH);
    cr_assert(first == 104 + ROUTING_IDS_SLACK);
    cr_assert(routing_ids_ahead(&ids, &first) == 0);
}

/* Connections with ids of their own count as handshakes, but not for libzmq. */
Test(routing_ids, learning_again_corrects_the_counter_and_keeps_older_numbers_possible)
{
    struct routing_ids ids = ids_from(100);

    cr_assert(!routing_ids_learning(&ids));
    count(&ids, ROUTING_IDS_LEARN_EVERY);
    cr_assert(routing_ids_learning(&ids));
    count(&ids, 2);
    routing_ids_learn(&ids, 110);
    cr_assert(ids.next == 113);
    cr_assert(routing_ids_possible(&ids, 100));
    cr_assert(routing_ids_possible(&ids, 112));
    cr_assert(!routing_ids_possible(&ids, 113 + ROUTING_IDS_SLACK));
}

/* ---- handshakes -------------------------------------------------------------------------- */

static uint32_t accepted(struct handshake_limit *limit, const uint8_t *address, uint32_t tries,
                         int64_t now_ns)
{
    uint32_t count = 0;

    while (tries-- > 0)
        count += handshake_limit_count(limit, address, now_ns);
    return count;
}

Test(handshake_limit, an_address_may_open_a_burst_and_then_some_each_second)
{
    struct handshake_limit *limit = calloc(1, sizeof *limit);
    const uint8_t address[ADDRESS_KEY_BYTES] = {127, 0, 0, 1};
    const uint8_t other[ADDRESS_KEY_BYTES] = {10, 0, 0, 1};
    int64_t now_ns = 5 * NS_PER_S;

    cr_assert(accepted(limit, address, 20000, now_ns) == HANDSHAKES_BURST);
    cr_assert(accepted(limit, other, 20000, now_ns) == HANDSHAKES_BURST);
    now_ns += NS_PER_S;
    cr_assert(accepted(limit, address, 20000, now_ns) == HANDSHAKES_PER_S);
    now_ns += 3600 * NS_PER_S;
    cr_assert(accepted(limit, address, 20000, now_ns) == HANDSHAKES_BURST, "a burst, not more");
    free(limit);
}
