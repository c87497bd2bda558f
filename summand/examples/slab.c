/* A particle through a slab: each flight has an unknown number of collisions, and each particle
 * counts in one of three outputs. */
#include <meantime_math.h>
#include <meantime_summand.h>

struct slab {
    double thickness; /* in mean free paths */
    double albedo;    /* the probability that a collision scatters the particle */
};

static const struct meantime_parameter table[] = {
    {"thickness", offsetof(struct slab, thickness), 2, 0, 100},
    {"albedo", offsetof(struct slab, albedo), 0.9, 0, 1},
    {NULL, 0, 0, 0, 0},
};

enum fate { TRANSMITTED, REFLECTED, ABSORBED, FATES };
static const char *const names[FATES] = {"transmitted", "reflected", "absorbed"};

/* The particle enters at depth 0, perpendicular to the slab. Collisions scatter it into all
 * directions with equal probability; `cosine` is the direction's component along the depth. */
static enum fate fly(const struct slab *slab, struct meantime_generator *g)
{
    double depth = 0, cosine = 1;
    for (;;) {
        depth -= cosine * meantime_log(1 - meantime_generator_uniform(g));
        if (depth < 0)
            return REFLECTED;
        if (depth >= slab->thickness)
            return TRANSMITTED;
        if (meantime_generator_uniform(g) >= slab->albedo)
            return ABSORBED;
        cosine = 2 * meantime_generator_uniform(g) - 1;
    }
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    struct slab *slab = (struct slab *)calloc(1, sizeof *slab);
    const char *error = slab ? meantime_parameters(parameters, table, slab) : "Out of memory.";
    if (error) {
        free(slab);
        return error;
    }
    shape->outputs = FATES;
    shape->names = names;
    *state = slab;
    return NULL;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    for (uint32_t i = 0; i < terms->count; i++) {
        struct meantime_generator g = meantime_generator_of(terms->seed, terms->first + i);
        enum fate fate = fly((const struct slab *)state, &g);
        for (int k = 0; k < FATES; k++)
            out[k][i] = k == (int)fate;
    }
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "slab", "thickness=2 albedo=0.9", begin, value, free};
