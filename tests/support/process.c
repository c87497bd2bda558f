/* Programs under test: see process.h. */
#include "tests/support/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The size of a pipe. A process can write this many bytes before the test must read. */
#define PIPE_BYTES (1 << 20)

/* More processor time than idling or a few messages need. */
#define COMPUTING_MS 100

/* The exit status of a child that could not execute the program, as a shell reports it. */
#define CANNOT_EXECUTE 127

/* The output of one stream so far. */
struct capture {
    int file;     /* descriptor to read from; -1 after the end of the stream */
    char *text;   /* the output, with a NUL behind it */
    size_t size;  /* bytes of `text`, without the NUL */
    size_t taken; /* bytes of `text` that process_line() has returned or skipped */
};

struct process {
    char *name; /* file name of the program, for messages */
    char *line; /* the line that process_line() returned last */
    pid_t pid;
    bool ended; /* waitpid() has returned it */
    int status; /* exit status or PROCESS_SIGNALLED(); valid if ended */
    struct capture captures[PROCESS_STREAMS];
    LIST_ENTRY(process) link;
};

static LIST_HEAD(, process) processes = LIST_HEAD_INITIALIZER(processes);

int64_t process_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int64_t process_limit_at_ms(void)
{
    return process_now_ms() + PROCESS_PATIENCE_MS;
}

void process_pause(int64_t limit_at_ms, const char *failure)
{
    cr_assert(process_now_ms() < limit_at_ms, "%s", failure);
    poll(NULL, 0, PROCESS_POLL_MS);
}

/* ---- start ------------------------------------------------------------------------------- */

/* How a child process starts. */
struct child_setup {
    const char *const *words; /* path and arguments; ends with NULL */
    pid_t network;            /* as for process_start_in() */
    pid_t parent;             /* pid of the test */
    int files[3];             /* stdin, stdout, stderr */
};

static bool enter_network(pid_t network)
{
    char path[32];

    if (network == PROCESS_NETWORK_OURS)
        return true;
    if (network == PROCESS_NETWORK_NEW)
        return unshare(CLONE_NEWNET) == 0;
    snprintf(path, sizeof path, "/proc/%d/ns/net", network);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file != -1 && setns(file, CLONE_NEWNET) == 0;
}

/* Runs between fork and exec. Uses system calls only, because other threads may have held any lock
 * when the process forked. Restores the signals that a shell ignores in background jobs, and that
 * nohup(1) ignores. */
static void child_execute(const struct child_setup *setup)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != setup->parent || !enter_network(setup->network))
        _exit(CANNOT_EXECUTE);
    for (int i = 0; i < 3; i++)
        dup2(setup->files[i], i);
    execv(setup->words[0], (char *const *)setup->words);
    _exit(CANNOT_EXECUTE);
}

static struct process *process_new(const char *const *words, pid_t network, int out, int err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct child_setup setup = {words, network, getpid(), {null, out, err}};
    struct process *process = calloc(1, sizeof *process);
    const char *slash = strrchr(words[0], '/');

    process->name = strdup(slash ? slash + 1 : words[0]);
    process->pid = fork();
    cr_assert(process->pid != -1, "cannot fork");
    if (process->pid == 0)
        child_execute(&setup);
    for (int i = 0; i < PROCESS_STREAMS; i++)
        process->captures[i] = (struct capture){.file = -1, .text = calloc(1, 1)};
    LIST_INSERT_HEAD(&processes, process, link);
    close(null);
    return process;
}

struct process *process_start_in(pid_t network, const char *const *words)
{
    int out[2], err[2];

    cr_assert(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "no pipe");
    fcntl(out[0], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(err[0], F_SETPIPE_SZ, PIPE_BYTES);
    struct process *process = process_new(words, network, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    process->captures[PROCESS_OUT].file = out[0];
    process->captures[PROCESS_ERR].file = err[0];
    return process;
}

struct process *process_start(const char *const *words)
{
    return process_start_in(PROCESS_NETWORK_OURS, words);
}

struct process *process_start_on_terminal(const char *const *words)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int ours, theirs;

    if (openpty(&ours, &theirs, NULL, NULL, &size) == -1)
        cr_skip_test("cannot open a terminal (is /dev/pts mounted?)");
    fcntl(ours, F_SETFD, FD_CLOEXEC);
    fcntl(theirs, F_SETFD, FD_CLOEXEC);
    struct process *process = process_new(words, PROCESS_NETWORK_OURS, theirs, theirs);
    close(theirs);
    process->captures[PROCESS_OUT].file = ours;
    return process;
}

/* ---- output ------------------------------------------------------------------------------ */

/* At the end of a pipe, read() returns 0. At the end of a terminal, read() fails. */
static void capture_read(struct capture *capture)
{
    char bytes[4096];
    ssize_t size = read(capture->file, bytes, sizeof bytes);

    if (size <= 0) {
        close(capture->file);
        capture->file = -1;
        return;
    }
    capture->text = realloc(capture->text, capture->size + (size_t)size + 1);
    memcpy(capture->text + capture->size, bytes, (size_t)size);
    capture->size += (size_t)size;
    capture->text[capture->size] = '\0';
}

/* Waits for more output and reads it. Returns false if both streams have ended or the limit has
 * passed. */
static bool process_read(struct process *process, int64_t limit_at_ms)
{
    struct capture *captures = process->captures;
    struct pollfd files[PROCESS_STREAMS] = {
        {captures[PROCESS_OUT].file, POLLIN, 0},
        {captures[PROCESS_ERR].file, POLLIN, 0},
    };
    int64_t left_ms = limit_at_ms - process_now_ms();

    if ((files[0].fd == -1 && files[1].fd == -1) || left_ms <= 0)
        return false;
    poll(files, PROCESS_STREAMS, (int)left_ms);
    for (int i = 0; i < PROCESS_STREAMS; i++)
        if (files[i].revents)
            capture_read(&captures[i]);
    return true;
}

static bool take_line(struct process *process, struct capture *capture, const char *pattern)
{
    char *end;

    while ((end = strchr(capture->text + capture->taken, '\n'))) {
        char *begin = capture->text + capture->taken;
        free(process->line);
        process->line = strndup(begin, (size_t)(end - begin));
        capture->taken += (size_t)(end - begin) + 1;
        if (fnmatch(pattern, process->line, 0) == 0)
            return true;
    }
    return false;
}

bool process_try_line(struct process *process, enum process_stream stream, const char *pattern,
                      int64_t patience_ms)
{
    int64_t limit_at_ms = process_now_ms() + patience_ms;
    struct capture *capture = &process->captures[stream];
    bool found;

    while (!(found = take_line(process, capture, pattern)) && process_read(process, limit_at_ms))
        ;
    return found;
}

const char *process_line(struct process *process, enum process_stream stream, const char *pattern)
{
    bool found = process_try_line(process, stream, pattern, PROCESS_PATIENCE_MS);

    cr_assert(found, "%s did not print \"%s\" but:\n%s%s", process->name, pattern,
              process->captures[PROCESS_OUT].text, process->captures[PROCESS_ERR].text);
    return process->line;
}

void process_await_words(struct process *process, enum process_stream stream, const char *words)
{
    int64_t limit_at_ms = process_limit_at_ms();
    const struct capture *capture = &process->captures[stream];

    while (!strstr(capture->text, words) && process_read(process, limit_at_ms))
        ;
    cr_assert(strstr(capture->text, words), "%s did not print \"%s\" but:\n%s", process->name,
              words, capture->text);
}

const char *process_text(const struct process *process, enum process_stream stream)
{
    return process->captures[stream].text;
}

/* ---- end --------------------------------------------------------------------------------- */

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

void process_signal(const struct process *process, int signal)
{
    cr_assert(!process->ended, "%s has ended already", process->name);
    kill(process->pid, signal);
}

static void process_reap(struct process *process)
{
    int status;

    waitpid(process->pid, &status, 0);
    process->ended = true;
    process->status = WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_SIGNALLED(WTERMSIG(status));
}

/* Reads until both streams end, which happens when the process ends. */
int process_wait(struct process *process)
{
    int64_t limit_at_ms = process_limit_at_ms();

    while (process_read(process, limit_at_ms))
        ;
    cr_assert(process_now_ms() < limit_at_ms, "%s does not end; it printed:\n%s%s", process->name,
              process->captures[PROCESS_OUT].text, process->captures[PROCESS_ERR].text);
    if (!process->ended)
        process_reap(process);
    return process->status;
}

int64_t process_cpu_ms(const struct process *process)
{
    clockid_t clock;
    struct timespec used = {0};

    cr_assert(clock_getcpuclockid(process->pid, &clock) == 0, "%s has ended", process->name);
    clock_gettime(clock, &used);
    return used.tv_sec * INT64_C(1000) + used.tv_nsec / 1000000;
}

void process_await_computing(const struct process *process)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int64_t enough_cpu_ms = process_cpu_ms(process) + COMPUTING_MS;

    while (process_cpu_ms(process) < enough_cpu_ms)
        process_pause(limit_at_ms, "the process does not compute");
}

static void process_destroy(struct process *process)
{
    int64_t limit_at_ms = process_limit_at_ms();

    if (!process->ended)
        kill(process->pid, SIGKILL);
    while (process_read(process, limit_at_ms))
        ;
    if (!process->ended)
        process_reap(process);
    if (*process->captures[PROCESS_ERR].text)
        fprintf(stderr, "%s %d: %s", process->name, process->pid,
                process->captures[PROCESS_ERR].text);
    LIST_REMOVE(process, link);
    free(process->captures[PROCESS_OUT].text);
    free(process->captures[PROCESS_ERR].text);
    free(process->line);
    free(process->name);
    free(process);
}

void processes_end(void)
{
    while (!LIST_EMPTY(&processes))
        process_destroy(LIST_FIRST(&processes));
}
