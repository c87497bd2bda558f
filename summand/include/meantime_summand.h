/* meantime_summand.h: a function whose values servers of meantime sum, the summand.
 *
 *     cc -O3 -fPIC -shared $(pkg-config --cflags meantime-summand) -o darts.so darts.c
 *     meantime-server --check ./darts.so
 *     meantime-server --summand ./darts.so
 *     meantime sum 1e11 --summand darts
 *
 * A shared object has one summand. Its value at number n, term n, is a function of n, of the
 * parameters, and of the samples and the generator of term n. It must depend on nothing else: no
 * clock, no static variable, no state that one term leaves for the next. Then each sum has the same
 * bits on any number of threads and machines.
 *
 * MEANTIME_TERM(), at the end of this file, makes a summand from a function that computes one term.
 * The full interface, struct meantime_summand, computes many terms in one call, and compilers turn
 * its loops into vectors.
 *
 * All functions run in a helper process, one thread per process. A crash costs the request, not the
 * server. */
#ifndef MEANTIME_SUMMAND_H
#define MEANTIME_SUMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||     \
    defined(__NO_SIGNED_ZEROS__) || __FINITE_MATH_ONLY__ + 0
#error "Compile without -ffast-math, -Ofast and their parts: results would depend on the processor."
#endif
#if __FLT_EVAL_METHOD__ + 0
#error "Compile for SSE2, without -mfpmath=387 and -m32: x87 registers round twice."
#endif
/* A processor with fused multiply-add would round a * b + c once instead of twice. The options of
 * pkg-config prevent that. So do these lines, if the options are missing. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off", "no-trapping-math", "no-math-errno")
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MEANTIME_SUMMAND_ABI 1

#define MEANTIME_TERMS_MAX      1024 /* in one call of value() */
#define MEANTIME_SAMPLES_MAX    8192 /* of each kind, for one term */
#define MEANTIME_OUTPUTS_MAX    64
#define MEANTIME_NAME_MAX       31  /* bytes of a name, without the final 0 */
#define MEANTIME_PARAMETERS_MAX 512 /* bytes of the parameters, without the final 0 */

#define MEANTIME_CHECK_TERMS 4096 /* the default of check_terms */

/* What the terms need and return with the present parameters. begin() sets it; unset fields are 0.
 */
struct meantime_shape {
    uint32_t
        gaussians; /* Gaussian samples (mean 0, variance 1) per term, 0 to MEANTIME_SAMPLES_MAX */
    uint32_t uniforms; /* samples in [0, 1) per term, 0 to MEANTIME_SAMPLES_MAX */
    uint32_t outputs;  /* 1 to MEANTIME_OUTPUTS_MAX */
    uint32_t reserved; /* 0 */
    /* `outputs` names for people, a-z 0-9 - _, up to MEANTIME_NAME_MAX bytes. NULL: they are
     * numbered. The names must stay valid until end(). */
    const char *const *names;
    /* Bit k is set: the squares of output k are not summed, so it has no standard error. 0 is
     * usual. */
    uint64_t without_squares;
};

/* The terms first, first + 1, ..., first + count - 1. */
struct meantime_terms {
    uint64_t first;
    uint64_t seed;  /* of the request, for meantime_generator_of(seed, first + i) */
    uint32_t count; /* 1 to MEANTIME_TERMS_MAX */
    uint32_t reserved;
    /* gaussian[d][i] is Gaussian sample d of term first + i, uniform[d][i] its uniform sample d.
     * The arrays are read-only and valid during the call. */
    const double *const *gaussian;
    const double *const *uniform;
};

struct meantime_summand {
    uint32_t abi;         /* MEANTIME_SUMMAND_ABI */
    uint32_t check_terms; /* terms of the load check, 1 to 2^20; 0: MEANTIME_CHECK_TERMS. Fewer for
                             slow terms. */
    const char *name;     /* a-z 0-9 -, 1 to MEANTIME_NAME_MAX bytes */
    const char *help;     /* the parameters with their defaults, for people; may be NULL */

    /* Reads the parameters: printable ASCII, at most MEANTIME_PARAMETERS_MAX bytes, never NULL. An
     * empty text must work: the load check uses it. Sets *shape, and *state for value() and end().
     * Returns NULL, or a sentence that says what is wrong with the parameters. The sentence must
     * stay valid after the call. A file that begin() reads is part of the function: all servers
     * need the same one, and the load check covers it. */
    const char *(*begin)(const char *parameters, struct meantime_shape *shape, void **state);

    /* Sets out[k][i], output k of term first + i, to a finite number. The arrays of `out` hold
     * `count` doubles. Any split of a range into calls must give the same bits. Must not write to
     * *state. */
    void (*value)(const void *state, const struct meantime_terms *terms, double *const *out);

    /* Frees the state. NULL: nothing to free. */
    void (*end)(void *state);
};

/* The server looks up this name. */
#ifdef __GNUC__
__attribute__((visibility("default")))
#endif
extern const struct meantime_summand meantime_summand;

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
#define MEANTIME_SUMMAND_INLINE static inline __attribute__((unused))
#else
#define MEANTIME_SUMMAND_INLINE static inline
#endif

/* ---- generator
 * ----------------------------------------------------------------------------------- */

/* Random numbers for a term that needs an unknown number of samples. Start one for each term:
 *
 *     struct meantime_generator g = meantime_generator_of(terms->seed, terms->first + i);
 *
 * The algorithm is SFC64 (C. Doty-Humphrey, PractRand): three words and a counter. The period is at
 * least 2^64. It starts as a = mix(seed + G) ^ S, b = mix(a + G + term), c = mix(b + G) with a
 * counter of 1, and discards 12 outputs, where mix is the output function of SplitMix64 (G. Steele,
 * D. Lea, C. Flood, 2014; constants of D. Stafford). S is "summands" in ASCII, so that the numbers
 * differ from the samples of the request. The bits never change. */
struct meantime_generator {
    uint64_t a, b, c, counter;
};

MEANTIME_SUMMAND_INLINE uint64_t meantime_generator_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* 64 random bits. */
MEANTIME_SUMMAND_INLINE uint64_t meantime_generator_bits(struct meantime_generator *g)
{
    uint64_t out = g->a + g->b + g->counter++;
    g->a = g->b ^ g->b >> 11;
    g->b = g->c + (g->c << 3);
    g->c = (g->c << 24 | g->c >> 40) + out;
    return out;
}

/* A number in [0, 1), a multiple of 2^-53. */
MEANTIME_SUMMAND_INLINE double meantime_generator_uniform(struct meantime_generator *g)
{
    return (double)(meantime_generator_bits(g) >> 11) * 0x1p-53;
}

MEANTIME_SUMMAND_INLINE struct meantime_generator meantime_generator_of(uint64_t seed,
                                                                        uint64_t term)
{
    const uint64_t golden = 0x9e3779b97f4a7c15;
    struct meantime_generator g;
    g.a = meantime_generator_mix(seed + golden) ^ 0x73756d6d616e6473;
    g.b = meantime_generator_mix(g.a + golden + term);
    g.c = meantime_generator_mix(g.b + golden);
    g.counter = 1;
    for (int i = 0; i < 12; i++)
        (void)meantime_generator_bits(&g);
    return g;
}

/* ---- parameters
 * ---------------------------------------------------------------------------------- */

/* A parameter "name=number": a row of a table that ends with a row whose name is NULL. */
struct meantime_parameter {
    const char *name;
    size_t offset; /* of the double in the struct */
    double standard;
    double low, high; /* the range, both ends included */
};

/* Sets the double of a row in `values`. */
MEANTIME_SUMMAND_INLINE void meantime_parameter_set(void *values,
                                                    const struct meantime_parameter *row,
                                                    double value)
{
    memcpy((char *)values + row->offset, &value, sizeof value);
}

/* Reads one "name=number" at `text`. Returns what follows, or NULL and an error sentence in
 * `error`. */
MEANTIME_SUMMAND_INLINE const char *meantime_parameter_read(const char *text,
                                                            const struct meantime_parameter *table,
                                                            void *values, char *error, size_t size)
{
    size_t length = strcspn(text, "= ");
    const struct meantime_parameter *row = table;
    char *end;
    double value;
    while (row->name && (strlen(row->name) != length || strncmp(row->name, text, length) != 0))
        row++;
    if (!row->name) {
        snprintf(error, size, "There is no parameter \"%.*s\".", (int)(length < 40 ? length : 40),
                 text);
        return NULL;
    }
    if (text[length] != '=') {
        snprintf(error, size, "The parameter \"%s\" needs a value: %s=%g.", row->name, row->name,
                 row->standard);
        return NULL;
    }
    text += length + 1;
    value = strtod(text, &end);
    if (end == text || strchr("\t\n\v\f\r ", *text) || !(*end == 0 || *end == ' ')) {
        snprintf(error, size, "The value of \"%s\" is not a number.", row->name);
        return NULL;
    }
    if (!(value >= row->low && value <= row->high)) {
        snprintf(error, size, "The parameter \"%s\" must be from %g to %g.", row->name, row->low,
                 row->high);
        return NULL;
    }
    meantime_parameter_set(values, row, value);
    return end;
}

/* Returns whether the name at `item` also occurs before, in [text, item). */
MEANTIME_SUMMAND_INLINE int meantime_parameter_occurs_before(const char *text, const char *item)
{
    size_t length = strcspn(item, "=") + 1;
    for (; text < item; text += strcspn(text, " "), text += strspn(text, " "))
        if (strncmp(text, item, length) == 0)
            return 1;
    return 0;
}

/* Reads "strike=1 volatility=0.2": names and numbers, separated by spaces, in any order. Each name
 * may occur once. Missing parameters get their standard values. A number has any form that strtod()
 * reads. Returns NULL, or an error sentence in static memory. Call it from begin() only. */
MEANTIME_SUMMAND_INLINE const char *meantime_parameters(const char *text,
                                                        const struct meantime_parameter *table,
                                                        void *values)
{
    static char error[200];
    const char *item = text + strspn(text, " "), *end;
    for (const struct meantime_parameter *row = table; row->name; row++)
        meantime_parameter_set(values, row, row->standard);
    text = item;
    for (; *item; item = end + strspn(end, " ")) {
        end = meantime_parameter_read(item, table, values, error, sizeof error);
        if (!end)
            return error;
        if (meantime_parameter_occurs_before(text, item)) {
            snprintf(error, sizeof error, "The parameter \"%.*s\" occurs twice.",
                     (int)strcspn(item, "="), item);
            return error;
        }
    }
    return NULL;
}

/* ---- the short form
 * ------------------------------------------------------------------------------ */

/* Makes a summand with one output from a function that computes one term:
 *
 *     #include <meantime_summand.h>
 *
 *     struct circle { double radius; };
 *     static const struct meantime_parameter table[] = {
 *         {"radius", offsetof(struct circle, radius), 1, 0, 1}, {NULL, 0, 0, 0, 0}};
 *     static double hit(const double *u, const struct circle *c)
 *     {
 *         return u[0] * u[0] + u[1] * u[1] < c->radius * c->radius ? 4 : 0;
 *     }
 *     MEANTIME_TERM("circle", hit, struct circle, table, 0, 2)
 *
 * name: of the summand. function: double function(const double *samples, const type *parameters).
 * type: the struct that the table of parameters describes. samples: first the Gaussian ones, then
 * the uniform ones. gaussians and uniforms: constants, together 1 to 8,192. */
#define MEANTIME_TERM(name, function, type, table, gaussians_per_term, uniforms_per_term)          \
    static const char *meantime_term_begin(const char *parameters, struct meantime_shape *shape,   \
                                           void **state)                                           \
    {                                                                                              \
        type *values = (type *)calloc(1, sizeof(type));                                            \
        const char *error =                                                                        \
            values ? meantime_parameters(parameters, table, values) : "Out of memory.";            \
        if (error) {                                                                               \
            free(values);                                                                          \
            return error;                                                                          \
        }                                                                                          \
        shape->gaussians = (gaussians_per_term);                                                   \
        shape->uniforms = (uniforms_per_term);                                                     \
        shape->outputs = 1;                                                                        \
        *state = values;                                                                           \
        return NULL;                                                                               \
    }                                                                                              \
    static void meantime_term_value(const void *state, const struct meantime_terms *terms,         \
                                    double *const *out)                                            \
    {                                                                                              \
        double samples[(gaussians_per_term) + (uniforms_per_term)];                                \
        for (uint32_t i = 0; i < terms->count; i++) {                                              \
            for (int d = 0; d < (gaussians_per_term); d++)                                         \
                samples[d] = terms->gaussian[d][i];                                                \
            for (int d = 0; d < (uniforms_per_term); d++)                                          \
                samples[(gaussians_per_term) + d] = terms->uniform[d][i];                          \
            out[0][i] = function(samples, (const type *)state);                                    \
        }                                                                                          \
    }                                                                                              \
    const struct meantime_summand meantime_summand = {                                             \
        MEANTIME_SUMMAND_ABI, 0, name, NULL, meantime_term_begin, meantime_term_value, free};

#endif
