/* Tests of the engine and of the digest of known answers, with functions in this process. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "summand/build.h"
#include "summand/engine.h"
#include "summand/layout.h"
#include "sums/exact.h"
#include "sums/samples.h"
#include "sums/stream.h"

#define SEED 42

/* ---- summands ------------------------------------------------------------------------------ */

/* What the next begin() sets. */
static struct meantime_shape next_shape;

static const char *begin_next(const char *parameters, struct meantime_shape *shape, void **state)
{
    (void)state;
    *shape = next_shape;
    return strcmp(parameters, "wrong") == 0 ? "The parameter is wrong." : NULL;
}

/* Output 0 is a product of all samples, output 1 depends on the number of the term. */
static void mix_samples(const void *state, const struct meantime_terms *terms, double *const *out)
{
    (void)state;
    for (uint32_t i = 0; i < terms->count; i++) {
        double product = 1;
        for (uint32_t d = 0; d < next_shape.gaussians; d++)
            product *= terms->gaussian[d][i] + d;
        for (uint32_t d = 0; d < next_shape.uniforms; d++)
            product *= terms->uniform[d][i] - 0.25;
        out[0][i] = product;
        for (uint32_t k = 1; k < next_shape.outputs; k++)
            out[k][i] = 1 / ((double)(terms->first + i) + k);
    }
}

static double special; /* value of term 1,234 in output 1 */

static void be_special(const void *state, const struct meantime_terms *terms, double *const *out)
{
    mix_samples(state, terms, out);
    for (uint32_t i = 0; i < terms->count; i++)
        if (terms->first + i == 1234)
            out[1][i] = special;
}

static void round_up(const void *state, const struct meantime_terms *terms, double *const *out)
{
    mix_samples(state, terms, out);
    fesetround(FE_UPWARD);
}

static const char *begin_rounding_up(const char *parameters, struct meantime_shape *shape,
                                     void **state)
{
    fesetround(FE_UPWARD);
    return begin_next(parameters, shape, state);
}

static void count_calls(const void *state, const struct meantime_terms *terms, double *const *out)
{
    static double calls;
    mix_samples(state, terms, out);
    out[0][0] = ++calls;
}

static void use_rand(const void *state, const struct meantime_terms *terms, double *const *out)
{
    mix_samples(state, terms, out);
    for (uint32_t i = 0; i < terms->count; i++)
        out[0][i] = rand();
}

/* As code whose last terms take another path. */
static void differ_in_tail(const void *state, const struct meantime_terms *terms,
                           double *const *out)
{
    mix_samples(state, terms, out);
    for (uint32_t i = terms->count / 4 * 4; i < terms->count; i++)
        out[0][i] = nextafter(out[0][i], 9);
}

static void forget_last_term(const void *state, const struct meantime_terms *terms,
                             double *const *out)
{
    double *copies[MEANTIME_OUTPUTS_MAX];
    double value[MEANTIME_TERMS_MAX];
    memcpy(copies, out, next_shape.outputs * sizeof *copies);
    copies[1] = value;
    mix_samples(state, terms, copies);
    memcpy(out[1], value, (terms->count - 1) * sizeof *value);
}

typedef void value_function(const void *state, const struct meantime_terms *terms,
                            double *const *out);

static struct meantime_summand summand = {.abi = MEANTIME_SUMMAND_ABI, .name = "test"};

static struct engine *engine_of(value_function *value, struct meantime_shape shape)
{
    next_shape = shape;
    summand.begin = begin_next;
    summand.value = value;
    struct engine *engine = engine_new(&summand, kernel_best(), NULL);
    cr_assert(engine);
    return engine;
}

static struct engine *engine_begun(value_function *value, struct meantime_shape shape)
{
    struct engine *engine = engine_of(value, shape);
    enum engine_end end = engine_begin(engine, SEED, "");
    cr_assert(end == ENGINE_DONE, "%s", engine_text(engine));
    return engine;
}

static const struct meantime_shape plain_shape = {.gaussians = 3, .uniforms = 2, .outputs = 2};

/* ---- layout -------------------------------------------------------------------------------- */

Test(layout, terms_share_blocks_in_multiples_of_eight)
{
    static const struct {
        uint32_t samples, terms;
    } rows[] = {{0, 0},     {1, 65536}, {2, 32768}, {3, 21840},
                {12, 5456}, {1000, 64}, {8191, 8},  {MEANTIME_SAMPLES_MAX, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(layout_terms_per_block(rows[i].samples) == rows[i].terms, "%" PRIu32,
                  rows[i].samples);
    cr_assert(layout_grain(12, 2) == 32768);
    cr_assert(layout_grain(0, 0) == 1);
    cr_assert(layout_terms_max(12, 0) == (uint64_t)5456 << 47);
    cr_assert(layout_terms_max(1, 12) == (uint64_t)5456 << 47);
    cr_assert(layout_terms_max(0, 0) == UINT64_C(1) << 63);
}

static double sample_of(enum stream_kind kind, uint32_t samples, uint64_t term, uint32_t d)
{
    uint32_t terms = 65536 / samples / 8 * 8;
    struct stream stream;
    double sample;
    stream_init(&stream, SEED, kind);
    samples_fill(kernel_best(), &stream, term / terms * 65536 + d * terms + term % terms, 1,
                 &sample);
    return sample;
}

Test(engine, each_term_gets_its_samples_of_both_kinds)
{
    static const uint64_t terms[] = {0,     1,     21839,      21840,
                                     32767, 32768, 1000000007, (UINT64_C(21840) << 47) - 1};
    struct engine *engine = engine_begun(mix_samples, plain_shape);
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        double product = 1;
        for (uint32_t d = 0; d < 3; d++)
            product *= sample_of(STREAM_GAUSSIAN, 3, terms[i], d) + d;
        for (uint32_t d = 0; d < 2; d++)
            product *= sample_of(STREAM_UNIFORM, 2, terms[i], d) - 0.25;
        cr_assert(engine_call(engine, terms[i], 1) == ENGINE_DONE, "%s", engine_text(engine));
        cr_assert(engine_values(engine, 0)[0] == product, "term %" PRIu64, terms[i]);
    }
    engine_destroy(&engine);
}

/* ---- sums ---------------------------------------------------------------------------------- */

struct totals {
    struct exact_total sum, squares;
};

static void clear_rest(struct exact_total *total)
{
    memset(total->units + total->length, 0, sizeof total->units - total->length);
}

static struct totals totals_of(const struct engine *engine, uint32_t output)
{
    struct totals totals = {0};
    engine_totals(engine, output, &totals.sum, &totals.squares);
    clear_rest(&totals.sum);
    clear_rest(&totals.squares);
    return totals;
}

static struct totals sum_in_parts(const struct meantime_shape *shape, uint64_t part, uint32_t chunk)
{
    const uint64_t first = 20000, count = 50000;
    struct engine *engine = engine_begun(mix_samples, *shape);
    engine_set_chunk(engine, chunk);
    for (uint64_t done = 0, terms; done < count; done += terms) {
        terms = part < count - done ? part : count - done;
        cr_assert(engine_sum(engine, first + done, terms) == ENGINE_DONE);
    }
    struct totals totals = totals_of(engine, 0);
    engine_destroy(&engine);
    return totals;
}

Test(engine, every_split_and_every_size_of_calls_gives_the_same_totals)
{
    static const struct meantime_shape shapes[] = {
        {.gaussians = 3, .uniforms = 2, .outputs = 2},
        {.gaussians = 12, .outputs = 1},
        {.uniforms = 1, .outputs = 1},
        {.outputs = 2},
    };
    static const uint32_t rows[][2] = {
        {50000, 0}, {50000, 1024}, {50000, 7}, {1999, 333}, {25000, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct totals whole = sum_in_parts(&shapes[i], 50000, 0);
        cr_assert(whole.sum.length > 0);
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            struct totals cut = sum_in_parts(&shapes[i], rows[k][0], rows[k][1]);
            cr_assert(memcmp(&cut, &whole, sizeof cut) == 0, "shape %zu, row %zu", i, k);
        }
    }
}

Test(engine, totals_are_the_exact_sums_of_the_values)
{
    struct engine *engine = engine_begun(mix_samples, plain_shape);
    struct exact *exact = exact_new();
    struct exact_total sum, squares;
    size_t bad;
    for (uint64_t term = 0; term < 1000; term++) {
        double value = 1 / ((double)term + 1);
        cr_assert(exact_add(exact, &value, 1, &bad) && exact_add_squares(exact, &value, 1, &bad));
    }
    exact_sum(exact, &sum);
    exact_squares(exact, &squares);
    cr_assert(engine_sum(engine, 0, 1000) == ENGINE_DONE);
    struct totals totals = totals_of(engine, 1);
    cr_assert(totals.sum.length == sum.length && totals.squares.length == squares.length);
    cr_assert_arr_eq(totals.sum.units, sum.units, sum.length);
    cr_assert_arr_eq(totals.squares.units, squares.units, squares.length);
    exact_destroy(&exact);
    engine_destroy(&engine);
}

Test(engine, a_range_ends_where_the_terms_end)
{
    struct engine *engine = engine_begun(mix_samples, plain_shape);
    uint64_t most = engine_terms_max(engine);
    cr_assert(engine_sum(engine, most - 10, 10) == ENGINE_DONE);
    cr_assert(engine_sum(engine, most, 0) == ENGINE_DONE);
    cr_assert(engine_sum(engine, most - 10, 11) == ENGINE_BAD_PARAMETERS);
    cr_assert(engine_sum(engine, 1, UINT64_MAX) == ENGINE_BAD_PARAMETERS);
    engine_destroy(&engine);
}

Test(engine, outputs_without_squares_have_none)
{
    struct meantime_shape shape = plain_shape;
    shape.without_squares = 1;
    struct engine *engine = engine_begun(mix_samples, shape);
    cr_assert(engine_sum(engine, 0, 100) == ENGINE_DONE);
    cr_assert(!engine_wants_squares(engine, 0) && engine_wants_squares(engine, 1));
    cr_assert(totals_of(engine, 0).squares.length == 0);
    cr_assert(totals_of(engine, 1).squares.length > 0);
    engine_destroy(&engine);
}

Test(engine, sums_of_a_second_request_do_not_contain_the_first)
{
    struct engine *engine = engine_begun(mix_samples, plain_shape);
    cr_assert(engine_sum(engine, 0, 100) == ENGINE_DONE);
    struct totals first = totals_of(engine, 0);
    engine_empty(engine);
    cr_assert(engine_sum(engine, 0, 100) == ENGINE_DONE);
    struct totals second = totals_of(engine, 0);
    cr_assert(memcmp(&first, &second, sizeof first) == 0);
    cr_assert(engine_begin(engine, SEED + 1, "") == ENGINE_DONE);
    cr_assert(engine_sum(engine, 0, 100) == ENGINE_DONE);
    second = totals_of(engine, 0);
    cr_assert(memcmp(&first, &second, sizeof first) != 0);
    engine_destroy(&engine);
}

/* ---- failures ------------------------------------------------------------------------------ */

Test(engine, nan_and_infinity_are_located)
{
    static const struct {
        double value;
        const char *sentence;
    } rows[] = {
        {NAN, "Term 1234 of output \"second\" is NaN, no finite number."},
        {INFINITY, "Term 1234 of output \"second\" is inf, no finite number."},
        {-INFINITY, "Term 1234 of output \"second\" is -inf, no finite number."},
    };
    static const char *const names[] = {"first", "second"};
    struct meantime_shape shape = plain_shape;
    shape.names = names;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        special = rows[i].value;
        struct engine *engine = engine_begun(be_special, shape);
        cr_assert(engine_sum(engine, 0, 1234) == ENGINE_DONE);
        cr_assert(engine_sum(engine, 1000, 100000) == ENGINE_FAILED);
        cr_assert_str_eq(engine_text(engine), rows[i].sentence);
        engine_destroy(&engine);
    }
}

Test(engine, a_changed_mode_of_rounding_fails_the_call_and_is_restored)
{
    struct engine *engine = engine_begun(round_up, plain_shape);
    cr_assert(engine_sum(engine, 0, 10) == ENGINE_FAILED);
    cr_assert(strstr(engine_text(engine), "value() changed the processor's floating-point mode"));
    cr_assert(fegetround() == FE_TONEAREST);
    engine_destroy(&engine);
    engine = engine_of(mix_samples, plain_shape);
    summand.begin = begin_rounding_up;
    cr_assert(engine_begin(engine, SEED, "") == ENGINE_FAILED);
    cr_assert(strstr(engine_text(engine), "begin() changed the processor's floating-point mode"));
    engine_destroy(&engine);
}

Test(engine, begin_may_refuse_parameters)
{
    struct engine *engine = engine_of(mix_samples, plain_shape);
    cr_assert(engine_begin(engine, SEED, "wrong") == ENGINE_BAD_PARAMETERS);
    cr_assert_str_eq(engine_text(engine), "The parameter is wrong.");
    cr_assert(engine_begin(engine, SEED, "") == ENGINE_DONE);
    engine_destroy(&engine);
}

Test(engine, wrong_shapes_are_refused)
{
    static const char *const good[] = {"a", "b-2_c"}, *const bad[] = {"a", "B"},
                             *const empty[] = {"a", ""}, *const missing[] = {"a", NULL},
                             *const large[] = {"a", "abcdefghijklmnopqrstuvwxyz012345"};
    static const struct {
        struct meantime_shape shape;
        enum engine_end end;
    } rows[] = {
        {{.outputs = 2, .names = good}, ENGINE_DONE},
        {{.outputs = MEANTIME_OUTPUTS_MAX, .gaussians = MEANTIME_SAMPLES_MAX}, ENGINE_DONE},
        {{.outputs = 0}, ENGINE_FAILED},
        {{.outputs = MEANTIME_OUTPUTS_MAX + 1}, ENGINE_FAILED},
        {{.outputs = 1, .gaussians = MEANTIME_SAMPLES_MAX + 1}, ENGINE_FAILED},
        {{.outputs = 1, .uniforms = UINT32_MAX}, ENGINE_FAILED},
        {{.outputs = 1, .reserved = 1}, ENGINE_FAILED},
        {{.outputs = 2, .names = bad}, ENGINE_FAILED},
        {{.outputs = 2, .names = empty}, ENGINE_FAILED},
        {{.outputs = 2, .names = missing}, ENGINE_FAILED},
        {{.outputs = 2, .names = large}, ENGINE_FAILED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine *engine = engine_of(mix_samples, rows[i].shape);
        cr_assert(engine_begin(engine, SEED, "") == rows[i].end, "row %zu: %s", i,
                  engine_text(engine));
        engine_destroy(&engine);
    }
}

/* ---- the watch ----------------------------------------------------------------------------- */

struct calls {
    uint64_t stop_at; /* a term */
    uint64_t next;
    uint32_t largest;
    bool is_gapless;
};

static bool note_call(void *context, uint64_t first, uint32_t count)
{
    struct calls *calls = context;
    calls->is_gapless = calls->is_gapless && first == calls->next;
    calls->next = first + count;
    calls->largest = count > calls->largest ? count : calls->largest;
    return first < calls->stop_at;
}

Test(engine, a_watch_sees_each_call_and_may_stop_the_next)
{
    struct calls calls = {.stop_at = 400000, .is_gapless = true};
    const struct engine_watch watch = {note_call, &calls};
    next_shape = plain_shape;
    summand.begin = begin_next;
    summand.value = mix_samples;
    struct engine *engine = engine_new(&summand, kernel_best(), &watch);
    cr_assert(engine_begin(engine, SEED, "") == ENGINE_DONE);
    cr_assert(engine_sum(engine, 0, 1000000) == ENGINE_STOPPED);
    cr_assert(calls.is_gapless);
    cr_assert(calls.next >= 400000 && calls.next <= 400000 + 2 * MEANTIME_TERMS_MAX);
    cr_assert(calls.largest > 1 && calls.largest <= MEANTIME_TERMS_MAX);
    engine_destroy(&engine);
}

/* ---- known answers ------------------------------------------------------------------------- */

static enum engine_end build_of(value_function *value, struct meantime_shape shape, uint32_t terms,
                                uint64_t *build, char text[SENTENCE_BYTES])
{
    struct engine *engine = engine_of(value, shape);
    enum engine_end end = build_digest(engine, terms, build, text);
    engine_destroy(&engine);
    return end;
}

Test(build, a_function_has_one_build_and_another_function_has_another)
{
    struct meantime_shape other = plain_shape;
    char text[SENTENCE_BYTES] = "";
    uint64_t first, second, third;
    other.without_squares = 1;
    cr_assert(build_of(mix_samples, plain_shape, 1024, &first, text) == ENGINE_DONE, "%s", text);
    cr_assert(build_of(mix_samples, plain_shape, 1024, &second, text) == ENGINE_DONE, "%s", text);
    cr_assert(build_of(mix_samples, other, 1024, &third, text) == ENGINE_DONE, "%s", text);
    cr_assert(first == second && first != third);
    special = 1;
    cr_assert(build_of(be_special, plain_shape, 4096, &second, text) == ENGINE_DONE, "%s", text);
    special = nextafter(1, 2);
    cr_assert(build_of(be_special, plain_shape, 4096, &third, text) == ENGINE_DONE, "%s", text);
    cr_assert(second != third);
}

Test(build, one_known_term_suffices_for_slow_functions)
{
    char text[SENTENCE_BYTES] = "";
    uint64_t build;
    cr_assert(build_of(mix_samples, plain_shape, 1, &build, text) == ENGINE_DONE, "%s", text);
    cr_assert(build != 0);
}

Test(build, functions_that_depend_on_more_than_the_term_are_found)
{
    static const struct {
        value_function *value;
        const char *words;
    } rows[] = {
        {count_calls, "Term 0 has other bits when it is computed a second time."},
        {use_rand, "Term 0 has other bits when it is computed a second time."},
        {differ_in_tail, "other bits when it is computed in calls of 333 terms."},
        {forget_last_term, "value() does not set output \"2\" of term 1023."},
        {round_up, "value() changed the processor's floating-point mode"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[SENTENCE_BYTES] = "";
        uint64_t build;
        enum engine_end end = build_of(rows[i].value, plain_shape, 1024, &build, text);
        cr_assert(end == ENGINE_FAILED, "row %zu", i);
        cr_assert(strstr(text, rows[i].words), "row %zu: %s", i, text);
    }
}

Test(build, the_first_known_terms_can_be_repeated)
{
    uint64_t first, second, third;
    struct engine *engine = engine_of(mix_samples, plain_shape);
    cr_assert(build_known(engine, BUILD_KNOWN_TERMS, &first) == ENGINE_DONE);
    cr_assert(build_known(engine, BUILD_KNOWN_TERMS, &second) == ENGINE_DONE);
    cr_assert(build_known(engine, BUILD_KNOWN_TERMS - 1, &third) == ENGINE_DONE);
    cr_assert(first == second && first != third);
    engine_destroy(&engine);
}
