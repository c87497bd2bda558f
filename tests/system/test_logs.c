/* System tests of the server's log: it never blocks the server, it is complete, and its lines say
 * which worker, at which address, and why.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <zmq.h>

#include "sums/digest.h"
#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(logs, .fini = story_end);

/* The start of each line: date, time, zone and level. */
#define STAMP "20[0-9][0-9]-[0-9]*-[0-9]*T[0-9]*:[0-9]*:[0-9]*.[0-9]*[+-][0-9]*:[0-9]* "

/* ---- a reader that does not read --------------------------------------------------------- */

/* A server whose stdout and stderr the test does not read. */
struct unread {
    pid_t pid;
    char endpoint[64];
    char workers[64];
};

/* Abstract names need no free port, and nothing has to be read from stdout. */
static struct unread unread_start(int fd, const char *option)
{
    struct unread server;

    snprintf(server.endpoint, sizeof server.endpoint, "ipc://@meantime-logs-%d", getpid());
    snprintf(server.workers, sizeof server.workers, "ipc://@meantime-logs-workers-%d", getpid());
    server.pid = fork();
    if (server.pid == 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execl(MEANTIME_SERVER, MEANTIME_SERVER, "--bind", server.endpoint, "--workers",
              server.workers, "--threads", "1", "--drain-timeout", "10s", option, NULL);
        _exit(127);
    }
    return server;
}

static void unread_expect_sum(const struct unread *server)
{
    struct process *client = process_start(
        WORDS(MEANTIME, "sum", "1000", "--connect", server->endpoint, "--timeout", "60s"));

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
}

/* Lines about a client: all of these messages are bad. */
static void send_bad_messages(const char *endpoint, int count)
{
    struct peer *peer = peer_new(PEER_DEALER, endpoint);

    for (int i = 0; i < count; i++)
        zmq_send(peer_socket(peer), "bad", 3, 0);
    peer_destroy(&peer);
}

/* Lines about workers: each one joins and disconnects. */
static void join_and_leave(const char *workers, int count)
{
    for (int i = 0; i < count; i++) {
        struct peer *worker = peer_new_worker(workers);
        peer_destroy(&worker);
    }
}

static void unread_expect_end(const struct unread *server)
{
    int status;

    kill(server->pid, SIGTERM);
    cr_assert(waitpid(server->pid, &status, 0) == server->pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

/* Makes the server write 300 lines about workers, of 100 bytes and more. The queue takes 16 KiB, so
 * the server drops some lines. The server writes up to 100 such lines per second. */
static void overflow_queue(const struct unread *server)
{
    for (int second = 0; second < 3; second++) {
        join_and_leave(server->workers, 100);
        usleep(1100000);
    }
}

static void expect_service(const struct unread *server)
{
    unread_expect_sum(server);
    overflow_queue(server);
    send_bad_messages(server->endpoint, 100);
    unread_expect_sum(server);
}

static int pipe_filled(int ends[2])
{
    char bytes[4096] = "";

    cr_assert(pipe(ends) == 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], bytes, sizeof bytes) > 0)
        continue;
    fcntl(ends[1], F_SETFL, 0);
    return ends[1];
}

Test(logs, a_full_pipe_blocks_neither_the_server_nor_its_end)
{
    int ends[2];
    struct unread server = unread_start(pipe_filled(ends), "--log-level=debug");

    expect_service(&server);
    unread_expect_end(&server);
    cr_assert((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0, "the pipe is shared");
}

Test(logs, a_terminal_that_nobody_reads_blocks_neither_the_server_nor_its_end)
{
    int terminal, line;

    cr_assert(openpty(&terminal, &line, NULL, NULL, NULL) == 0);
    struct unread server = unread_start(line, NULL);
    expect_service(&server);
    unread_expect_end(&server);
}

Test(logs, a_terminal_that_is_paused_with_ctrl_s_blocks_neither_the_server_nor_its_end)
{
    int terminal, line;

    cr_assert(openpty(&terminal, &line, NULL, NULL, NULL) == 0);
    cr_assert(tcflow(line, TCOOFF) == 0);
    struct unread server = unread_start(line, NULL);
    expect_service(&server);
    unread_expect_end(&server);
}

Test(logs, a_full_disk_does_not_end_the_server)
{
    int full = open("/dev/full", O_WRONLY);

    cr_assert(full != -1);
    struct unread server = unread_start(full, NULL);
    expect_service(&server);
    unread_expect_end(&server);
}

Test(logs, a_reader_that_ends_does_not_end_the_server)
{
    int ends[2];

    cr_assert(pipe(ends) == 0);
    close(ends[0]);
    struct unread server = unread_start(ends[1], NULL);
    expect_service(&server);
    unread_expect_end(&server);
}

/* Reads until the text occurs. */
static void await_text(int fd, const char *wanted)
{
    static char text[1 << 20];
    size_t size = 0;
    int64_t limit_at_ms = process_limit_at_ms();

    while (!strstr(text, wanted)) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        cr_assert(process_now_ms() < limit_at_ms, "no \"%s\"", wanted);
        if (poll(&item, 1, 100) != 1)
            continue;
        ssize_t got = read(fd, text + size, sizeof text - 1 - size);
        cr_assert(got > 0);
        for (ssize_t i = 0; i < got; i++) /* the zeros that filled the pipe */
            if (text[size + (size_t)i] == '\0')
                text[size + (size_t)i] = '\n';
        size += (size_t)got;
    }
}

Test(logs, dropped_lines_are_counted_when_the_reader_reads_again)
{
    int ends[2];
    struct unread server = unread_start(pipe_filled(ends), NULL);

    overflow_queue(&server);
    await_text(ends[0], "dropped, because stderr was not read");
    unread_expect_end(&server);
}

/* ---- lines ------------------------------------------------------------------------------- */

Test(logs, each_line_has_a_time_with_zone_and_a_level)
{
    struct test_server front = front_start(NULL, WORDS("--log-level", "debug"));
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    const char *stamped = STAMP "* *";

    process_line(front.process, PROCESS_ERR, STAMP "info: worker *");
    process_signal(worker, SIGKILL);
    process_line(front.process, PROCESS_ERR, STAMP "warning: worker *");
    server_drain(&front);
    process_wait(front.process);
    const char *text = process_text(front.process, PROCESS_ERR);
    size_t lines = lines_count(text);
    const char *patterns[65] = {NULL};
    cr_assert(lines <= 64);
    for (size_t i = 0; i < lines; i++)
        patterns[i] = stamped;
    cr_assert(lines_are(text, patterns), "%s", text);
}

Test(logs, the_journal_gets_priorities_instead_of_times)
{
    char name[] = "/tmp/meantime-journal-XXXXXX", variable[64], text[4096] = "";
    int file = mkstemp(name);
    struct stat status;

    cr_assert(file != -1 && unlink(name) == 0 && fstat(file, &status) == 0);
    snprintf(variable, sizeof variable, "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", variable, 1);
    struct unread server = unread_start(file, NULL);
    unread_expect_sum(&server);
    join_and_leave(server.workers, 1);
    for (int64_t limit_at_ms = process_limit_at_ms(); !strstr(text, "\n<4>worker ");) {
        process_pause(limit_at_ms, text);
        cr_assert(pread(file, text, sizeof text - 1, 0) >= 0);
    }
    unread_expect_end(&server);
    cr_assert(strstr(text, "\n<6>worker "), "%s", text);
}

Test(logs, the_level_selects_the_lines)
{
    struct test_server front = front_start(NULL, WORDS("--log-level", "error"));
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    process_signal(worker, SIGKILL);
    process_wait(worker);
    server_drain(&front);
    process_wait(front.process);
    cr_assert_str_eq(process_text(front.process, PROCESS_ERR), "");
    struct process *wrong = process_start(WORDS(MEANTIME_SERVER, "--log-level", "loud"));
    cr_assert(process_wait(wrong) == 2);
}

/* ---- which, at which address, and why ---------------------------------------------------- */

Test(logs, a_worker_that_is_killed_is_named_with_its_address_and_the_reason)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    char joined[64], lost[96];

    snprintf(joined, sizeof joined, "*info: worker *:%d at 127.* has joined", process_pid(worker));
    snprintf(lost, sizeof lost, "*warning: worker *:%d at 127.* is lost: its connection was closed",
             process_pid(worker));
    process_line(front.process, PROCESS_ERR, joined);
    process_signal(worker, SIGKILL);
    process_line(front.process, PROCESS_ERR, lost);
    server_drain(&front);
}

/* The worker computes when it gets the signal. If it closed its connection at once, the front might
 * see that first. */
Test(logs, a_worker_that_drains_is_named_with_its_address_and_the_reason)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    struct peer *client = peer_new(PEER_DEALER, front.endpoint);
    struct sum_request endless = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS};

    peer_ask(client, &endless);
    process_await_computing(worker);
    process_signal(worker, SIGTERM);
    process_line(worker, PROCESS_ERR, "*info: SIGTERM from process *");
    process_line(worker, PROCESS_ERR, "*info: draining*");
    process_line(worker, PROCESS_ERR, "*info: leaving tcp://*: this server drains");
    process_line(worker, PROCESS_ERR, "*info: drained in * s: *");
    process_line(worker, PROCESS_ERR, "*info: done: *");
    process_line(front.process, PROCESS_ERR, "*worker *:* at 127.* is leaving: it drains");
    process_line(front.process, PROCESS_ERR, "*worker *:* at 127.* has left: *");
    peer_destroy(&client);
    server_drain(&front);
}

Test(logs, a_worker_that_freezes_and_returns_is_named_with_its_address_and_the_reason)
{
    struct test_server front = front_start(NULL, WORDS("--heartbeat-ms", "200"));
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    process_signal(worker, SIGSTOP);
    process_line(front.process, PROCESS_ERR,
                 "*worker *:* at 127.* is lost: it sent no message for too long");
    process_signal(worker, SIGCONT);
    process_line(front.process, PROCESS_ERR,
                 "*worker *:* at 127.* has returned: it has joined again after * s");
    server_drain(&front);
}

Test(logs, a_front_that_is_killed_is_named_with_the_reason)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);
    char lost[128], again[128];

    snprintf(lost, sizeof lost, "*front %s is lost: its connection was closed*",
             front.workers_endpoint);
    snprintf(again, sizeof again, "*joined %s again after * s", front.workers_endpoint);
    process_signal(front.process, SIGKILL);
    process_line(worker, PROCESS_ERR, lost);
    process_wait(front.process);
    front = front_start(front.workers_endpoint, NULL);
    process_line(worker, PROCESS_ERR, again);
    server_drain(&front);
}

Test(logs, a_front_that_freezes_and_returns_is_named_with_the_reason)
{
    struct test_server front = front_start(NULL, WORDS("--heartbeat-ms", "200"));
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    process_signal(front.process, SIGSTOP);
    process_line(worker, PROCESS_ERR, "*front tcp://*: it sent no message for too long");
    process_signal(front.process, SIGCONT);
    process_line(worker, PROCESS_ERR, "*joined tcp://* again after * s");
    server_drain(&front);
}

Test(logs, a_front_that_drains_is_named_with_the_reason)
{
    struct test_server front = front_start(NULL, NULL);
    struct process *worker = worker_start(front.workers_endpoint, NULL);

    server_drain(&front);
    process_line(worker, PROCESS_ERR, "*front tcp://* is lost: its connection was closed*");
}

Test(logs, workers_that_join_at_once_have_a_line_each)
{
    struct test_server front = front_start(NULL, NULL);

    for (int i = 0; i < 3; i++)
        process_start(
            WORDS(MEANTIME_SERVER, "--join", front.workers_endpoint, "--threads", "1", "--quiet"));
    for (int i = 0; i < 3; i++)
        process_line(front.process, PROCESS_ERR, "*worker *:* at 127.* has joined");
    server_drain(&front);
}

Test(logs, a_refused_client_is_named_by_its_address)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    struct sum_request request = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = ENDLESS};

    peer_ask(peer, &request);
    peer_ask(peer, &request);
    process_line(server.process, PROCESS_ERR,
                 "*warning: refused a request from 127.*: request 1 of this client is in flight *");
}

/* The second line does not need another event: it is written when the second ends. */
Test(logs, held_back_events_of_clients_are_counted_when_the_second_ends)
{
    struct test_server server = server_start(WORDS("--threads", "1"));

    struct peer *peer = peer_new(PEER_DEALER, server.endpoint);
    for (int i = 0; i < 50; i++)
        zmq_send(peer_socket(peer), "bad", 3, 0);
    process_line(server.process, PROCESS_ERR, "*warning: bad message from 127.*: *");
    process_line(server.process, PROCESS_ERR,
                 "*warning: bad message from 127.*: [0-9]* more; the last one: *");
    server_drain(&server);
}

/* ---- refused workers --------------------------------------------------------------------- */

Test(logs, a_refused_join_is_named_with_its_address_and_the_reason)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);

    peer_join(peer, sums_digest(kernel_best()) + 1);
    process_line(front.process, PROCESS_ERR,
                 "*warning: worker peer at 127.* is refused: *its digest is *");
    server_drain(&front);
}

/* A heartbeat has no name. */
Test(logs, a_worker_that_has_not_joined_is_refused_with_its_address)
{
    struct test_server front = front_start(NULL, NULL);
    struct peer *peer = peer_new(PEER_DEALER, front.workers_endpoint);
    struct message message = {.type = MESSAGE_HEARTBEAT, .heartbeat = {.capacity = 1}};

    peer_send(peer, &message);
    process_line(front.process, PROCESS_ERR,
                 "*warning: a worker at 127.* is refused: *has not joined*");
    server_drain(&front);
}

static void refuse_join(struct impostor *front)
{
    struct message refusal = {
        .type = MESSAGE_REFUSAL,
        .refusal = {.code = REFUSAL_BUSY, .retry_after_ms = 10, .text = "all places are taken"},
    };

    cr_assert(impostor_recv(front).type == MESSAGE_JOIN);
    impostor_send(front, &refusal);
}

/* The worker joins again after each refusal, so the third Join shows that the worker has received
 * two refusals. */
Test(logs, a_worker_counts_the_repeats_of_a_problem_of_its_front)
{
    struct impostor *front = impostor_new();
    struct process *worker =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--join", impostor_endpoint(front)));

    refuse_join(front);
    refuse_join(front);
    cr_assert(impostor_recv(front).type == MESSAGE_JOIN);
    process_signal(worker, SIGTERM);
    process_line(worker, PROCESS_ERR, "*warning: front tcp://*: 1 more: *all places are taken*");
    cr_assert(process_wait(worker) == 0);
}

/* ---- options ----------------------------------------------------------------------------- */

Test(logs, quiet_hides_no_warning)
{
    struct unread server;
    int ends[2];

    cr_assert(pipe(ends) == 0);
    server = unread_start(ends[1], "--quiet");
    unread_expect_sum(&server);
    join_and_leave(server.workers, 1);
    await_text(ends[0], "warning: worker peer at ");
    unread_expect_end(&server);
}

Test(logs, quiet_hides_no_error)
{
    struct process *server =
        process_start(WORDS(MEANTIME_SERVER, "--quiet", "--bind", "ipc:///no/such/folder/x"));

    cr_assert(process_wait(server) == 1);
    cr_assert(lines_are(process_text(server, PROCESS_ERR), WORDS(STAMP "error: cannot listen *")),
              "%s", process_text(server, PROCESS_ERR));
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
}

/* ---- a terminal that stops what writes in the background --------------------------------- */

/* In a session of its own, whose terminal has "stty tostop": starts the server in the background.
 * The shell must stay until the server has ended. */
static void be_a_shell(int line, const char *endpoint)
{
    struct termios terminal;
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    ioctl(line, TIOCSCTTY, 0);
    tcgetattr(line, &terminal);
    terminal.c_lflag |= TOSTOP;
    tcsetattr(line, TCSANOW, &terminal);
    pid_t server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        dup2(line, STDOUT_FILENO);
        dup2(line, STDERR_FILENO);
        execl(MEANTIME_SERVER, MEANTIME_SERVER, "--bind", endpoint, "--threads", "1", NULL);
        _exit(127);
    }
    if (waitpid(server, &status, WUNTRACED) == server && WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    kill(server, SIGKILL);
    _exit(126);
}

/* The name of a server ends with its pid. */
static pid_t server_pid(const char *endpoint)
{
    struct process *client = process_start(WORDS(MEANTIME, "status", "--connect", endpoint));
    pid_t pid = 0;

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
    cr_assert(sscanf(process_text(client, PROCESS_OUT), "%*[^:]:%d", &pid) == 1 && pid > 0, "%s",
              process_text(client, PROCESS_OUT));
    return pid;
}

Test(logs, a_terminal_with_tostop_does_not_stop_a_server_in_the_background)
{
    char endpoint[64];
    int terminal, line, status;

    snprintf(endpoint, sizeof endpoint, "ipc://@meantime-tostop-%d", getpid());
    cr_assert(openpty(&terminal, &line, NULL, NULL, NULL) == 0);
    pid_t shell = fork();
    if (shell == 0)
        be_a_shell(line, endpoint);
    await_text(terminal, "Listening on ");
    pid_t server = server_pid(endpoint);
    struct peer *peer = peer_new(PEER_DEALER, endpoint);
    zmq_send(peer_socket(peer), "bad", 3, 0);
    await_text(terminal, "warning: bad message from ");
    cr_assert(kill(server, SIGTERM) == 0);
    cr_assert(waitpid(shell, &status, 0) == shell);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}
