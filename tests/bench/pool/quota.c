/* Measures how much a weak worker slows a pool. The weak worker says that it has 64 threads, but
 * may use half a CPU: by the quota of a control group, or because it is stopped half of the time.
 */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "sums/stream.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"
#include "tests/bench/pool/roles.h"

#define ROUNDS       9
#define ROUND_MS     3000 /* at most, on an idle machine; at least half */
#define TRIAL_BLOCKS 4000
#define PAUSE_US     50000 /* time until the next SIGSTOP or SIGCONT */
#define PATH_BYTES   256

/* The good worker has the first CPU. The weak worker has the second one, so that neither takes
 * computing time from the other. On a machine with one CPU they share it. */
enum cpu { CPU_GOOD, CPU_WEAK };

struct bench_pool {
    struct bench_server front;
    struct bench_server good;
    void *client;
    char program[PATH_BYTES]; /* path of meantime */
    uint64_t count;           /* samples of a round */
};

/* Children that start from now on use this CPU only; NULL: all. */
static void use_cpu(const enum cpu *cpu)
{
    static cpu_set_t all;
    cpu_set_t one;
    int left = cpu ? (int)*cpu : 0;

    if (CPU_COUNT(&all) == 0)
        sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all) && (left-- == 0 || CPU_COUNT(&all) == 1))
            CPU_SET(i, &one);
    sched_setaffinity(0, sizeof all, cpu ? &one : &all);
}

static void server_start_on(struct bench_server *server, const struct bench *bench, enum cpu cpu,
                            const char *const *options)
{
    use_cpu(&cpu);
    bench_server_start(server, bench->server, options);
    use_cpu(NULL);
}

/* ---- rounds ------------------------------------------------------------------------------ */

/* Runs `meantime sum`. Returns the time. */
static double round_ms(struct bench_pool *pool)
{
    char count[24];
    const char *arguments[] = {pool->program, "--connect", pool->front.clients, "sum", count, NULL};
    struct child client;
    int64_t began_at_ns = bench_now_ns();

    snprintf(count, sizeof count, "%" PRIu64, pool->count);
    child_start(&client, arguments);
    while (getc(client.from) != EOF)
        ;
    int64_t ns = bench_now_ns() - began_at_ns;
    child_end(&client);
    return ns_to_ms(ns);
}

static void pool_start(struct bench_pool *pool, const struct bench *bench)
{
    const char *front[] = {"--threads", "0",          "--bind", ENDPOINT_ANY,
                           "--workers", ENDPOINT_ANY, NULL};

    bench_server_start(&pool->front, bench->server, front);
    const char *worker[] = {"--threads", "1", "--join", pool->front.workers, NULL};
    server_start_on(&pool->good, bench, CPU_GOOD, worker);
    pool->client = bench_peer_new(bench->context, pool->front.clients);
    bench_peer_await(pool->client, status_workers, 1);
    snprintf(pool->program, sizeof pool->program, "%.*s", (int)strlen(bench->server) - 7,
             bench->server); /* without "-server" */
    pool->count = TRIAL_BLOCKS * (uint64_t)BLOCK_SAMPLES;
    while (round_ms(pool) < ROUND_MS / 2)
        pool->count *= 2;
}

static void pool_end(struct bench_pool *pool)
{
    zmq_close(pool->client);
    child_end(&pool->good.child);
    child_end(&pool->front.child);
}

/* ---- weak workers ------------------------------------------------------------------------ */

/* Half a CPU for a process. Returns false if this machine does not allow it. */
struct weakness {
    bool (*begin)(const struct child *weak);
    void (*end)(void);
};

static char group[PATH_BYTES];

static bool group_write(const char *name, const char *text)
{
    char path[PATH_BYTES + 32];

    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "r+");
    if (!file)
        return false;
    fputs(text, file);
    return fclose(file) == 0;
}

static bool group_make(const char *hierarchy)
{
    snprintf(group, sizeof group, "%s/meantime-bench-%d", hierarchy, (int)getpid());
    if (mkdir(group, 0700) == -1)
        return false;
    if (group_write("cpu.cfs_quota_us", "50000") || group_write("cpu.max", "50000 100000"))
        return true;
    rmdir(group);
    return false;
}

static bool quota_begin(const struct child *weak)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)weak->pid);
    return (group_make("/sys/fs/cgroup/cpu") || group_make("/sys/fs/cgroup")) &&
           group_write("cgroup.procs", pid);
}

/* The kernel removes an ended process from its group a moment later. */
static void quota_end(void)
{
    for (int left = 1000; rmdir(group) == -1 && left > 0; left--)
        usleep(1000);
}

static struct child pauser;

static bool pauses_begin(const struct child *weak)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)weak->pid);
    child_start_role(&pauser, "pause", pid, NULL);
    return true;
}

static void pauses_end(void)
{
    child_end(&pauser);
}

/* The role pause. */
int quota_pause(char **arguments)
{
    pid_t pid = (pid_t)atoi(arguments[1]);

    for (bool stops = true;; stops = !stops) {
        usleep(PAUSE_US);
        if (kill(pid, stops ? SIGSTOP : SIGCONT) == -1)
            return EXIT_SUCCESS;
    }
}

/* ------------------------------------------------------------------------------------------ */

/* A round with a weak worker that has just joined. 0: this machine allows no such worker. */
static double weak_round_ms(struct bench_pool *pool, const struct bench *bench,
                            const struct weakness *weakness)
{
    const char *options[] = {"--threads", "64", "--join", pool->front.workers, NULL};
    struct bench_server weak;
    double ms = 0;

    server_start_on(&weak, bench, CPU_WEAK, options);
    bench_peer_await(pool->client, status_workers, 2);
    if (weakness->begin(&weak.child))
        ms = round_ms(pool);
    child_end(&weak.child);
    weakness->end();
    bench_peer_await(pool->client, status_workers, 1);
    return ms;
}

static void measure(const struct bench *bench, const struct weakness *weakness, const char *what)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.5, 1.05};
    struct figures alone = {.count = 0}, both = {.count = 0}, ratio = {.count = 0};
    struct bench_pool pool;

    pool_start(&pool, bench);
    for (int round = 0; round < ROUNDS; round++) {
        figures_add(&alone, round_ms(&pool));
        figures_add(&both, weak_round_ms(&pool, bench, weakness));
        figures_add(&ratio, both.values[round] / alone.values[round]);
    }
    pool_end(&pool);
    figures_print("time of a sum with one good worker", "ms", &alone, NULL);
    figures_print(what, "ms", &both, NULL);
    figures_print("  with / without it", "", &ratio, &wanted);
}

static bool may_make_groups(void)
{
    bool made = group_make("/sys/fs/cgroup/cpu") || group_make("/sys/fs/cgroup");

    if (made)
        rmdir(group);
    return made;
}

void part_quota(const struct bench *bench)
{
    static const struct weakness quota = {quota_begin, quota_end};

    if (may_make_groups())
        measure(bench, &quota, "  with one of 64 threads and a quota of half a CPU");
    else
        printf("quota: no control group can be made here\n");
}

void part_pauses(const struct bench *bench)
{
    static const struct weakness pauses = {pauses_begin, pauses_end};

    measure(bench, &pauses, "  with one of 64 threads, stopped half of the time");
}
