/* Runs many schedules in several processes: see batch.h. */
#include "tests/sim/batch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/simulation.h"

#define PROCESSES_MAX 64

/* Failures that one process reports. Later failures mostly have the same cause. */
#define FAILURES_MAX 5

/* A schedule takes some milliseconds. A sanitizer or a busy machine takes longer. */
#define HANG_S 120

/* Shared memory of all processes. */
struct batch {
    bool until_failure;
    volatile bool over; /* begin no further schedule */
};

struct failure {
    uint64_t seed;
    struct outcome outcome;
};

/* What a process has done so far. Shared memory: the parent process reads it. */
struct report {
    volatile uint64_t seed;
    unsigned failure_count;
    struct failure failures[FAILURES_MAX];
    struct tally tally;
};

struct batch_process {
    pid_t pid; /* 0: the process has ended */
    struct report *report;
    uint64_t seed;  /* the seed that the process was running at the last check */
    time_t since_s; /* when a check first found that seed */
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *memory_shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        fail("sim: shared memory");
    return memory;
}

static void process_main(struct batch *batch, struct report *report, uint64_t first, uint64_t end,
                         uint64_t stride)
{
    void *world = calloc(1, simulation.world_bytes);
    struct outcome outcome;

    if (!world)
        fail("sim: memory for a schedule");
    for (uint64_t seed = first; seed < end && report->failure_count < FAILURES_MAX && !batch->over;
         seed += stride) {
        report->seed = seed;
        simulation.run(world, seed, false, &report->tally, &outcome);
        if (!outcome.violation[0])
            continue;
        report->failures[report->failure_count++] = (struct failure){seed, outcome};
        batch->over = batch->until_failure;
    }
    free(world);
}

static struct batch_process process_start(struct batch *batch, uint64_t first, uint64_t end,
                                          uint64_t stride)
{
    struct report *report = memory_shared(sizeof *report);
    struct batch_process process = {.report = report, .since_s = time(NULL)};

    process.pid = fork();
    if (process.pid < 0)
        fail("sim: another process");
    if (process.pid == 0) {
        process_main(batch, report, first, end, stride);
        exit(0);
    }
    return process;
}

static void print_failure(const char *program, uint64_t seed, int64_t at_ns, const char *text)
{
    printf("seed %" PRIu64 ": after %" PRId64 ".%09" PRId64 " s: %s\n  %s --seeds %" PRIu64
           ":1 --trace\n",
           seed, at_ns / S, at_ns % S, text, program, seed);
}

/* 1 if the process was killed or failed, else 0. */
static unsigned process_end(const struct batch_process *process, int status, const char *program)
{
    char text[64];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "signal %d (%s)", WTERMSIG(status),
                 WTERMSIG(status) == SIGKILL ? "it hung" : "see above");
    else
        snprintf(text, sizeof text, "exit code %d", WEXITSTATUS(status));
    print_failure(program, process->report->seed, 0, text);
    return 1;
}

/* True while the process runs. Kills a process that hangs. */
static bool process_check(struct batch_process *process, const char *program, unsigned *failures)
{
    int status;

    if (process->pid == 0)
        return false;
    if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
        *failures += process_end(process, status, program);
        process->pid = 0;
        return false;
    }
    if (process->seed != process->report->seed) {
        process->seed = process->report->seed;
        process->since_s = time(NULL);
    } else if (time(NULL) - process->since_s > HANG_S) {
        kill(process->pid, SIGKILL);
    }
    return true;
}

static void wait_all(struct batch *batch, struct batch_process *processes, unsigned count,
                     const char *program, unsigned *failures)
{
    const struct timespec pause = {.tv_nsec = 20 * MS};
    bool running = true;

    while (running) {
        running = false;
        for (unsigned i = 0; i < count; i++)
            running |= process_check(&processes[i], program, failures);
        batch->over |= batch->until_failure && *failures > 0;
        if (running)
            nanosleep(&pause, NULL);
    }
}

static unsigned report_end(struct report *report, const char *program, struct tally *tally)
{
    unsigned failures = report->failure_count;

    for (unsigned i = 0; i < failures; i++) {
        const struct failure *failure = &report->failures[i];
        print_failure(program, failure->seed, failure->outcome.at_ns, failure->outcome.violation);
    }
    tally_add(tally, &report->tally);
    munmap(report, sizeof *report);
    return failures;
}

unsigned batch_run(uint64_t first, uint64_t count, bool until_failure, const char *program,
                   struct tally *tally)
{
    struct batch *batch = memory_shared(sizeof *batch);
    struct batch_process processes[PROCESSES_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned started = cores < 1 ? 1 : cores > PROCESSES_MAX ? PROCESSES_MAX : (unsigned)cores;
    unsigned failures = 0;

    batch->until_failure = until_failure;
    if (started > count)
        started = (unsigned)count;
    for (unsigned i = 0; i < started; i++)
        processes[i] = process_start(batch, first + i, first + count, started);
    wait_all(batch, processes, started, program, &failures);
    for (unsigned i = 0; i < started; i++)
        failures += report_end(processes[i].report, program, tally);
    munmap(batch, sizeof *batch);
    return failures;
}
