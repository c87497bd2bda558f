/* Attacks on the memory of a server: it stays below a limit and serves a good client meanwhile. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "server/net/traffic.h"
#include "tests/hostile/attacker.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"

TestSuite(hostile_memory, .fini = story_end);

/* What a server may use beside its connections, and for each connection. */
#define SERVER_MIB     256
#define CONNECTION_KIB 35

/* The long form: the time of an attack in seconds. */
static const char *long_seconds(void)
{
    return getenv("MEANTIME_HOSTILE_SECONDS");
}

static void expect_peak_beside(const struct test_server *server, long connections)
{
    expect_peak_below(server, SERVER_MIB + connections * CONNECTION_KIB / 1024);
}

static int64_t attack_ms(void)
{
    return long_seconds() ? 1000 * atoi(long_seconds()) : 500;
}

static int spoken_try(const struct test_server *server)
{
    static const struct message cancel = {.type = MESSAGE_CANCEL, .cancel = {.id = 1}};
    int connection = attacker_try(server->port, NULL, 0);
    uint8_t bytes[64];

    if (connection != -1)
        attacker_send(connection, bytes, (size_t)(attacker_put_message(bytes, &cancel) - bytes));
    return connection;
}

/* ---- messages that do not end ------------------------------------------------------------ */

/* An empty frame with MORE takes 2 bytes on the wire and 64 in memory. */
#define EMPTIES_BYTES 7900

/* spoken: the attackers send a valid message first. */
static void attack_with_empties(int connections, bool spoken)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    static uint8_t empties[EMPTIES_BYTES];

    for (int i = 0; i < EMPTIES_BYTES; i += 2)
        empties[i] = 1;
    for (int i = 0; i < connections; i++) {
        int attacker = spoken ? spoken_try(&server) : attacker_try(server.port, NULL, 0);
        if (attacker != -1)
            attacker_send(attacker, empties, sizeof empties);
    }
    expect_good_client(&server);
    expect_peak_beside(&server, connections);
    server_drain(&server);
}

Test(hostile_memory, empty_frames_of_messages_that_do_not_end_fill_no_memory)
{
    if (!long_seconds())
        cr_skip_test("only with MEANTIME_HOSTILE_SECONDS; the server does not pass it yet");
    raise_descriptor_limit();
    attack_with_empties(9000, false);
}

Test(hostile_memory, empty_frames_after_a_valid_message_fill_no_memory)
{
    raise_descriptor_limit();
    attack_with_empties(long_seconds() ? 9000 : 1600, true);
}

Test(hostile_memory, a_message_that_does_not_end_is_disconnected_after_some_seconds)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    int attacker = spoken_try(&server);
    int64_t limit_at_ms = process_limit_at_ms();
    uint8_t empties[2 * HANDSHAKE_BYTES_MAX] = {0};

    for (size_t i = 0; i < sizeof empties; i += 2)
        empties[i] = 1;
    attacker_send(attacker, empties, sizeof empties);
    while (attacker_connected(attacker))
        process_pause(limit_at_ms, "the attacker stays connected");
    expect_good_client(&server);
    server_drain(&server);
}

/* ---- PINGs ------------------------------------------------------------------------------- */

/* PINGs are no unfinished message, however many there are. */
#define PING_MS   5
#define PINGED_MS 13000

Test(hostile_memory, a_client_that_sends_pings_is_never_disconnected)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    void *context = zmq_ctx_new();
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    int attacker = spoken_try(&server);
    int64_t until_ms = process_now_ms() + PINGED_MS;
    char status[] = {8, 1, 0x5a, 0};

    zmq_setsockopt(dealer, ZMQ_HEARTBEAT_IVL, &(int){PING_MS}, sizeof(int));
    zmq_setsockopt(dealer, ZMQ_HEARTBEAT_TIMEOUT, &(int){PROCESS_PATIENCE_MS}, sizeof(int));
    zmq_setsockopt(dealer, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_setsockopt(dealer, ZMQ_RECONNECT_IVL, &(int){-1}, sizeof(int));
    zmq_connect(dealer, server.endpoint);
    zmq_send(dealer, status, sizeof status, 0);
    cr_assert(zmq_recv(dealer, NULL, 0, 0) > 0);
    while (process_now_ms() < until_ms)
        usleep(PROCESS_POLL_MS * 1000);
    zmq_send(dealer, status, sizeof status, 0);
    zmq_pollitem_t answer = {.socket = dealer, .events = ZMQ_POLLIN};
    cr_assert(zmq_poll(&answer, 1, PROCESS_PATIENCE_MS) == 1, "the client is disconnected");
    cr_assert(attacker_connected(attacker), "an idle connection stays as well");
    zmq_close(dealer);
    zmq_ctx_term(context);
    server_drain(&server);
}

/* ---- answers that are not read ----------------------------------------------------------- */

#define STATUS_CONNECTIONS 100
#define STATUS_REQUESTS    1100

static void ask_endless(struct peer *peer)
{
    struct sum_request endless = {.kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS};

    for (endless.id = 1; endless.id <= STATUS_ENTRIES_MAX; endless.id++)
        peer_ask(peer, &endless);
}

static int ask_status_and_never_read(const struct test_server *server)
{
    static const struct message status = {.type = MESSAGE_STATUS_REQUEST};
    static uint8_t bytes[16 * STATUS_REQUESTS];
    int attacker = attacker_try(server->port, NULL, 0);
    uint8_t *end = bytes;

    setsockopt(attacker, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    fcntl(attacker, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < STATUS_REQUESTS; i++)
        end = attacker_put_message(end, &status);
    attacker_send(attacker, bytes, (size_t)(end - bytes));
    return attacker;
}

Test(hostile_memory, status_replies_that_are_not_read_fill_no_memory)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *busy = peer_new(PEER_DEALER, server.endpoint);

    raise_descriptor_limit();
    ask_endless(busy);
    for (int i = 0; i < STATUS_CONNECTIONS; i++)
        ask_status_and_never_read(&server);
    for (int i = 0; i < 3; i++)
        expect_good_client(&server);
    expect_peak_beside(&server, STATUS_CONNECTIONS);
    peer_destroy(&busy);
    server_drain(&server);
}

/* ---- connections that flood and end ------------------------------------------------------ */

#define CHURN_BYTES (1 << 20)
#define CHURN_MS    60
#define CHURNERS    4

/* Sends messages of no bytes for a while, and disconnects. */
static void flood_and_end(const struct test_server *server)
{
    static const uint8_t empties[CHURN_BYTES];
    int attackers[CHURNERS];
    int64_t until_ms = process_now_ms() + CHURN_MS;

    for (int i = 0; i < CHURNERS; i++)
        attackers[i] = attacker_try(server->port, NULL, 0);
    while (process_now_ms() < until_ms)
        for (int i = 0; i < CHURNERS; i++)
            send(attackers[i], empties, sizeof empties, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (int i = 0; i < CHURNERS; i++)
        close(attackers[i]);
}

Test(hostile_memory, connections_that_flood_and_end_again_and_again_fill_no_memory)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    int64_t until_ms = process_now_ms() + attack_ms();

    while (process_now_ms() < until_ms)
        flood_and_end(&server);
    expect_good_client(&server);
    expect_peak_beside(&server, CHURNERS);
    server_drain(&server);
}
