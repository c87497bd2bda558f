#include "tests/sim/pool/network.h"

#include <string.h>

#include "proto/instant.h"
#include "tests/sim/pool/world.h"

#define NO_LETTER UINT16_MAX

void message_copy(struct message *to, const struct message *from)
{
    static const size_t sizes[MESSAGE_TYPES] = {
        [MESSAGE_SUM_REQUEST] = sizeof from->sum_request,
        [MESSAGE_SUM_REPLY] = sizeof from->sum_reply,
        [MESSAGE_PROGRESS] = sizeof from->progress,
        [MESSAGE_CANCEL] = sizeof from->cancel,
        [MESSAGE_REFUSAL] = sizeof from->refusal,
        [MESSAGE_JOIN] = sizeof from->join,
        [MESSAGE_WELCOME] = sizeof from->welcome,
        [MESSAGE_HEARTBEAT] = sizeof from->heartbeat,
    };

    to->type = from->type;
    memcpy(&to->sum_request, &from->sum_request, sizes[from->type]);
}

/* What the last world has left behind is forgotten. */
void network_init(struct world *world)
{
    struct network *network = &world->network;
    struct chance *chance = &world->chance;

    memset(network->wires, 0, network->wires_used * sizeof *network->wires);
    network->wires_used = network->letters_used = 0;
    network->free_letters = NO_LETTER;
    network->latency_ns = chance_spread(chance, 20 * US, 20 * MS);
    network->jitter_ns = chance_below(chance, 3) ? network->latency_ns / 4 : 0;
    network->spike_one_in = (uint32_t)chance_spread(chance, 20, 2000);
    network->dial_retry_ns = chance_between(chance, 10 * MS, 80 * MS);
    network->ignore_next = false;
    network->patience_ns = 0;
}

/* ---- letters ----------------------------------------------------------------------------- */

static uint16_t letter_new(struct network *network)
{
    uint16_t letter = network->free_letters;

    if (letter != NO_LETTER)
        network->free_letters = network->letters[letter].next;
    else if (network->letters_used < LETTERS_MAX)
        letter = (uint16_t)network->letters_used++;
    return letter;
}

static void letter_free(struct network *network, uint16_t letter)
{
    network->letters[letter].next = network->free_letters;
    network->free_letters = letter;
}

static void wire_tidy(struct world *world, struct wire *wire)
{
    (void)world;
    if (wire->state != WIRE_BROKEN || wire->letters > 0 || wire->number != NOWHERE ||
        wire->ends[END_DIALLER].open || wire->ends[END_LISTENER].open)
        return;
    wire->state = WIRE_FREE;
    wire->stamp++;
}

static void wire_put(struct world *world, struct wire *wire, enum wire_end to, int64_t at_ns,
                     const struct message *message)
{
    struct network *network = &world->network;
    struct end *end = &wire->ends[to];
    uint16_t letter = letter_new(network);

    if (letter == NO_LETTER) {
        world_violation(world, "%d messages are on their way", LETTERS_MAX);
        return;
    }
    struct letter *l = &network->letters[letter];
    l->wire = (uint16_t)(wire - network->wires);
    l->to = (uint8_t)to;
    l->lost = false;
    l->next = NO_LETTER;
    message_copy(&l->message, message);
    if (end->first == NO_LETTER)
        end->first = letter;
    else
        network->letters[end->last].next = letter;
    end->last = letter;
    end->clear_at_ns = at_ns;
    wire->letters++;
    world_later(world, at_ns - world->now_ns,
                (struct occasion){.type = OCCASION_LETTER, .who = letter});
}

/* Of what is on its way to that end, `keep` messages arrive. */
static void wire_lose(struct world *world, struct wire *wire, enum wire_end to, uint32_t keep)
{
    struct letter *letters = world->network.letters;

    for (uint16_t i = wire->ends[to].first; i != NO_LETTER; i = letters[i].next) {
        if (letters[i].lost)
            continue;
        if (keep > 0) {
            keep--;
            continue;
        }
        letters[i].lost = true;
        world_happened(world, HAPPENED_MESSAGE_LOST);
    }
}

/* All, none, or the first few. */
static void wire_lose_tail(struct world *world, struct wire *wire, enum wire_end to)
{
    uint64_t keep = chance_below(&world->chance, 3);

    wire_lose(world, wire, to,
              keep == 2 ? (uint32_t)chance_below(&world->chance, wire->letters + 1)
                        : (uint32_t)keep * wire->letters);
}

/* ---- ways -------------------------------------------------------------------------------- */

static int64_t latency_ns(struct world *world)
{
    struct network *network = &world->network;
    int64_t ns = network->latency_ns +
                 (int64_t)chance_below(&world->chance, (uint64_t)network->jitter_ns + 1);

    return world->healed || !chance_one_in(&world->chance, network->spike_one_in) ? ns : 20 * ns;
}

static int64_t dialler_cut_until_ns(const struct world *world, const struct wire *wire)
{
    return wire->type == DIALLER_PARENT ? world->pool.nodes[wire->dialler].cut_until_ns : 0;
}

static int64_t wire_cut_until_ns(const struct world *world, const struct wire *wire)
{
    int64_t node_ns =
        later(world->pool.nodes[wire->listener].cut_until_ns, dialler_cut_until_ns(world, wire));

    return later(wire->cut_until_ns, node_ns);
}

/* The wire is broken, but the sender may not have seen it yet. */
static bool send_unreachable(struct world *world, enum wire_end from)
{
    bool seen = from == END_LISTENER && chance_one_in(&world->chance, 2);

    world_happened(world, seen ? HAPPENED_UNREACHABLE : HAPPENED_MESSAGE_LOST);
    return seen;
}

bool wire_send(struct world *world, struct wire *wire, enum wire_end from,
               const struct message *message)
{
    enum wire_end to = from == END_DIALLER ? END_LISTENER : END_DIALLER;
    const struct end *sender = &wire->ends[from];

    if (!sender->open) {
        world_happened(world, HAPPENED_UNREACHABLE);
        return false;
    }
    if (wire->state != WIRE_UP)
        return !send_unreachable(world, from);
    if (wire->ignored) {
        world_happened(world, HAPPENED_MESSAGE_LOST);
        return true;
    }
    int64_t at_ns = world->now_ns;
    if (sender->full_until_ns > at_ns) {
        world_happened(world, HAPPENED_AGAIN);
        if (message->type == MESSAGE_PROGRESS)
            return true;
        at_ns = sender->full_until_ns;
    }
    at_ns = later(at_ns, wire_cut_until_ns(world, wire)) + latency_ns(world);
    wire_put(world, wire, to, later(at_ns, wire->ends[to].clear_at_ns), message);
    return true;
}

/* ---- life of a connection ---------------------------------------------------------------- */

static struct wire *wire_new(struct network *network)
{
    for (uint32_t i = 0; i < network->wires_used; i++)
        if (network->wires[i].state == WIRE_FREE)
            return &network->wires[i];
    return network->wires_used < WIRES_MAX ? &network->wires[network->wires_used++] : NULL;
}

static void dial_later(struct world *world, const struct wire *wire, int64_t delay_ns)
{
    world_later(world, delay_ns,
                (struct occasion){.type = OCCASION_DIAL,
                                  .who = (uint16_t)(wire - world->network.wires),
                                  .stamp = wire->stamp});
}

uint32_t wire_dial(struct world *world, enum dialler_type type, uint32_t dialler, uint32_t slot,
                   uint32_t listener, bool workers)
{
    struct wire *wire = wire_new(&world->network);

    if (!wire) {
        world_violation(world, "%d connections are open", WIRES_MAX);
        return 0;
    }
    *wire = (struct wire){
        .state = WIRE_DIALLING,
        .stamp = wire->stamp,
        .type = type,
        .dialler = dialler,
        .slot = slot,
        .listener = listener,
        .workers = workers,
        .number = NOWHERE,
        .ends = {{.first = NO_LETTER, .open = true}, {.first = NO_LETTER}},
    };
    dial_later(world, wire, latency_ns(world));
    return (uint32_t)(wire - world->network.wires);
}

static void up(struct world *world, struct wire *wire)
{
    switch (wire->type) {
    case DIALLER_PARENT:
        node_connected(world, &world->pool.nodes[wire->dialler], wire->slot);
        break;
    case DIALLER_CLIENT: client_connected(world, &world->crowd.clients[wire->dialler]); break;
    case DIALLER_HOSTILE: hostile_connected(world, &world->hostiles.all[wire->dialler]); break;
    }
}

void network_dial(struct world *world, uint16_t number, uint32_t stamp)
{
    struct network *network = &world->network;
    struct wire *wire = &network->wires[number];
    const struct node *listener = &world->pool.nodes[wire->listener];

    if (wire->stamp != stamp || wire->state != WIRE_DIALLING)
        return;
    if (!listener->alive || listener->stopped || wire_cut_until_ns(world, wire) > world->now_ns) {
        dial_later(world, wire, network->dial_retry_ns);
        return;
    }
    trace_note(&world->trace, world->now_ns, "up: line, listener", number, wire->listener);
    world_happened(world, HAPPENED_DIAL);
    wire->state = WIRE_UP;
    wire->ignored = network->ignore_next && !world->healed;
    network->ignore_next = false;
    wire->ends[END_LISTENER].open = !wire->ignored;
    up(world, wire);
}

/* After the delay, and within the patience. A dead machine or a cut wire says nothing, so that who
 * may take long to learn of the end may never do so. */
static void disconnect_later(struct world *world, const struct wire *wire, enum wire_end end,
                             int64_t delay_ns, int64_t patience_ns)
{
    delay_ns += (int64_t)chance_below(&world->chance, (uint64_t)patience_ns + 1);
    if (!wire->ends[end].open)
        return;
    if (patience_ns > S && chance_one_in(&world->chance, 4))
        world_happened(world, HAPPENED_END_UNNOTICED);
    else
        world_later(world, delay_ns,
                    (struct occasion){.type = OCCASION_DISCONNECTED,
                                      .who = (uint16_t)(wire - world->network.wires),
                                      .stamp = wire->stamp,
                                      .end = (uint8_t)end});
}

void wire_close(struct world *world, struct wire *wire, enum wire_end end)
{
    enum wire_end other = end == END_DIALLER ? END_LISTENER : END_DIALLER;
    bool was_up = wire->state == WIRE_UP;

    if (!wire->ends[end].open)
        return;
    wire->ends[end].open = false;
    wire->state = WIRE_BROKEN;
    wire_lose(world, wire, end, 0);
    if (was_up) {
        int64_t cut_ns = wire_cut_until_ns(world, wire) - world->now_ns;
        wire_lose_tail(world, wire, other);
        disconnect_later(world, wire, other, later(cut_ns, 0) + latency_ns(world),
                         world->network.patience_ns);
    }
    wire_tidy(world, wire);
}

void wire_break(struct world *world, struct wire *wire, int64_t patience_ns)
{
    if (wire->state != WIRE_UP)
        return;
    wire->state = WIRE_BROKEN;
    for (int end = 0; end < ENDS; end++) {
        wire_lose_tail(world, wire, (enum wire_end)end);
        disconnect_later(world, wire, (enum wire_end)end, 0, patience_ns);
    }
}

/* Where the listener has ignored the connection only the dialler has an end to lose. */
void wire_end_listener(struct world *world, struct wire *wire)
{
    bool ignored = wire->ignored && wire->state == WIRE_UP;

    wire_lose(world, wire, END_LISTENER, 0);
    wire->number = NOWHERE;
    if (ignored)
        wire_break(world, wire, 0);
    else
        wire_close(world, wire, END_LISTENER);
    wire_tidy(world, wire);
}

void wire_forget(struct world *world, struct wire *wire)
{
    wire->number = NOWHERE;
    wire_tidy(world, wire);
}

static void dialler_disconnected(struct world *world, struct wire *wire)
{
    switch (wire->type) {
    case DIALLER_PARENT:
        node_disconnected(world, &world->pool.nodes[wire->dialler], wire->slot);
        break;
    case DIALLER_CLIENT: client_disconnected(world, &world->crowd.clients[wire->dialler]); break;
    case DIALLER_HOSTILE: hostile_disconnected(world, &world->hostiles.all[wire->dialler]); break;
    }
}

void network_disconnected(struct world *world, uint16_t number, uint32_t stamp, enum wire_end end)
{
    struct wire *wire = &world->network.wires[number];

    if (wire->stamp != stamp || !wire->ends[end].open)
        return;
    trace_note(&world->trace, world->now_ns, "gone: line, end", number, (uint64_t)end);
    wire->ends[end].open = false;
    if (end == END_DIALLER)
        dialler_disconnected(world, wire);
    else
        node_peer_disconnected(world, &world->pool.nodes[wire->listener], wire);
    if (wire->stamp == stamp)
        wire_tidy(world, wire);
}

/* ---- arrival ----------------------------------------------------------------------------- */

static void dialler_receives(struct world *world, const struct wire *wire,
                             const struct message *message)
{
    switch (wire->type) {
    case DIALLER_PARENT:
        node_receive_from_parent(world, &world->pool.nodes[wire->dialler], wire->slot, message);
        break;
    case DIALLER_CLIENT:
        client_receive(world, &world->crowd.clients[wire->dialler], message);
        break;
    case DIALLER_HOSTILE:
        hostile_receive(world, &world->hostiles.all[wire->dialler], message);
        break;
    }
}

/* A ROUTER may still give what it has read from a connection that it already calls unreachable. */
static void arrive(struct world *world, struct wire *wire, const struct letter *letter)
{
    if (letter->lost)
        return;
    world_happened(world, HAPPENED_MESSAGE);
    if (letter->to == END_LISTENER) {
        if (!wire->ends[END_LISTENER].open)
            world_happened(world, HAPPENED_LATE_MESSAGE);
        node_receive(world, &world->pool.nodes[wire->listener], wire, &letter->message);
    } else if (wire->ends[END_DIALLER].open) {
        dialler_receives(world, wire, &letter->message);
    }
}

void network_letter(struct world *world, uint16_t number)
{
    struct network *network = &world->network;
    struct letter *letter = &network->letters[number];
    struct wire *wire = &network->wires[letter->wire];
    struct end *end = &wire->ends[letter->to];

    end->first = letter->next;
    arrive(world, wire, letter);
    wire->letters--;
    letter_free(network, number);
    wire_tidy(world, wire);
}
