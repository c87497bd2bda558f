/* System tests of dials: silent connections, names with several addresses, self-connections, and
 * patience. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(dial, .fini = story_end);

#define SUM_1000 "-15.527232905743666" /* of Gaussian samples of seed 1 */

/* ---- a load balancer with dead backends -------------------------------------------------- */

/* Accepts connections. The first `silent` ones that send a byte get no answer. The others are
 * forwarded to `backend`. A connection without a byte is only a probe and does not count. */
struct balancer {
    int listener;
    uint16_t port;
    uint16_t backend;
    int silent; /* how many connections are still to be silent */
    pthread_mutex_t lock;
};

struct balanced {
    struct balancer *balancer;
    int fd;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool copy(int from, int to)
{
    char bytes[4096];
    ssize_t size = read(from, bytes, sizeof bytes);

    return size > 0 && send(to, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

static void forward(int client, int server)
{
    struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool good = true;

    while (good && poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            good = copy(client, server);
        if (good && fds[1].revents)
            good = copy(server, client);
    }
    close(server);
}

static int silent_left(struct balancer *balancer)
{
    pthread_mutex_lock(&balancer->lock);
    int silent = balancer->silent;
    pthread_mutex_unlock(&balancer->lock);
    return silent;
}

static bool is_silent(struct balancer *balancer)
{
    pthread_mutex_lock(&balancer->lock);
    bool silent = balancer->silent > 0;
    balancer->silent -= silent;
    pthread_mutex_unlock(&balancer->lock);
    return silent;
}

/* A silent connection stays open until the peer closes it. */
static void *serve(void *argument)
{
    struct balanced *connection = argument;
    struct balancer *balancer = connection->balancer;
    int client = connection->fd, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(balancer->backend);
    char byte, bytes[64];

    free(connection);
    if (recv(client, &byte, 1, MSG_PEEK) != 1)
        close(server);
    else if (is_silent(balancer)) {
        while (recv(client, bytes, sizeof bytes, 0) > 0)
            continue;
        close(server);
    } else if (connect(server, (struct sockaddr *)&address, sizeof address) == 0)
        forward(client, server);
    close(client);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct balancer *balancer = argument;
    pthread_t thread;

    for (;;) {
        struct balanced *connection = malloc(sizeof *connection);
        cr_assert(connection);
        *connection =
            (struct balanced){balancer, accept4(balancer->listener, NULL, NULL, SOCK_CLOEXEC)};
        if (connection->fd == -1 || pthread_create(&thread, NULL, serve, connection) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

/* The threads end with the test. */
static struct balancer *balancer_start(const char *endpoint, int silent)
{
    static struct balancer balancer = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    pthread_t thread;

    balancer.backend = (uint16_t)atoi(strrchr(endpoint, ':') + 1);
    balancer.silent = silent;
    balancer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(balancer.listener, (struct sockaddr *)&address, size) == 0);
    cr_assert(listen(balancer.listener, 50) == 0);
    getsockname(balancer.listener, (struct sockaddr *)&address, &size);
    balancer.port = ntohs(address.sin_port);
    cr_assert(pthread_create(&thread, NULL, accept_all, &balancer) == 0);
    pthread_detach(thread);
    return &balancer;
}

static const char *balancer_endpoint(const struct balancer *balancer)
{
    static char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", balancer->port);
    return endpoint;
}

static void expect_sum(struct process *client)
{
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert(lines_are(process_text(client, PROCESS_OUT), WORDS(SUM_1000)));
}

/* The server listens at 127.0.0.1, where the balancer finds it. */
static void expect_sum_behind(int silent)
{
    struct test_server server = server_start_at("tcp://127.0.0.1:*", WORDS("--threads", "1"));
    struct balancer *balancer = balancer_start(server.endpoint, silent);

    expect_sum(process_start(WORDS(MEANTIME, "sum", "1000", "--seed", "1", "-q", "--patience", "0",
                                   "--connect", balancer_endpoint(balancer))));
    cr_assert_eq(silent_left(balancer), 0);
    server_drain(&server);
}

Test(dial, a_silent_first_connection_is_dropped_and_retried)
{
    expect_sum_behind(1);
}

Test(dial, three_silent_connections_in_a_row_are_dropped_and_retried)
{
    expect_sum_behind(3);
}

/* worker_start() waits until the worker has joined. */
Test(dial, a_worker_joins_behind_two_silent_connections)
{
    struct test_server front = front_start("tcp://127.0.0.1:*", NULL);
    struct balancer *balancer = balancer_start(front.workers_endpoint, 2);

    worker_start(balancer_endpoint(balancer), NULL);
    cr_assert_eq(silent_left(balancer), 0);
}

/* ---- reasons ----------------------------------------------------------------------------- */

static void expect_failure(struct process *client, const char *sentence)
{
    cr_assert(process_wait(client) == 1);
    cr_assert(lines_include(process_text(client, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(client, PROCESS_ERR));
}

Test(dial, the_error_says_that_the_connection_was_refused)
{
    expect_failure(process_start(WORDS(MEANTIME, "sum", "1", "--connect", "tcp://127.0.0.7:1")),
                   "meantime: no server at tcp://127.0.0.7:1 (connection refused)*");
}

Test(dial, the_error_says_that_the_connection_was_silent)
{
    struct balancer *balancer = balancer_start("tcp://127.0.0.1:1", 1000);

    expect_failure(process_start(WORDS(MEANTIME, "sum", "1", "--patience", "4s", "--connect",
                                       balancer_endpoint(balancer))),
                   "meantime: no server at * (timed out: connected, but no handshake followed)*");
}

/* Returns why a client fails whose server refuses for 2.2 s and then accepts without a handshake.
 * Without the connection, the client would fail after 3 s. */
static const char *failure_of_late_silence(void)
{
    char endpoint[ENDPOINT_BYTES];
    int refuser = refuser_open(endpoint);
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1", "--patience", "5s", "--connect", endpoint));

    usleep(2200000);
    cr_assert(listen(refuser, 50) == 0);
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    close(refuser);
    return process_text(client, PROCESS_ERR);
}

/* On a busy machine the test may listen too late, so it tries again. */
Test(dial, a_handshake_under_way_is_not_a_refused_connection)
{
    const char *text = failure_of_late_silence();

    for (int tries = 1; tries < 5 && strstr(text, "refused"); tries++)
        text = failure_of_late_silence();
    cr_assert(strstr(text, "(timed out: connected, but no handshake followed)"), "%s", text);
}

/* libzmq accepts this endpoint, but cannot use its source address, and reports no event. */
Test(dial, a_dial_of_which_libzmq_reports_nothing_fails)
{
    char endpoint[ENDPOINT_BYTES], with_source[ENDPOINT_BYTES + 32];
    int listener = listener_open(endpoint);

    snprintf(with_source, sizeof with_source, "tcp://127.0.0.3;%s", endpoint + strlen("tcp://"));
    expect_failure(
        process_start(WORDS(MEANTIME, "sum", "1", "--patience", "5s", "--connect", with_source)),
        "meantime: no server at * (*libzmq cannot connect)*");
    close(listener);
}

/* ---- networks of their own --------------------------------------------------------------- */

static bool may_make_networks(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Runs a shell script in new namespaces for network and mounts. $1 is meantime, $2 the server. */
static void run_in_own_network(const char *script)
{
    if (access("/usr/bin/unshare", X_OK) != 0 || !may_make_networks())
        cr_skip_test("namespaces need root and unshare");
    struct process *shell = process_start(
        WORDS("/usr/bin/unshare", "-nm", "/bin/sh", "-c", script, "sh", MEANTIME, MEANTIME_SERVER));

    cr_assert(process_wait(shell) == 0, "%s%s", process_text(shell, PROCESS_OUT),
              process_text(shell, PROCESS_ERR));
    cr_assert(lines_include(process_text(shell, PROCESS_OUT), WORDS(SUM_1000)), "%s",
              process_text(shell, PROCESS_OUT));
}

#define UP "PATH=$PATH:/usr/sbin:/sbin; set -e; ip link set lo up; "
#define HOSTS(lines)                                                                               \
    "hosts=$(mktemp); printf '" lines "' >$hosts; mount --bind $hosts /etc/hosts; rm $hosts; "
#define SERVE(endpoint)                                                                            \
    "\"$2\" --bind " endpoint " --threads 1 >&2 & server=$!; trap \"kill $server\" EXIT; "
/* The client ends after 3 s of refused connections. A server may take longer to start. */
#define ASK(endpoint)                                                                              \
    "until \"$1\" sum 1000 --seed 1 -q --patience 0 --timeout 60s --connect " endpoint             \
    "; do :; done"

Test(dial, the_second_address_of_a_name_is_tried)
{
    run_in_own_network(UP HOSTS("127.0.0.9 pool.test\\n127.0.0.8 pool.test\\n")
                           SERVE("tcp://127.0.0.8:8197") ASK("tcp://pool.test:8197"));
}

/* The last one of 21 addresses. One round tries eight. */
Test(dial, every_address_of_a_name_with_many_is_tried)
{
    run_in_own_network(
        UP "hosts=$(mktemp); for i in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 250; do "
           "echo 127.0.0.$i pool.test; done >$hosts; mount --bind $hosts /etc/hosts; rm "
           "$hosts; " SERVE("tcp://127.0.0.250:8197") ASK("tcp://pool.test:8197"));
}

Test(dial, an_ipv6_address_of_a_name_is_tried)
{
    run_in_own_network(UP HOSTS("127.0.0.9 pool.test\\n::1 pool.test\\n") SERVE("tcp://[::1]:8197")
                           ASK("tcp://pool.test:8197"));
}

/* Each port that the system may choose is tried soon: there are four. If the client connected to
 * itself, the server could not bind. */
Test(dial, a_client_does_not_occupy_the_port_of_its_server)
{
    run_in_own_network(UP "echo 29508 29511 >/proc/sys/net/ipv4/ip_local_port_range; " ASK(
        "tcp://127.0.0.1:29508") " & client=$!; "
                                 "sleep 1; " SERVE("tcp://127.0.0.1:29508") "wait $client");
}

/* connect() fails at once with an error such as EACCES. */
Test(dial, routes_that_refuse_the_address_end_the_client_with_1)
{
    run_in_own_network(UP "ip route add prohibit 10.9.9.9; ip route add blackhole 10.9.9.8; "
                          "for a in 8 9; do \"$1\" sum 1 -q --connect tcp://10.9.9.$a:8197 && exit "
                          "1; test $? = 1; done; " SERVE("tcp://127.0.0.1:8197")
                              ASK("tcp://127.0.0.1:8197"));
}
