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

    memset(network->lines, 0, network->lines_used * sizeof *network->lines);
    network->lines_used = network->letters_used = 0;
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

static void line_tidy(struct world *world, struct line *line)
{
    (void)world;
    if (line->state != LINE_BROKEN || line->letters > 0 || line->number != NOWHERE ||
        line->ends[END_DIALLER].open || line->ends[END_LISTENER].open)
        return;
    line->state = LINE_FREE;
    line->stamp++;
}

static void line_put(struct world *world, struct line *line, enum end_of_line to, int64_t at_ns,
                     const struct message *message)
{
    struct network *network = &world->network;
    struct end *end = &line->ends[to];
    uint16_t letter = letter_new(network);

    if (letter == NO_LETTER) {
        world_violation(world, "%d messages are on their way", LETTERS_MAX);
        return;
    }
    struct letter *l = &network->letters[letter];
    l->line = (uint16_t)(line - network->lines);
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
    line->letters++;
    world_later(world, at_ns - world->now_ns,
                (struct occasion){.type = OCCASION_LETTER, .who = letter});
}

/* Of what is on its way to that end, `keep` messages arrive. */
static void line_lose(struct world *world, struct line *line, enum end_of_line to, uint32_t keep)
{
    struct letter *letters = world->network.letters;

    for (uint16_t i = line->ends[to].first; i != NO_LETTER; i = letters[i].next) {
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
static void line_lose_tail(struct world *world, struct line *line, enum end_of_line to)
{
    uint64_t keep = chance_below(&world->chance, 3);

    line_lose(world, line, to,
              keep == 2 ? (uint32_t)chance_below(&world->chance, line->letters + 1)
                        : (uint32_t)keep * line->letters);
}

/* ---- ways -------------------------------------------------------------------------------- */

static int64_t latency_ns(struct world *world)
{
    struct network *network = &world->network;
    int64_t ns = network->latency_ns +
                 (int64_t)chance_below(&world->chance, (uint64_t)network->jitter_ns + 1);

    return world->healed || !chance_one_in(&world->chance, network->spike_one_in) ? ns : 20 * ns;
}

static int64_t dialler_cut_until_ns(const struct world *world, const struct line *line)
{
    return line->type == DIALLER_PARENT ? world->pool.nodes[line->dialler].cut_until_ns : 0;
}

static int64_t line_cut_until_ns(const struct world *world, const struct line *line)
{
    int64_t node_ns =
        later(world->pool.nodes[line->listener].cut_until_ns, dialler_cut_until_ns(world, line));

    return later(line->cut_until_ns, node_ns);
}

/* The wire is broken, but the sender may not have seen it yet. */
static bool send_to_nobody(struct world *world, enum end_of_line from)
{
    bool seen = from == END_LISTENER && chance_one_in(&world->chance, 2);

    world_happened(world, seen ? HAPPENED_UNREACHABLE : HAPPENED_MESSAGE_LOST);
    return seen;
}

bool line_send(struct world *world, struct line *line, enum end_of_line from,
               const struct message *message)
{
    enum end_of_line to = from == END_DIALLER ? END_LISTENER : END_DIALLER;
    const struct end *sender = &line->ends[from];

    if (!sender->open) {
        world_happened(world, HAPPENED_UNREACHABLE);
        return false;
    }
    if (line->state != LINE_UP)
        return !send_to_nobody(world, from);
    if (line->ignored) {
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
    at_ns = later(at_ns, line_cut_until_ns(world, line)) + latency_ns(world);
    line_put(world, line, to, later(at_ns, line->ends[to].clear_at_ns), message);
    return true;
}

/* ---- life of a connection ---------------------------------------------------------------- */

static struct line *line_new(struct network *network)
{
    for (uint32_t i = 0; i < network->lines_used; i++)
        if (network->lines[i].state == LINE_FREE)
            return &network->lines[i];
    return network->lines_used < LINES_MAX ? &network->lines[network->lines_used++] : NULL;
}

static void dial_later(struct world *world, const struct line *line, int64_t delay_ns)
{
    world_later(world, delay_ns,
                (struct occasion){.type = OCCASION_DIAL,
                                  .who = (uint16_t)(line - world->network.lines),
                                  .stamp = line->stamp});
}

uint32_t line_dial(struct world *world, enum dialler_type type, uint32_t dialler, uint32_t slot,
                   uint32_t listener, bool workers)
{
    struct line *line = line_new(&world->network);

    if (!line) {
        world_violation(world, "%d connections are open", LINES_MAX);
        return 0;
    }
    *line = (struct line){
        .state = LINE_DIALLING,
        .stamp = line->stamp,
        .type = type,
        .dialler = dialler,
        .slot = slot,
        .listener = listener,
        .workers = workers,
        .number = NOWHERE,
        .ends = {{.first = NO_LETTER, .open = true}, {.first = NO_LETTER}},
    };
    dial_later(world, line, latency_ns(world));
    return (uint32_t)(line - world->network.lines);
}

static void up(struct world *world, struct line *line)
{
    switch (line->type) {
    case DIALLER_PARENT: node_up(world, &world->pool.nodes[line->dialler], line->slot); break;
    case DIALLER_CLIENT: client_up(world, &world->crowd.clients[line->dialler]); break;
    case DIALLER_HOSTILE: hostile_up(world, &world->hostiles.all[line->dialler]); break;
    }
}

void network_dial(struct world *world, uint16_t number, uint32_t stamp)
{
    struct network *network = &world->network;
    struct line *line = &network->lines[number];
    const struct node *listener = &world->pool.nodes[line->listener];

    if (line->stamp != stamp || line->state != LINE_DIALLING)
        return;
    if (!listener->alive || listener->stopped || line_cut_until_ns(world, line) > world->now_ns) {
        dial_later(world, line, network->dial_retry_ns);
        return;
    }
    trace_note(&world->trace, world->now_ns, "up: line, listener", number, line->listener);
    world_happened(world, HAPPENED_DIAL);
    line->state = LINE_UP;
    line->ignored = network->ignore_next && !world->healed;
    network->ignore_next = false;
    line->ends[END_LISTENER].open = !line->ignored;
    up(world, line);
}

/* After the delay, and within the patience. A dead machine or a cut wire says nothing, so that who
 * may take long to learn of the end may never do so. */
static void gone_later(struct world *world, const struct line *line, enum end_of_line end,
                       int64_t delay_ns, int64_t patience_ns)
{
    delay_ns += (int64_t)chance_below(&world->chance, (uint64_t)patience_ns + 1);
    if (!line->ends[end].open)
        return;
    if (patience_ns > S && chance_one_in(&world->chance, 4))
        world_happened(world, HAPPENED_NEVER_TOLD);
    else
        world_later(world, delay_ns,
                    (struct occasion){.type = OCCASION_GONE,
                                      .who = (uint16_t)(line - world->network.lines),
                                      .stamp = line->stamp,
                                      .end = (uint8_t)end});
}

void line_close(struct world *world, struct line *line, enum end_of_line end)
{
    enum end_of_line other = end == END_DIALLER ? END_LISTENER : END_DIALLER;
    bool was_up = line->state == LINE_UP;

    if (!line->ends[end].open)
        return;
    line->ends[end].open = false;
    line->state = LINE_BROKEN;
    line_lose(world, line, end, 0);
    if (was_up) {
        int64_t cut_ns = line_cut_until_ns(world, line) - world->now_ns;
        line_lose_tail(world, line, other);
        gone_later(world, line, other, later(cut_ns, 0) + latency_ns(world),
                   world->network.patience_ns);
    }
    line_tidy(world, line);
}

void line_break(struct world *world, struct line *line, int64_t patience_ns)
{
    if (line->state != LINE_UP)
        return;
    line->state = LINE_BROKEN;
    for (int end = 0; end < ENDS; end++) {
        line_lose_tail(world, line, (enum end_of_line)end);
        gone_later(world, line, (enum end_of_line)end, 0, patience_ns);
    }
}

/* Where the listener has ignored the connection only the dialler has an end to lose. */
void line_end_listener(struct world *world, struct line *line)
{
    bool ignored = line->ignored && line->state == LINE_UP;

    line_lose(world, line, END_LISTENER, 0);
    line->number = NOWHERE;
    if (ignored)
        line_break(world, line, 0);
    else
        line_close(world, line, END_LISTENER);
    line_tidy(world, line);
}

void line_forget(struct world *world, struct line *line)
{
    line->number = NOWHERE;
    line_tidy(world, line);
}

static void dialler_gone(struct world *world, struct line *line)
{
    switch (line->type) {
    case DIALLER_PARENT: node_down(world, &world->pool.nodes[line->dialler], line->slot); break;
    case DIALLER_CLIENT: client_down(world, &world->crowd.clients[line->dialler]); break;
    case DIALLER_HOSTILE: hostile_down(world, &world->hostiles.all[line->dialler]); break;
    }
}

void network_gone(struct world *world, uint16_t number, uint32_t stamp, enum end_of_line end)
{
    struct line *line = &world->network.lines[number];

    if (line->stamp != stamp || !line->ends[end].open)
        return;
    trace_note(&world->trace, world->now_ns, "gone: line, end", number, (uint64_t)end);
    line->ends[end].open = false;
    if (end == END_DIALLER)
        dialler_gone(world, line);
    else
        node_peer_gone(world, &world->pool.nodes[line->listener], line);
    if (line->stamp == stamp)
        line_tidy(world, line);
}

/* ---- arrival ----------------------------------------------------------------------------- */

static void dialler_hears(struct world *world, const struct line *line,
                          const struct message *message)
{
    switch (line->type) {
    case DIALLER_PARENT:
        node_hear_parent(world, &world->pool.nodes[line->dialler], line->slot, message);
        break;
    case DIALLER_CLIENT: client_hear(world, &world->crowd.clients[line->dialler], message); break;
    case DIALLER_HOSTILE: hostile_hear(world, &world->hostiles.all[line->dialler], message); break;
    }
}

/* A ROUTER may still give what it has read from a connection that it already calls unreachable. */
static void arrive(struct world *world, struct line *line, const struct letter *letter)
{
    if (letter->lost)
        return;
    world_happened(world, HAPPENED_MESSAGE);
    if (letter->to == END_LISTENER) {
        if (!line->ends[END_LISTENER].open)
            world_happened(world, HAPPENED_LATE_WORD);
        node_hear(world, &world->pool.nodes[line->listener], line, &letter->message);
    } else if (line->ends[END_DIALLER].open) {
        dialler_hears(world, line, &letter->message);
    }
}

void network_letter(struct world *world, uint16_t number)
{
    struct network *network = &world->network;
    struct letter *letter = &network->letters[number];
    struct line *line = &network->lines[letter->line];
    struct end *end = &line->ends[letter->to];

    end->first = letter->next;
    arrive(world, line, letter);
    line->letters--;
    letter_free(network, number);
    line_tidy(world, line);
}
