/* Programs whose stdout or stderr is a pipe or a terminal without a reader. For the log of a
 * server see test_logs.c. */
#include <assert.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/patient_stream.h"
#include "tests/support/story.h"

TestSuite(unread, .fini = story_end);

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS (sizeof signals / sizeof *signals)

/* ---- pipes and terminals ----------------------------------------------------------------- */

/* Writes until no byte fits. The flags of the descriptor stay as they were. */
static void fill(int fd)
{
    char bytes[4096] = "";

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (write(fd, bytes, sizeof bytes) > 0 || write(fd, bytes, 1) > 0)
        continue;
    fcntl(fd, F_SETFL, 0);
}

/* A pipe that takes one write. The next one waits for a reader. */
static void open_pipe(int ends[2])
{
    cr_assert(pipe2(ends, O_CLOEXEC) == 0);
    cr_assert(fcntl(ends[1], F_SETPIPE_SZ, 4096) != -1);
}

static int full_pipe(void)
{
    int ends[2];

    open_pipe(ends);
    fill(ends[1]);
    return ends[1];
}

static int paused_terminal(void)
{
    int terminal, line;

    cr_assert(openpty(&terminal, &line, NULL, NULL, NULL) == 0);
    cr_assert(tcflow(line, TCOOFF) == 0);
    return line;
}

/* A terminal that is writable, but has room for fewer bytes than one long line. */
static int nearly_full_terminal(void)
{
    int terminal, line;
    char bytes[4096];

    cr_assert(openpty(&terminal, &line, NULL, NULL, NULL) == 0);
    fill(line);
    cr_assert(read(terminal, bytes, sizeof bytes) > 0);
    return line;
}

/* ---- programs ---------------------------------------------------------------------------- */

/* fork() with these descriptors as stdout and stderr of the child, which ends with this process. */
static pid_t fork_with(int out, int err)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    return pid;
}

static pid_t start(int out, int err, const char *const *words)
{
    pid_t pid = fork_with(out, err);

    if (pid)
        return pid;
    execv(words[0], (char *const *)words);
    _exit(127);
}

/* Returns the exit status, or PROCESS_SIGNALLED() if a signal has ended the process. */
static int end_of(pid_t pid)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0)
        process_pause(limit_at_ms, "the program does not end");
    return WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_SIGNALLED(WTERMSIG(status));
}

static void await_bytes(int fd)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int bytes = 0;

    while (ioctl(fd, FIONREAD, &bytes) == 0 && bytes == 0)
        process_pause(limit_at_ms, "the program prints nothing");
}

/* ---- the client -------------------------------------------------------------------------- */

/* The client has printed one line, and the next one waits for a reader. */
static void expect_one_signal_ends_a_lesson(const struct test_server *server, int signal,
                                            bool err_is_full)
{
    int ends[2];

    open_pipe(ends);
    pid_t client = start(ends[1], err_is_full ? full_pipe() : STDERR_FILENO,
                         WORDS(MEANTIME, "async", "--connect", server->endpoint, "--gaussian",
                               ENDLESS_WORD, "--uniform", ENDLESS_WORD, "--narrate", "0"));
    await_bytes(ends[0]);
    kill(client, signal);
    cr_assert_eq(end_of(client), PROCESS_SIGNALLED(signal));
}

Test(unread, one_signal_ends_a_client_whose_stdout_is_full)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        struct test_server server = server_start(WORDS("--threads", "1"));
        expect_one_signal_ends_a_lesson(&server, signals[i], i == 0);
        server_drain(&server);
    }
}

/* The result waits for a reader when the signal comes. */
Test(unread, one_signal_ends_a_client_that_cannot_print_its_result)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    pid_t client = start(paused_terminal(), STDERR_FILENO,
                         WORDS(MEANTIME, "sum", "--for", "1h", "--connect", server.endpoint));

    process_await_computing(server.process);
    kill(client, SIGTERM);
    cr_assert_eq(end_of(client), PROCESS_SIGNALLED(SIGTERM));
    server_drain(&server);
}

/* A slow reader, such as a pager, gets the whole output. */
Test(unread, without_a_signal_the_client_waits_for_its_reader)
{
    int ends[2];
    char text[4096];
    ssize_t size, all = 0;

    open_pipe(ends);
    pid_t client = start(ends[1], STDERR_FILENO, WORDS(MEANTIME, "sum", "--help"));
    close(ends[1]);
    await_bytes(ends[0]);
    usleep(1500000); /* longer than the patience of a program in a hurry */
    while ((size = read(ends[0], text, sizeof text)) > 0)
        all += size;
    cr_assert_eq(end_of(client), EXIT_SUCCESS);
    struct process *whole = process_start(WORDS(MEANTIME, "sum", "--help"));
    cr_assert(process_wait(whole) == EXIT_SUCCESS);
    cr_assert_eq((size_t)all, strlen(process_text(whole, PROCESS_OUT)));
}

Test(unread, sigterm_ends_a_client_whose_stderr_is_full)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    pid_t client = start(STDOUT_FILENO, full_pipe(),
                         WORDS(MEANTIME, "sum", ENDLESS_WORD, "--connect", server.endpoint));

    process_await_computing(server.process);
    kill(client, SIGTERM);
    cr_assert_eq(end_of(client), PROCESS_SIGNALLED(SIGTERM));
    server_drain(&server);
}

Test(unread, a_timeout_ends_a_client_whose_stderr_is_full)
{
    struct test_server server = front_start(NULL, NULL);
    int streams[] = {full_pipe(), paused_terminal(), nearly_full_terminal()};

    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        cr_assert_eq(end_of(start(STDOUT_FILENO, streams[i],
                                  WORDS(MEANTIME, "sum", ENDLESS_WORD, "--connect", server.endpoint,
                                        "--timeout", "500ms"))),
                     EXIT_FAILURE);
    server_drain(&server);
}

/* ---- the server -------------------------------------------------------------------------- */

/* The server blocks SIGTERM from its start on, so printing must not wait for ever. */
Test(unread, a_server_that_cannot_start_ends_although_nobody_reads_why)
{
    int fd = full_pipe();
    pid_t help = start(fd, fd, WORDS(MEANTIME_SERVER, "--help"));
    pid_t misspelt = start(fd, fd, WORDS(MEANTIME_SERVER, "--thraeds", "1"));
    pid_t unusable = start(fd, fd, WORDS(MEANTIME_SERVER, "--bind", "tcp://localhost"));

    cr_assert_eq(end_of(help), EXIT_FAILURE);
    cr_assert_eq(end_of(misspelt), 2);
    cr_assert_eq(end_of(unusable), 2);
}

/* ---- the stream -------------------------------------------------------------------------- */

/* libzmq prints the message of a failed assertion in the same way. */
static void fail_an_assertion(void)
{
    patient_stderr_open();
    assert(!"the last words");
}

Test(unread, an_assertion_ends_a_program_whose_stderr_is_full)
{
    int streams[] = {full_pipe(), paused_terminal(), nearly_full_terminal()};

    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        pid_t pid = fork_with(STDOUT_FILENO, streams[i]);
        if (pid == 0)
            fail_an_assertion();
        cr_assert_eq(end_of(pid), PROCESS_SIGNALLED(SIGABRT));
    }
}

/* The line is longer than the room that the terminal has. */
static void print_long_line(void)
{
    static const char line[8192] = "";

    patient_stderr_open();
    fwrite(line, 1, sizeof line, stderr);
    _exit(EXIT_SUCCESS);
}

Test(unread, a_nearly_full_terminal_does_not_block)
{
    int terminal = nearly_full_terminal();
    pid_t pid = fork_with(STDOUT_FILENO, terminal);

    if (pid == 0)
        print_long_line();
    cr_assert_eq(end_of(pid), EXIT_SUCCESS);
    cr_assert((fcntl(terminal, F_GETFL) & O_NONBLOCK) == 0, "the terminal is shared");
}
