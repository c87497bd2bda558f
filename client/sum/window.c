/* Divides a long sum into pieces and combines their answers. */
#include "client/sum/window.h"

#include <assert.h>
#include <stddef.h>

#include "client/sum/stopping.h"
#include "sums/stream.h"

/* Without a time limit, pieces have at least `least` units. */
static void keep_large(struct window *window)
{
    struct pacing *pacing = &window->pacing;

    if (window->setting.stop_at_ns == NEVER && pacing->units < window->least)
        pacing->units = window->least;
}

void window_init(struct window *window, const struct window_setting *setting)
{
    assert(setting->added <= setting->count);
    *window = (struct window){
        .added = setting->added,
        .setting = *setting,
        .unit = setting->terms ? 1 : BLOCK_SAMPLES,
        .grain = setting->terms ? 1 : BLOCK_SAMPLES,
        .least = setting->terms ? 1 : WINDOW_FIRST_BLOCKS,
        .asked_to = setting->added,
    };
    pacing_init(&window->pacing, WINDOW_PIECE_NS);
    keep_large(window);
}

void window_set_grain(struct window *window, uint64_t grain)
{
    assert(window->setting.terms && grain >= 1);
    window->grain = grain;
}

/* Returns how many numbers fit in the remaining time: half of what the servers can compute besides
 * the load in flight. So pieces become smaller, and little work is in flight when the time is over.
 * By Little's law, the servers' speed is the load of the last piece, divided by the time it took.
 * That piece may have been slow for another reason, such as a lost server. Therefore at least one
 * unit is in flight until the end. */
static uint64_t fitting_count(const struct window *window, int64_t now_ns)
{
    int64_t left_ns = window->setting.stop_at_ns - now_ns;

    if (left_ns <= 0)
        return 0;
    if (window->setting.stop_at_ns == NEVER || window->last_ns == 0)
        return UINT64_MAX;
    unsigned __int128 fits = (unsigned __int128)window->last_load * (uint64_t)left_ns;
    fits /= (uint64_t)window->last_ns;
    fits = fits > window->load ? (fits - window->load) / 2 : 0;
    if (window->load == 0 && fits < window->unit)
        return window->unit;
    return fits < UINT64_MAX ? (uint64_t)fits : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Shortens a piece so that it ends at a multiple of the grain. A piece of fewer numbers than the
 * grain keeps its length: its terms are slow, or it is one of the first pieces. */
static uint64_t end_at_grain(const struct window *window, uint64_t count)
{
    uint64_t from = window->setting.terms ? window->setting.origin + window->asked_to : 0;

    return count < window->grain ? count : count - (from + count) % window->grain;
}

/* Returns the numbers that are left up to the next cut, or to the end of the sum. */
static uint64_t left_to_cut(const struct window *window)
{
    uint64_t end = window->setting.count;

    if (window->setting.cut)
        end = least(end, stopping_next(window->asked_to));
    return end - window->asked_to;
}

/* Returns the numbers of the next piece. 0: none now. */
static uint64_t next_count(const struct window *window, int64_t now_ns)
{
    uint64_t units =
        least(pacing_units(&window->pacing), fitting_count(window, now_ns) / window->unit);

    return least(end_at_grain(window, units * window->unit), left_to_cut(window));
}

/* The first answer of a summand comes alone: it says which build the later pieces must have. */
static unsigned in_flight_max(const struct window *window)
{
    bool alone = window->setting.terms && window->last_load == 0;

    return alone ? 1 : WINDOW_IN_FLIGHT;
}

struct piece *window_ask(struct window *window, int64_t now_ns)
{
    if (window->in_flight == in_flight_max(window) ||
        window->asked - window->oldest == WINDOW_PIECES)
        return NULL;
    uint64_t count = next_count(window, now_ns);
    if (count == 0)
        return NULL;
    struct piece *piece = &window->pieces[window->asked++ % WINDOW_PIECES];
    window->load += count;
    *piece = (struct piece){
        .first = window->asked_to,
        .count = count,
        .load = window->load,
        .asked_at_ns = now_ns,
    };
    window->asked_to += count;
    window->in_flight++;
    return piece;
}

/* Returns how many terms are WINDOW_LEAST_NS of work for one core. The first terms may be cheap by
 * accident. */
static uint64_t least_terms(const struct piece *piece, uint64_t compute_ns)
{
    unsigned __int128 terms = (unsigned __int128)piece->count * WINDOW_LEAST_NS;
    uint64_t terms_max = least(PACING_UNITS_MAX, piece->count * WINDOW_GROWTH_MAX);

    terms /= compute_ns > 0 ? compute_ns : 1;
    return terms < 1 ? 1 : (uint64_t)(terms < terms_max ? terms : terms_max);
}

void window_answered(struct window *window, struct piece *piece, uint64_t compute_ns,
                     int64_t now_ns)
{
    assert(!piece->answered);
    assert(window->in_flight > 0);
    piece->answered = true;
    window->in_flight--;
    window->load -= piece->count;
    window->last_load = piece->load;
    window->last_ns = now_ns - piece->asked_at_ns;
    if (window->setting.terms)
        window->least = least_terms(piece, compute_ns);
    pacing_measured(&window->pacing, piece->count / window->unit, window->last_ns);
    keep_large(window);
}

struct piece *window_take(struct window *window)
{
    struct piece *piece = &window->pieces[window->oldest % WINDOW_PIECES];

    if (window->oldest == window->asked || !piece->answered)
        return NULL;
    window->added += piece->count;
    window->oldest++;
    return piece;
}
