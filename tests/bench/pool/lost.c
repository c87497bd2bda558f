/* Measures how soon another worker gets the spans of a killed or stopped worker. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "proto/instant.h"
#include "sums/stream.h"
#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/peer.h"

#define KILLS 250

/* The victim gets these spans before the heir joins: 50 ms and 25 ms of work at the rate that the
 * front assumes before its first measurement. */
#define REQUEST_COUNT (1000 * (uint64_t)BLOCK_SAMPLES)
#define VICTIM_SPANS  2

/* The interval of the heir's heartbeats: at most a third of the interval that the front expects. */
#define BEAT_MS 20

/* The interval between two checks whether the front has lost the victim. */
#define LOOK_NS NS_PER_MS

/* The victim is a process. The heir is a socket of this process. It offers a core only when it must
 * get the victim's spans. */
struct scene {
    struct bench_server server;
    void *client;
    void *heir;
    uint32_t heir_capacity;
    uint64_t id; /* of the request */
    struct child victim;
    uint64_t firsts[VICTIM_SPANS]; /* of the victim's spans */
    uint64_t left;                 /* samples that no worker has summed */
};

static void scene_open(struct scene *scene, const struct bench *bench, const char *heartbeat_ms)
{
    const char *options[] = {"--threads",      "0",          "--bind",
                             ENDPOINT_ANY,     "--workers",  ENDPOINT_ANY,
                             "--heartbeat-ms", heartbeat_ms, NULL};

    *scene = (struct scene){.id = 0};
    bench_server_start(&scene->server, bench->server, options);
    scene->client = bench_peer_new(bench->context, scene->server.clients);
    scene->heir = bench_peer_new(bench->context, scene->server.workers);
    bench_peer_join(scene->heir, 0);
}

static void scene_close(struct scene *scene)
{
    zmq_close(scene->heir);
    zmq_close(scene->client);
    child_end(&scene->server.child);
}

static void heir_beat(struct scene *scene)
{
    bench_peer_heartbeat(scene->heir, scene->heir_capacity);
}

static void look(struct scene *scene, struct status_reply *status)
{
    static const struct timespec pause = {.tv_nsec = LOOK_NS};

    nanosleep(&pause, NULL);
    heir_beat(scene);
    bench_peer_status(scene->client, status);
    if (status->worker_count == 0 || status->workers[0].number != 0)
        bench_fail("the front lost our own worker: the machine is too busy");
}

static bool is_victims(const struct scene *scene, uint64_t first)
{
    return first == scene->firsts[0] || first == scene->firsts[1];
}

/* Returns the heir's next span and ignores heartbeats and cancels. */
static void heir_take(struct scene *scene, struct sum_request *span)
{
    struct message message;

    do {
        while (!bench_peer_recv(scene->heir, &message, BEAT_MS))
            heir_beat(scene);
        if (message.type == MESSAGE_REFUSAL)
            bench_fail(message.refusal.text);
    } while (message.type != MESSAGE_SUM_REQUEST);
    *span = message.sum_request;
}

static void heir_answer(struct scene *scene, const struct sum_request *span)
{
    bench_peer_answer(scene->heir, span);
    scene->left -= span->count;
}

/* The heir sums everything but the victim's spans. Returns false if the heir gets one of the
 * victim's spans: this happens if the machine pauses, so that the victim is late. */
static bool heir_sums_the_rest(struct scene *scene, uint64_t victims)
{
    struct sum_request span;

    scene->heir_capacity = 1;
    heir_beat(scene);
    while (scene->left > victims) {
        heir_take(scene, &span);
        heir_answer(scene, &span);
        if (is_victims(scene, span.first))
            return false;
    }
    return true;
}

/* Waits until the front has that many workers and knows that the heir has no core. */
static void scene_await(struct scene *scene, uint32_t workers)
{
    static struct status_reply status;

    do
        look(scene, &status);
    while (status.worker_count != workers || status.workers[0].capacity > 0);
}

/* Starts a new victim, which gets spans `aged_ns` after it joins. When this returns true, the
 * victim has its two spans and no other worker has one. */
static bool victim_prepare(struct scene *scene, int64_t aged_ns)
{
    struct timespec aged = {.tv_nsec = aged_ns};
    uint64_t count, victims = 0;

    scene->heir_capacity = 0;
    scene_await(scene, 1);
    child_start_role(&scene->victim, "hold", scene->server.workers, "1");
    scene_await(scene, 2);
    nanosleep(&aged, NULL);
    bench_peer_ask(scene->client, ++scene->id, REQUEST_COUNT);
    scene->left = REQUEST_COUNT;
    for (int i = 0; i < VICTIM_SPANS; i++) {
        child_scan(&scene->victim, 2, "%" SCNu64 " %" SCNu64, &scene->firsts[i], &count);
        victims += count;
    }
    return heir_sums_the_rest(scene, victims);
}

/* Returns the time at which the heir gets the first of the victim's spans. */
static int64_t heir_inherits(struct scene *scene)
{
    struct sum_request span;

    heir_take(scene, &span);
    int64_t at_ns = bench_now_ns();
    heir_answer(scene, &span);
    if (!is_victims(scene, span.first))
        bench_fail("a span came twice");
    return at_ns;
}

/* Ends the victim. The heir sums the rest, and the client gets its answer. */
static void scene_clear(struct scene *scene)
{
    struct sum_request span;
    struct message answer;

    child_end(&scene->victim);
    while (scene->left > 0) {
        heir_take(scene, &span);
        heir_answer(scene, &span);
    }
    bench_peer_recv(scene->client, &answer, PEER_FOR_EVER);
    if (answer.type != MESSAGE_SUM_REPLY)
        bench_fail("no sum");
}

/* ---- killed ------------------------------------------------------------------------------ */

void part_kill(const struct bench *bench)
{
    static const struct wanted wanted = {WANTED_AT_MOST, 0.95, 5};
    struct figures elsewhere = {.count = 0};
    struct scene scene;

    scene_open(&scene, bench, "500");
    while (elsewhere.count < KILLS) {
        if (victim_prepare(&scene, 0)) {
            int64_t began_at_ns = bench_now_ns();
            kill(scene.victim.pid, SIGKILL);
            figures_add(&elsewhere, ns_to_ms(heir_inherits(&scene) - began_at_ns));
        }
        scene_clear(&scene);
    }
    scene_close(&scene);
    figures_print("kill -9 of a worker to its spans at another worker", "ms", &elsewhere, &wanted);
}

/* ---- stopped ----------------------------------------------------------------------------- */

static uint64_t workers_lost(void *client)
{
    static struct status_reply status;

    bench_peer_status(client, &status);
    return status.counters.workers_lost;
}

/* Returns the time at which the front loses the victim. */
static int64_t given_up_at_ns(struct scene *scene, uint64_t lost_before)
{
    static struct status_reply status;

    do
        look(scene, &status);
    while (status.counters.workers_lost == lost_before);
    return bench_now_ns();
}

static void victim_freeze(struct scene *scene, struct figures *elsewhere, struct figures *given_up)
{
    uint64_t lost = workers_lost(scene->client);
    int64_t began_at_ns = bench_now_ns();

    kill(scene->victim.pid, SIGSTOP);
    figures_add(elsewhere, ns_to_ms(heir_inherits(scene) - began_at_ns));
    figures_add(given_up, ns_to_ms(given_up_at_ns(scene, lost) - began_at_ns));
}

static void freeze(const struct bench *bench, const char *heartbeat_ms, int times, double most_ms)
{
    const struct wanted wanted = {WANTED_AT_MOST, 1, most_ms};
    struct figures elsewhere = {.count = 0}, given_up = {.count = 0};
    struct scene scene;
    char what[80];

    scene_open(&scene, bench, heartbeat_ms);
    while (elsewhere.count < times) {
        int64_t aged_ns = atoi(heartbeat_ms) * NS_PER_MS * elsewhere.count / times;
        if (victim_prepare(&scene, aged_ns))
            victim_freeze(&scene, &elsewhere, &given_up);
        scene_clear(&scene);
    }
    scene_close(&scene);
    snprintf(what, sizeof what, "SIGSTOP to its spans at another, heartbeat %s ms", heartbeat_ms);
    figures_print(what, "ms", &elsewhere, &wanted);
    figures_print("  to the front losing the worker", "ms", &given_up, &wanted);
}

/* The signals come at all phases of the heartbeat. */
void part_freeze(const struct bench *bench)
{
    freeze(bench, "500", 20, 3000);
    freeze(bench, "100", 40, 400);
}
