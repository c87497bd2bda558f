/* Two machines, as far as Linux knows: server and client in network namespaces of their own, with a
 * cable between them. The namespaces have no names, so that they end with the processes in them. */
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

#include "tests/support/lasting.h"
#include "tests/support/story.h"

TestSuite(network, .fini = story_end);

#define SERVER_ADDRESS  "10.197.42.1"
#define CLIENT_ADDRESS  "10.197.42.2"
#define SERVER_ENDPOINT "tcp://" SERVER_ADDRESS ":8197"
#define UNSHARE         "/usr/bin/unshare"

/* The machines are processes that wait for nothing, in the namespaces that they keep. */
struct network {
    pid_t server;
    pid_t client;
};

static const char *ip_path(void)
{
    static const char *const paths[] = {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

/* In a child, for this process is to stay where it is. */
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

/* It says that it is there, and so that its namespace is. */
static pid_t machine_start(void)
{
    struct process *machine = process_start_in(
        PROCESS_NETWORK_NEW, WORDS("/bin/sh", "-c", "echo ready; exec sleep infinity"));

    process_line(machine, PROCESS_OUT, "ready");
    return process_pid(machine);
}

static struct network network_start(void)
{
    struct network network = {machine_start(), machine_start()};
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
    struct process *server =
        process_start_in(machine, WORDS(MEANTIME_SERVER, "--bind", SERVER_ENDPOINT));

    process_line(server, PROCESS_OUT, "Listening on " SERVER_ENDPOINT " (ROUTER, * thread*");
    return server;
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
    struct network network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client =
        CLIENT_AT(network.client, "compare", "--gaussian", "3M", "--uniform", "3M");

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert(lines_include(process_text(client, PROCESS_OUT), WORDS("The same sums, *")));
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

/* Nothing tells either end that it is gone. */
Test(network, a_cut_cable_is_told_when_the_time_is_over)
{
    skip_without_networks();
    struct network network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client = CLIENT_AT(network.client, "async", "--gaussian", ENDLESS_WORD,
                                       "--uniform", "196608", "--seed", "0", "--timeout", "3s");

    process_await_computing(server);
    IP(network.server, "link", "set", "cable", "down");
    cr_assert(process_wait(client) == 1);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: no answer from " SERVER_ENDPOINT " within 3 s")),
              "%s", process_text(client, PROCESS_ERR));
    cr_assert(lines_include(process_text(client, PROCESS_OUT),
                            WORDS("====== Done uniform_sum. total: 98112.59 ======")));
}

Test(network, a_cut_cable_is_told_even_when_time_has_no_end)
{
    skip_without_networks();
    struct network network = network_start();
    struct process *server = start_server_at(network.server);
    struct process *client = CLIENT_AT(network.client, "async", "--gaussian", ENDLESS_WORD,
                                       "--uniform", "196608", "--seed", "0");

    process_await_computing(server);
    IP(network.server, "link", "set", "cable", "down");
    cr_assert(process_wait(client) == 1);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: the server at " SERVER_ENDPOINT " fell silent before it "
                              "answered; asking again for 1* s did not help")),
              "%s", process_text(client, PROCESS_ERR));
    cr_assert(lines_include(process_text(client, PROCESS_OUT),
                            WORDS("====== Done uniform_sum. total: 98112.59 ======")));
}

Test(network, a_cable_that_is_mended_is_as_good_as_new)
{
    skip_without_networks();
    struct network network = network_start();
    struct process *server = start_server_at(network.server);
    char word[COUNT_WORD_BYTES];
    const char *count = lasting_count(server, network.client, SERVER_ENDPOINT, word);
    struct process *client = CLIENT_AT(network.client, "async", "--gaussian", count, "--uniform",
                                       "1", "--timeout", "1h");

    process_await_computing(server);
    IP(network.server, "link", "set", "cable", "down");
    process_line(client, PROCESS_OUT, "The server at * fell silent. Asking again.");
    IP(network.server, "link", "set", "cable", "up");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

/* ---- a connection that the network forgets ------------------------------------------------- */

#define NEW_ADDRESS "10.197.42.3"

/* From now on all sockets of this process are there. */
static void go_to(pid_t machine)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d/ns/net", machine);
    int network = open(path, O_RDONLY);
    cr_assert(network != -1 && setns(network, CLONE_NEWNET) == 0);
    close(network);
}

/* What goes to the old address vanishes, without a word to anybody; a new one takes its place. */
static void move_client(const struct network *network)
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
    cr_assert(meantime_wait(m, request, PROCESS_PATIENCE_MS * INT64_C(1000000)) == 1);
    cr_assert(meantime_take(m, request, &result) == 1);
    cr_assert(result.error == MEANTIME_OK && result.sum == -104.0668469302687, "%s", result.text);
}

/* Every new connection comes about, as that of a probe does. */
Test(network, a_request_is_asked_again_when_its_connection_was_forgotten)
{
    skip_without_networks();
    struct network network = network_start();
    struct process *server = start_server_at(network.server);
    struct meantime *m;

    go_to(network.client);
    m = meantime_new();
    cr_assert(m && meantime_connect(m, SERVER_ENDPOINT) == MEANTIME_OK);
    expect_sum(m);
    move_client(&network);
    expect_sum(m);
    meantime_close(&m);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

Test(network, a_machine_that_is_not_there_is_no_server)
{
    skip_without_networks();
    struct network network = network_start();
    struct process *client = CLIENT_AT(network.client, "sum", "1");

    cr_assert(process_wait(client) == 1);
    cr_assert(lines_are(process_text(client, PROCESS_ERR),
                        WORDS("meantime: no server at " SERVER_ENDPOINT "; *")));
}

/* ---- names ------------------------------------------------------------------------------- */

#define NAME_SERVER "10.197.42.3"

/* A look-up goes on for minutes. */
static const char with_name_server[] =
    "set -e; conf=$(mktemp); trap 'rm -f $conf' EXIT;"
    "printf 'nameserver " NAME_SERVER "\\noptions timeout:30 attempts:5\\n' > $conf;"
    "mount --bind $conf /etc/resolv.conf; rm $conf; exec \"$@\"";

/* What is sent to the name server vanishes. */
Test(network, a_name_server_that_is_silent_holds_up_nobody_who_has_an_address)
{
    skip_without_networks();
    if (access(UNSHARE, X_OK) != 0 || access("/etc/resolv.conf", F_OK) != 0)
        cr_skip_test("no unshare, or no resolv.conf");
    struct network network = network_start();
    IP(network.server, "neighbour", "add", NAME_SERVER, "lladdr", "02:00:00:00:00:03", "dev",
       "cable");
    struct process *server =
        process_start_in(network.server, WORDS(UNSHARE, "-m", "/bin/sh", "-c", with_name_server,
                                               "sh", MEANTIME_SERVER, "--bind", SERVER_ENDPOINT,
                                               "--join", "tcp://front.example:8198"));

    process_line(server, PROCESS_OUT, "Listening on *");
    process_line(server, PROCESS_ERR, "*no server can be reached there*");
    struct process *client = CLIENT_AT(network.client, "sum", "1M");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0, "nor its own end");
}

/* ---- machines that are gone -------------------------------------------------------------- */

/* A line of /proc/net/tcp is "N: LOCAL:PORT REMOTE:PORT STATE TX:RX TIMER:..."; state 1 is a
 * connection, timer 2 a keepalive. */
static unsigned connections_watched(uint16_t port)
{
    FILE *table = fopen("/proc/net/tcp", "r");
    char line[256];
    unsigned local, state, timer, watched = 0;

    while (fgets(line, sizeof line, table))
        watched +=
            sscanf(line, "%*d: %*x:%x %*x:%*x %x %*x:%*x %x:", &local, &state, &timer) == 3 &&
            local == port && state == 1 && timer == 2;
    fclose(table);
    return watched;
}

Test(network, a_client_whose_machine_vanished_is_not_kept_for_ever)
{
    if (access("/proc/net/tcp", R_OK) != 0)
        cr_skip_test("no /proc/net/tcp");
    struct server server = server_start(NULL);
    struct peer *client = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request one = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = 1};

    peer_ask(client, &one);
    peer_expect_sum(client, &one);
    while (connections_watched(server.port) == 0)
        usleep(1000); /* a timer of what was just sent comes first */
}
