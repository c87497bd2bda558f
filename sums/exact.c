/* Sums doubles and their squares exactly, in fixed point. */
#include "sums/exact.h"

#include <stdlib.h>
#include <string.h>

#include "sums/ieee.h"
#include "sums/rounding.h"
#include "sums/wide.h"

#define STRETCH      (EXACT_BLOCK * EXACT_BLOCKS_MAX) /* numbers that are added at a time */
#define EXPONENT_MAX 2047                             /* of infinities, and of what is no number */
#define WINDOW_BITS  51
#define WINDOW_SPARE 3  /* bits by which later numbers may exceed those before */
#define ALIGNMENT    64 /* of a sum in memory of the caller */
#define STRETCHES_WITHOUT                                                                          \
    15 /* stretches that use slots only, before the windows are tried again                        \
        */

/* Slots sum numbers of very different sizes one by one: a number is added to the slots of its
 * exponent. Radford Neal describes such superaccumulators (arXiv 1505.05571, 2015). Slot i counts
 * multiples of 2^(SLOT_BITS i) units. A stretch cannot overflow it. */
#define SLOT_BITS  32
#define WORD_SLOTS (64 / SLOT_BITS)
#define SUM_SLOTS  (WORD_SLOTS * EXACT_SUM_WORDS)
#define SLOTS_MAX  (WORD_SLOTS * EXACT_SQUARES_WORDS)

/* A finite double is magnitude * 2^exponent units of 2^SLOTS_UNIT_LOG2. */
#define SLOTS_UNIT_LOG2 (-1075)

#define SIGN_SLOTS 64 /* slots of 32 exponents each */

struct slots {
    /* The lower parts of numbers belong to slot i and the upper parts to slot i + 1. The negative
     * numbers follow the positive ones. */
    uint64_t low[2 * SIGN_SLOTS], high[2 * SIGN_SLOTS];
    unsigned __int128 square[SLOTS_MAX];
};

/* A sum, and a guess of the size of the next numbers. The guess only decides how long a sum takes.
 */
struct accumulator {
    uint64_t word[EXACT_SQUARES_WORDS];
    int at;           /* of the windows */
    bool chosen;      /* false: `at` has no value yet */
    unsigned without; /* stretches to come that do not try the windows */
};

struct exact {
    const struct exact_kernel *kernel;
    struct accumulator of[EXACT_FORMS];
};

static inline unsigned exponent_of(double y)
{
    return double_bits(y) >> DOUBLE_FRACTION_BITS & EXPONENT_MAX;
}

/* Below 2^53. Subnormal numbers have the exponent 0, but the unit of exponent 1. */
static inline uint64_t magnitude_of(double y)
{
    const uint64_t one = UINT64_C(1) << DOUBLE_FRACTION_BITS;
    uint64_t fraction = double_bits(y) & (one - 1);
    return fraction + (exponent_of(y) > 0 ? one : fraction);
}

/* A magnitude starts at one of the 32 bits of a slot. The upper part is below 2^52, so that 2^12 of
 * them stay below 2^64. */
static bool slots_add_numbers(struct slots *slots, const double *y, size_t n, size_t *bad)
{
    for (size_t i = 0; i < n; i++) {
        unsigned at = double_bits(y[i]) >> 57; /* the sign and the upper bits of the exponent */
        unsigned shift = exponent_of(y[i]) % SLOT_BITS;
        uint64_t magnitude = magnitude_of(y[i]);
        if (exponent_of(y[i]) == EXPONENT_MAX) {
            *bad = i;
            return false;
        }
        slots->low[at] += (uint32_t)magnitude << shift;
        slots->high[at] += magnitude >> (SLOT_BITS - shift);
    }
    return true;
}

/* The square has two words. Each is below 2^64, in units of at most 2^31, so that 2^13 of them stay
 * below 2^108. */
static bool slots_add_squares(struct slots *slots, const double *y, size_t n, size_t *bad)
{
    for (size_t i = 0; i < n; i++) {
        unsigned bit = 2 * exponent_of(y[i]);
        uint64_t magnitude = magnitude_of(y[i]);
        unsigned __int128 square = (unsigned __int128)magnitude * magnitude;
        unsigned __int128 unit = UINT64_C(1) << bit % SLOT_BITS;
        unsigned __int128 *slot = &slots->square[bit / SLOT_BITS];
        if (exponent_of(y[i]) == EXPONENT_MAX) {
            *bad = i;
            return false;
        }
        slot[0] += (uint64_t)square * unit;
        slot[WORD_SLOTS] += (uint64_t)(square >> 64) * unit;
    }
    return true;
}

/* Writes the sum of all slots, each below 2^108, into `word`.
 * shift: the bits between the unit of the words and that of the slots. */
static void slots_sum(const unsigned __int128 *slot, unsigned shift, uint64_t *word, size_t words)
{
    unsigned __int128 carry = 0;
    for (size_t i = 0; i < words; i++, slot += WORD_SLOTS) {
        unsigned __int128 even = slot[0] << shift, odd = slot[1] << shift;
        carry += even + ((unsigned __int128)(uint32_t)odd << SLOT_BITS);
        word[i] = (uint64_t)carry;
        carry = (carry >> 64) + (odd >> SLOT_BITS);
    }
}

static void slots_settle_numbers(const struct slots *slots, uint64_t *word)
{
    unsigned __int128 slot[SUM_SLOTS] = {0};
    uint64_t part[EXACT_SUM_WORDS];
    for (unsigned negative = 0; negative < 2; negative++) {
        const uint64_t *low = slots->low + SIGN_SLOTS * negative;
        const uint64_t *high = slots->high + SIGN_SLOTS * negative;
        slot[0] = low[0];
        for (size_t i = 1; i < SIGN_SLOTS; i++)
            slot[i] = (unsigned __int128)low[i] + high[i - 1];
        slot[SIGN_SLOTS] = high[SIGN_SLOTS - 1];
        slots_sum(slot, SLOTS_UNIT_LOG2 - EXACT_SUM_UNIT_LOG2, part, EXACT_SUM_WORDS);
        if (negative)
            wide_negate(part, EXACT_SUM_WORDS);
        wide_add_all(word, part, EXACT_SUM_WORDS);
    }
}

static void slots_settle_squares(const struct slots *slots, uint64_t *word)
{
    uint64_t part[EXACT_SQUARES_WORDS];
    slots_sum(slots->square, 2 * SLOTS_UNIT_LOG2 - EXACT_SQUARES_UNIT_LOG2, part,
              EXACT_SQUARES_WORDS);
    wide_add_all(word, part, EXACT_SQUARES_WORDS);
}

/* What differs between numbers and their squares. */
static const struct measure {
    size_t words;
    int unit_log2;
    int windows; /* in use */
    int at_min;
    int power;          /* 1: numbers; 2: their squares */
    size_t slots_bytes; /* the first bytes of the slots, which are in use */
    bool (*slots_add)(struct slots *slots, const double *y, size_t n, size_t *bad);
    void (*slots_settle)(const struct slots *slots, uint64_t *word);
} measures[EXACT_FORMS] = {
    [EXACT_SUM] = {EXACT_SUM_WORDS, EXACT_SUM_UNIT_LOG2, 2, EXACT_SUM_AT_MIN, 1,
                   offsetof(struct slots, square), slots_add_numbers, slots_settle_numbers},
    [EXACT_SQUARES] = {EXACT_SQUARES_WORDS, EXACT_SQUARES_UNIT_LOG2, 3, EXACT_SQUARES_AT_MIN, 2,
                       sizeof(struct slots), slots_add_squares, slots_settle_squares},
};

/* A stretch that is not yet added: up to STRETCH numbers. */
struct stretch {
    const struct measure *measure;
    struct exact_windows windows;
    bool uses_slots;
    struct slots slots; /* no value unless uses_slots */
};

static bool stretch_add_to_slots(struct stretch *stretch, const double *y, size_t n, size_t *bad)
{
    if (!stretch->uses_slots)
        memset(&stretch->slots, 0, stretch->measure->slots_bytes);
    stretch->uses_slots = true;
    return stretch->measure->slots_add(&stretch->slots, y, n, bad);
}

/* Adds the blocks that the kernel left out to the slots; neighbouring blocks together.
 * left: bit i: block i was left out. */
static bool stretch_add_left(struct stretch *stretch, const double *y, uint64_t left, size_t *bad)
{
    while (left) {
        unsigned first = (unsigned)__builtin_ctzll(left);
        uint64_t after =
            left + (UINT64_C(1) << first); /* 0: every higher block was left out, too */
        unsigned end = after & ~left ? (unsigned)__builtin_ctzll(after & ~left) : 64;
        size_t from = EXACT_BLOCK * (size_t)first;
        if (!stretch_add_to_slots(stretch, y + from, EXACT_BLOCK * (size_t)(end - first), bad)) {
            *bad += from;
            return false;
        }
        left &= after;
    }
    return true;
}

static void stretch_settle(const struct stretch *stretch, uint64_t *word)
{
    const struct measure *measure = stretch->measure;
    for (int i = 0; i < measure->windows; i++)
        if (stretch->windows.units[i] != 0)
            wide_add(word, measure->words,
                     (size_t)(stretch->windows.at - WINDOW_BITS * i - measure->unit_log2),
                     stretch->windows.units[i]);
    if (stretch->uses_slots)
        measure->slots_settle(&stretch->slots, word);
}

/* Chooses the windows so that they hold the largest of these numbers, with WINDOW_SPARE bits to
 * spare. Returns false if they stay where they are. */
static bool choose_windows(struct accumulator *accumulator, const struct measure *measure,
                           const double *y, size_t n)
{
    unsigned top = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned exponent = exponent_of(y[i]);
        if (exponent > top && exponent != EXPONENT_MAX)
            top = exponent;
    }
    int below_log2 = measure->power * ((int)top - DOUBLE_BIAS + 1);
    int at = below_log2 + WINDOW_SPARE - WINDOW_BITS;
    at = at < measure->at_min ? measure->at_min : at > EXACT_AT_MAX ? EXACT_AT_MAX : at;
    bool moved = !accumulator->chosen || at != accumulator->at;
    accumulator->at = at;
    accumulator->chosen = true;
    return moved;
}

/* Sums whole blocks with the kernel, or leaves all of them out. Returns a bit for each block that
 * is left out. */
static uint64_t try_windows(struct exact *exact, enum exact_form form, struct stretch *stretch,
                            const double *y, size_t blocks)
{
    const struct exact_kernel *kernel = exact->kernel;
    if (exact->of[form].without > 0)
        return blocks < 64 ? (UINT64_C(1) << blocks) - 1 : UINT64_MAX;
    if (form == EXACT_SUM)
        kernel->sum(y, blocks, &stretch->windows);
    else
        kernel->squares(y, blocks, &stretch->windows);
    return stretch->windows.left;
}

/* Adds the last numbers, fewer than a block, with zeros behind them. */
static bool stretch_add_tail(struct exact *exact, enum exact_form form, struct stretch *stretch,
                             const double *y, size_t n, size_t *bad)
{
    double block[EXACT_BLOCK];
    if (n == 0)
        return true;
    memcpy(block, y, n * sizeof *y);
    memset(block + n, 0, (EXACT_BLOCK - n) * sizeof *y);
    if (try_windows(exact, form, stretch, block, 1) == 0)
        return true;
    return stretch_add_to_slots(stretch, y, n, bad);
}

/* If the kernel left out most blocks, moves the windows to the size of these numbers. If the
 * windows are there already, the next stretches use slots only. */
static void adapt(struct accumulator *accumulator, const struct measure *measure, const double *y,
                  size_t n, uint64_t left)
{
    size_t blocks = n / EXACT_BLOCK;
    if (accumulator->without > 0)
        accumulator->without--;
    else if (2 * (size_t)__builtin_popcountll(left) > blocks &&
             !choose_windows(accumulator, measure, y, n))
        accumulator->without = STRETCHES_WITHOUT;
}

static bool add_stretch(struct exact *exact, enum exact_form form, const double *y, size_t n,
                        size_t *bad)
{
    struct accumulator *accumulator = &exact->of[form];
    const struct measure *measure = &measures[form];
    size_t blocks = n / EXACT_BLOCK, whole = blocks * EXACT_BLOCK;
    struct stretch stretch;
    if (!accumulator->chosen)
        choose_windows(accumulator, measure, y, n);
    stretch.measure = measure;
    stretch.windows = (struct exact_windows){.at = accumulator->at};
    stretch.uses_slots = false;
    uint64_t left = try_windows(exact, form, &stretch, y, blocks);
    if (!stretch_add_left(&stretch, y, left, bad))
        return false;
    if (!stretch_add_tail(exact, form, &stretch, y + whole, n - whole, bad)) {
        *bad += whole;
        return false;
    }
    stretch_settle(&stretch, accumulator->word);
    adapt(accumulator, measure, y, n, left);
    return true;
}

static bool add_runs(struct exact *exact, enum exact_form form, const double *y, size_t n,
                     size_t *bad)
{
    for (size_t from = 0; from < n; from += STRETCH)
        if (!add_stretch(exact, form, y + from, n - from < STRETCH ? n - from : STRETCH, bad)) {
            *bad += from;
            return false;
        }
    return true;
}

/* A stretch that fails adds nothing. The stretches before it are undone: the sum of before is
 * restored. */
static bool add(struct exact *exact, enum exact_form form, const double *y, size_t n, size_t *bad)
{
    struct accumulator before;
    if (n > STRETCH)
        before = exact->of[form];
    rounding mode = rounding_set();
    bool added = add_runs(exact, form, y, n, bad);
    rounding_restore(mode);
    if (!added && n > STRETCH)
        exact->of[form] = before;
    return added;
}

bool exact_add(struct exact *exact, const double *y, size_t n, size_t *bad)
{
    return add(exact, EXACT_SUM, y, n, bad);
}

bool exact_add_squares(struct exact *exact, const double *y, size_t n, size_t *bad)
{
    return add(exact, EXACT_SQUARES, y, n, bad);
}

void exact_combine(struct exact *exact, const struct exact *part)
{
    for (int form = 0; form < EXACT_FORMS; form++)
        wide_add_all(exact->of[form].word, part->of[form].word, measures[form].words);
}

void exact_clear(struct exact *exact)
{
    for (int form = 0; form < EXACT_FORMS; form++)
        memset(exact->of[form].word, 0, sizeof exact->of[form].word);
}

static void read_total(const struct exact *exact, enum exact_form form, struct exact_total *total)
{
    exact_total_set(total, exact->of[form].word, measures[form].words, measures[form].unit_log2);
}

void exact_sum(const struct exact *exact, struct exact_total *total)
{
    read_total(exact, EXACT_SUM, total);
}

void exact_squares(const struct exact *exact, struct exact_total *total)
{
    read_total(exact, EXACT_SQUARES, total);
}

struct exact *exact_new_with(const struct exact_kernel *kernel)
{
    struct exact *exact = calloc(1, sizeof *exact);
    if (exact)
        exact->kernel = kernel;
    return exact;
}

struct exact *exact_new(void)
{
    return exact_new_with(exact_kernel_best());
}

size_t exact_bytes(void)
{
    return (sizeof(struct exact) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

struct exact *exact_init(void *memory)
{
    struct exact *exact = memory;
    *exact = (struct exact){.kernel = exact_kernel_best()};
    return exact;
}

void exact_destroy(struct exact **exact)
{
    free(*exact);
    *exact = NULL;
}
