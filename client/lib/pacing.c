/* Computes the sizes of slices from the measured speed of the work. */
#include "client/lib/pacing.h"

#include <assert.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void pacing_init(struct pacing *pacing, int64_t target_ns)
{
    assert(target_ns >= 0);
    *pacing = (struct pacing){.target_ns = target_ns, .units = 1};
}

uint64_t pacing_units(const struct pacing *pacing)
{
    return pacing->units;
}

static int64_t stretched_ns(const struct pacing *pacing)
{
    int64_t needed_ns = pacing->look_ns * PACING_SLICE_PER_LOOK;

    if (needed_ns > PACING_STRETCH_NS_MAX)
        needed_ns = PACING_STRETCH_NS_MAX;
    return needed_ns > pacing->target_ns ? needed_ns : pacing->target_ns;
}

static int64_t slice_ns(const struct pacing *pacing)
{
    int64_t stretched = stretched_ns(pacing);

    return pacing->limit_ns && pacing->limit_ns < stretched ? pacing->limit_ns : stretched;
}

/* Returns how many units fit in a slice at the measured speed. Both factors are below 2^64. */
static uint64_t fitting(const struct pacing *pacing, uint64_t units, int64_t elapsed_ns)
{
    unsigned __int128 fit = (unsigned __int128)units * (uint64_t)slice_ns(pacing);
    fit /= (uint64_t)elapsed_ns;
    if (fit > PACING_UNITS_MAX)
        return PACING_UNITS_MAX;
    return fit < 1 ? 1 : (uint64_t)fit;
}

void pacing_measured(struct pacing *pacing, uint64_t units, int64_t elapsed_ns)
{
    if (units == 0 || elapsed_ns <= 0)
        return;
    pacing->units = least(fitting(pacing, units, elapsed_ns), pacing->units * PACING_GROWTH_MAX);
    assert(pacing->units >= 1);
    assert(pacing->units <= PACING_UNITS_MAX);
}

void pacing_looked(struct pacing *pacing, int64_t look_ns)
{
    bool cheap = pacing->look_ns == 0 || look_ns < pacing->look_ns;

    if (look_ns > 0)
        pacing->look_ns =
            cheap ? look_ns : pacing->look_ns + (look_ns - pacing->look_ns) / PACING_LOOKS;
}

bool pacing_waited(struct pacing *pacing, int64_t waited_ns)
{
    assert(waited_ns >= 0);
    pacing->limit_ns = waited_ns / PACING_WAITED_PER_SLICE + (waited_ns > 0);
    return pacing->limit_ns > 0 && pacing->limit_ns < pacing->target_ns;
}
