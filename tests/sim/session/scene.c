/* Runs one schedule of a session, from its seed to its end. */
#include "tests/sim/session/scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* After the faults have healed, a schedule may take this long: the longest patience, the longest
 * pause and the longest sum, each at most a minute, and as much again for a caller that looks late.
 */
#define HEALTH_NS (200 * S)

/* A schedule takes some hundreds of steps. */
#define STEPS_MAX 100000

/* One of this many sessions is closed before all requests have ended. */
#define CLOSED_EARLY 20

void scene_violation(struct session_scene *scene, const char *text, ...)
{
    va_list arguments;

    if (scene->ended && scene->violation[0])
        return;
    va_start(arguments, text);
    vsnprintf(scene->violation, sizeof scene->violation, text, arguments);
    va_end(arguments);
    scene->ended = true;
}

void scene_schedule(struct session_scene *scene, int64_t delay_ns, enum scene_event event,
                    size_t object, uint32_t stamp)
{
    struct occasion occasion = {
        .at_ns = scene->now_ns + delay_ns,
        .stamp = stamp,
        .object = (uint16_t)object,
        .type = (uint8_t)event,
    };

    if (!agenda_add(&scene->agenda, occasion))
        scene_violation(scene, "%d events are scheduled", AGENDA_MAX);
}

/* The caller does nothing while it is stalled. */
static void call_caller(struct session_scene *scene, const struct occasion *o)
{
    int64_t stalled_ns = scene->caller.stalled_until_at_ns - scene->now_ns;

    if (stalled_ns > 0)
        scene_schedule(scene, stalled_ns, (enum scene_event)o->type, o->object, 0);
    else if (o->type == SCENE_ASK)
        caller_ask(scene, o->object);
    else
        caller_cancel(scene, o->object);
}

static void handle(struct session_scene *scene, const struct occasion *o)
{
    switch ((enum scene_event)o->type) {
    case SCENE_ARRIVAL: wire_arrive(scene, o->object); break;
    case SCENE_CONNECT: wire_connect(scene, o->object, o->stamp); break;
    case SCENE_DISCONNECT: wire_disconnect(scene, o->object, o->stamp); break;
    case SCENE_UNACKNOWLEDGED: wire_unacknowledged(scene, o->object, o->stamp); break;
    case SCENE_TASK: model_task_due(scene, o->object, o->stamp); break;
    case SCENE_RESUME: model_server_resume(scene, o->object, o->stamp); break;
    case SCENE_START: model_server_start(scene, o->object, o->stamp); break;
    case SCENE_ASK:
    case SCENE_CANCEL: call_caller(scene, o); break;
    case SCENE_FAULT: fault_plan_strike(scene); break;
    case SCENE_HEAL: fault_plan_heal(scene); break;
    }
}

static void scene_init(struct session_scene *scene, uint64_t seed, bool print, struct tally *tally)
{
    scene->now_ns = 0;
    scene->chance = (struct chance){.state = chance_mix(seed)};
    scene->trace = (struct trace){.print = print};
    scene->tally = tally;
    scene->agenda.count = scene->agenda.order = 0;
    scene->connected = scene->ended = false;
    scene->violation[0] = '\0';
    memset(scene->observers, 0, sizeof scene->observers);
    model_servers_init(scene);
    wires_init(scene);
    fault_plan_init(scene);
    caller_init(scene);
}

/* Returns false if nothing will happen any more. */
static bool advance(struct session_scene *scene)
{
    const struct agenda *agenda = &scene->agenda;
    int64_t look_at_ns = caller_look_at(scene);
    int64_t next_at_ns = agenda->count ? agenda->heap[0].at_ns : NEVER;
    struct occasion occasion;

    if (look_at_ns == NEVER && next_at_ns == NEVER)
        return false;
    if (look_at_ns <= next_at_ns) {
        scene->now_ns = look_at_ns;
        caller_look(scene);
        return true;
    }
    scene->now_ns = next_at_ns;
    agenda_next(&scene->agenda, &occasion);
    handle(scene, &occasion);
    return true;
}

static void scene_run(struct session_scene *scene, uint64_t seed, bool print, struct tally *tally)
{
    uint64_t steps_max = tally->steps + STEPS_MAX;
    bool closes_early;

    scene_init(scene, seed, print, tally);
    closes_early = chance_one_in(&scene->chance, CLOSED_EARLY);
    while (!scene->ended && scene->caller.taken < scene->caller.count) {
        if (closes_early && scene->now_ns > scene->faults.heal_at_ns / 2)
            break;
        if (!advance(scene))
            scene_violation(scene, "never wakes again");
        if (scene->now_ns > scene->faults.heal_at_ns + HEALTH_NS)
            scene_violation(scene, "continues long after all faults have healed");
        if (tally->steps > steps_max)
            scene_violation(scene, "takes too many steps");
    }
    for (size_t i = 0; i < scene->caller.count; i++)
        scene->observers[i].cancelled = true; /* the close cancels them */
    caller_clear(scene);
    tally->schedules++;
    tally->violations += scene->violation[0] != '\0';
    tally->simulated_ms += (uint64_t)(scene->now_ns / MS);
}

static void run(void *storage, uint64_t seed, bool print, struct tally *tally,
                struct outcome *outcome)
{
    struct session_scene *scene = storage;

    scene_run(scene, seed, print, tally);
    memcpy(outcome->violation, scene->violation, sizeof outcome->violation);
    outcome->at_ns = scene->now_ns;
    outcome->hash = scene->trace.hash;
}

const struct simulation simulation = {
    .run = run,
    .world_bytes = sizeof(struct session_scene),
    .seeds = 1000000,
    .seeds_long = 50000000,
    .happening_count = SESSION_COUNTERS,
    .happenings = session_counter_names,
};
