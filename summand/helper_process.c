/* A helper process, as the server sees it. */
#include "summand/helper_process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "proto/printable.h"
#include "summand/helper_program.h"
#include "summand/helper_wire.h"

/* A call that is cancelled may take this long to end. */
#define CANCEL_NS (100 * NS_PER_MS)

/* During an examination, a stop is noticed after this time. */
#define LOOK_NS (20 * NS_PER_MS)

/* The timeout is divided by this many checks. A call is too long if the counter of calls has the
 * same value at all of them. If the whole machine stops for a while, that counts as one check. */
#define CALL_CHECKS 16

/* If the helper has closed its socket but does not end, it is killed after this time. */
#define CLOSED_NS NS_PER_S

#define PRINTED_BYTES 4096 /* that are kept of what a helper prints */
#define LINE_BYTES    200  /* longer lines are cut */
#define READS_MAX     16   /* at a time, because a function may print without end */

struct helper_process {
    struct helper_settings settings;
    pid_t pid;
    int pidfd;  /* readable when the helper has ended */
    int socket; /* -1: the helper has closed it */
    int output; /* what the helper prints; -1: the helper has closed it */
    struct helper_state *state;
    bool ended; /* the process is reaped */
    siginfo_t end;
    bool is_summing; /* or examines */
    uint64_t nonce;  /* of the request in progress */
    uint64_t first, count;
    bool examines;
    int64_t cancelled_at_ns; /* NEVER: it is not */
    uint64_t calls;          /* at the last check */
    uint32_t checks;         /* at which `calls` was the same */
    int64_t check_at_ns;
    int64_t closed_at_ns; /* when the helper closed its socket, or NEVER */
    size_t printed_bytes; /* read, at most PRINTED_BYTES */
    size_t taken_bytes;   /* of those, returned as lines */
    char printed[PRINTED_BYTES];
    char line[LINE_BYTES + 1];
    uint8_t message[HELPER_MESSAGE_BYTES_MAX];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- start --------------------------------------------------------------------------------- */

/* The helper's ends of what both share. */
struct ends {
    int socket, output, state, null;
};

static void close_if_open(int file)
{
    if (file != -1)
        close(file);
}

static void ends_close(const struct ends *ends)
{
    close_if_open(ends->socket);
    close_if_open(ends->output);
    close_if_open(ends->state);
    close_if_open(ends->null);
}

static bool share_socket(struct helper_process *process, struct ends *ends)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
        return false;
    process->socket = pair[0];
    ends->socket = helper_descriptor_move(pair[1]);
    return ends->socket != -1;
}

static bool share_output(struct helper_process *process, struct ends *ends)
{
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) == -1)
        return false;
    process->output = pipe[0];
    ends->output = helper_descriptor_move(pipe[1]);
    return ends->output != -1 && fcntl(process->output, F_SETFL, O_NONBLOCK) == 0;
}

static bool share_state(struct helper_process *process, struct ends *ends)
{
    void *map;
    ends->state = helper_descriptor_move(memfd_create("helper", MFD_CLOEXEC));
    if (ends->state == -1 || ftruncate(ends->state, sizeof *process->state) == -1)
        return false;
    map = mmap(NULL, sizeof *process->state, PROT_READ | PROT_WRITE, MAP_SHARED, ends->state, 0);
    if (map != MAP_FAILED)
        process->state = map;
    return process->state;
}

static bool share(struct helper_process *process, struct ends *ends)
{
    ends->null = helper_descriptor_move(open("/dev/null", O_RDWR | O_CLOEXEC));
    return ends->null != -1 && share_socket(process, ends) && share_output(process, ends) &&
           share_state(process, ends);
}

/* The helper has a process group of its own, so that signals of a terminal do not reach it. */
static int attributes_init(posix_spawnattr_t *attributes)
{
    sigset_t blocked, all;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigmask(attributes, &blocked);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
}

static void actions_init(posix_spawn_file_actions_t *actions, const struct ends *ends,
                         const struct helper_settings *settings)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, ends->null, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(actions, ends->output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, ends->output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(actions, ends->socket, HELPER_SOCKET);
    posix_spawn_file_actions_adddup2(actions, settings->file, HELPER_FILE);
    posix_spawn_file_actions_adddup2(actions, ends->state, HELPER_STATE);
    posix_spawn_file_actions_adddup2(actions, settings->program, HELPER_PROGRAM);
    posix_spawn_file_actions_addclosefrom_np(actions, HELPER_DESCRIPTORS);
}

#define TUNABLES "GLIBC_TUNABLES="

/* A copy of the environment, with another value of GLIBC_TUNABLES. NULL without memory. */
static char **environment_with(char *tunables)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (strncmp(environ[i], TUNABLES, strlen(TUNABLES)) != 0)
            copy[kept++] = environ[i];
    if (copy)
        copy[kept] = tunables;
    return copy;
}

/* Returns 0 or an error number. */
static int spawn(struct helper_process *process, const struct ends *ends, char **arguments,
                 char **environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", HELPER_PROGRAM);
    attributes_init(&attributes);
    actions_init(&actions, ends, &process->settings);
    int reason = posix_spawn(&process->pid, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return reason;
}

static int spawn_with_tunables(struct helper_process *process, const struct ends *ends,
                               char **arguments)
{
    char tunables[128];
    const char *value = process->settings.tunables;
    snprintf(tunables, sizeof tunables, TUNABLES "%s", value ? value : "");
    char **environment = value ? environment_with(tunables) : environ;
    int reason = environment ? spawn(process, ends, arguments, environment) : ENOMEM;
    if (value)
        free(environment);
    return reason;
}

static int start(struct helper_process *process, const struct ends *ends)
{
    char name[] = "meantime-summand-helper", build[32], parent[16], kernel[32], memory[24],
         known[16];
    char *arguments[] = {
        name,
        [HELPER_ARGUMENT_BUILD] = build,
        [HELPER_ARGUMENT_PARENT] = parent,
        [HELPER_ARGUMENT_KERNEL] = kernel,
        [HELPER_ARGUMENT_MEMORY] = memory,
        [HELPER_ARGUMENT_KNOWN] = known,
        [HELPER_ARGUMENTS] = NULL,
    };
    snprintf(build, sizeof build, "%s", helper_build);
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    snprintf(kernel, sizeof kernel, "%s", process->settings.kernel->name);
    snprintf(memory, sizeof memory, "%" PRIu64, process->settings.memory_bytes);
    snprintf(known, sizeof known, "%" PRIu32, process->settings.known_terms);
    int reason = spawn_with_tunables(process, ends, arguments);
    if (reason == 0)
        process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    else
        process->pid = 0;
    return reason == 0 && process->pidfd == -1 ? errno : reason;
}

struct helper_process *helper_process_new(const struct helper_settings *settings,
                                          char error[SENTENCE_BYTES])
{
    struct helper_process *process = calloc(1, sizeof *process);
    struct ends ends = {-1, -1, -1, -1};
    if (!process) {
        sentence_write(error, "There is no memory for a helper process.");
        return NULL;
    }
    process->settings = *settings;
    process->pidfd = process->socket = process->output = -1;
    process->cancelled_at_ns = process->closed_at_ns = NEVER;
    int reason = share(process, &ends) ? start(process, &ends) : errno;
    ends_close(&ends);
    if (reason) {
        sentence_write(
            error,
            "Cannot start a helper process: %s; raise \"ulimit -u\" or \"ulimit -n\", or "
            "install meantime-summand-helper again.",
            strerror(reason));
        helper_process_destroy(&process);
    }
    return process;
}

/* ---- end ----------------------------------------------------------------------------------- */

/* Kills the group before the helper is reaped, because then its number may belong to others. */
static void reap(struct helper_process *process)
{
    if (process->ended || process->pid == 0)
        return;
    kill(process->pid, SIGKILL);
    kill(-process->pid, SIGKILL);
    if (TEMP_FAILURE_RETRY(waitid(P_PID, (id_t)process->pid, &process->end, WEXITED)) == -1)
        process->end = (siginfo_t){.si_code = CLD_KILLED};
    process->ended = true;
}

bool helper_process_is_alive(struct helper_process *process)
{
    siginfo_t end = {0};
    if (process->ended)
        return false;
    int result = waitid(P_PID, (id_t)process->pid, &end, WEXITED | WNOHANG | WNOWAIT);
    if (result == 0 && end.si_pid == 0)
        return true;
    reap(process);
    return false;
}

void helper_process_destroy(struct helper_process **process_p)
{
    struct helper_process *process = *process_p;
    if (!process)
        return;
    reap(process);
    close_if_open(process->socket);
    close_if_open(process->output);
    close_if_open(process->pidfd);
    if (process->state)
        munmap(process->state, sizeof *process->state);
    free(process);
    *process_p = NULL;
}

/* ---- what the helper prints ---------------------------------------------------------------- */

static void close_end(int *file)
{
    close_if_open(*file);
    *file = -1;
}

/* What does not fit is read and dropped, so that the function never waits for a reader. */
static ssize_t read_some(struct helper_process *process)
{
    char dropped[PRINTED_BYTES];
    size_t room = PRINTED_BYTES - process->printed_bytes;
    ssize_t bytes = room ? read(process->output, process->printed + process->printed_bytes, room)
                         : read(process->output, dropped, sizeof dropped);
    if (room && bytes > 0)
        process->printed_bytes += (size_t)bytes;
    return bytes;
}

static void read_output(struct helper_process *process)
{
    ssize_t bytes = 1;
    for (int i = 0; i < READS_MAX && process->output != -1 && bytes > 0; i++)
        bytes = read_some(process);
    if (bytes == 0)
        close_end(&process->output);
}

const char *helper_process_line(struct helper_process *process)
{
    read_output(process);
    const char *text = process->printed + process->taken_bytes;
    size_t pending = process->printed_bytes - process->taken_bytes;
    const char *end = memchr(text, '\n', pending);
    bool is_last = process->ended || process->printed_bytes == PRINTED_BYTES;
    if (pending == 0 || (!end && !is_last))
        return NULL;
    size_t length = end ? (size_t)(end - text) : pending;
    process->taken_bytes += length + (end != NULL);
    snprintf(process->line, sizeof process->line, "%.*s", (int)length, text);
    make_printable(process->line);
    return process->line;
}

/* ---- requests ------------------------------------------------------------------------------ */

static void send_request(struct helper_process *process, struct helper_request *request)
{
    assert(!process->is_summing);
    process->examines = request->type == HELPER_REQUEST_EXAMINE;
    if (getrandom(&request->nonce, sizeof request->nonce, 0) == -1)
        request->nonce = process->nonce + 1;
    process->nonce = request->nonce;
    process->first = request->first;
    process->count = request->count;
    process->is_summing = true;
    process->cancelled_at_ns = NEVER;
    process->checks = 0;
    process->check_at_ns = now_ns() + process->settings.call_timeout_ns / CALL_CHECKS;
    process->calls = atomic_load_explicit(&process->state->calls, memory_order_relaxed);
    atomic_store(&process->state->cancelled, 0);
    if (send(process->socket, request, sizeof *request, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
        errno = 0; /* the helper has ended, as helper_process_next() will see */
}

void helper_process_sum(struct helper_process *process, const struct helper_question *question,
                        uint64_t first, uint64_t count)
{
    struct helper_request request = {
        .type = HELPER_REQUEST_SUM, .first = first, .count = count, .question = *question};
    send_request(process, &request);
}

void helper_process_cancel(struct helper_process *process)
{
    if (!process->is_summing || process->cancelled_at_ns != NEVER)
        return;
    process->cancelled_at_ns = now_ns();
    atomic_store(&process->state->cancelled, 1);
}

uint64_t helper_process_progress(const struct helper_process *process)
{
    uint64_t first = atomic_load_explicit(&process->state->first, memory_order_relaxed);
    uint64_t done = first - process->first;
    return process->is_summing && first >= process->first && done <= process->count ? done : 0;
}

/* ---- outcomes ------------------------------------------------------------------------------ */

/* Such as "in terms 100 to 131". */
static void say_where(const struct helper_process *process, char where[80])
{
    uint64_t first = atomic_load(&process->state->first);
    uint32_t count = atomic_load(&process->state->count);
    if (count == 0)
        snprintf(where, 80, "in begin(), or while the file was loaded");
    else if (count == 1)
        snprintf(where, 80, "in term %" PRIu64, first);
    else
        snprintf(where, 80, "in terms %" PRIu64 " to %" PRIu64, first, first + count - 1);
}

static const char *why_killed(int signal)
{
    switch (signal) {
    case SIGSYS:
        return ": the function called fork(), exec() or another system call that helper processes "
               "may not use";
    case SIGILL: return ": the file may be compiled for another processor";
    case SIGKILL: return ": the system may have run out of memory";
    default: return "";
    }
}

static void say_end(const struct helper_process *process, char text[SENTENCE_BYTES])
{
    char where[80];
    int status = process->end.si_status;
    bool ran_code = atomic_load(&process->state->calls) > 0;
    say_where(process, where);
    if (process->end.si_code != CLD_EXITED)
        sentence_write(text, "The helper process died of signal SIG%s %s%s.",
                       sigabbrev_np(status) ? sigabbrev_np(status) : "?", where,
                       why_killed(status));
    else if (status == HELPER_EXIT_SOCKET)
        sentence_write(text,
                       "The function closed or replaced the descriptors of its helper process %s.",
                       where);
    else if (status == HELPER_EXIT_BUILD && !ran_code)
        sentence_write(text, "The program meantime-summand-helper is of another build than this "
                             "server: install both of one build, and start the server again.");
    else
        sentence_write(
            text,
            "The helper process ended with exit status %d %s: the function may have called exit().",
            status, where);
}

static void outcome_set(struct helper_process *process, struct helper_outcome *outcome,
                        enum helper_end end)
{
    process->is_summing = false;
    outcome->end = end;
    outcome->text[0] = '\0';
    outcome->outputs = 0;
}

static void outcome_died(struct helper_process *process, struct helper_outcome *outcome)
{
    if (process->cancelled_at_ns != NEVER) {
        outcome_set(process, outcome, HELPER_CANCELLED);
        return;
    }
    outcome_set(process, outcome, HELPER_DIED);
    say_end(process, outcome->text);
}

/* The function has written into the socket of its helper. Nothing of it is trusted. */
static void outcome_garbage(struct helper_process *process, struct helper_outcome *outcome)
{
    reap(process);
    outcome_set(process, outcome, HELPER_DIED);
    sentence_write(outcome->text, "The function wrote into the socket of its helper process.");
}

static bool unpack_outputs(struct helper_outcome *outcome, const uint8_t *bytes, size_t size)
{
    size_t at = 0, part = 1;
    for (uint32_t k = 0; k < outcome->outputs && part; k++, at += part)
        part = output_unpack(&outcome->output[k], outcome->count, bytes + at, size - at);
    return part && at == size;
}

static bool reply_is_right(const struct helper_process *process, const struct helper_reply *reply,
                           size_t size)
{
    return size >= sizeof *reply && size <= sizeof process->message &&
           reply->nonce == process->nonce && process->is_summing &&
           (unsigned)reply->end <= HELPER_FAILED && memchr(reply->text, '\0', sizeof reply->text) &&
           (reply->end != HELPER_SUMMED || process->examines ||
            (reply->count == process->count && reply->outputs >= 1 &&
             reply->outputs <= MEANTIME_OUTPUTS_MAX && reply->grain >= 1));
}

static bool outcome_reply(struct helper_process *process, struct helper_outcome *outcome,
                          const struct helper_reply *reply, size_t payload)
{
    outcome_set(process, outcome, reply->end);
    sentence_write(outcome->text, "%s", reply->text);
    if (reply->end != HELPER_SUMMED || process->examines)
        return true;
    outcome->count = reply->count;
    outcome->fill_ns = reply->fill_ns;
    outcome->value_ns = reply->value_ns;
    outcome->grain = reply->grain;
    outcome->outputs = reply->outputs;
    return unpack_outputs(outcome, process->message + sizeof *reply, payload);
}

static bool known_terms_differ(const struct helper_process *process,
                               const struct helper_reply *reply)
{
    return process->settings.known_terms && process->settings.known_digest &&
           reply->end == HELPER_SUMMED && reply->known_digest != process->settings.known_digest;
}

static void outcome_message(struct helper_process *process, struct helper_outcome *outcome,
                            size_t size)
{
    struct helper_reply reply;
    memcpy(&reply, process->message, sizeof reply);
    if (!reply_is_right(process, &reply, size) ||
        !outcome_reply(process, outcome, &reply, size - sizeof reply)) {
        outcome_garbage(process, outcome);
    } else if (known_terms_differ(process, &reply)) {
        reap(process);
        outcome_set(process, outcome, HELPER_DIED);
        sentence_write(outcome->text,
                       "This helper process computed other bits than the first one for the "
                       "same terms.");
    }
}

/* False if the helper has sent nothing. */
static bool take_message(struct helper_process *process, struct helper_outcome *outcome)
{
    ssize_t size =
        recv(process->socket, process->message, sizeof process->message, MSG_DONTWAIT | MSG_TRUNC);
    if (size == 0) {
        close_end(&process->socket);
        process->closed_at_ns = now_ns();
    }
    if (size <= 0)
        return false;
    outcome_message(process, outcome, (size_t)size);
    return true;
}

/* A call is overdue if it is the same one at CALL_CHECKS checks. */
static bool is_overdue(struct helper_process *process)
{
    uint64_t calls = atomic_load_explicit(&process->state->calls, memory_order_relaxed);
    int64_t now = now_ns();
    if (now < process->check_at_ns)
        return false;
    process->check_at_ns = now + process->settings.call_timeout_ns / CALL_CHECKS;
    process->checks = calls == process->calls ? process->checks + 1 : 0;
    process->calls = calls;
    return process->checks >= CALL_CHECKS;
}

static void outcome_overdue(struct helper_process *process, struct helper_outcome *outcome)
{
    char where[80];
    say_where(process, where);
    reap(process);
    outcome_set(process, outcome, HELPER_DIED);
    sentence_write(
        outcome->text,
        "One call took longer than %g s %s: raise --summand-timeout, or look for an endless loop.",
        seconds(process->settings.call_timeout_ns), where);
}

static void outcome_closed(struct helper_process *process, struct helper_outcome *outcome)
{
    reap(process);
    process->end = (siginfo_t){.si_code = CLD_EXITED, .si_status = HELPER_EXIT_SOCKET};
    outcome_died(process, outcome);
}

static void outcome_killed(struct helper_process *process, struct helper_outcome *outcome)
{
    reap(process);
    outcome_set(process, outcome, HELPER_CANCELLED);
}

/* A point in time from which on the outcome is due, or NEVER. */
static int64_t after(int64_t at_ns, int64_t ns)
{
    return at_ns == NEVER ? NEVER : at_ns + ns;
}

bool helper_process_next(struct helper_process *process, struct helper_outcome *outcome)
{
    if (!process->is_summing)
        return false;
    if (take_message(process, outcome))
        return true;
    if (!helper_process_is_alive(process)) {
        if (!take_message(process, outcome)) /* sent between both checks */
            outcome_died(process, outcome);
        return true;
    }
    if (now_ns() >= after(process->cancelled_at_ns, CANCEL_NS))
        outcome_killed(process, outcome);
    else if (now_ns() >= after(process->closed_at_ns, CLOSED_NS))
        outcome_closed(process, outcome);
    else if (is_overdue(process))
        outcome_overdue(process, outcome);
    return !process->is_summing;
}

void helper_process_wait(struct helper_process *process, int64_t patience_ns)
{
    struct pollfd items[] = {
        {.fd = process->socket, .events = POLLIN},
        {.fd = process->pidfd, .events = POLLIN},
        {.fd = process->output, .events = POLLIN},
    };
    int64_t until_ns = earlier(after(process->cancelled_at_ns, CANCEL_NS),
                               after(process->closed_at_ns, CLOSED_NS));
    until_ns = earlier(until_ns, process->check_at_ns);
    read_output(process);
    patience_ns = later(0, earlier(patience_ns, until_ns - now_ns()));
    const struct timespec patience = {patience_ns / NS_PER_S, patience_ns % NS_PER_S};
    ppoll(items, 3, &patience, NULL);
}

/* ---- examination --------------------------------------------------------------------------- */

static void text_end(char *text, size_t bytes)
{
    text[bytes - 1] = '\0';
    make_printable(text);
}

static void take_examination(const struct helper_process *process,
                             struct helper_examination *examination)
{
    memcpy(examination, process->message + sizeof(struct helper_reply), sizeof *examination);
    text_end(examination->name, sizeof examination->name);
    text_end(examination->help, sizeof examination->help);
    text_end(examination->libm_calls, sizeof examination->libm_calls);
}

static int ending_signal(const struct helper_process *process)
{
    bool signalled = process->ended && process->end.si_code != CLD_EXITED;
    return signalled ? process->end.si_status : 0;
}

bool helper_process_examine(struct helper_process *process, const struct helper_question *question,
                            struct helper_examination *examination, char error[SENTENCE_BYTES])
{
    struct helper_request request = {.type = HELPER_REQUEST_EXAMINE, .question = *question};
    struct helper_outcome *outcome = malloc(sizeof *outcome);
    *examination = (struct helper_examination){0};
    memset(process->message, 0, sizeof process->message);
    if (!outcome) {
        sentence_write(error, "There is no memory for a helper process.");
        return false;
    }
    send_request(process, &request);
    while (!helper_process_next(process, outcome)) {
        if (process->settings.is_stopped && process->settings.is_stopped())
            helper_process_cancel(process);
        helper_process_wait(process, LOOK_NS);
    }
    if (outcome->end == HELPER_SUMMED || outcome->end == HELPER_FAILED)
        take_examination(process, examination);
    examination->signal = ending_signal(process);
    bool examined = outcome->end == HELPER_SUMMED;
    sentence_write(error, "%s",
                   outcome->end == HELPER_CANCELLED ? "The examination was stopped."
                                                    : outcome->text);
    free(outcome);
    return examined;
}
