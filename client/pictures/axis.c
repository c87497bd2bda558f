/* Chooses the unit and the ticks of an axis of time. */
#include "client/pictures/axis.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

/* "us" is used with UTF-8 as well. */
static const struct axis_unit units[] = {
    {"us", 1e-6, 0}, {"ms", 1e-3, 1e-3}, {"s", 1, 1}, {"min", 60, 600}, {"h", 3600, 36000},
};

const struct axis_unit *axis_unit_for(double end_s)
{
    const struct axis_unit *unit = units;
    for (size_t i = 1; i < sizeof units / sizeof *units; i++)
        if (end_s >= units[i].from_s)
            unit = &units[i];
    return unit;
}

/* Returns the smallest number of the form 1, 2 or 5 times a power of ten that is at least
 * `shortest`. */
static double round_step(double shortest)
{
    static const double multiples[] = {1, 2, 5};
    double power = pow(10, floor(log10(shortest)));
    for (size_t i = 0; i < sizeof multiples / sizeof *multiples; i++)
        if (multiples[i] * power >= shortest)
            return multiples[i] * power;
    return 10 * power;
}

/* An axis is at least one unit long, so its step is at least 0.1, and one decimal is enough. */
struct axis axis_for(double end_s, double spacing_s)
{
    struct axis axis = {.unit = axis_unit_for(end_s)};
    axis.step = round_step(spacing_s / axis.unit->seconds);
    axis.decimals = axis.step < 1;
    axis.ticks = 1 + (int)(end_s / axis.unit->seconds / axis.step + 1e-9);
    return axis;
}

int axis_figure(const struct axis *axis, int tick, bool with_unit, char *figure)
{
    return snprintf(figure, FIGURE_BYTES, "%.*f%s%s", tick ? axis->decimals : 0, tick * axis->step,
                    with_unit ? " " : "", with_unit ? axis->unit->name : "");
}
