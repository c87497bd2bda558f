/* The servers of a pool, and which servers join which. */
#include <string.h>

#include "tests/sim/pool/world.h"

#include "server/core/dispatcher_state.h"

/* Spans that a server can have at a time: more than the credit of all workers that outlast the
 * faults, but less than the credit of some hostile workers. */
#define RUNS_LEAST 128

#define OUR_DIGEST UINT64_C(0x6d65616e74696d65)

/* Most servers offer most summands, with the first build of each name. */
static void draw_summands(struct world *world, struct sim_threads *threads)
{
    struct chance *chance = &world->chance;

    threads->offer_count = 0;
    for (uint32_t name = 0; name < 2; name++)
        if (!chance_one_in(chance, 4))
            threads->offers[threads->offer_count++] =
                summand_offer(2 * name + chance_one_in(chance, 6),
                              chance_one_in(chance, 2) ? 0 : (double)chance_spread(chance, 1, S));
    threads->odd = chance_one_in(chance, 30);
    world->pool.odd = world->pool.odd || threads->odd;
    threads->relative = (double)chance_spread(chance, 300, 3000) / 1000;
    threads->die_one_in = chance_one_in(chance, 10) ? (uint32_t)chance_between(chance, 2, 8)
                                                    : (uint32_t)chance_spread(chance, 20, 100000);
}

static void draw_threads(struct world *world, struct node *node, uint32_t least)
{
    struct chance *chance = &world->chance;
    int64_t block_ns = chance_spread(chance, 16 * US, MS);

    node->settings.threads = (uint32_t)chance_between(chance, least, NODE_THREADS_MAX);
    node->threads.block_ns[MESSAGE_KIND_GAUSSIAN] = block_ns;
    node->threads.block_ns[MESSAGE_KIND_UNIFORM] = block_ns / 2;
    node->threads.period_ns = chance_one_in(chance, 4) ? 100 * MS : 0;
    node->threads.burst_ns = chance_spread(chance, 2 * MS, 80 * MS);
    node->threads.other_sums = false;
    draw_summands(world, &node->threads);
}

/* front: true if clients send requests to this server; then its queue may be short. The queue of a
 * joined worker is mostly as long as its credit. If the queue is shorter, the worker refuses spans,
 * and gets none until its next heartbeat. */
static void draw_settings(struct world *world, struct node *node, bool front)
{
    struct chance *chance = &world->chance;
    struct dispatcher_settings *settings = &node->settings;

    settings->requests_max = front ? (uint32_t)chance_spread(chance, 1, NODE_REQUESTS)
                             : chance_one_in(chance, 8) ? NODE_REQUESTS / 3
                                                        : NODE_REQUESTS;
    settings->client_requests_max =
        front ? (uint32_t)chance_spread(chance, 1, settings->requests_max) : settings->requests_max;
    settings->runs_max = (uint32_t)chance_spread(chance, RUNS_LEAST, NODE_RUNS_MAX);
    settings->outputs_max = NODE_REQUESTS;
    settings->joined_max =
        (uint32_t)chance_below(chance, 3); /* grows with each server that joins */
    settings->digest = OUR_DIGEST;
    settings->top = true;
    settings->span_ns = chance_spread(chance, 2 * MS, 100 * MS);
    settings->heartbeat_ns = chance_spread(chance, 50, 2000) * MS;
    node->lateness_ns = chance_one_in(chance, 2) ? 0 : (int64_t)chance_below(chance, 2 * MS);
}

static void join_pool(struct pool *pool, struct node *node, uint32_t target)
{
    node->parents[node->parent_count++].target = target;
    node->settings.top = false;
    pool->nodes[target].settings.joined_max++;
}

static struct node *node_new(struct world *world, uint32_t threads, bool front)
{
    struct pool *pool = &world->pool;
    struct node *node = &pool->nodes[pool->count];

    node->number = pool->count++;
    node->alive = node->stopped = node->other_sums = false;
    node->epoch = 0;
    node->cut_until_ns = node->hung_until_ns = 0;
    node->parent_count = 0;
    draw_settings(world, node, front);
    draw_threads(world, node, threads);
    return node;
}

/* Joins all fronts, or one of them. */
static void join_fronts(struct world *world, struct node *node)
{
    struct pool *pool = &world->pool;
    uint32_t one = (uint32_t)chance_below(&world->chance, 2 * pool->fronts);

    for (uint32_t i = 0; i < pool->fronts; i++)
        if (one >= pool->fronts || one == i)
            join_pool(pool, node, i);
}

static void leaf_new(struct world *world, uint32_t middles)
{
    struct pool *pool = &world->pool;
    struct node *leaf = node_new(world, 1, false);
    uint64_t parent = chance_below(&world->chance, middles + 1);

    if (parent == middles) {
        join_fronts(world, leaf);
    } else {
        world_happened(world, HAPPENED_TWO_LEVELS);
        join_pool(pool, leaf, pool->fronts + (uint32_t)parent);
        if (chance_one_in(&world->chance, 5))
            join_pool(pool, leaf, 0);
    }
    if (chance_one_in(&world->chance, 12)) {
        leaf->other_sums = leaf->threads.other_sums = true;
        leaf->settings.digest ^= 1;
        world_happened(world, HAPPENED_OTHER_SUMS);
    }
}

/* The first front joins itself, or a server that has joined it. It has a compute thread, because it
 * may be the only worker left when the cycle is broken. */
static void cycle_new(struct world *world)
{
    struct pool *pool = &world->pool;
    uint32_t target = (uint32_t)chance_below(&world->chance, pool->count);
    const struct node *node = &pool->nodes[target];

    if (target > 0 && (node->parent_count == 0 || node->parents[0].target != 0))
        return;
    world_happened(world, HAPPENED_CYCLE);
    pool->cycle = true;
    if (pool->nodes[0].settings.threads == 0)
        pool->nodes[0].settings.threads = 1;
    join_pool(pool, &pool->nodes[0], target);
}

/* Cores below a server, including its own. hostiles: if not NULL, cores of mute workers count too.
 */
static uint32_t whole_capacity(const struct pool *pool, uint32_t number,
                               const struct hostiles *hostiles)
{
    uint32_t capacity = pool->nodes[number].settings.threads;

    if (hostiles)
        capacity += hostiles_mute_cores(hostiles, number);
    for (uint32_t i = number + 1; i < pool->count; i++)
        for (uint32_t k = 0; k < pool->nodes[i].parent_count; k++)
            if (pool->nodes[i].parents[k].target == number && !pool->nodes[i].other_sums)
                capacity += whole_capacity(pool, i, hostiles);
    return capacity;
}

void pool_init(struct world *world)
{
    struct chance *chance = &world->chance;
    struct pool *pool = &world->pool;
    uint32_t middles = (uint32_t)chance_below(chance, 3);
    uint32_t leaves = (uint32_t)chance_below(chance, 4);

    pool->count = 0;
    pool->cycle = pool->odd = false;
    pool->fronts = chance_one_in(chance, 4) ? 2 : 1;
    for (uint32_t i = 0; i < pool->fronts; i++)
        node_new(world, middles + leaves == 0, true);
    for (uint32_t i = 0; i < middles; i++)
        join_fronts(world, node_new(world, leaves == 0, false));
    for (uint32_t i = 0; i < leaves; i++)
        leaf_new(world, middles);
    if (chance_one_in(chance, 10))
        cycle_new(world);
    for (uint32_t i = 0; i < pool->fronts; i++)
        if (whole_capacity(pool, i, NULL) == 0)
            pool->nodes[i].settings.threads = 1;
    for (uint32_t i = 0; i < pool->count; i++)
        world_later(world, chance_between(chance, 0, 100 * MS),
                    (struct occasion){.type = OCCASION_START, .object = (uint16_t)i});
}

void pool_clear(struct world *world)
{
    for (uint32_t i = 0; i < world->pool.count; i++) {
        struct node *node = &world->pool.nodes[i];
        if (node->alive)
            node_tally(world, node);
        dispatcher_destroy(&node->dispatcher);
    }
}

/* ---- health ------------------------------------------------------------------------------ */

/* A mute worker may hold its runs. */
static bool worker_whole(const struct worker *w)
{
    return w->held == 0 || strcmp(w->name, MUTE_NAME) == 0;
}

/* In a cycle the capacity is not known, because the cycle is broken at a random place. */
static bool node_whole(const struct world *world, const struct node *node)
{
    uint32_t capacity = whole_capacity(&world->pool, node->number, &world->hostiles);

    if (!node->alive || node->stopped || node->draining || dispatcher_busy(node->dispatcher))
        return false;
    if (!world->pool.cycle && dispatcher_capacity(node->dispatcher) != capacity)
        return false;
    for (uint32_t i = 0; i < node->dispatcher->workers.workers_max; i++)
        if (!worker_whole(&node->dispatcher->workers.table[i]))
            return false;
    return true;
}

bool pool_whole(const struct world *world)
{
    for (uint32_t i = 0; i < world->pool.count; i++)
        if (!node_whole(world, &world->pool.nodes[i]))
            return false;
    return true;
}
