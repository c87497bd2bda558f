/* Axes of time: chooses the unit and the ticks. A leaf; any thread; no allocation. */
#ifndef MEANTIME_CLIENT_PICTURES_AXIS_H
#define MEANTIME_CLIENT_PICTURES_AXIS_H

#include <stdbool.h>

/* Longest figure of an axis: a sign, four digits or one digit and a decimal, and " min". */
#define FIGURE_BYTES 32

/* Shortest axis. On a shorter one, rounding errors would be visible. */
#define AXIS_SECONDS_MIN 1e-6

struct axis_unit {
    const char *name;
    double seconds; /* the unit in seconds */
    double from_s;  /* axes that end here or later use this unit or a larger one */
};

struct axis {
    const struct axis_unit *unit;
    double step;  /* from one tick to the next, in units */
    int decimals; /* of the figures */
    int ticks;    /* the first one is at 0 */
};

/* Returns the unit for times up to end_s. */
const struct axis_unit *axis_unit_for(double end_s);

/* Returns an axis from 0 to end_s (AXIS_SECONDS_MIN or more). Ticks are at least spacing_s apart.
 */
struct axis axis_for(double end_s, double spacing_s);

static inline double axis_tick_s(const struct axis *axis, int tick)
{
    return tick * axis->step * axis->unit->seconds;
}

/* Prints the figure at a tick into `figure` (FIGURE_BYTES bytes). Returns its length. */
int axis_figure(const struct axis *axis, int tick, bool with_unit, char *figure);

#endif
