/* System tests of the server's signals, of its drain, and of its start without descriptors. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/story.h"

TestSuite(server_signals, .fini = story_end);

static const struct sum_request endless = {
    .id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS};

static void expect_answer(const struct test_server *server)
{
    struct peer *peer = peer_new(PEER_REQ, server->endpoint);
    struct sum_request request = {.id = 1, .kind = MESSAGE_KIND_UNIFORM, .count = 1};

    peer_ask(peer, &request);
    peer_expect_sum(peer, &request);
    peer_destroy(&peer);
}

Test(server_signals, hup_usr1_and_usr2_do_not_end_the_server)
{
    static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2};
    static const char *const lines[] = {"*SIGHUP*", "*SIGUSR1*", "*SIGUSR2*"};
    struct test_server server = server_start(WORDS("--threads", "1"));

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        process_signal(server.process, signals[i]);
        process_line(server.process, PROCESS_ERR, lines[i]);
        expect_answer(&server);
    }
    server_drain(&server);
}

static struct peer *ask_endless(const struct test_server *server)
{
    struct peer *peer = peer_new(PEER_DEALER, server->endpoint);

    peer_ask(peer, &endless);
    process_await_computing(server->process);
    return peer;
}

/* SIGHUP is not the second signal that stops a drain. */
Test(server_signals, after_the_drain_timeout_the_last_requests_are_refused)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--drain-timeout", "700ms"));
    struct peer *peer = ask_endless(&server);

    process_signal(server.process, SIGTERM);
    process_line(server.process, PROCESS_ERR, "*SIGTERM from process *");
    process_line(server.process, PROCESS_ERR, "*draining*0.7 s*");
    process_signal(server.process, SIGHUP);
    process_line(server.process, PROCESS_ERR, "*the drain has taken 0.7 s*");
    peer_expect_refusal(peer, endless.id, REFUSAL_STOPPING);
    cr_assert(process_wait(server.process) == 1);
}

Test(server_signals, a_drain_timeout_of_0_refuses_at_once)
{
    struct test_server server = server_start(WORDS("--threads", "1", "--drain-timeout", "0"));
    struct peer *peer = ask_endless(&server);

    process_signal(server.process, SIGTERM);
    peer_expect_refusal(peer, endless.id, REFUSAL_STOPPING);
    cr_assert(process_wait(server.process) == 1);
}

Test(server_signals, the_drain_timeout_is_a_time)
{
    static const char *const times[] = {"", "5", "-1s", "1x", "s", "1.5.5s", "9000000h", "nan"};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct process *server = process_start(WORDS(MEANTIME_SERVER, "--drain-timeout", times[i]));
        cr_assert(process_wait(server) == 2, "%s", times[i]);
        cr_assert(lines_include(process_text(server, PROCESS_ERR),
                                WORDS("*--drain-timeout*: expected a time *")));
    }
}

/* ---- descriptors ------------------------------------------------------------------------- */

static void expect_null(const struct process *process, int fd)
{
    char link[64], target[64] = "";

    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)process_pid(process), fd);
    cr_assert(readlink(link, target, sizeof target - 1) > 0);
    cr_assert_str_eq(target, "/dev/null");
}

/* A worker that joins and leaves makes the server write to its log. */
Test(server_signals, a_server_without_descriptors_0_to_2_opens_dev_null)
{
    char endpoint[64], workers[64];

    snprintf(endpoint, sizeof endpoint, "ipc://@meantime-closed-%d", getpid());
    snprintf(workers, sizeof workers, "ipc://@meantime-closed-workers-%d", getpid());
    struct process *server = process_start(
        WORDS("/bin/sh", "-c", "exec \"$0\" --threads 1 --bind $1 --workers $2 <&- >&- 2>&-",
              MEANTIME_SERVER, endpoint, workers));
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--join", workers, "--threads", "1"));
    struct process *client =
        process_start(WORDS(MEANTIME, "sum", "1000", "--connect", endpoint, "--timeout", "60s"));

    process_line(worker, PROCESS_ERR, "*joined ipc://*");
    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        expect_null(server, fd);
    process_signal(worker, SIGTERM);
    cr_assert(process_wait(worker) == 0);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

/* From now on, signalfd fails with EPERM in this process and its children. */
static void forbid_signalfd(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_signalfd4, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        cr_skip_test("no seccomp");
}

Test(server_signals, a_refused_signalfd_is_an_error_with_a_message)
{
    forbid_signalfd();
    struct process *server =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--bind", server_any_port()));

    cr_assert(process_wait(server) == 1);
    cr_assert(lines_are(process_text(server, PROCESS_ERR),
                        WORDS("*cannot receive signals: *: Operation not permitted; *")),
              "%s", process_text(server, PROCESS_ERR));
}
