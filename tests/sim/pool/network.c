/* Connections between simulated processes: see network.h. */
#include "tests/sim/pool/network.h"

#include <string.h>

#include "proto/instant.h"
#include "tests/sim/pool/world.h"

#define NO_LETTER UINT16_MAX

static void keep_offers(struct offers *offers, struct letter *letter)
{
    if (offers->count > 0)
        memcpy(letter->offers, offers->list, offers->count * sizeof *letter->offers);
    offers->list = letter->offers;
}

/* Copies what the message points to. */
static void letter_keep(struct letter *letter)
{
    struct message *message = &letter->message;

    switch (message->type) {
    case MESSAGE_SUM_REQUEST: message->sum_request = summand_request(&message->sum_request); break;
    case MESSAGE_SUM_REPLY:
        summand_keep_outputs(&message->sum_reply.outputs, &letter->totals);
        break;
    case MESSAGE_PROGRESS: summand_keep_outputs(&message->progress.outputs, &letter->totals); break;
    case MESSAGE_JOIN: keep_offers(&message->join.offers, letter); break;
    case MESSAGE_HEARTBEAT: keep_offers(&message->heartbeat.offers, letter); break;
    default: break;
    }
}

/* Copies the used part of a message. */
static void message_copy(struct message *to, const struct message *from)
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

/* Clears what the previous schedule has left. */
void network_init(struct world *world)
{
    struct network *network = &world->network;
    struct chance *chance = &world->chance;

    memset(network->cables, 0, network->cables_used * sizeof *network->cables);
    network->cables_used = network->letters_used = 0;
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

static void cable_tidy(struct world *world, struct cable *cable)
{
    (void)world;
    if (cable->state != CABLE_BROKEN || cable->letters > 0 || cable->number != NOWHERE ||
        cable->ends[END_DIALLER].open || cable->ends[END_LISTENER].open)
        return;
    cable->state = CABLE_FREE;
    cable->stamp++;
}

static void cable_put(struct world *world, struct cable *cable, enum cable_end to, int64_t at_ns,
                      const struct message *message)
{
    struct network *network = &world->network;
    struct end *end = &cable->ends[to];
    uint16_t letter = letter_new(network);

    if (letter == NO_LETTER) {
        world_violation(world, "there are %d messages on their way", LETTERS_MAX);
        return;
    }
    struct letter *l = &network->letters[letter];
    l->cable = (uint16_t)(cable - network->cables);
    l->to = (uint8_t)to;
    l->lost = false;
    l->next = NO_LETTER;
    message_copy(&l->message, message);
    letter_keep(l);
    if (end->first == NO_LETTER)
        end->first = letter;
    else
        network->letters[end->last].next = letter;
    end->last = letter;
    end->clear_at_ns = at_ns;
    cable->letters++;
    world_later(world, at_ns - world->now_ns,
                (struct occasion){.type = OCCASION_LETTER, .object = letter});
}

/* Loses all letters on their way to that end except the first `keep`. */
static void cable_lose(struct world *world, struct cable *cable, enum cable_end to, uint32_t keep)
{
    struct letter *letters = world->network.letters;

    for (uint16_t i = cable->ends[to].first; i != NO_LETTER; i = letters[i].next) {
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

/* Loses all letters, none, or all after the first few. */
static void cable_lose_tail(struct world *world, struct cable *cable, enum cable_end to)
{
    uint64_t keep = chance_below(&world->chance, 3);

    cable_lose(world, cable, to,
               keep == 2 ? (uint32_t)chance_below(&world->chance, cable->letters + 1)
                         : (uint32_t)keep * cable->letters);
}

/* ---- send -------------------------------------------------------------------------------- */

static int64_t latency_ns(struct world *world)
{
    struct network *network = &world->network;
    int64_t ns = network->latency_ns +
                 (int64_t)chance_below(&world->chance, (uint64_t)network->jitter_ns + 1);

    return world->healed || !chance_one_in(&world->chance, network->spike_one_in) ? ns : 20 * ns;
}

static int64_t dialler_cut_until_ns(const struct world *world, const struct cable *cable)
{
    return cable->type == DIALLER_PARENT ? world->pool.nodes[cable->dialler].cut_until_ns : 0;
}

static int64_t cable_cut_until_ns(const struct world *world, const struct cable *cable)
{
    int64_t node_ns =
        later(world->pool.nodes[cable->listener].cut_until_ns, dialler_cut_until_ns(world, cable));

    return later(cable->cut_until_ns, node_ns);
}

/* The connection is broken, but the sender may not have noticed yet. */
static bool send_unreachable(struct world *world, enum cable_end from)
{
    bool seen = from == END_LISTENER && chance_one_in(&world->chance, 2);

    world_happened(world, seen ? HAPPENED_UNREACHABLE : HAPPENED_MESSAGE_LOST);
    return seen;
}

bool cable_send(struct world *world, struct cable *cable, enum cable_end from,
                const struct message *message)
{
    enum cable_end to = from == END_DIALLER ? END_LISTENER : END_DIALLER;
    const struct end *sender = &cable->ends[from];

    if (!sender->open) {
        world_happened(world, HAPPENED_UNREACHABLE);
        return false;
    }
    if (cable->state != CABLE_UP)
        return !send_unreachable(world, from);
    if (cable->ignored) {
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
    at_ns = later(at_ns, cable_cut_until_ns(world, cable)) + latency_ns(world);
    cable_put(world, cable, to, later(at_ns, cable->ends[to].clear_at_ns), message);
    return true;
}

/* ---- life of a connection ---------------------------------------------------------------- */

static struct cable *cable_new(struct network *network)
{
    for (uint32_t i = 0; i < network->cables_used; i++)
        if (network->cables[i].state == CABLE_FREE)
            return &network->cables[i];
    return network->cables_used < CABLES_MAX ? &network->cables[network->cables_used++] : NULL;
}

static void dial_later(struct world *world, const struct cable *cable, int64_t delay_ns)
{
    world_later(world, delay_ns,
                (struct occasion){.type = OCCASION_DIAL,
                                  .object = (uint16_t)(cable - world->network.cables),
                                  .stamp = cable->stamp});
}

uint32_t cable_dial(struct world *world, enum dialler_type type, uint32_t dialler, uint32_t slot,
                    uint32_t listener, bool workers)
{
    struct cable *cable = cable_new(&world->network);

    if (!cable) {
        world_violation(world, "%d connections are open", CABLES_MAX);
        return 0;
    }
    *cable = (struct cable){
        .state = CABLE_DIALLING,
        .stamp = cable->stamp,
        .type = type,
        .dialler = dialler,
        .slot = slot,
        .listener = listener,
        .workers = workers,
        .number = NOWHERE,
        .ends = {{.first = NO_LETTER, .open = true}, {.first = NO_LETTER}},
    };
    dial_later(world, cable, latency_ns(world));
    return (uint32_t)(cable - world->network.cables);
}

static void up(struct world *world, struct cable *cable)
{
    switch (cable->type) {
    case DIALLER_PARENT:
        node_connected(world, &world->pool.nodes[cable->dialler], cable->slot);
        break;
    case DIALLER_CLIENT: client_connected(world, &world->crowd.clients[cable->dialler]); break;
    case DIALLER_HOSTILE: hostile_connected(world, &world->hostiles.all[cable->dialler]); break;
    }
}

void network_dial(struct world *world, uint16_t number, uint32_t stamp)
{
    struct network *network = &world->network;
    struct cable *cable = &network->cables[number];
    const struct node *listener = &world->pool.nodes[cable->listener];

    if (cable->stamp != stamp || cable->state != CABLE_DIALLING)
        return;
    if (!listener->alive || listener->stopped || cable_cut_until_ns(world, cable) > world->now_ns) {
        dial_later(world, cable, network->dial_retry_ns);
        return;
    }
    trace_note(&world->trace, world->now_ns, "connected: cable, listener", number, cable->listener);
    world_happened(world, HAPPENED_DIAL);
    cable->state = CABLE_UP;
    cable->ignored = network->ignore_next && !world->healed;
    network->ignore_next = false;
    cable->ends[END_LISTENER].open = !cable->ignored;
    up(world, cable);
}

/* This end notices the disconnect after the delay, within the patience. A dead machine or a cut
 * cable sends nothing, so with a long patience an end may never notice. */
static void disconnect_later(struct world *world, const struct cable *cable, enum cable_end end,
                             int64_t delay_ns, int64_t patience_ns)
{
    delay_ns += (int64_t)chance_below(&world->chance, (uint64_t)patience_ns + 1);
    if (!cable->ends[end].open)
        return;
    if (patience_ns > S && chance_one_in(&world->chance, 4))
        world_happened(world, HAPPENED_END_UNNOTICED);
    else
        world_later(world, delay_ns,
                    (struct occasion){.type = OCCASION_DISCONNECTED,
                                      .object = (uint16_t)(cable - world->network.cables),
                                      .stamp = cable->stamp,
                                      .end = (uint8_t)end});
}

void cable_close(struct world *world, struct cable *cable, enum cable_end end)
{
    enum cable_end other = end == END_DIALLER ? END_LISTENER : END_DIALLER;
    bool was_up = cable->state == CABLE_UP;

    if (!cable->ends[end].open)
        return;
    cable->ends[end].open = false;
    cable->state = CABLE_BROKEN;
    cable_lose(world, cable, end, 0);
    if (was_up) {
        int64_t cut_ns = cable_cut_until_ns(world, cable) - world->now_ns;
        cable_lose_tail(world, cable, other);
        disconnect_later(world, cable, other, later(cut_ns, 0) + latency_ns(world),
                         world->network.patience_ns);
    }
    cable_tidy(world, cable);
}

void cable_break(struct world *world, struct cable *cable, int64_t patience_ns)
{
    if (cable->state != CABLE_UP)
        return;
    cable->state = CABLE_BROKEN;
    for (int end = 0; end < ENDS; end++) {
        cable_lose_tail(world, cable, (enum cable_end)end);
        disconnect_later(world, cable, (enum cable_end)end, 0, patience_ns);
    }
}

/* If the listener has ignored the connection, only the dialler has an end. */
void cable_end_listener(struct world *world, struct cable *cable)
{
    bool ignored = cable->ignored && cable->state == CABLE_UP;

    cable_lose(world, cable, END_LISTENER, 0);
    cable->number = NOWHERE;
    if (ignored)
        cable_break(world, cable, 0);
    else
        cable_close(world, cable, END_LISTENER);
    cable_tidy(world, cable);
}

void cable_forget(struct world *world, struct cable *cable)
{
    cable->number = NOWHERE;
    cable_tidy(world, cable);
}

static void dialler_disconnected(struct world *world, struct cable *cable)
{
    switch (cable->type) {
    case DIALLER_PARENT:
        node_disconnected(world, &world->pool.nodes[cable->dialler], cable->slot);
        break;
    case DIALLER_CLIENT: client_disconnected(world, &world->crowd.clients[cable->dialler]); break;
    case DIALLER_HOSTILE: hostile_disconnected(world, &world->hostiles.all[cable->dialler]); break;
    }
}

void network_disconnected(struct world *world, uint16_t number, uint32_t stamp, enum cable_end end)
{
    struct cable *cable = &world->network.cables[number];

    if (cable->stamp != stamp || !cable->ends[end].open)
        return;
    trace_note(&world->trace, world->now_ns, "disconnected: cable, end", number, (uint64_t)end);
    cable->ends[end].open = false;
    if (end == END_DIALLER)
        dialler_disconnected(world, cable);
    else
        node_peer_disconnected(world, &world->pool.nodes[cable->listener], cable);
    if (cable->stamp == stamp)
        cable_tidy(world, cable);
}

/* ---- arrival ----------------------------------------------------------------------------- */

static void dialler_receives(struct world *world, const struct cable *cable,
                             const struct message *message)
{
    switch (cable->type) {
    case DIALLER_PARENT:
        node_receive_from_parent(world, &world->pool.nodes[cable->dialler], cable->slot, message);
        break;
    case DIALLER_CLIENT:
        client_receive(world, &world->crowd.clients[cable->dialler], message);
        break;
    case DIALLER_HOSTILE:
        hostile_receive(world, &world->hostiles.all[cable->dialler], message);
        break;
    }
}

/* A ROUTER may still deliver messages of a connection that it already reports as unreachable. */
static void arrive(struct world *world, struct cable *cable, const struct letter *letter)
{
    if (letter->lost)
        return;
    world_happened(world, HAPPENED_MESSAGE);
    if (letter->to == END_LISTENER) {
        if (!cable->ends[END_LISTENER].open)
            world_happened(world, HAPPENED_LATE_MESSAGE);
        node_receive(world, &world->pool.nodes[cable->listener], cable, &letter->message);
    } else if (cable->ends[END_DIALLER].open) {
        dialler_receives(world, cable, &letter->message);
    }
}

void network_letter(struct world *world, uint16_t number)
{
    struct network *network = &world->network;
    struct letter *letter = &network->letters[number];
    struct cable *cable = &network->cables[letter->cable];
    struct end *end = &cable->ends[letter->to];

    end->first = letter->next;
    arrive(world, cable, letter);
    cable->letters--;
    letter_free(network, number);
    cable_tidy(world, cable);
}
