/* Draws the times of a record as bars on a scale of time. */
#ifndef MEANTIME_CLIENT_PICTURES_BARS_H
#define MEANTIME_CLIENT_PICTURES_BARS_H

#include <stdio.h>

#include "client/pictures/record.h"

/* Positions and sizes in pixels. All bars are between these two x. */
#define BARS_LEFT  132
#define BARS_RIGHT 676

#define BARS_ROW    24 /* from one row of bars to the next */
#define BARS_HEIGHT 17 /* of a bar */

/* Longest text of a time, with its NUL. */
#define BARS_TIME_BYTES 32

/* An interval of time that the width of the bars shows. */
struct scale {
    FILE *out;
    struct interval shown;
    double pixels_per_ns;
};

struct scale bars_scale(FILE *out, struct interval shown);

/* The x of a time since the lesson's start. */
double bars_x(const struct scale *scale, int64_t at_ns);

/* Writes a time with three digits and a unit, such as "24.5 ms". Returns `text`. */
const char *bars_time(int64_t time_ns, char *text);

/* y: the upper edge of the row. */

/* The bar of server_request. The bar is thick while a server has the request. */
void bars_draw_request(const struct scale *scale, const struct record *record, double y);

/* The bars of uniform_sum. If there is room, each slice has its own bar, and each look a line. */
void bars_draw_passes(const struct scale *scale, const struct loop_pass *passes, size_t count,
                      double y);

/* The bar of the time without work, if there is any. */
void bars_draw_wait(const struct scale *scale, const struct record *record, double y);

/* A line at the time of the reply, if there is one, through this row and the next. */
void bars_draw_reply(const struct scale *scale, const struct record *record, double y);

/* The figures of an axis at y, and grid lines from there down to `bottom`. The figures count from
 * origin_ns. zero: the figure at origin_ns; NULL: "0" and the unit. */
void bars_draw_axis(const struct scale *scale, int64_t origin_ns, const char *zero, double y,
                    double bottom);

#endif
