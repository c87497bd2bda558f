/* Long sums: the window of pieces, and the estimate of the mean. */
#include <criterion/criterion.h>
#include <math.h>

#include "client/sum/estimate.h"
#include "client/sum/stopping.h"
#include "client/sum/window.h"
#include "proto/instant.h"
#include "sums/stream.h"
#include "tests/support/chance.h"

#define SECOND NS_PER_S

/* A sum with a known formula: sample i is i + 1. */
static __int128 sum_up_to(uint64_t end)
{
    return (__int128)end * (end + 1) / 2;
}

static __int128 sum_of(const struct piece *piece)
{
    return sum_up_to(piece->first + piece->count) - sum_up_to(piece->first);
}

/* A window, and the sum of the pieces that it has added. */
struct sum {
    struct window window;
    struct total so_far;
};

static struct sum sum_of_setting(const struct window_setting *setting)
{
    struct sum sum = {.so_far = {sum_up_to(setting->added), setting->added}};

    window_init(&sum.window, setting);
    return sum;
}

static struct sum sum_with(uint64_t count, uint64_t done, int64_t stop_at_ns)
{
    return sum_of_setting(
        &(struct window_setting){.count = count, .added = done, .stop_at_ns = stop_at_ns});
}

/* compute_ns: of all cores of the server. */
static void answer_in(struct sum *sum, struct piece *piece, uint64_t compute_ns, int64_t now_ns)
{
    window_answered(&sum->window, piece, compute_ns, now_ns);
    while ((piece = window_take(&sum->window)))
        total_add(&sum->so_far, &(struct total){sum_of(piece), piece->count});
    cr_assert(sum->so_far.count == sum->window.added);
}

static void answer_at(struct sum *sum, struct piece *piece, int64_t now_ns)
{
    answer_in(sum, piece, 0, now_ns);
}

/* ---- stories ---- */

Test(window, a_small_sum_is_one_piece)
{
    struct sum sum = sum_with(10000000, 0, NEVER);
    struct piece *piece = window_ask(&sum.window, 5);

    cr_assert(piece->first == 0 && piece->count == 10000000);
    cr_assert_null(window_ask(&sum.window, 5));
    answer_at(&sum, piece, 6);
    cr_assert(window_done(&sum.window) && sum.so_far.units == sum_up_to(10000000));
    cr_assert_null(window_ask(&sum.window, 7));
}

Test(window, a_limited_number_is_in_flight_and_an_answer_allows_the_next)
{
    struct sum sum = sum_with(UINT64_C(1) << 50, 0, NEVER);
    struct piece *pieces[WINDOW_IN_FLIGHT];

    for (int i = 0; i < WINDOW_IN_FLIGHT; i++)
        pieces[i] = window_ask(&sum.window, 0);
    cr_assert_null(window_ask(&sum.window, 0));
    answer_at(&sum, pieces[2], 1000);
    struct piece *next = window_ask(&sum.window, 1000);
    cr_assert(next->first == pieces[3]->first + pieces[3]->count);
    cr_assert_null(window_ask(&sum.window, 1000));
}

Test(window, an_early_answer_waits_for_the_pieces_before_it)
{
    struct sum sum = sum_with(UINT64_C(1) << 50, 0, NEVER);
    struct piece *late = window_ask(&sum.window, 0);
    struct piece *early = window_ask(&sum.window, 0);

    answer_at(&sum, early, 1);
    cr_assert(sum.so_far.count == 0);
    answer_at(&sum, late, 2);
    cr_assert(sum.so_far.count == late->count + early->count);
    cr_assert(sum.so_far.units == sum_up_to(sum.so_far.count));
}

Test(window, a_very_late_piece_stops_the_others_at_last)
{
    struct sum sum = sum_with(UINT64_C(1) << 60, 0, NEVER);
    struct piece *late = window_ask(&sum.window, 0), *piece;
    int others = 0;

    while ((piece = window_ask(&sum.window, others))) {
        answer_at(&sum, piece, ++others);
        cr_assert(others < WINDOW_PIECES);
    }
    cr_assert(others == WINDOW_PIECES - 1 && sum.window.in_flight == 1);
    answer_at(&sum, late, 100);
    cr_assert(sum.so_far.count == sum.window.asked_to);
    cr_assert_not_null(window_ask(&sum.window, 100));
}

Test(window, resumes_from_a_checkpoint)
{
    struct sum sum = sum_with(1000000, 400001, NEVER);
    struct piece *piece = window_ask(&sum.window, 0);

    cr_assert(piece->first == 400001 && piece->count == 599999);
    answer_at(&sum, piece, 1);
    cr_assert(sum.so_far.units == sum_up_to(1000000));
    sum = sum_with(1000000, 1000000, NEVER);
    cr_assert(window_done(&sum.window));
    cr_assert_null(window_ask(&sum.window, 0));
}

/* ---- a server of a given speed, on virtual time ---- */

struct served {
    struct sum sum;
    int64_t now_ns;
    double samples_per_ns;                 /* the speed of the server */
    int64_t delay_ns;                      /* least time of each answer, whatever the work */
    struct piece *queue[WINDOW_IN_FLIGHT]; /* computed one after the other, the oldest first */
    int length;                            /* of the queue */
};

static void fill(struct served *served)
{
    struct piece *piece;

    while ((piece = window_ask(&served->sum.window, served->now_ns)))
        served->queue[served->length++] = piece;
}

static void answer(struct served *served)
{
    struct piece *piece = served->queue[0];

    served->now_ns += 1 + (int64_t)((double)piece->count / served->samples_per_ns);
    if (served->now_ns < piece->asked_at_ns + served->delay_ns)
        served->now_ns = piece->asked_at_ns + served->delay_ns;
    for (int i = 1; i < served->length; i++)
        served->queue[i - 1] = served->queue[i];
    served->length--;
    answer_in(&served->sum, piece, (uint64_t)((double)piece->count / served->samples_per_ns),
              served->now_ns);
}

Test(window, pieces_soon_take_about_a_second)
{
    static const double speeds[] = {0.1, 0.5, 8, 1000, 40000};

    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        struct served served = {
            .sum = sum_with(UINT64_C(1) << 62, 0, NEVER),
            .samples_per_ns = speeds[i],
        };
        for (int answers = 0; answers < 60; answers++) {
            fill(&served);
            answer(&served);
        }
        fill(&served);
        double took_s = (double)served.queue[0]->count * WINDOW_IN_FLIGHT / speeds[i] / 1e9;
        cr_assert(took_s > 0.5 && took_s < 2, "speed %g: %g s", speeds[i], took_s);
    }
}

/* For example, a busy server causes such a delay, or an unreachable server that is tried first. */
Test(window, a_constant_delay_never_makes_pieces_smaller)
{
    static const int64_t delays_ns[] = {SECOND / 2, SECOND, 3 * SECOND, 60 * SECOND};

    for (size_t i = 0; i < sizeof delays_ns / sizeof *delays_ns; i++) {
        struct served served = {
            .sum = sum_with(UINT64_C(1) << 62, 0, NEVER),
            .samples_per_ns = 8,
            .delay_ns = delays_ns[i],
        };
        for (int answers = 0; answers < 60; answers++) {
            fill(&served);
            cr_assert(served.queue[0]->count >= WINDOW_FIRST_BLOCKS * BLOCK_SAMPLES);
            answer(&served);
        }
        served.delay_ns = 0; /* later pieces soon ignore the delay */
        for (int answers = 0; answers < 20; answers++) {
            fill(&served);
            answer(&served);
        }
        fill(&served);
        cr_assert(served.queue[0]->count * WINDOW_IN_FLIGHT > 4 * SECOND);
    }
}

/* Returns the summed share of what a server of that speed could have summed in the time. */
static double share_summed(double samples_per_ns, int64_t time_ns)
{
    struct served served = {
        .sum = sum_with(UINT64_C(1) << 62, 0, time_ns),
        .samples_per_ns = samples_per_ns,
    };
    uint64_t in_time = 0;

    for (fill(&served); served.length > 0; fill(&served)) {
        answer(&served);
        if (served.now_ns <= time_ns)
            in_time = served.sum.so_far.count;
        cr_assert(served.now_ns < 2 * time_ns, "asked for far too many samples");
    }
    return (double)in_time / (samples_per_ns * (double)time_ns);
}

Test(window, nearly_all_of_a_given_time_is_used)
{
    cr_assert(share_summed(8, 10 * SECOND) > 0.95, "%g", share_summed(8, 10 * SECOND));
    cr_assert(share_summed(0.05, 10 * SECOND) > 0.95, "%g", share_summed(0.05, 10 * SECOND));
    cr_assert(share_summed(8, SECOND / 10) > 0.9, "%g", share_summed(8, SECOND / 10));
    cr_assert(share_summed(8, SECOND / 100) > 0.6, "%g", share_summed(8, SECOND / 100));
}

Test(window, a_late_server_is_used_for_the_rest_of_a_given_time)
{
    struct served served = {
        .sum = sum_with(UINT64_C(1) << 62, 0, 2 * SECOND),
        .samples_per_ns = 8,
        .delay_ns = 3 * SECOND / 2,
    };

    fill(&served);
    while (served.length > 0 && served.now_ns < 2 * SECOND) {
        answer(&served);
        if (served.length == 0)
            served.delay_ns = 0;
        fill(&served);
    }
    cr_assert(served.now_ns >= 2 * SECOND);
    cr_assert(served.sum.so_far.count > 3 * SECOND);
}

Test(window, nothing_is_asked_when_the_time_is_over)
{
    struct sum sum = sum_with(1000000, 0, SECOND);

    cr_assert_null(window_ask(&sum.window, SECOND));
    cr_assert_null(window_ask(&sum.window, 2 * SECOND));
}

/* ---- terms of a summand ---- */

static struct sum terms_with(uint64_t count, uint64_t done, bool cut)
{
    return sum_of_setting(&(struct window_setting){
        .count = count,
        .added = done,
        .stop_at_ns = NEVER,
        .terms = true,
        .cut = cut,
    });
}

/* The first answer decides the build of the later ones. */
Test(window, the_first_piece_is_one_term_and_comes_alone)
{
    struct sum sum = terms_with(1000000, 0, false);
    struct piece *piece = window_ask(&sum.window, 0);

    cr_assert(piece->first == 0 && piece->count == 1);
    cr_assert_null(window_ask(&sum.window, 0));
    answer_in(&sum, piece, 1000000, 2000000);
    for (int i = 0; i < WINDOW_IN_FLIGHT; i++)
        cr_assert_not_null(window_ask(&sum.window, 2000000));
    cr_assert_null(window_ask(&sum.window, 2000000));
}

Test(window, pieces_of_terms_of_any_cost_soon_take_about_a_second)
{
    static const double terms_per_ns[] = {1e-10, 1e-9, 3e-8, 1e-6, 1e-3, 0.1, 2, 400};

    for (size_t i = 0; i < sizeof terms_per_ns / sizeof *terms_per_ns; i++) {
        struct served served = {
            .sum = terms_with(UINT64_C(1) << 62, 0, false),
            .samples_per_ns = terms_per_ns[i],
            .delay_ns = 3 * NS_PER_MS,
        };
        for (int answers = 0; answers < 60; answers++) {
            fill(&served);
            answer(&served);
        }
        fill(&served);
        uint64_t count = served.queue[0]->count;
        double took_s = (double)count * WINDOW_IN_FLIGHT / terms_per_ns[i] / 1e9;
        cr_assert(count == 1 || (took_s > 0.4 && took_s < 2), "%g terms/ns: %g s", terms_per_ns[i],
                  took_s);
        cr_assert(count > 1 || terms_per_ns[i] < 1e-8);
    }
}

Test(window, a_million_cheap_terms_take_few_pieces)
{
    struct served served = {
        .sum = terms_with(1000000, 0, false),
        .samples_per_ns = 1,
        .delay_ns = 3 * NS_PER_MS,
    };

    while (!window_done(&served.sum.window)) {
        fill(&served);
        answer(&served);
    }
    cr_assert(served.sum.window.asked <= 20, "%lu", served.sum.window.asked);
}

Test(window, a_constant_delay_leaves_pieces_of_terms_with_some_work)
{
    struct served served = {
        .sum = terms_with(UINT64_C(1) << 62, 0, false),
        .samples_per_ns = 1e-3,
        .delay_ns = 60 * SECOND,
    };

    for (int answers = 0; answers < 60; answers++) {
        fill(&served);
        answer(&served);
    }
    fill(&served);
    cr_assert(served.queue[0]->count >= WINDOW_LEAST_NS / 1000);
}

/* The grain counts from term 0 of the summand, not from the start of the sum. */
Test(window, pieces_of_more_terms_than_the_grain_end_at_its_multiples)
{
    struct window_setting setting = {
        .count = UINT64_C(1) << 62, .added = 5, .stop_at_ns = NEVER, .terms = true, .origin = 100};
    struct served served = {.sum = sum_of_setting(&setting), .samples_per_ns = 0.1};
    const uint64_t grain = 5456;

    fill(&served);
    answer(&served);
    window_set_grain(&served.sum.window, grain);
    for (int answers = 0; answers < 60; answers++) {
        fill(&served);
        const struct piece *piece = served.queue[0];
        cr_assert(piece->count < grain || (100 + piece->first + piece->count) % grain == 0);
        answer(&served);
    }
    cr_assert(served.queue[0]->count > grain);
}

/* ---- the end of a sum with --until-error ---- */

Test(stopping, counts_are_powers_of_two_and_three_halves_of_them)
{
    static const uint64_t counts[] = {65536, 98304, 131072, 196608, 262144, 393216};

    for (size_t i = 0; i + 1 < sizeof counts / sizeof *counts; i++)
        for (uint64_t count = counts[i]; count < counts[i + 1]; count += 1 + counts[i] / 3)
            cr_assert(stopping_next(count) == counts[i + 1]);
    cr_assert(stopping_next(0) == 65536 && stopping_next(65535) == 65536);
    cr_assert(stopping_next((UINT64_C(3) << 61) - 1) == UINT64_C(3) << 61);
    cr_assert(stopping_next(UINT64_C(3) << 61) == UINT64_C(1) << 63);
    cr_assert(stopping_next(UINT64_C(1) << 63) == UINT64_MAX);
}

Test(stopping, only_certain_counts_end_a_sum)
{
    static const struct {
        uint64_t count;
        double variance, error;
        bool ends;
    } rows[] = {
        {65536, 1, 0.01, true},   {65536, 1, 0.0101, false}, {98304, 1, 0.001, true},
        {32768, 1, 0.001, false}, {65535, 1, 0.001, false},  {65537, 1, 0.001, false},
        {81920, 1, 0.001, false}, {196608, 1, 0.01, true},   {65536, 0, 0, false},
        {131072, 0, 0, false},    {1, 1, 0, false},          {0, 1, 0, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(stopping_reached(rows[i].count, 0.01, rows[i].variance, rows[i].error) ==
                      rows[i].ends,
                  "row %zu", i);
}

Test(stopping, the_expected_count_follows_from_the_error)
{
    const uint64_t end = UINT64_C(1) << 63;

    cr_assert(stopping_expected(65536, 0.01, 0.02, end) == 262144);
    cr_assert(stopping_expected(65536, 0.01, 0.021, end) == 393216);
    cr_assert(stopping_expected(65536, 0.01, 0.005, end) == 65536);
    cr_assert(stopping_expected(1000, 0.01, 0.005, end) == 65536);
    cr_assert(stopping_expected(65536, 0.01, 0.02, 100000) == 100000);
    cr_assert(stopping_expected(1000, 1e-300, 1, end) == end);
    cr_assert(stopping_expected(1, 0.01, INFINITY, end) == end);
}

/* Returns the count at which a sum ends whose terms have the variance 1, and checks each added
 * piece. */
static uint64_t stopped_at(uint64_t seed, double wanted)
{
    struct chance chance = {seed};
    struct sum sum = terms_with(UINT64_C(1) << 40, chance_below(&chance, 50000), true);
    struct piece *out[WINDOW_IN_FLIGHT], *piece;
    unsigned length = 0;

    for (int64_t now_ns = 0;;) {
        now_ns += (int64_t)chance_below(&chance, SECOND);
        while ((piece = window_ask(&sum.window, now_ns)))
            out[length++] = piece;
        uint64_t which = chance_below(&chance, length);
        piece = out[which];
        out[which] = out[--length];
        window_answered(&sum.window, piece, chance_below(&chance, SECOND), now_ns);
        while (window_take(&sum.window)) {
            uint64_t count = sum.window.added;
            if (stopping_reached(count, wanted, 1, 1 / sqrt((double)count)))
                return count;
        }
    }
}

Test(stopping, a_sum_ends_at_the_same_count_at_any_speed_and_order_of_answers)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        cr_assert(stopped_at(seed, 1e-2) == 65536, "seed %lu", seed);
        cr_assert(stopped_at(seed, 2e-3) == 262144, "seed %lu", seed);
        cr_assert(stopped_at(seed, 1.6e-3) == 393216, "seed %lu", seed);
    }
}

/* ---- laws ---- */

Test(window, any_order_of_answers_counts_every_sample_once)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct chance chance = {seed};
        uint64_t count = 1 + chance_below(&chance, UINT64_C(2) << chance_below(&chance, 40));
        uint64_t done = chance_below(&chance, count + 1);
        struct sum sum = sum_with(count, done, NEVER);
        struct piece *out[WINDOW_IN_FLIGHT], *piece;
        unsigned length = 0;
        int64_t now_ns = 0;
        while (!window_done(&sum.window)) {
            now_ns += (int64_t)chance_below(&chance, SECOND);
            while ((piece = window_ask(&sum.window, now_ns)))
                out[length++] = piece;
            cr_assert(length > 0, "seed %lu", seed);
            uint64_t which = chance_below(&chance, length);
            piece = out[which];
            out[which] = out[--length];
            answer_at(&sum, piece, now_ns);
            cr_assert(sum.so_far.units == sum_up_to(sum.so_far.count), "seed %lu", seed);
        }
    }
}

/* ---- estimates ---- */

static bool about(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

Test(estimate, of_gaussian_samples)
{
    /* 100 samples with sum 20: twice the standard deviation of the sum, 10. */
    struct total total = {(__int128)20 << 49, 100};
    struct estimate estimate = estimate_of(STREAM_GAUSSIAN, &total);

    cr_assert(about(estimate.mean, 0.2) && about(estimate.standard_error, 0.1));
    cr_assert(about(estimate.z, 2));
}

Test(estimate, of_uniform_samples)
{
    /* 1,200 samples with sum 570: their sum has the mean 600 and the standard deviation 10. */
    struct total total = {(__int128)570 << 53, 1200};
    struct estimate estimate = estimate_of(STREAM_UNIFORM, &total);

    cr_assert(about(estimate.mean, 0.475) && about(estimate.standard_error, 1.0 / 120));
    cr_assert(about(estimate.z, -3));
}

Test(estimate, of_the_longest_sum_is_exact)
{
    /* 2^62 samples with a sum that is 2^31 less than expected: the standard deviation of this sum
     * is 2^31 / sqrt(12). */
    uint64_t count = UINT64_C(1) << 62;
    struct total total = {((__int128)count << 52) - ((__int128)1 << (31 + 53)), count};
    struct estimate estimate = estimate_of(STREAM_UNIFORM, &total);

    cr_assert(about(estimate.z, -sqrt(12)), "%.17g", estimate.z);
    cr_assert(about(estimate.mean, 0.5 - 0x1p-31));
}
