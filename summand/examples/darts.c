/* Pi by darts: the shortest summand, one term at a time. */
#include <meantime_summand.h>

struct darts {
    double radius;
};

static const struct meantime_parameter table[] = {
    {"radius", offsetof(struct darts, radius), 1, 0, 1},
    {NULL, 0, 0, 0, 0},
};

static double hit(const double *u, const struct darts *darts)
{
    return u[0] * u[0] + u[1] * u[1] < darts->radius * darts->radius ? 4 : 0;
}

MEANTIME_TERM("darts", hit, struct darts, table, 0, 2)
