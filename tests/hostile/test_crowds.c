/* Crowds of connections: the server keeps serving those that it has, and new ones when there is
 * room. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/attacker.h"
#include "tests/support/story.h"
#include "tests/support/tcp_client.h"

TestSuite(hostile_crowds, .fini = story_end);

/* ---- descriptors ------------------------------------------------------------------------- */

/* The server's descriptors, and more connections than it and its listening socket have room for. */
#define DESCRIPTORS      160
#define DESCRIPTORS_TEXT "160"
#define CROWD            4000
#define WAIT_MS          1000

/* prlimit(1) lowers the limit of the server alone. */
static struct test_server server_with_few_files(void)
{
    static const char prlimit[] = "/usr/bin/prlimit";
    struct test_server server = {.port = 0};

    if (access(prlimit, X_OK) == -1)
        cr_skip_test("no %s", prlimit);
    server.process = process_start(WORDS(prlimit, "--nofile=" DESCRIPTORS_TEXT, MEANTIME_SERVER,
                                         "--bind", server_any_port(), "--threads", "1"));
    const char *line = process_line(server.process, PROCESS_OUT, "Listening on *");
    cr_assert(sscanf(line, "Listening on %63s (", server.endpoint) == 1, "%s", line);
    cr_assert(sscanf(strrchr(server.endpoint, ':'), ":%hu", &server.port) == 1, "%s", line);
    return server;
}

/* Connects until the server refuses. Returns the number of connections. A server on a slow machine
 * accepts late, so the later ones come slowly. */
static int crowd_in(const struct test_server *server, int *connections)
{
    int64_t limit_at_ms = process_limit_at_ms();

    for (int i = 0; i < CROWD; i++) {
        if (i > DESCRIPTORS)
            process_pause(limit_at_ms, "the server refuses no connection");
        connections[i] = tcp_client_try(server->port);
        if (connections[i] == -1) {
            cr_assert(errno == ECONNREFUSED, "%d", errno);
            return i;
        }
    }
    cr_assert_fail("%d connections were not refused", CROWD);
    return 0;
}

static void await_accepted(const struct test_server *server)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int connection;

    while ((connection = tcp_client_try(server->port)) == -1)
        process_pause(limit_at_ms, "the server accepts no connection again");
    close(connection);
}

Test(hostile_crowds, without_descriptors_the_server_refuses_and_serves_and_accepts_again)
{
    struct test_server server = server_with_few_files();
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request small = {.id = 1, .kind = MESSAGE_KIND_UNIFORM, .count = 1};
    static int connections[CROWD];

    raise_descriptor_limit();
    peer_ask(peer, &small);
    peer_expect_sum(peer, &small);
    int crowd = crowd_in(&server, connections);
    int64_t cpu_ms = process_cpu_ms(server.process);
    usleep(WAIT_MS * 1000);
    cpu_ms = process_cpu_ms(server.process) - cpu_ms;
    cr_assert(cpu_ms < WAIT_MS / 4, "the server waits with %d ms of work", (int)cpu_ms);
    peer_ask(peer, &small);
    peer_expect_sum(peer, &small);
    while (crowd > 0)
        close(connections[--crowd]);
    await_accepted(&server);
    expect_good_client(&server);
    server_drain(&server);
}
