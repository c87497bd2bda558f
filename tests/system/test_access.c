/* Servers with keys: who may do what, who is refused and how that is said, and what becomes of
 * revoked keys. */
#include <criterion/criterion.h>
#include <czmq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/lib/meantime.h"
#include "keys/identity.h"
#include "server/access/access.h"
#include "tests/support/folder.h"
#include "tests/support/story.h"

static void make_key(const char *name, enum key_role role, bool allowed)
{
    struct certificate certificate = {.role = role};
    struct key_problem problem;
    char path[128];

    snprintf(certificate.name, sizeof certificate.name, "%s", name);
    cr_assert(key_pair_new(&certificate, &problem), "%s", problem.text);
    snprintf(path, sizeof path, "keys/%s", name);
    cr_assert(key_file_write(path, &certificate, false, &problem), "%s", problem.text);
    snprintf(path, sizeof path, "keys/%s_secret", name);
    cr_assert(key_file_write(path, &certificate, true, &problem), "%s", problem.text);
    snprintf(path, sizeof path, "keys/allowed/%s", name);
    cr_assert(!allowed || key_file_write(path, &certificate, false, &problem), "%s", problem.text);
}

/* The folder of the test has the keys of a server, of several peers, and of a stranger. */
static void begin(void)
{
    folder_begin();
    cr_assert_eq(chdir(folder), 0);
    cr_assert(mkdir("keys", 0700) == 0 && mkdir("keys/allowed", 0700) == 0);
    make_key("server", KEY_ROLE_NONE, false);
    make_key("admin", KEY_ROLE_ADMIN, true);
    make_key("alice", KEY_ROLE_CLIENT, true);
    make_key("bob", KEY_ROLE_CLIENT, true);
    make_key("worker", KEY_ROLE_WORKER, true);
    make_key("stranger", KEY_ROLE_CLIENT, false);
}

TestSuite(access, .init = begin, .fini = folder_end);

#define SERVER_KEY "--server-key", "keys/server"

/* `meantime` with the key of `name`. */
#define CLIENT_AS(server, name, ...) CLIENT(server, "--key", "keys/" name, SERVER_KEY, __VA_ARGS__)

static void expect_sum(struct process *client)
{
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert_str_eq(process_text(client, PROCESS_OUT), "-136.21155422142951\n");
}

static void expect_error(struct process *client, const char *sentence)
{
    cr_assert_eq(process_wait(client), EXIT_FAILURE);
    cr_assert(lines_include(process_text(client, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(client, PROCESS_ERR));
}

/* ---- who may do what --------------------------------------------------------------------- */

Test(access, clients_and_admins_ask_and_workers_join)
{
    struct test_server front = front_start(NULL, WORDS("--keys", "keys"));

    worker_start(front.workers_endpoint, WORDS("--key", "keys/worker", SERVER_KEY));
    expect_sum(CLIENT_AS(front, "alice", "sum", "1M", "--seed", "1", "-q"));
    expect_sum(CLIENT_AS(front, "admin", "sum", "1M", "--seed", "1", "-q"));
    server_drain(&front);
}

Test(access, the_key_of_the_server_may_be_given_as_text)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));
    struct certificate certificate;
    struct key_problem problem;
    char key[KEY_TEXT_BYTES];

    cr_assert(key_file_read_public("keys/server", &certificate, &problem));
    z85_write(certificate.public_key, key);
    expect_sum(CLIENT(server, "--key", "keys/alice_secret", "--server-key", key, "sum", "1M",
                      "--seed", "1", "-q"));
}

Test(access, a_lockstep_server_takes_keys_as_well)
{
    struct test_server server = server_start(WORDS("--keys", "keys", "--socket", "rep"));

    expect_sum(CLIENT_AS(server, "alice", "sum", "1M", "--seed", "1", "-q"));
    expect_error(CLIENT_AS(server, "stranger", "sum", "1", "-q"), "meantime: no access to *");
}

Test(access, the_error_says_which_key_is_wrong)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));
    struct test_server open = server_start(NULL);
    struct process *const clients[] = {
        CLIENT_AS(server, "stranger", "sum", "1", "-q"),
        CLIENT_AS(server, "worker", "sum", "1", "-q"),
        CLIENT(server, "--key", "keys/alice", "--server-key", "keys/bob", "sum", "1", "-q"),
        CLIENT(server, "sum", "1", "-q"),
        CLIENT_AS(open, "alice", "sum", "1", "-q"),
        CLIENT_AS(server, "stranger", "status"),
        CLIENT(server, "status"),
        process_start(WORDS(MEANTIME, "sum", "1", "-q", "--connect", "tcp://127.0.0.1:9", "--key",
                            "keys/alice", SERVER_KEY)),
    };
    static const char *const sentences[] = {
        "meantime: no access to *(the server refused this key: *); see --key and --server-key",
        "meantime: no access to *(the server refused this key: *, or for another role); *",
        "meantime: no access to *(*: the server has another key, or none); *",
        "meantime: no *(*with *key*); *", /* libzmq reports the reason, or only the end */
        "meantime: no access to *(*the server * key*); *",
        "meantime: no access to *(the server refused this key: *)",
        "meantime: no *(*with *key*)*",
        "meantime: no server at tcp://127.0.0.1:9 (connection refused); *",
    };

    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        expect_error(clients[i], sentences[i]);
    process_line(server.process, PROCESS_ERR, "*warning: refused the key of 127.*");
}

Test(access, only_a_worker_joins)
{
    struct test_server front = front_start(NULL, WORDS("--keys", "keys"));
    struct process *joins =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", front.workers_endpoint,
                            "--key", "keys/alice", SERVER_KEY));

    process_line(joins, PROCESS_ERR, "*front *: no access: the server refused this key: *");
    process_line(front.process, PROCESS_ERR, "*it is not a worker's key, and only workers join");
}

static bool status_has(struct test_server server, const char *name, const char *text)
{
    char file[64];

    snprintf(file, sizeof file, "keys/%s", name);
    struct process *status = CLIENT(server, "--key", file, SERVER_KEY, "status", "--json");
    cr_assert(process_wait(status) == 0, "%s", process_text(status, PROCESS_ERR));
    return strstr(process_text(status, PROCESS_OUT), text);
}

Test(access, only_admins_see_the_requests_of_others)
{
    struct test_server server = server_start(WORDS("--keys", "keys", "--threads", "1"));

    struct process *client = CLIENT_AS(server, "alice", "serial", "--gaussian", ENDLESS_WORD,
                                       "--uniform", "0", "--seed", "7");
    int64_t limit_at_ms = process_limit_at_ms();
    while (!status_has(server, "admin", "\"seed\":\"7\""))
        process_pause(limit_at_ms, "the admin does not see the request");
    cr_assert(status_has(server, "alice", "\"seed\":\"7\""));
    cr_assert(status_has(server, "bob", "\"requests\":[]"));
    process_signal(client, SIGKILL);
}

/* ---- the library ------------------------------------------------------------------------- */

Test(access, a_session_uses_keys)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));
    struct meantime_question question = {.seed = 1, .kind = MEANTIME_GAUSSIAN, .count = 1000000};
    struct meantime *session = meantime_new();
    struct meantime_result result;
    uint64_t request;

    cr_assert_eq(meantime_set_keys(session, "keys/nobody", "keys/server"), MEANTIME_BAD_KEY);
    cr_assert_str_eq(meantime_key_problem(session),
                     "cannot read the key in keys/nobody: No such file or directory");
    cr_assert_eq(meantime_set_keys(session, "keys/alice", "keys/server"), MEANTIME_OK);
    cr_assert_str_eq(meantime_key_problem(session), "");
    cr_assert_eq(meantime_connect(session, server.endpoint), MEANTIME_OK);
    cr_assert_eq(meantime_ask(session, &question, &request), MEANTIME_OK);
    cr_assert_eq(meantime_wait(session, request, -1), 1);
    cr_assert_eq(meantime_take(session, request, &result), 1);
    cr_assert(result.error == MEANTIME_OK && result.sum == -136.21155422142951, "%s", result.text);
    meantime_close(&session);
}

Test(access, a_session_with_a_key_that_is_not_allowed_has_no_access)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 1};
    struct meantime *session = meantime_new();
    struct meantime_result result;
    uint64_t request;

    cr_assert_eq(meantime_set_keys(session, "keys/stranger", "keys/server"), MEANTIME_OK);
    cr_assert_eq(meantime_connect(session, server.endpoint), MEANTIME_OK);
    cr_assert_eq(meantime_ask(session, &question, &request), MEANTIME_OK);
    cr_assert_eq(meantime_wait(session, request, -1), 1);
    cr_assert_eq(meantime_take(session, request, &result), 1);
    cr_assert(result.error == MEANTIME_NO_ACCESS, "%s", result.text);
    meantime_close(&session);
}

/* ---- revoked keys ------------------------------------------------------------------------ */

Test(access, a_revoked_key_loses_its_connections_and_the_others_stay)
{
    struct test_server server = server_start(WORDS("--keys", "keys", "--threads", "1"));

    struct process *alice = CLIENT_AS(server, "alice", "serial", "--gaussian", ENDLESS_WORD,
                                      "--uniform", "0", "--seed", "7", "--patience", "1s");
    struct process *bob = CLIENT_AS(server, "bob", "serial", "--gaussian", ENDLESS_WORD,
                                    "--uniform", "0", "--seed", "8", "--patience", "1s");
    int64_t limit_at_ms = process_limit_at_ms();
    while (!status_has(server, "admin", "\"seed\":\"7\"") ||
           !status_has(server, "admin", "\"seed\":\"8\""))
        process_pause(limit_at_ms, "the admin does not see the requests");
    cr_assert_eq(unlink("keys/allowed/alice"), 0);
    int64_t revoked_at_ms = process_now_ms();
    process_line(server.process, PROCESS_ERR, "*info: the keys have changed: 3 are allowed now*");
    process_line(server.process, PROCESS_ERR, "*info: lost a client at *");
    cr_log_info("the connection was closed after %lld ms",
                (long long)(process_now_ms() - revoked_at_ms));
    expect_error(alice, "meantime: the server at * disconnected before it answered; retried for *");
    cr_assert(status_has(server, "bob", "\"seed\":\"8\""));
    process_signal(bob, SIGKILL);
}

Test(access, a_changed_role_closes_the_connections)
{
    struct test_server front = front_start(NULL, WORDS("--keys", "keys"));

    worker_start(front.workers_endpoint, WORDS("--key", "keys/worker", SERVER_KEY));
    cr_assert_eq(system("sed s/worker/client/ keys/allowed/worker >new && "
                        "mv new keys/allowed/worker"),
                 0);
    process_line(front.process, PROCESS_ERR, "*warning: worker * is lost: its connection was *");
}

/* A DEALER with the key of `name` that has completed its handshake; it sends nothing. */
static void *silent_peer(void *context, const char *name, const char *endpoint, void **monitor)
{
    struct key_problem problem;
    struct identity *identity = identity_load(name, "keys/server", &problem);
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    uint8_t event[64];

    cr_assert(identity, "%s", problem.text);
    cr_assert_eq(zmq_setsockopt(dealer, ZMQ_LINGER, &(int){0}, sizeof(int)), 0);
    cr_assert_eq(zmq_setsockopt(dealer, ZMQ_RECONNECT_IVL, &(int){-1}, sizeof(int)), 0);
    cr_assert(identity_secure_client(identity, dealer));
    identity_destroy(&identity);
    cr_assert_eq(zmq_socket_monitor(dealer, "inproc://silent",
                                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED),
                 0);
    *monitor = zmq_socket(context, ZMQ_PAIR);
    cr_assert_eq(zmq_setsockopt(*monitor, ZMQ_RCVTIMEO, &(int){PROCESS_PATIENCE_MS}, sizeof(int)),
                 0);
    cr_assert_eq(zmq_connect(*monitor, "inproc://silent"), 0);
    cr_assert_eq(zmq_connect(dealer, endpoint), 0);
    cr_assert_eq(zmq_recv(*monitor, event, sizeof event, 0), 6, "the handshake does not end");
    cr_assert(zmq_recv(*monitor, event, sizeof event, 0) >= 0);
    return dealer;
}

Test(access, a_connection_that_has_sent_nothing_is_closed_when_any_key_is_revoked)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));
    void *context = zmq_ctx_new(), *monitor;
    void *dealer = silent_peer(context, "keys/alice", server.endpoint, &monitor);
    uint8_t event[64];
    uint16_t number;

    cr_assert_eq(unlink("keys/allowed/alice"), 0);
    cr_assert_eq(zmq_recv(monitor, event, sizeof event, 0), 6, "the connection stays");
    memcpy(&number, event, sizeof number);
    cr_assert_eq(number, ZMQ_EVENT_DISCONNECTED);
    zmq_close(monitor);
    zmq_close(dealer);
    zmq_ctx_term(context);
}

Test(access, a_new_key_is_accepted_without_a_restart)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));

    cr_assert_eq(system("sed 's/curve/    role = client\\ncurve/;/role = \"/d' keys/stranger "
                        ">new && mv new keys/allowed/stranger"),
                 0);
    process_line(server.process, PROCESS_ERR, "*info: the keys have changed: 5 are allowed now*");
    expect_sum(CLIENT_AS(server, "stranger", "sum", "1M", "--seed", "1", "-q"));
}

Test(access, sighup_reads_the_keys_again_and_names_the_bad_ones)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));

    process_signal(server.process, SIGHUP);
    process_line(server.process, PROCESS_ERR, "*info: SIGHUP from * reading the keys again");
    cr_assert_eq(system("echo nothing >keys/allowed/broken"), 0);
    process_line(server.process, PROCESS_ERR,
                 "*warning: the key in keys/allowed/broken is not allowed: *");
    process_signal(server.process, SIGHUP);
    process_line(server.process, PROCESS_ERR,
                 "*warning: the key in keys/allowed/broken is not allowed: *");
    expect_sum(CLIENT_AS(server, "alice", "sum", "1M", "--seed", "1", "-q"));
}

Test(access, an_unsafe_folder_changes_nothing_until_it_is_safe)
{
    struct test_server server = server_start(WORDS("--keys", "keys"));

    cr_assert_eq(chmod("keys/allowed", 0777), 0);
    cr_assert_eq(unlink("keys/allowed/bob"), 0);
    process_line(server.process, PROCESS_ERR,
                 "*error: others can write the folder of keys keys; *stay allowed");
    expect_sum(CLIENT_AS(server, "alice", "sum", "1M", "--seed", "1", "-q"));
    cr_assert_eq(chmod("keys/allowed", 0700), 0);
    process_line(server.process, PROCESS_ERR, "*info: the keys have changed: 3 are allowed now*");
}

/* ---- starting ---------------------------------------------------------------------------- */

static void expect_no_start(const char *const *words, const char *sentence)
{
    struct process *server = process_start(words);

    cr_assert_eq(process_wait(server), EXIT_FAILURE);
    cr_assert(lines_include(process_text(server, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(server, PROCESS_ERR));
}

Test(access, a_server_does_not_start_without_its_own_safe_key)
{
    cr_assert_eq(chmod("keys/server_secret", 0644), 0);
    expect_no_start(WORDS(MEANTIME_SERVER, "--bind", server_any_port(), "--keys", "keys"),
                    "*error: the secret key in keys/server_secret is not safe: *");
    cr_assert_eq(unlink("keys/server_secret"), 0);
    expect_no_start(WORDS(MEANTIME_SERVER, "--bind", server_any_port(), "--keys", "keys"),
                    "*; make the server's key with: meantime keys new server --keys keys");
    expect_no_start(
        WORDS(MEANTIME_SERVER, "--join", "tcp://127.0.0.1:9", "--key", "keys/nobody", SERVER_KEY),
        "*error: cannot read the key in keys/nobody: No such file or directory");
}

Test(access, the_proof_fails_at_a_gate_without_keys)
{
    struct log_limit log = {.bad_messages = 0};
    struct access *access = access_new("keys", &log);
    zsock_t *gate = zsock_new(ZMQ_ROUTER);

    cr_assert(access && gate);
    cr_assert(zsock_bind(gate, "%s", server_any_port()) != -1);
    cr_assert_not(access_prove(access, zsock_endpoint(gate)));
    zsock_destroy(&gate);
    gate = zsock_new(ZMQ_ROUTER);
    cr_assert(access_secure(access, zsock_resolve(gate), GATE_CLIENTS));
    cr_assert(zsock_bind(gate, "%s", server_any_port()) != -1);
    cr_assert(access_prove(access, zsock_endpoint(gate)));
    zsock_destroy(&gate);
    access_destroy(&access);
}

#ifdef NO_AUTHENTICATOR
Test(access, a_dead_authenticator_ends_the_server_with_a_message)
{
    setenv("LD_PRELOAD", NO_AUTHENTICATOR, 1);
    struct test_server server = server_start(WORDS("--keys", "keys"));
    unsetenv("LD_PRELOAD");

    process_signal(server.process, SIGHUP); /* from now on the socket fails */
    CLIENT_AS(server, "alice", "sum", "1", "-q");
    process_line(server.process, PROCESS_ERR,
                 "*error: the authenticator has failed: *; this server ends, *");
    cr_assert_eq(process_wait(server.process), EXIT_FAILURE);
}
#endif

/* ---- core dumps -------------------------------------------------------------------------- */

/* The flags of the mapping at `address`, from /proc/self/smaps. */
static void read_flags(const void *address, char flags[512])
{
    char line[512];
    unsigned long start, end;
    bool found = false;
    FILE *maps = fopen("/proc/self/smaps", "r");

    cr_assert(maps);
    flags[0] = '\0';
    while (flags[0] == '\0' && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            found = (unsigned long)address >= start && (unsigned long)address < end;
        if (found && strncmp(line, "VmFlags:", 8) == 0)
            strcpy(flags, line);
    }
    fclose(maps);
}

Test(access, core_dumps_leave_out_the_keys_of_a_session)
{
    struct key_problem problem;
    struct identity *identity = identity_load("keys/alice", "keys/server", &problem);
    char flags[512];

    cr_assert(identity, "%s", problem.text);
    read_flags(identity, flags);
    cr_assert(strstr(flags, " dd "), "%s", flags);
    identity_destroy(&identity);
}

/* Starts a server, aborts it when it listens, and returns whether the system has dumped its core.
 */
static bool dumps_core(const char *const *words)
{
    int ends[2], status;
    char line[256];

    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
        dup2(ends[1], STDOUT_FILENO);
        execv(words[0], (char *const *)words);
        _exit(EXIT_FAILURE);
    }
    cr_assert(pid > 0 && read(ends[0], line, sizeof line) > 0);
    cr_assert(kill(pid, SIGABRT) == 0 && waitpid(pid, &status, 0) == pid);
    cr_assert(WIFSIGNALED(status));
    close(ends[0]);
    close(ends[1]);
    return WCOREDUMP(status);
}

Test(access, a_server_with_keys_leaves_no_core_dump)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    if (!dumps_core(WORDS(MEANTIME_SERVER, "--bind", server_any_port())))
        cr_skip_test("this system or build makes no core dumps");
    cr_assert_not(
        dumps_core(WORDS(MEANTIME_SERVER, "--bind", server_any_port(), "--keys", "keys")));
}
