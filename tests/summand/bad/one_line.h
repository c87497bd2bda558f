/* A summand with one output, from an expression of the number `n` of the term. */
#ifndef MEANTIME_TESTS_SUMMAND_BAD_ONE_LINE_H
#define MEANTIME_TESTS_SUMMAND_BAD_ONE_LINE_H

#include <meantime_summand.h>

#define ONE_LINE(summand_name, expression)                                                         \
    static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)   \
    {                                                                                              \
        (void)state;                                                                               \
        shape->outputs = 1;                                                                        \
        return *parameters ? "There are no parameters." : NULL;                                    \
    }                                                                                              \
    static void value(const void *state, const struct meantime_terms *terms, double *const *out)   \
    {                                                                                              \
        (void)state;                                                                               \
        for (uint32_t i = 0; i < terms->count; i++) {                                              \
            double n = (double)(terms->first + i);                                                 \
            out[0][i] = 0 * n + (expression);                                                      \
        }                                                                                          \
    }                                                                                              \
    const struct meantime_summand meantime_summand = {                                             \
        MEANTIME_SUMMAND_ABI, 0, summand_name, NULL, begin, value, NULL};

#endif
