/* Tests of senders.c and its parts: the keyed hash, the ranking of connections, and the table of
 * senders, which stays fast and small whatever envelopes peers choose. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/net/senders.h"
#include "tests/support/chance.h"

/* ---- the hash ---------------------------------------------------------------------------- */

/* From the reference implementation: key 00 01 02 ..., input 00 01 02 ... of `size` bytes. */
static const struct {
    size_t size;
    uint64_t hash;
} siphash_vectors[] = {
    {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
    {7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
    {15, UINT64_C(0xa129ca6149be45e5)},
};

Test(siphash, hashes_equal_those_of_the_reference_implementation)
{
    uint8_t bytes[SIPHASH_KEY_BYTES];

    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    for (size_t i = 0; i < sizeof siphash_vectors / sizeof *siphash_vectors; i++)
        cr_assert(siphash(bytes, bytes, siphash_vectors[i].size) == siphash_vectors[i].hash, "%zu",
                  siphash_vectors[i].size);
}

/* ---- the ranking ------------------------------------------------------------------------- */

#define HOLDERS 100

/* Any order of changes: the largest holder holds more than half as many places as each other. */
Test(ranking, no_holder_has_twice_the_places_of_the_largest)
{
    struct holder holders[HOLDERS] = {{0}};
    struct chance chance = chance_init();
    struct ranking ranking;

    ranking_init(&ranking);
    for (int step = 0; step < 10000; step++) {
        uint32_t most = 0;
        ranking_set(&ranking, &holders[chance_below(&chance, HOLDERS)],
                    (uint32_t)chance_below(&chance, 4 << chance_below(&chance, 20)));
        for (int i = 0; i < HOLDERS; i++)
            most = holders[i].count > most ? holders[i].count : most;
        const struct holder *largest = ranking_largest(&ranking);
        cr_assert(largest ? largest->count > most / 2 : most == 0);
    }
}

/* ---- the table of senders ---------------------------------------------------------------- */

static struct senders *senders_new(void)
{
    static const uint8_t key[SIPHASH_KEY_BYTES] = "any key for test";
    struct senders *senders = malloc(sizeof *senders);

    senders_init(senders, key);
    return senders;
}

static struct connection *open_connection(struct connections *connections, int fd)
{
    connections_open(connections, fd, 0);
    return connections_at(connections, fd);
}

static struct envelope envelope_make(int fd, uint32_t number)
{
    struct envelope envelope = {.fd = fd, .size = 1 + sizeof number, .bytes = {sizeof number}};

    memcpy(envelope.bytes + 1, &number, sizeof number);
    return envelope;
}

/* A message of that sender arrives and its answer has no room: the sender is known while it waits.
 * NULL if the table is full. */
static struct sender *sender_wait(struct senders *senders, struct connection *connection,
                                  uint32_t number)
{
    struct envelope envelope = envelope_make(connection->fd, number);
    struct sender *sender = senders_get(senders, connection, &envelope);

    if (!sender)
        return NULL;
    senders_hold(senders, sender);
    senders_keep(senders, sender, "x", 1);
    senders_release(senders, sender);
    return sender;
}

Test(senders, a_full_table_names_the_connection_with_the_most_senders)
{
    struct connections connections;
    struct senders *senders = senders_new();
    uint32_t number = 0;

    connections_init(&connections);
    struct connection *small = open_connection(&connections, 5);
    struct connection *large = open_connection(&connections, 6);
    for (; number < 10; number++)
        sender_wait(senders, small, number);
    for (; number < SENDERS_MAX; number++) {
        cr_assert(!senders_crowding(senders));
        cr_assert(sender_wait(senders, large, number));
    }
    cr_assert(!sender_wait(senders, small, number), "the table has a maximum");
    cr_assert(senders_crowding(senders) == large);
    senders_lose(senders, large);
    cr_assert(!senders_crowding(senders));
    cr_assert(sender_wait(senders, small, number));
    cr_assert(senders->count == 11);
    senders_lose(senders, small);
    senders_clear(senders);
    connections_clear(&connections);
    free(senders);
}

/* The longest chain of equal buckets. */
static uint32_t longest_chain(const struct senders *senders)
{
    uint32_t longest = 0;

    for (uint32_t i = 0; i < SENDERS_MAX; i++) {
        const struct sender *sender;
        uint32_t length = 0;
        LIST_FOREACH (sender, &senders->buckets[i], in_bucket)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* A random table of this size has a longest chain of 7 or 8, and of 20 never. */
Test(senders, chains_stay_short_for_envelopes_that_differ_in_one_byte)
{
    struct connections connections;
    struct senders *senders = senders_new();

    connections_init(&connections);
    struct connection *connection = open_connection(&connections, 5);
    for (uint32_t number = 0; number < SENDERS_MAX; number++)
        sender_wait(senders, connection, number);
    cr_assert(longest_chain(senders) < 20, "%u", longest_chain(senders));
    senders_lose(senders, connection);
    cr_assert(longest_chain(senders) == 0);
    senders_clear(senders);
    connections_clear(&connections);
    free(senders);
}

Test(senders, a_sender_is_found_by_its_envelope_until_its_last_message_is_answered)
{
    struct connections connections;
    struct senders *senders = senders_new();
    struct envelope envelope = envelope_make(5, 1), other = envelope_make(5, 2);

    connections_init(&connections);
    struct connection *connection = open_connection(&connections, 5);
    struct sender *sender = senders_get(senders, connection, &envelope);
    senders_hold(senders, sender);
    cr_assert(senders_get(senders, connection, &envelope) == sender);
    struct sender *second = senders_get(senders, connection, &other);
    cr_assert(second != sender);
    senders_hold(senders, second);
    senders_release(senders, sender);
    cr_assert(senders->count == 1);
    senders_release(senders, second);
    cr_assert(senders->count == 0);
    senders_clear(senders);
    connections_clear(&connections);
    free(senders);
}
