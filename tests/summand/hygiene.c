/* Another project's summand in the short form, which compiles as C11 and as C++17. */
#include <meantime_math.h>
#include <meantime_summand.h>

struct circle {
    double radius;
};

static const struct meantime_parameter table[] = {
    {"radius", offsetof(struct circle, radius), 1, 0, 1},
    {NULL, 0, 0, 0, 0},
};

static double hit(const double *u, const struct circle *circle)
{
    return meantime_sqrt(u[0] * u[0] + u[1] * u[1]) < circle->radius ? 4 : 0;
}

MEANTIME_TERM("circle", hit, struct circle, table, 0, 2)
