/* Divides a long sum into pieces and joins their answers. */
#include "client/sum/window.h"

#include <assert.h>
#include <stddef.h>

#include "sums/stream.h"

/* Without a time limit, pieces never become smaller than the first ones. */
static void keep_large(struct window *window)
{
    struct pacing *pacing = &window->pacing;

    if (window->stop_at_ns == NEVER && pacing->units < WINDOW_FIRST_BLOCKS)
        pacing->units = WINDOW_FIRST_BLOCKS;
}

void window_init(struct window *window, uint64_t count, const struct total *so_far,
                 int64_t stop_at_ns)
{
    assert(so_far->count <= count);
    *window = (struct window){
        .so_far = *so_far,
        .count = count,
        .stop_at_ns = stop_at_ns,
        .asked_to = so_far->count,
    };
    pacing_init(&window->pacing, WINDOW_PIECE_NS);
    keep_large(window);
}

/* Returns how many samples fit in the remaining time: half of what the servers can compute besides
 * the load in flight. So pieces become smaller, and little work is in flight when the time is over.
 * By Little's law, the servers' speed is the load of the last piece, divided by the time it took.
 * That piece may have been slow for another reason, such as a lost server. Therefore at least one
 * block is in flight until the end. */
static uint64_t fitting_count(const struct window *window, int64_t now_ns)
{
    int64_t left_ns = window->stop_at_ns - now_ns;

    if (left_ns <= 0)
        return 0;
    if (window->stop_at_ns == NEVER || window->last_ns == 0)
        return UINT64_MAX;
    unsigned __int128 fits = (unsigned __int128)window->last_load * (uint64_t)left_ns;
    fits /= (uint64_t)window->last_ns;
    fits = fits > window->load ? (fits - window->load) / 2 : 0;
    if (window->load == 0 && fits < BLOCK_SAMPLES)
        return BLOCK_SAMPLES;
    return fits < UINT64_MAX ? (uint64_t)fits : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Returns the samples of the next piece: whole blocks, or the rest of the sum. 0: none now. */
static uint64_t next_count(const struct window *window, int64_t now_ns)
{
    uint64_t blocks =
        least(pacing_units(&window->pacing), fitting_count(window, now_ns) / BLOCK_SAMPLES);

    return least(blocks * BLOCK_SAMPLES, window->count - window->asked_to);
}

struct piece *window_ask(struct window *window, int64_t now_ns)
{
    if (window->in_flight == WINDOW_IN_FLIGHT || window->asked - window->oldest == WINDOW_PIECES)
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

/* Adds answered pieces to so_far, from the oldest one to the first gap. */
static void slide(struct window *window)
{
    while (window->oldest < window->asked) {
        const struct piece *piece = &window->pieces[window->oldest % WINDOW_PIECES];
        if (!piece->answered)
            return;
        total_add(&window->so_far, &(struct total){piece->units, piece->count});
        window->oldest++;
    }
}

void window_answered(struct window *window, struct piece *piece, __int128 units, int64_t now_ns)
{
    assert(!piece->answered);
    assert(window->in_flight > 0);
    piece->answered = true;
    piece->units = units;
    window->in_flight--;
    window->load -= piece->count;
    window->last_load = piece->load;
    window->last_ns = now_ns - piece->asked_at_ns;
    pacing_measured(&window->pacing, piece->count / BLOCK_SAMPLES, window->last_ns);
    keep_large(window);
    slide(window);
}
