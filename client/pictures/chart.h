/* A comparison's timeline, drawn as text: who was busy when, every run on one scale. Any thread;
 * no allocation. */
#ifndef MEANTIME_CLIENT_PICTURES_CHART_H
#define MEANTIME_CLIENT_PICTURES_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* On fewer columns there is no room for a picture, and none is drawn. On more, the picture stops
 * growing: it would not tell more. */
#define CHART_COLUMNS_MIN 48
#define CHART_COLUMNS_MAX 160

/* Longer names are cut. */
#define CHART_NAME_MAX 12

/* Latest end: four months, or 2,777 h. */
#define CHART_SECONDS_MAX 1e7

enum chart_row {
    CHART_REMOTE,
    CHART_LOCAL,
    CHART_ROWS,
};

/* Seconds since the run's begin: 0 <= begin_s <= end_s <= CHART_SECONDS_MAX. A span without any
 * length is drawn as a mark. A span that failed has a texture and a label of its own. */
struct chart_span {
    double begin_s, end_s;
    bool failed;
};

/* name: ASCII. */
struct chart_run {
    const char *name;
    struct chart_span rows[CHART_ROWS];
};

/* Draws `count` runs (1 or more), an axis and its figures; the longest run reaches its end.
 * columns: of the terminal; no line is longer. utf8: block elements, an eighth of a column fine;
 * without it # and x. colour: escapes for 256 colours. */
void chart_print(FILE *out, const struct chart_run *runs, size_t count, int columns, bool utf8,
                 bool colour);

#endif
