/* Hostile routing ids: libzmq aborts the process if a peer holds the id that libzmq makes for its
 * next connection. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/hostile/attacker.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"

TestSuite(hostile_ids, .fini = story_end);

/* The id that a ROUTER makes from a number. */
#define ID_BYTES 5

static int hold_id(uint16_t port, uint32_t number)
{
    const uint8_t id[ID_BYTES] = {0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                  (uint8_t)(number >> 8), (uint8_t)number};

    return attacker_try(port, id, sizeof id);
}

/* Opens and closes that many connections. Each has the next number of the ROUTER. */
static void use_numbers(const struct test_server *server, int count)
{
    while (count-- > 0) {
        int connection = attacker_try(server->port, NULL, 0);
        if (connection != -1)
            close(connection);
    }
}

/* ---- a known seed ------------------------------------------------------------------------ */

/* czmq seeds rand() with the time. libzmq begins to count at a number from two values of rand(),
 * after some earlier calls. */
#define SEED_SECONDS 3
#define EARLIER_MAX  6

static uint32_t number_of_seed(unsigned seed, int earlier)
{
    srand(seed);
    for (; earlier > 0; earlier--)
        rand(), rand();
    uint32_t low = (uint32_t)rand(), high = (uint32_t)rand();
    return high << 31 | low;
}

Test(hostile_ids, the_time_of_the_start_does_not_tell_the_next_id)
{
    unsigned began_at = (unsigned)time(NULL);
    struct test_server server = server_start(WORDS("--threads", "1"));
    int held[SEED_SECONDS * EARLIER_MAX];

    for (int i = 0; i < SEED_SECONDS * EARLIER_MAX; i++)
        held[i] = hold_id(
            server.port, number_of_seed(began_at + (unsigned)i / EARLIER_MAX, i % EARLIER_MAX) + 2);
    use_numbers(&server, 10);
    expect_good_client(&server);
    for (int i = 0; i < SEED_SECONDS * EARLIER_MAX; i++)
        close(held[i]);
    server_drain(&server);
}

/* ---- ids that libzmq uses later ---------------------------------------------------------- */

#ifdef FIXED_RAND
/* The server must find the holder of the id before libzmq reaches it. */
#define HELD_NUMBER 1500

Test(hostile_ids, a_silent_holder_of_an_id_that_comes_soon_is_disconnected)
{
    setenv("LD_PRELOAD", FIXED_RAND, 1);
    struct test_server server = server_start(WORDS("--threads", "1"));
    unsetenv("LD_PRELOAD");
    int64_t limit_at_ms = process_limit_at_ms();
    int holder = hold_id(server.port, HELD_NUMBER);

    for (; attacker_connected(holder); process_pause(limit_at_ms, "the holder stays"))
        use_numbers(&server, 1);
    use_numbers(&server, HELD_NUMBER);
    expect_good_client(&server);
    close(holder);
    server_drain(&server);
}
#endif

Test(hostile_ids, a_forged_id_is_disconnected_at_its_first_message)
{
    static const struct message cancel = {.type = MESSAGE_CANCEL, .cancel = {.id = 1}};
    struct test_server server = server_start(WORDS("--threads", "1"));
    int64_t limit_at_ms = process_limit_at_ms();
    uint8_t bytes[64];
    int holder = attacker_try(server.port, "\0forged", 7);

    attacker_send(holder, bytes, (size_t)(attacker_put_message(bytes, &cancel) - bytes));
    while (attacker_connected(holder))
        process_pause(limit_at_ms, "the holder of a forged id stays connected");
    expect_good_client(&server);
    close(holder);
    server_drain(&server);
}

/* ---- an unknown seed --------------------------------------------------------------------- */

#define HELD_SHORT 1000
#define HELD_LONG  10000

/* The server of 28 November ended after 66 s. */
Test(hostile_ids, evenly_spaced_ids_hit_none_that_libzmq_uses)
{
    const char *seconds = getenv("MEANTIME_HOSTILE_SECONDS");
    uint32_t held = seconds ? HELD_LONG : HELD_SHORT;
    int64_t until_ms;

    raise_descriptor_limit();
    struct test_server server = server_start(WORDS("--threads", "1"));
    for (uint32_t i = 0; i < held; i++)
        hold_id(server.port, i * (UINT32_MAX / held));
    until_ms = process_now_ms() + 1000 * (seconds ? atoi(seconds) : 1);
    do
        use_numbers(&server, 100);
    while (process_now_ms() < until_ms);
    expect_good_client(&server);
    server_drain(&server);
}

/* ---- silent connections ------------------------------------------------------------------ */

/* The server keeps some, because a few cost nothing. */
#define SILENT      120
#define SILENT_KEPT 64

static int connected_count(const int *connections, int count)
{
    int connected = 0;

    for (int i = 0; i < count; i++)
        connected += attacker_connected(connections[i]);
    return connected;
}

Test(hostile_ids, many_silent_connections_are_closed_and_others_stay)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *spoken = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request small = {.id = 1, .kind = MESSAGE_KIND_UNIFORM, .count = 1};
    int64_t limit_at_ms = process_limit_at_ms();
    int silent[SILENT];

    peer_ask(spoken, &small);
    peer_expect_sum(spoken, &small);
    for (int i = 0; i < SILENT; i++)
        silent[i] = attacker_try(server.port, NULL, 0);
    while (connected_count(silent, SILENT) > SILENT_KEPT)
        process_pause(limit_at_ms, "silent connections stay");
    cr_assert(connected_count(silent, SILENT) == SILENT_KEPT);
    peer_ask(spoken, &small);
    peer_expect_sum(spoken, &small);
    server_drain(&server);
}
