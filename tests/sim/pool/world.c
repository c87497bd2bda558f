/* A pool in virtual time, with everything around it: see world.h. */
#include "tests/sim/pool/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* After all faults have healed: the longest time between two answers. It is longer than any
 * patience, rest or silence, and than some terms of half a minute, one after the other. A slow pool
 * with many requests needs more time for all of them together. */
#define HEALTH_NS (900 * S)

/* A schedule takes some thousand steps; the slowest pools take some hundred thousand. */
#define STEPS_MAX 4000000

#define CHECK_NS (100 * MS)

void world_violation(struct world *world, const char *text, ...)
{
    va_list arguments;

    if (world->ended)
        return;
    va_start(arguments, text);
    vsnprintf(world->violation, sizeof world->violation, text, arguments);
    va_end(arguments);
    world->ended = true;
}

void world_later(struct world *world, int64_t delay_ns, struct occasion occasion)
{
    occasion.at_ns = world->now_ns + delay_ns;
    if (!agenda_add(&world->agenda, occasion))
        world_violation(world, "the agenda is full: %d occasions", AGENDA_MAX);
}

/* ---- occasions --------------------------------------------------------------------------- */

static struct node *node_of(struct world *world, const struct occasion *occasion)
{
    return &world->pool.nodes[occasion->object];
}

static int64_t healthy_since_ns(const struct world *world)
{
    int64_t heal_at_ns = world->faults.heal_at_ns;

    return world->answered_at_ns > heal_at_ns ? world->answered_at_ns : heal_at_ns;
}

/* Ends the schedule if all requests are answered and the pool is whole. */
static void check_health(struct world *world)
{
    if (crowd_done(world) && pool_whole(world))
        world->ended = true;
    else if (world->now_ns > healthy_since_ns(world) + HEALTH_NS)
        world_violation(world, "%s, long after all faults have healed",
                        crowd_done(world) ? "the pool is not whole" : "no request is answered");
    else
        world_later(world, CHECK_NS, (struct occasion){.type = OCCASION_CHECK});
}

/* The server at this end of a connection, or NULL. */
static struct node *node_at(struct world *world, const struct cable *cable, enum cable_end end)
{
    if (end == END_LISTENER)
        return &world->pool.nodes[cable->listener];
    return cable->type == DIALLER_PARENT ? &world->pool.nodes[cable->dialler] : NULL;
}

/* The server that the occasion happens to, or NULL. */
static struct node *node_affected(struct world *world, const struct occasion *occasion)
{
    const struct network *network = &world->network;
    const struct letter *letter;

    switch (occasion->type) {
    case OCCASION_LETTER:
        letter = &network->letters[occasion->object];
        return node_at(world, &network->cables[letter->cable], letter->to);
    case OCCASION_DIAL: return node_at(world, &network->cables[occasion->object], END_DIALLER);
    case OCCASION_DISCONNECTED:
        return node_at(world, &network->cables[occasion->object], occasion->end);
    case OCCASION_NODE_DUE:
    case OCCASION_THREAD: return node_of(world, occasion);
    default: return NULL;
    }
}

static void handle_node(struct world *world, const struct occasion *occasion)
{
    struct node *node = node_of(world, occasion);

    if (node->epoch != occasion->stamp)
        return;
    if (occasion->type == OCCASION_START && !node->alive) {
        node_start(world, node);
    } else if (occasion->type == OCCASION_CONTINUE && node->alive && node->stopped) {
        node_continue(world, node);
    } else if (occasion->type == OCCASION_SIGNAL && node->alive && !node->stopped) {
        world_happened(world, HAPPENED_HALT);
        node_signal(world, node);
    }
}

void world_handle(struct world *world, const struct occasion *o)
{
    struct node *node = node_affected(world, o);

    if (node && node_parks(world, node, o))
        return;
    switch (o->type) {
    case OCCASION_LETTER: network_letter(world, o->object); break;
    case OCCASION_DIAL: network_dial(world, o->object, o->stamp); break;
    case OCCASION_DISCONNECTED: network_disconnected(world, o->object, o->stamp, o->end); break;
    case OCCASION_NODE_DUE: node_due(world, node); break;
    case OCCASION_THREAD: node_thread_due(world, node, o->end, o->stamp); break;
    case OCCASION_CLIENT: client_due(world, &world->crowd.clients[o->object]); break;
    case OCCASION_HOSTILE: hostile_due(world, &world->hostiles.all[o->object]); break;
    case OCCASION_START:
    case OCCASION_CONTINUE:
    case OCCASION_SIGNAL: handle_node(world, o); break;
    case OCCASION_FAULT: faults_happen(world); break;
    case OCCASION_HEAL: faults_heal(world); break;
    case OCCASION_CHECK: check_health(world); break;
    }
}

/* ---- schedule ---------------------------------------------------------------------------- */

static void world_init(struct world *world, uint64_t seed, bool print, struct tally *tally)
{
    world->seed = seed;
    world->now_ns = 0;
    world->chance = (struct chance){.state = chance_mix(seed)};
    world->trace = (struct trace){.print = print};
    world->tally = tally;
    world->agenda.count = world->agenda.order = 0;
    world->healed = world->ended = false;
    world->answered_at_ns = 0;
    world->violation[0] = '\0';
    network_init(world);
    faults_init(world);
    pool_init(world);
    crowd_init(world);
    hostiles_init(world);
}

void world_run(struct world *world, uint64_t seed, bool print, struct tally *tally)
{
    uint64_t steps_max = tally->steps + STEPS_MAX;
    struct occasion occasion;

    world_init(world, seed, print, tally);
    while (!world->ended && agenda_next(&world->agenda, &occasion)) {
        world->now_ns = occasion.at_ns;
        world_handle(world, &occasion);
        if (tally->steps > steps_max)
            world_violation(world, "it takes too many steps");
    }
    pool_clear(world);
    tally->schedules++;
    tally->violations += world->violation[0] != '\0';
    tally->simulated_ms += (uint64_t)(world->now_ns / MS);
}

static void run(void *storage, uint64_t seed, bool print, struct tally *tally,
                struct outcome *outcome)
{
    struct world *world = storage;

    world_run(world, seed, print, tally);
    memcpy(outcome->violation, world->violation, sizeof outcome->violation);
    outcome->at_ns = world->now_ns;
    outcome->hash = world->trace.hash;
}

const struct simulation simulation = {
    .run = run,
    .world_bytes = sizeof(struct world),
    .seeds = 100000,
    .seeds_long = 3000000,
    .happening_count = HAPPENINGS,
    .happenings = happening_names,
};
