#include "tests/sim/session/luck.h"

#include "tests/sim/session/scene.h"

void luck_init(struct scene *scene)
{
    struct luck *luck = &scene->luck;
    struct chance *chance = &scene->chance;

    luck->heal_at_ns = chance_spread(chance, 200 * MS, 25 * S);
    luck->pause_ns = chance_spread(chance, 20 * MS, 15 * S);
    luck->kinds = (uint32_t)chance_next(chance);
    luck->deafened = false;
    scene_later(scene, luck->heal_at_ns, SCENE_HEAL, 0, 0);
    if (!chance_one_in(chance, 6))
        scene_later(scene, chance_spread(chance, MS, 4 * S), SCENE_FAULT, 0, 0);
}

static int64_t pause_of(struct scene *scene)
{
    return chance_spread(&scene->chance, MS, scene->luck.pause_ns);
}

static void kill_one(struct scene *scene, size_t server)
{
    server_kill(scene, server, pause_of(scene));
}

static void freeze_one(struct scene *scene, size_t server)
{
    server_freeze(scene, server, pause_of(scene));
}

static void cut_one(struct scene *scene, size_t server)
{
    server_cut(scene, server, pause_of(scene));
}

static void reset_one(struct scene *scene, size_t server)
{
    struct connection *connection = cables_some(scene);

    (void)server;
    if (!connection)
        return;
    scene_happened(scene, EVENT_RESET);
    server_trouble(scene, connection->server, 0);
    cable_break(scene, connection);
}

static void deafen_one(struct scene *scene, size_t server)
{
    struct connection *connection = cables_some(scene);

    (void)server;
    if (!connection)
        return;
    scene_happened(scene, EVENT_DEAF);
    trace_note(&scene->trace, scene->now_ns, "deafened", (uint32_t)connection->server, 0);
    cable_deafen(scene, connection);
}

static void starve(struct scene *scene, size_t server)
{
    (void)server;
    scene_happened(scene, EVENT_STARVE);
    trace_note(&scene->trace, scene->now_ns, "starved", 0, 0);
    scene->cables.starved_until_ns = scene->now_ns + chance_spread(&scene->chance, MS, 2 * S);
}

static void stall(struct scene *scene, size_t server)
{
    (void)server;
    scene_happened(scene, EVENT_STALL);
    trace_note(&scene->trace, scene->now_ns, "stalled", 0, 0);
    caller_stall(scene, chance_spread(&scene->chance, 10 * MS, 9 * S));
}

/* Some kinds are twice as likely as others; to be starved ends requests, and is rare. */
void luck_strike(struct scene *scene)
{
    static void (*const kinds[])(struct scene *, size_t) = {
        kill_one,  kill_one,  freeze_one, freeze_one, cut_one,
        reset_one, reset_one, deafen_one, stall,      starve,
    };
    struct chance *chance = &scene->chance;
    uint64_t kind = chance_below(chance, sizeof kinds / sizeof *kinds);
    size_t server = chance_below(chance, scene->servers.count);

    if (scene->now_ns >= scene->luck.heal_at_ns)
        return;
    if (scene->luck.kinds >> kind & 1 && (kinds[kind] != starve || chance_one_in(chance, 8)))
        kinds[kind](scene, server);
    scene_later(scene, chance_spread(chance, 10 * MS, 3 * S), SCENE_FAULT, 0, 0);
}

void luck_heal(struct scene *scene)
{
    trace_note(&scene->trace, scene->now_ns, "all heals", 0, 0);
    scene->cables.starved_until_ns = 0;
    servers_heal(scene);
}
