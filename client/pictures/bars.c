/* Draws the times of a record as bars on a scale of time. */
#include "client/pictures/bars.h"

#include <math.h>

#include "client/pictures/axis.h"
#include "client/pictures/svg.h"
#include "proto/instant.h"

/* Distance of two figures of an axis: "-2777 min" and some space. */
#define TICK_SPACING 78

/* The line of a look begins this far above its slice. */
#define LOOK_ABOVE 4

/* If slices are narrower on average, they are drawn as one bar. */
#define SLICE_WIDTH_MIN 4.0

/* A bar has at least this width, so that very short times are visible. */
#define BAR_WIDTH_MIN 0.75

/* A gap between two slices that is narrower than this is not drawn. */
#define GAP_WIDTH_MIN 0.5

static double seconds_of(int64_t time_ns)
{
    return (double)time_ns / 1e9;
}

struct scale bars_scale(FILE *out, struct interval shown)
{
    return (struct scale){out, shown, (BARS_RIGHT - BARS_LEFT) / (double)interval_ns(shown)};
}

double bars_x(const struct scale *scale, int64_t at_ns)
{
    return BARS_LEFT + (double)(at_ns - scale->shown.begin_ns) * scale->pixels_per_ns;
}

const char *bars_time(int64_t time_ns, char *text)
{
    const struct axis_unit *unit = axis_unit_for(seconds_of(time_ns));
    double value = seconds_of(time_ns) / unit->seconds;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    snprintf(text, BARS_TIME_BYTES, "%.*f %s", decimals, value, unit->name);
    return text;
}

/* ---- one bar ----------------------------------------------------------------------------- */

/* Draws the part of the interval that is on the scale. */
static void draw_bar(const struct scale *scale, const char *classes, struct interval interval,
                     double y, double height)
{
    double begin = bars_x(scale, later(interval.begin_ns, scale->shown.begin_ns));
    double end = bars_x(scale, earlier(interval.end_ns, scale->shown.end_ns));

    begin = fmin(begin, BARS_RIGHT - BAR_WIDTH_MIN);
    svg_rect(scale->out, classes, begin, y, fmax(end - begin, BAR_WIDTH_MIN), height);
}

static bool is_visible(const struct scale *scale, struct interval interval)
{
    return interval.end_ns >= scale->shown.begin_ns && interval.begin_ns <= scale->shown.end_ns;
}

/* ---- server_request ---------------------------------------------------------------------- */

void bars_draw_request(const struct scale *scale, const struct record *record, double y)
{
    for (size_t i = 0; i <= record->mark_count; i++) {
        struct request_phase phase = record_phase(record, i);
        bool empty = interval_ns(phase.interval) == 0 && record->mark_count > 0;
        if (empty || !is_visible(scale, phase.interval))
            continue;
        if (phase.attempt == 0)
            draw_bar(scale, "open", phase.interval, y + BARS_HEIGHT / 2.0 - 1, 2);
        else
            draw_bar(scale, phase.answered ? "request" : "lost", phase.interval, y, BARS_HEIGHT);
    }
}

void bars_draw_reply(const struct scale *scale, const struct record *record, double y)
{
    if (record->outcome == RECORD_ANSWERED)
        svg_line(scale->out, "reply", bars_x(scale, record->over_ns), y - LOOK_ABOVE,
                 BARS_ROW + BARS_HEIGHT + 2 * LOOK_ABOVE);
}

/* ---- uniform_sum ------------------------------------------------------------------------- */

static void draw_slices(const struct scale *scale, const struct loop_pass *passes, size_t count,
                        double y)
{
    static const char *const shades[] = {"odd", "even"};

    for (size_t i = 0; i < count; i++)
        draw_bar(scale, shades[i % 2], passes[i].interval, y, BARS_HEIGHT);
}

/* All looks are one path, because there may be very many. */
static void draw_looks(const struct scale *scale, const struct loop_pass *passes, size_t count,
                       double y)
{
    fputs("<path class=\"look\" d=\"", scale->out);
    for (size_t i = 0; i < count; i++)
        if (passes[i].looks > 0)
            fprintf(scale->out, "M%.2f %.1fv%d", bars_x(scale, passes[i].interval.end_ns),
                    y - LOOK_ABOVE, BARS_HEIGHT + LOOK_ABOVE);
    fputs("\"/>\n", scale->out);
}

/* Passes without a visible gap are one bar. */
static void draw_merged(const struct scale *scale, const struct loop_pass *passes, size_t count,
                        double y)
{
    for (size_t i = 0; i < count;) {
        struct interval bar = passes[i++].interval;
        while (i < count &&
               (double)(passes[i].interval.begin_ns - bar.end_ns) * scale->pixels_per_ns <
                   GAP_WIDTH_MIN)
            bar.end_ns = passes[i++].interval.end_ns;
        draw_bar(scale, "work", bar, y, BARS_HEIGHT);
    }
}

static double width_of(const struct scale *scale, const struct loop_pass *passes, size_t count)
{
    if (count == 0)
        return 0;
    int64_t time_ns = passes[count - 1].interval.end_ns - passes[0].interval.begin_ns;
    return (double)time_ns * scale->pixels_per_ns;
}

void bars_draw_passes(const struct scale *scale, const struct loop_pass *passes, size_t count,
                      double y)
{
    if (width_of(scale, passes, count) < SLICE_WIDTH_MIN * (double)count) {
        draw_merged(scale, passes, count, y);
        return;
    }
    draw_slices(scale, passes, count, y);
    draw_looks(scale, passes, count, y);
}

void bars_draw_wait(const struct scale *scale, const struct record *record, double y)
{
    if (interval_ns(record->wait) > 0)
        draw_bar(scale, "idle", record->wait, y, BARS_HEIGHT);
}

/* ---- the axis ---------------------------------------------------------------------------- */

void bars_draw_axis(const struct scale *scale, int64_t origin_ns, const char *zero, double y,
                    double bottom)
{
    struct axis axis =
        axis_for(seconds_of(interval_ns(scale->shown)), TICK_SPACING / scale->pixels_per_ns / 1e9);
    double step_ns = axis_tick_s(&axis, 1) * 1e9;
    int first = (int)ceil((double)(scale->shown.begin_ns - origin_ns) / step_ns - 1e-9);
    int last = (int)floor((double)(scale->shown.end_ns - origin_ns) / step_ns + 1e-9);

    for (int tick = first; tick <= last; tick++) {
        char figure[FIGURE_BYTES];
        double x = bars_x(scale, origin_ns + llround(tick * step_ns));
        axis_figure(&axis, tick, true, figure);
        svg_text(scale->out, "tick", x, y, "%s", zero && tick == 0 ? zero : figure);
        svg_line(scale->out, "grid", x, y + 5, bottom - y - 5);
    }
}
