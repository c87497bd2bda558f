/* Injects faults into a schedule: servers, connections, sockets and the caller fail for a while. */
#include "tests/sim/session/fault_plan.h"

#include "tests/sim/session/scene.h"

void fault_plan_init(struct session_scene *scene)
{
    struct fault_plan *faults = &scene->faults;
    struct chance *chance = &scene->chance;

    faults->heal_at_ns = chance_spread(chance, 200 * MS, 25 * S);
    faults->pause_ns = chance_spread(chance, 20 * MS, 15 * S);
    faults->kinds = (uint32_t)chance_next(chance);
    faults->lost_all = false;
    scene_schedule(scene, faults->heal_at_ns, SCENE_HEAL, 0, 0);
    if (!chance_one_in(chance, 6))
        scene_schedule(scene, chance_spread(chance, MS, 4 * S), SCENE_FAULT, 0, 0);
}

static int64_t pause_of(struct session_scene *scene)
{
    return chance_spread(&scene->chance, MS, scene->faults.pause_ns);
}

static void kill_one(struct session_scene *scene, size_t server)
{
    model_server_kill(scene, server, pause_of(scene));
}

static void freeze_one(struct session_scene *scene, size_t server)
{
    model_server_freeze(scene, server, pause_of(scene));
}

static void isolate_one(struct session_scene *scene, size_t server)
{
    model_server_isolate(scene, server, pause_of(scene));
}

static void reset_one(struct session_scene *scene, size_t server)
{
    struct wire *wire = wires_random(scene);

    (void)server;
    if (!wire)
        return;
    scene_count(scene, COUNTER_RESET);
    model_server_disturb(scene, wire->server, 0);
    wire_break(scene, wire);
}

static void lose_all_one(struct session_scene *scene, size_t server)
{
    struct wire *wire = wires_random(scene);

    (void)server;
    if (!wire)
        return;
    scene_count(scene, COUNTER_LOSE_ALL);
    trace_note(&scene->trace, scene->now_ns, "deafened", (uint32_t)wire->server, 0);
    wire_lose_all(scene, wire);
}

static void take_sockets(struct session_scene *scene, size_t server)
{
    (void)server;
    scene_count(scene, COUNTER_NO_SOCKETS);
    trace_note(&scene->trace, scene->now_ns, "starved", 0, 0);
    scene->wires.no_sockets_until_at_ns = scene->now_ns + chance_spread(&scene->chance, MS, 2 * S);
}

static void stall(struct session_scene *scene, size_t server)
{
    (void)server;
    scene_count(scene, COUNTER_STALL);
    trace_note(&scene->trace, scene->now_ns, "stalled", 0, 0);
    caller_stall(scene, chance_spread(&scene->chance, 10 * MS, 9 * S));
}

/* Some faults are listed twice, so they are twice as likely. A lack of sockets ends requests, so it
 * is rare. */
void fault_plan_strike(struct session_scene *scene)
{
    static void (*const kinds[])(struct session_scene *, size_t) = {
        kill_one,  kill_one,  freeze_one,   freeze_one, isolate_one,
        reset_one, reset_one, lose_all_one, stall,      take_sockets,
    };
    struct chance *chance = &scene->chance;
    uint64_t kind = chance_below(chance, sizeof kinds / sizeof *kinds);
    size_t server = chance_below(chance, scene->servers.count);

    if (scene->now_ns >= scene->faults.heal_at_ns)
        return;
    if (scene->faults.kinds >> kind & 1 &&
        (kinds[kind] != take_sockets || chance_one_in(chance, 8)))
        kinds[kind](scene, server);
    scene_schedule(scene, chance_spread(chance, 10 * MS, 3 * S), SCENE_FAULT, 0, 0);
}

void fault_plan_heal(struct session_scene *scene)
{
    trace_note(&scene->trace, scene->now_ns, "all heals", 0, 0);
    scene->wires.no_sockets_until_at_ns = 0;
    model_servers_heal(scene);
}
