/* System tests with two machines: server and client run in two network namespaces, which a pair of
 * virtual Ethernet devices connects. The namespaces have no names, so they end with their
 * processes.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <meantime.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/instant.h"
#include "tests/support/lasting.h"
#include "tests/support/story.h"
#include "tests/support/tcp_table.h"

TestSuite(network, .fini = story_end);

#define SERVER_ADDRESS  "10.197.42.1"
#define CLIENT_ADDRESS  "10.197.42.2"
#define SERVER_ENDPOINT "tcp://" SERVER_ADDRESS ":8197"
#define UNSHARE         "/usr/bin/unshare"

/* Each machine is a process that sleeps and so keeps its namespace. */
struct machines {
    pid_t server; /* the machine of the server */
    pid_t client; /* the machine of the client */
};

static const char *ip_path(void)
{
    static const char *const paths[] = {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

/* Tries in a child process, because this process must stay in its namespace. */
static bool may_make_networks(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(unshare(CLONE_NEWNET) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

#define IP(machine, ...) ip_run(machine, WORDS(ip_path(), __VA_ARGS__))

static void ip_run(pid_t machine, const char *const *words)
{
    struct process *ip = process_start_in(machine, words);
    int status = process_wait(ip);

    cr_assert(status == 0, "ip %s %s: %s", words[1], words[2], process_text(ip, PROCESS_ERR));
}

/* The line "ready" shows that the process is in its new namespace. */
static pid_t machine_start(void)
{
    struct process *machine = process_start_in(
        PROCESS_NETWORK_NEW, WORDS("/bin/sh", "-c", "echo ready; exec sleep infinity"));

    process_line(machine, PROCESS_OUT, "ready");
    return process_pid(machine);
}

static struct machines network_start(void)
{
    struct machines network = {machine_start(), machine_start()};
    char client[16];

    snprintf(client, sizeof client, "%d", network.client);
    IP(network.server, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns",
       client);
    IP(network.server, "address", "add", SERVER_ADDRESS "/29", "dev", "cable");
    IP(network.client, "address", "add", CLIENT_ADDRESS "/29", "dev", "cable");
    IP(network.server, "link", "set", "cable", "up");
    IP(network.client, "link", "set", "cable", "up");
    return network;
}

static struct process *start_server_at(pid_t machine)
{
    struct process *server = process_start_in(
        machine, WORDS(MEANTIME_SERVER, "--bind", SERVER_ENDPOINT, "--threads", "1", "--insecure"));

    process_line(server, PROCESS_OUT, "Listening on " SERVER_ENDPOINT " (ROUTER, * thread*");
    return server;
}

static void stop_server(struct process *server)
{
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0, "%s", process_text(server, PROCESS_ERR));
}

#define CLIENT_AT(machine, ...)                                                                    \
    process_start_in(machine, WORDS(MEANTIME, "--connect", SERVER_ENDPOINT, __VA_ARGS__))

static void skip_without_networks(void)
{
    if (!ip_path())
        cr_skip_test("no iproute2");
    if (!may_make_networks())
        cr_skip_test("network namespaces need root");
}

Test(network, server_and_client_on_two_machines_compute_the_same_sums)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client =
        CLIENT_AT(network.client, "compare", "--gaussian", "3M", "--uniform", "3M");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert(lines_include(process_text(client, PROCESS_OUT), WORDS("The same sums, *")));
    stop_server(server);
}

#define ENDLESS_ASYNC "async", "--gaussian", ENDLESS_WORD, "--uniform", "196608", "--seed", "0"

/* Breaks the link while the server computes. Neither end gets an error from its socket. The client
 * must fail with this sentence, after its local sum. */
static void expect_failure_on_broken_link(const struct machines *network, struct process *server,
                                          struct process *client, const char *sentence)
{
    process_await_computing(server);
    IP(network->server, "link", "set", "cable", "down");
    cr_assert(process_wait(client) == 1);
    const char *err = process_text(client, PROCESS_ERR);
    cr_assert(lines_are(err, WORDS(sentence)), "%s", err);
    cr_assert(lines_include(process_text(client, PROCESS_OUT),
                            WORDS("====== Done uniform_sum. total: 98112.59 ======")));
}

Test(network, a_client_reports_a_broken_link_after_its_timeout)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client = CLIENT_AT(network.client, ENDLESS_ASYNC, "--timeout", "3s");

    expect_failure_on_broken_link(&network, server, client,
                                  "meantime: no answer from " SERVER_ENDPOINT " within 3 s");
}

Test(network, a_client_without_a_timeout_reports_a_broken_link_too)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client = CLIENT_AT(network.client, ENDLESS_ASYNC, "--patience", "1s");

    expect_failure_on_broken_link(
        &network, server, client,
        "meantime: the server at " SERVER_ENDPOINT
        " stopped responding before it answered; retried for * s without success");
}

Test(network, a_client_sends_its_request_again_when_the_link_works_again)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *server = start_server_at(network.server);
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server, network.client, SERVER_ENDPOINT, word);
    struct process *client = CLIENT_AT(network.client, "async", "--gaussian", count, "--uniform",
                                       "1", "--timeout", "1h");

    process_await_computing(server);
    IP(network.server, "link", "set", "cable", "down");
    process_line(client, PROCESS_OUT, "The server at * stopped responding. Asking again.");
    IP(network.server, "link", "set", "cable", "up");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    stop_server(server);
}

/* ---- a connection that the network drops -------------------------------------------------- */

#define NEW_ADDRESS "10.197.42.3"

/* This process opens all later sockets on that machine. */
static void enter_machine(pid_t machine)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d/ns/net", machine);
    int network = open(path, O_RDONLY);
    cr_assert(network != -1 && setns(network, CLONE_NEWNET) == 0);
    close(network);
}

/* Gives the client a new address. The server's packets to the old address are lost, and neither end
 * gets an error. */
static void move_client(const struct machines *network)
{
    IP(network->client, "address", "add", NEW_ADDRESS "/29", "dev", "cable");
    IP(network->client, "route", "add", SERVER_ADDRESS "/32", "dev", "cable", "src", NEW_ADDRESS);
    IP(network->server, "route", "add", "blackhole", CLIENT_ADDRESS "/32");
}

static void expect_sum(struct meantime *m)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 65536};
    struct meantime_result result;
    uint64_t request;

    cr_assert(meantime_ask(m, &question, &request) == MEANTIME_OK);
    cr_assert(meantime_wait(m, request, PROCESS_PATIENCE_MS * NS_PER_MS) == 1);
    cr_assert(meantime_take(m, request, &result) == 1);
    cr_assert(result.error == MEANTIME_OK && result.sum == -104.0668469302687, "%s", result.text);
}

/* New connections work, for example the connection of a probe. */
Test(network, a_request_is_sent_again_when_its_connection_is_dropped_by_the_network)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *server = start_server_at(network.server);
    struct meantime *m;

    enter_machine(network.client);
    m = meantime_new();
    cr_assert(m && meantime_connect(m, SERVER_ENDPOINT) == MEANTIME_OK);
    expect_sum(m);
    move_client(&network);
    expect_sum(m);
    meantime_close(&m);
    stop_server(server);
}

Test(network, a_client_reports_a_machine_without_a_server)
{
    skip_without_networks();
    struct machines network = network_start();
    struct process *client = CLIENT_AT(network.client, "sum", "1");

    cr_assert(process_wait(client) == 1);
    cr_assert(
        lines_are(process_text(client, PROCESS_ERR),
                  WORDS("meantime: no server at " SERVER_ENDPOINT " (connection refused); *")));
}

/* ---- names ------------------------------------------------------------------------------- */

#define NAME_SERVER "10.197.42.3"

/* Makes a look-up of a name take minutes: 5 attempts of 30 s. */
static const char with_name_server[] =
    "set -e; conf=$(mktemp); trap 'rm -f $conf' EXIT;"
    "printf 'nameserver " NAME_SERVER "\\noptions timeout:30 attempts:5\\n' > $conf;"
    "mount --bind $conf /etc/resolv.conf; rm $conf; exec \"$@\"";

/* Packets to the name server are lost. */
Test(network, a_silent_name_server_delays_neither_clients_nor_the_end_of_the_server)
{
    skip_without_networks();
    if (access(UNSHARE, X_OK) != 0 || access("/etc/resolv.conf", F_OK) != 0)
        cr_skip_test("no unshare, or no resolv.conf");
    struct machines network = network_start();
    IP(network.server, "neighbour", "add", NAME_SERVER, "lladdr", "02:00:00:00:00:03", "dev",
       "cable");
    struct process *server =
        process_start_in(network.server, WORDS(UNSHARE, "-m", "/bin/sh", "-c", with_name_server,
                                               "sh", MEANTIME_SERVER, "--bind", SERVER_ENDPOINT,
                                               "--join", "tcp://front.example:8198", "--insecure"));

    process_line(server, PROCESS_OUT, "Listening on *");
    process_line(server, PROCESS_ERR, "*no server can be reached there*");
    struct process *client = CLIENT_AT(network.client, "sum", "1M");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    stop_server(server);
}

/* ---- keepalive --------------------------------------------------------------------------- */

/* With keepalive, the server drops a client whose machine has crashed. */
Test(network, connections_of_clients_have_keepalive)
{
    if (access("/proc/net/tcp", R_OK) != 0)
        cr_skip_test("no /proc/net/tcp");
    struct test_server server = server_start(NULL);
    struct peer *client = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request one = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = 1};
    int64_t limit_at_ms = process_limit_at_ms();

    peer_ask(client, &one);
    peer_expect_sum(client, &one);
    while (tcp_table_read(server.port).keepalives == 0) /* after the timer of the last message */
        process_pause(limit_at_ms, "no connection has keepalive");
}
