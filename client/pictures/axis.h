/* Axes of time: which unit, and where the ticks are. Any thread; no allocation. */
#ifndef MEANTIME_CLIENT_PICTURES_AXIS_H
#define MEANTIME_CLIENT_PICTURES_AXIS_H

#include <stdbool.h>

/* A figure of an axis: up to four digits, or one and a tenth, a sign and " min". */
#define FIGURE_BYTES 32

/* A shorter axis than this would be all rounding errors. */
#define AXIS_SECONDS_MIN 1e-6

/* An axis takes the last unit that it reaches. */
struct axis_unit {
    const char *name;
    double seconds, from_s;
};

struct axis {
    const struct axis_unit *unit;
    double step; /* from tick to tick, in units */
    int decimals;
    int ticks; /* the first is at 0 */
};

/* The unit for times up to end_s. */
const struct axis_unit *axis_unit_for(double end_s);

/* From 0 to end_s (AXIS_SECONDS_MIN or more), with ticks at least spacing_s apart. */
struct axis axis_for(double end_s, double spacing_s);

static inline double axis_tick_s(const struct axis *axis, int tick)
{
    return tick * axis->step * axis->unit->seconds;
}

/* The figure at a tick, into `figure` (FIGURE_BYTES). Returns its length. */
int axis_figure(const struct axis *axis, int tick, bool with_unit, char *figure);

#endif
