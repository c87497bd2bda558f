/* Faults of a schedule: see faults.h. */
#include "tests/sim/pool/faults.h"

#include "tests/sim/pool/world.h"

#define FAULTS_OF_A_SCHEDULE 12

static void node_later(struct world *world, const struct node *node, enum occasion_type type,
                       int64_t delay_ns)
{
    world_later(world, delay_ns,
                (struct occasion){
                    .type = (uint8_t)type, .object = (uint16_t)node->number, .stamp = node->epoch});
}

void faults_restart(struct world *world, const struct node *node)
{
    node_later(world, node, OCCASION_START, chance_spread(&world->chance, MS, 4 * S));
}

/* ---- targets ---------------------------------------------------------------------------- */

static struct node *draw_node(struct world *world)
{
    return &world->pool.nodes[chance_below(&world->chance, world->pool.count)];
}

/* A random connection that is up, or NULL. */
static struct cable *draw_line(struct world *world)
{
    struct network *network = &world->network;

    if (network->cables_used == 0)
        return NULL;
    uint32_t first = (uint32_t)chance_below(&world->chance, network->cables_used);
    for (uint32_t i = 0; i < network->cables_used; i++) {
        struct cable *cable = &network->cables[(first + i) % network->cables_used];
        if (cable->state == CABLE_UP)
            return cable;
    }
    return NULL;
}

/* ---- faults ------------------------------------------------------------------------------ */

/* If the machine fails together with its server, the other ends notice late. */
static void fault_kill(struct world *world)
{
    struct node *node = draw_node(world);

    if (!node->alive)
        return;
    world_happened(world, HAPPENED_KILL);
    if (chance_one_in(&world->chance, 4))
        world->network.patience_ns = chance_spread(&world->chance, S, 20 * S);
    node_kill(world, node);
    world->network.patience_ns = 0;
    faults_restart(world, node);
}

static void fault_stop(struct world *world)
{
    struct node *node = draw_node(world);

    if (!node->alive || node->stopped)
        return;
    world_happened(world, HAPPENED_STOP);
    node_stop(world, node);
    node_later(world, node, OCCASION_CONTINUE, chance_spread(&world->chance, MS, 10 * S));
}

static void fault_drain(struct world *world)
{
    struct node *node = draw_node(world);
    uint32_t epoch = node->epoch;

    if (!node->alive || node->stopped)
        return;
    world_happened(world, node->draining ? HAPPENED_HALT : HAPPENED_DRAIN);
    node_signal(world, node);
    if (node->alive && node->epoch == epoch && chance_one_in(&world->chance, 3))
        node_later(world, node, OCCASION_SIGNAL, chance_spread(&world->chance, MS, S));
}

static void fault_reset(struct world *world)
{
    struct cable *cable = draw_line(world);

    if (!cable)
        return;
    world_happened(world, HAPPENED_RESET);
    trace_note(&world->trace, world->now_ns, "reset: cable, listener",
               (uint32_t)(cable - world->network.cables), cable->listener);
    cable_break(world, cable, chance_spread(&world->chance, MS, 4 * S));
}

/* The server sends heartbeats, but its compute threads neither compute nor end cancelled spans. */
static void fault_hang(struct world *world)
{
    struct node *node = draw_node(world);

    if (!node->alive)
        return;
    world_happened(world, HAPPENED_HANG);
    trace_note(&world->trace, world->now_ns, "threads hang: server", node->number, 0);
    node->hung_until_ns = world->now_ns + chance_spread(&world->chance, 100 * MS, 20 * S);
}

/* Messages wait until the cut ends, or the connection breaks. */
static void fault_cut(struct world *world)
{
    struct cable *cable = draw_line(world);
    int64_t ns = chance_spread(&world->chance, 10 * MS, 10 * S);

    if (!cable)
        return;
    world_happened(world, HAPPENED_CUT);
    trace_note(&world->trace, world->now_ns, "cut: cable, listener",
               (uint32_t)(cable - world->network.cables), cable->listener);
    cable->cut_until_ns = world->now_ns + ns;
    if (chance_one_in(&world->chance, 3))
        cable_break(world, cable, 2 * ns);
}

static void fault_isolate(struct world *world)
{
    struct node *node = draw_node(world);

    world_happened(world, HAPPENED_ISOLATED);
    trace_note(&world->trace, world->now_ns, "is isolated: server", node->number, 0);
    node->cut_until_ns = world->now_ns + chance_spread(&world->chance, 10 * MS, 10 * S);
}

static void fault_full(struct world *world)
{
    struct cable *cable = draw_line(world);

    if (!cable)
        return;
    world_happened(world, HAPPENED_FULL);
    cable->ends[chance_below(&world->chance, ENDS)].full_until_ns =
        world->now_ns + chance_spread(&world->chance, 10 * MS, 4 * S);
}

static void fault_burst(struct world *world)
{
    struct cable *cable = draw_line(world);

    if (!cable)
        return;
    world_happened(world, HAPPENED_BURST);
    for (int end = 0; end < ENDS; end++)
        if (cable->ends[end].clear_at_ns < world->now_ns)
            cable->ends[end].clear_at_ns =
                world->now_ns + chance_spread(&world->chance, 10 * MS, 3 * S);
}

/* The next connection uses a routing id that is in use. One connection breaks, so that a peer must
 * connect again. */
static void fault_ignore(struct world *world)
{
    struct cable *cable = draw_line(world);

    if (!cable)
        return;
    world_happened(world, HAPPENED_IGNORED);
    world->network.ignore_next = true;
    cable_break(world, cable, 10 * MS);
}

static void fault_break_off(struct world *world)
{
    const struct crowd *crowd = &world->crowd;
    uint64_t first = chance_below(&world->chance, crowd->count);
    bool left = false;

    for (uint32_t i = 0; i < crowd->count && !left; i++)
        left = client_break_off(world, &world->crowd.clients[(first + i) % crowd->count]);
}

static void (*const kinds[])(struct world *) = {
    fault_kill, fault_stop,  fault_drain,  fault_reset,     fault_cut,     fault_isolate,
    fault_full, fault_burst, fault_ignore, fault_break_off, hostiles_come, fault_hang,
};

#define KINDS_OF_FAULT (sizeof kinds / sizeof *kinds)

void faults_happen(struct world *world)
{
    uint64_t kind = chance_below(&world->chance, KINDS_OF_FAULT);

    while (!(world->faults.kinds >> kind & 1))
        kind = (kind + 1) % KINDS_OF_FAULT;
    kinds[kind](world);
}

void faults_init(struct world *world)
{
    struct chance *chance = &world->chance;
    uint64_t count = chance_one_in(chance, 12) ? 0 : 1 + chance_below(chance, FAULTS_OF_A_SCHEDULE);
    struct faults *faults = &world->faults;

    faults->heal_at_ns = chance_between(chance, 4 * S, 24 * S);
    faults->rush_ns = chance_spread(chance, 100 * MS, faults->heal_at_ns);
    faults->kinds = (uint32_t)(1 + chance_below(chance, (1 << KINDS_OF_FAULT) - 1));
    int64_t until_ns =
        2 * faults->rush_ns < faults->heal_at_ns ? 2 * faults->rush_ns : faults->heal_at_ns;
    while (count-- > 0)
        world_later(world, chance_between(chance, 0, until_ns),
                    (struct occasion){.type = OCCASION_FAULT});
    world_later(world, faults->heal_at_ns, (struct occasion){.type = OCCASION_HEAL});
}

void faults_heal(struct world *world)
{
    struct network *network = &world->network;

    trace_note(&world->trace, world->now_ns, "all faults heal", 0, 0);
    world->healed = true;
    network->ignore_next = false;
    for (uint32_t i = 0; i < network->cables_used; i++) {
        struct cable *cable = &network->cables[i];
        cable->cut_until_ns = 0;
        cable->ends[END_DIALLER].full_until_ns = cable->ends[END_LISTENER].full_until_ns = 0;
    }
    hostiles_leave(world);
    for (uint32_t i = 0; i < world->pool.count; i++) {
        struct node *node = &world->pool.nodes[i];
        node->cut_until_ns = 0;
        node->threads.period_ns = 0;
        node->threads.die_one_in = UINT32_MAX;
        if (node->hung_until_ns > world->now_ns)
            node->hung_until_ns = world->now_ns;
        if (node->alive && node->stopped)
            node_continue(world, node);
    }
    world_later(world, 0, (struct occasion){.type = OCCASION_CHECK});
}
