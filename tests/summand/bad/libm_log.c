/* A summand that calls libm's log() only with the parameter log=1, so that no known answer contains
 * it. Without FMA, log() has other bits for about one of a thousand of these arguments. */
#include <math.h>
#include <meantime_summand.h>

struct libm_log {
    double log; /* 0: the terms are constant */
};

static const struct meantime_parameter table[] = {
    {"log", offsetof(struct libm_log, log), 0, 0, 1},
    {NULL, 0, 0, 0, 0},
};

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    struct libm_log *values = malloc(sizeof *values);
    const char *error = values ? meantime_parameters(parameters, table, values) : "Out of memory.";
    shape->outputs = 1;
    *state = values;
    return error;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    const struct libm_log *values = state;
    for (uint32_t i = 0; i < terms->count; i++) {
        double x = 1.08 + (double)((terms->first + i) % 65536) * 0x1p-22;
        out[0][i] = values->log != 0 ? log(x) : 1;
    }
}

static void end(void *state)
{
    free(state);
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "libm-log", "log=0 or 1", begin, value, end};
