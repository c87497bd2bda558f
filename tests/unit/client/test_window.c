/* Long sums: the window of pieces, and the estimate of the mean. */
#include <criterion/criterion.h>
#include <math.h>

#include "client/sum/estimate.h"
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

static struct window window_of(uint64_t count, uint64_t done, int64_t stop_at_ns)
{
    struct window window;

    window_init(&window, count, &(struct total){sum_up_to(done), done}, stop_at_ns);
    return window;
}

/* ---- stories ---- */

Test(window, a_small_sum_is_one_piece)
{
    struct window window = window_of(10000000, 0, NEVER);
    struct piece *piece = window_ask(&window, 5);

    cr_assert(piece->first == 0 && piece->count == 10000000);
    cr_assert_null(window_ask(&window, 5));
    window_answered(&window, piece, sum_of(piece), 6);
    cr_assert(window_done(&window) && window.so_far.units == sum_up_to(10000000));
    cr_assert_null(window_ask(&window, 7));
}

Test(window, a_limited_number_is_in_flight_and_an_answer_allows_the_next)
{
    struct window window = window_of(UINT64_C(1) << 50, 0, NEVER);
    struct piece *pieces[WINDOW_IN_FLIGHT];

    for (int i = 0; i < WINDOW_IN_FLIGHT; i++)
        pieces[i] = window_ask(&window, 0);
    cr_assert_null(window_ask(&window, 0));
    window_answered(&window, pieces[2], sum_of(pieces[2]), 1000);
    struct piece *next = window_ask(&window, 1000);
    cr_assert(next->first == pieces[3]->first + pieces[3]->count);
    cr_assert_null(window_ask(&window, 1000));
}

Test(window, an_early_answer_waits_for_the_pieces_before_it)
{
    struct window window = window_of(UINT64_C(1) << 50, 0, NEVER);
    struct piece *late = window_ask(&window, 0);
    struct piece *early = window_ask(&window, 0);

    window_answered(&window, early, sum_of(early), 1);
    cr_assert(window.so_far.count == 0);
    window_answered(&window, late, sum_of(late), 2);
    cr_assert(window.so_far.count == late->count + early->count);
    cr_assert(window.so_far.units == sum_up_to(window.so_far.count));
}

Test(window, a_very_late_piece_stops_the_others_at_last)
{
    struct window window = window_of(UINT64_C(1) << 60, 0, NEVER);
    struct piece *late = window_ask(&window, 0), *piece;
    int others = 0;

    while ((piece = window_ask(&window, others))) {
        window_answered(&window, piece, sum_of(piece), ++others);
        cr_assert(others < WINDOW_PIECES);
    }
    cr_assert(others == WINDOW_PIECES - 1 && window.in_flight == 1);
    window_answered(&window, late, sum_of(late), 100);
    cr_assert(window.so_far.count == window.asked_to);
    cr_assert_not_null(window_ask(&window, 100));
}

Test(window, resumes_from_a_checkpoint)
{
    struct window window = window_of(1000000, 400001, NEVER);
    struct piece *piece = window_ask(&window, 0);

    cr_assert(piece->first == 400001 && piece->count == 599999);
    window_answered(&window, piece, sum_of(piece), 1);
    cr_assert(window.so_far.units == sum_up_to(1000000));
    window = window_of(1000000, 1000000, NEVER);
    cr_assert(window_done(&window));
    cr_assert_null(window_ask(&window, 0));
}

/* ---- a server of a given speed, on virtual time ---- */

struct served {
    struct window window;
    int64_t now_ns;
    double samples_per_ns;                 /* the speed of the server */
    int64_t delay_ns;                      /* least time of each answer, whatever the work */
    struct piece *queue[WINDOW_IN_FLIGHT]; /* computed one after the other, the oldest first */
    int length;                            /* of the queue */
};

static void fill(struct served *served)
{
    struct piece *piece;

    while ((piece = window_ask(&served->window, served->now_ns)))
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
    window_answered(&served->window, piece, sum_of(piece), served->now_ns);
}

Test(window, pieces_soon_take_about_a_second)
{
    static const double speeds[] = {0.1, 0.5, 8, 1000, 40000};

    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        struct served served = {
            .window = window_of(UINT64_C(1) << 62, 0, NEVER),
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
            .window = window_of(UINT64_C(1) << 62, 0, NEVER),
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
        .window = window_of(UINT64_C(1) << 62, 0, time_ns),
        .samples_per_ns = samples_per_ns,
    };
    uint64_t in_time = 0;

    for (fill(&served); served.length > 0; fill(&served)) {
        answer(&served);
        if (served.now_ns <= time_ns)
            in_time = served.window.so_far.count;
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
        .window = window_of(UINT64_C(1) << 62, 0, 2 * SECOND),
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
    cr_assert(served.window.so_far.count > 3 * SECOND);
}

Test(window, nothing_is_asked_when_the_time_is_over)
{
    struct window window = window_of(1000000, 0, SECOND);

    cr_assert_null(window_ask(&window, SECOND));
    cr_assert_null(window_ask(&window, 2 * SECOND));
}

/* ---- laws ---- */

Test(window, any_order_of_answers_counts_every_sample_once)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct chance chance = {seed};
        uint64_t count = 1 + chance_below(&chance, UINT64_C(2) << chance_below(&chance, 40));
        uint64_t done = chance_below(&chance, count + 1);
        struct window window = window_of(count, done, NEVER);
        struct piece *out[WINDOW_IN_FLIGHT], *piece;
        unsigned length = 0;
        int64_t now_ns = 0;
        while (!window_done(&window)) {
            now_ns += (int64_t)chance_below(&chance, SECOND);
            while ((piece = window_ask(&window, now_ns)))
                out[length++] = piece;
            cr_assert(length > 0, "seed %lu", seed);
            uint64_t which = chance_below(&chance, length);
            piece = out[which];
            out[which] = out[--length];
            window_answered(&window, piece, sum_of(piece), now_ns);
            cr_assert(window.so_far.units == sum_up_to(window.so_far.count), "seed %lu", seed);
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
