/* The build of a summand: a digest of known answers. */
#include "summand/build.h"

#include <inttypes.h>
#include <time.h>

#include "proto/instant.h"
#include "sums/fnv.h"

#define SEED 20240607 /* of all known answers */

/* All passes after the digest together end after this time. The first call is always made. */
#define REPEAT_NS NS_PER_S

/* Terms 0 to check_terms - 1 once more: in calls of `chunk` terms, forwards or backwards. */
static const struct pass {
    const char *how; /* for a sentence */
    uint32_t chunk;
    bool backwards;
    bool after_begin; /* calls end() and begin() before */
} passes[] = {
    {"computed a second time", MEANTIME_TERMS_MAX, false, false},
    {"computed backwards", MEANTIME_TERMS_MAX, true, false},
    {"computed in calls of 8 terms", 8, false, false},
    {"computed in calls of 333 terms", 333, false, false},
    {"computed in calls of 1 term, backwards", 1, true, false},
    {"computed in calls of 1 term", 1, false, false},
    {"computed after end() and another begin()", MEANTIME_TERMS_MAX, false, true},
};

#define PASSES (sizeof passes / sizeof *passes)

/* Ranges far away, which also belong to the digest. A range has at most `count` terms, and at most
 * one for each 16 terms of check_terms, but one at least. */
static const struct far_range {
    uint64_t first; /* FROM_END: `count` terms before the end of the terms */
    uint32_t count;
} far_ranges[] = {
#define FROM_END UINT64_MAX
    {123456789, 77},
    {(UINT64_C(1) << 32) - 5, 33},
    {FROM_END, 40},
};

#define FAR_RANGES (sizeof far_ranges / sizeof *far_ranges)

struct build {
    struct engine *engine;
    uint32_t terms;    /* that `answers` has */
    uint64_t *answers; /* a hash of all outputs of each term */
    int64_t until_ns;
    char *text;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* 0 and -0 have the same exact sum. */
static uint64_t hash_value(uint64_t hash, double value)
{
    value = value == 0 ? 0 : value;
    return fnv_add_bytes(hash, &value, sizeof value);
}

/* Term `index` of the last call. */
static uint64_t answer_of(const struct engine *engine, uint32_t index)
{
    uint64_t hash = FNV_OFFSET;
    for (uint32_t k = 0; k < engine_shape(engine)->outputs; k++)
        hash = hash_value(hash, engine_values(engine, k)[index]);
    return hash;
}

/* Hashes the shape, which decides the meaning of the answers. */
static uint64_t hash_shape(uint64_t hash, const struct engine *engine)
{
    const struct meantime_shape *shape = engine_shape(engine);
    const uint64_t numbers[] = {shape->gaussians, shape->uniforms, shape->outputs,
                                shape->without_squares};
    hash = fnv_add_bytes(hash, numbers, sizeof numbers);
    for (uint32_t k = 0; k < shape->outputs; k++)
        hash = fnv_add_bytes(hash, engine_output_name(engine, k),
                             strlen(engine_output_name(engine, k)) + 1);
    return hash;
}

static enum engine_end copy_text(const struct build *build, enum engine_end end)
{
    if (end != ENGINE_DONE)
        snprintf(build->text, SENTENCE_BYTES, "%s", engine_text(build->engine));
    return end;
}

/* ---- the digest ---------------------------------------------------------------------------- */

/* Computes `count` terms, adds their answers to *hash, and copies them into `answers`, unless that
 * is NULL. */
static enum engine_end hash_terms(struct engine *engine, uint64_t first, uint32_t count,
                                  uint64_t *hash, uint64_t *answers)
{
    enum engine_end end = ENGINE_DONE;
    for (uint32_t done = 0; done < count && end == ENGINE_DONE;) {
        uint32_t terms = engine_terms_at(engine, first + done, count - done);
        end = engine_call(engine, first + done, terms);
        for (uint32_t i = 0; i < terms && end == ENGINE_DONE; i++) {
            uint64_t answer = answer_of(engine, i);
            *hash = fnv_add_bytes(*hash, &answer, sizeof answer);
            if (answers)
                answers[done + i] = answer;
        }
        done += terms;
    }
    return end;
}

static enum engine_end far_pass(struct build *build, const struct far_range *range, uint64_t *hash)
{
    uint32_t count = build->terms / 16 + 1;
    count = count < range->count ? count : range->count;
    uint64_t first =
        range->first == FROM_END ? engine_terms_max(build->engine) - count : range->first;
    return hash_terms(build->engine, first, count, hash, NULL);
}

static enum engine_end digest_passes(struct build *build, uint64_t *hash)
{
    enum engine_end end = hash_terms(build->engine, 0, build->terms, hash, build->answers);
    for (size_t i = 0; i < FAR_RANGES && end == ENGINE_DONE; i++)
        end = far_pass(build, &far_ranges[i], hash);
    return end;
}

/* ---- the repetitions ----------------------------------------------------------------------- */

static enum engine_end compare(struct build *build, const struct pass *pass, uint64_t first,
                               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (answer_of(build->engine, i) != build->answers[first + i]) {
            snprintf(build->text, SENTENCE_BYTES,
                     "Term %" PRIu64
                     " has other bits when it is %s. A term may depend on its number, the "
                     "parameters and its samples only: look for static variables, rand(), "
                     "a clock, memory that is not initialized, or a value that one term leaves for "
                     "the next.",
                     first + i, pass->how);
            return ENGINE_FAILED;
        }
    return ENGINE_DONE;
}

/* One chunk, which the boundaries of blocks may cut. */
static enum engine_end repeat_chunk(struct build *build, const struct pass *pass, uint64_t first,
                                    uint64_t end)
{
    enum engine_end step = ENGINE_DONE;
    while (first < end && step == ENGINE_DONE) {
        uint32_t count = engine_terms_at(build->engine, first, (uint32_t)(end - first));
        step = copy_text(build, engine_call(build->engine, first, count));
        if (step == ENGINE_DONE)
            step = compare(build, pass, first, count);
        first += count;
    }
    return step;
}

static enum engine_end repeat(struct build *build, const struct pass *pass)
{
    enum engine_end step = ENGINE_DONE;
    uint64_t chunks = (build->terms + pass->chunk - 1) / pass->chunk;
    if (pass->after_begin)
        step = copy_text(build, engine_begin(build->engine, SEED, ""));
    for (uint64_t i = 0; i < chunks && step == ENGINE_DONE && now_ns() < build->until_ns; i++) {
        uint64_t first = (pass->backwards ? chunks - 1 - i : i) * pass->chunk;
        uint64_t end = first + pass->chunk < build->terms ? first + pass->chunk : build->terms;
        step = repeat_chunk(build, pass, first, end);
    }
    return step;
}

static enum engine_end repetitions(struct build *build)
{
    enum engine_end end = ENGINE_DONE;
    build->until_ns = now_ns() + REPEAT_NS;
    for (size_t i = 0; i < PASSES && end == ENGINE_DONE; i++)
        end = repeat(build, &passes[i]);
    return end;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static enum engine_end digest_all(struct build *build, uint64_t *digest)
{
    enum engine_end end = engine_begin(build->engine, SEED, "");
    uint64_t hash = FNV_OFFSET;
    if (end == ENGINE_DONE)
        end = digest_passes(build, &hash);
    hash = hash_shape(hash, build->engine);
    *digest = hash ? hash : 1;
    return end == ENGINE_DONE ? repetitions(build) : copy_text(build, end);
}

enum engine_end build_digest(struct engine *engine, uint32_t check_terms, uint64_t *build,
                             char text[SENTENCE_BYTES])
{
    struct build work = {.engine = engine, .terms = check_terms, .text = text};
    work.answers = calloc(check_terms, sizeof *work.answers);
    if (!work.answers) {
        snprintf(text, SENTENCE_BYTES, "There is no memory for %" PRIu32 " known answers.",
                 check_terms);
        return ENGINE_FAILED;
    }
    enum engine_end end = digest_all(&work, build);
    free(work.answers);
    return end;
}

enum engine_end build_known(struct engine *engine, uint32_t terms, uint64_t *digest)
{
    enum engine_end end = engine_begin(engine, SEED, "");
    *digest = FNV_OFFSET;
    return end == ENGINE_DONE ? hash_terms(engine, 0, terms, digest, NULL) : end;
}
