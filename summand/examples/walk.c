/* A random walk with rejection: each step needs an unknown number of samples, so a generator makes
 * them. The output is the squared distance after `steps` steps of length 1 in a plane. Its mean is
 * `steps`. */
#include <meantime_math.h>
#include <meantime_summand.h>

struct walk {
    double steps;
};

static const struct meantime_parameter table[] = {
    {"steps", offsetof(struct walk, steps), 10, 1, 1e6},
    {NULL, 0, 0, 0, 0},
};

static double walk(const struct walk *walk, struct meantime_generator *g)
{
    double x = 0, y = 0;
    for (double step = 0; step < walk->steps; step++) {
        double u, v, square;
        do {
            u = 2 * meantime_generator_uniform(g) - 1;
            v = 2 * meantime_generator_uniform(g) - 1;
            square = u * u + v * v;
        } while (square > 1 || square == 0);
        double length = meantime_sqrt(square);
        x += u / length;
        y += v / length;
    }
    return x * x + y * y;
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    struct walk *values = (struct walk *)calloc(1, sizeof *values);
    const char *error = values ? meantime_parameters(parameters, table, values) : "Out of memory.";
    if (error) {
        free(values);
        return error;
    }
    shape->outputs = 1;
    *state = values;
    return NULL;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    for (uint32_t i = 0; i < terms->count; i++) {
        struct meantime_generator g = meantime_generator_of(terms->seed, terms->first + i);
        out[0][i] = walk((const struct walk *)state, &g);
    }
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "walk", "steps=10", begin, value, free};
