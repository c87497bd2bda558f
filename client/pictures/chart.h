/* Draws lessons as text on one scale of time: when server_request and uniform_sum were busy. Any
 * thread; no allocation. */
#ifndef MEANTIME_CLIENT_PICTURES_CHART_H
#define MEANTIME_CLIENT_PICTURES_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* With fewer columns there is no room for a chart, and nothing is drawn. */
#define CHART_COLUMNS_MIN 48

/* The largest number of columns of a chart. More columns would show no more detail. */
#define CHART_COLUMNS_MAX 160

/* Longer names are truncated. */
#define CHART_NAME_MAX 12

/* Latest end of a task: four months, or 2,777 h. */
#define CHART_SECONDS_MAX 1e7

enum chart_row {
    CHART_SERVER_REQUEST,
    CHART_UNIFORM_SUM,
    CHART_ROWS,
};

/* When a task was busy, in seconds since the lesson's start:
 * 0 <= begin_s <= end_s <= CHART_SECONDS_MAX. If both are equal, a mark is drawn. */
struct chart_task {
    double begin_s, end_s;
    bool failed; /* has its own texture and label */
};

struct chart_lesson {
    const char *name; /* ASCII */
    struct chart_task tasks[CHART_ROWS];
};

/* Draws `count` lessons (1 or more) and an axis with figures. The longest lesson fills the width.
 * columns: of the terminal; no line is longer. utf8: draw with block characters, which have a
 * resolution of an eighth of a column; false: draw with # and x. colour: use escape sequences for
 * 256 colours. */
void chart_print(FILE *out, const struct chart_lesson *lessons, size_t count, int columns,
                 bool utf8, bool colour);

#endif
