/* A ten-dimensional integral: exp(-scale |x|^2) over the unit cube. */
#include <meantime_math.h>
#include <meantime_summand.h>

struct integral {
    double scale;
};

static const struct meantime_parameter table[] = {
    {"scale", offsetof(struct integral, scale), 1, 0, 100},
    {NULL, 0, 0, 0, 0},
};

static double integrand(const double *x, const struct integral *integral)
{
    double square = 0;
    for (int d = 0; d < 10; d++)
        square += x[d] * x[d];
    return meantime_exp(-integral->scale * square);
}

MEANTIME_TERM("integral10", integrand, struct integral, table, 0, 10)
