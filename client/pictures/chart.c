/* Draws lessons as text on one scale of time. */
#include "client/pictures/chart.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "client/common/ink.h"
#include "client/pictures/axis.h"

/* Columns between name, label and bars. */
#define GAP 2

/* Columns right of the bars, for the last figure of the axis. */
#define MARGIN 5

/* The largest number of ticks of an axis, about. The space between two ticks is enough for "0 min"
 * and a space. */
#define TICKS_MAX        6
#define TICK_COLUMNS_MIN 6

/* [row][failed] */
static const char *const row_labels[CHART_ROWS][2] = {
    [CHART_SERVER_REQUEST] = {"server_request", "server_request failed"},
    [CHART_UNIFORM_SUM] = {"uniform_sum", "uniform_sum failed"},
};

static const char *const row_inks[CHART_ROWS] = {
    [CHART_SERVER_REQUEST] = INK_SERVER_REQUEST,
    [CHART_UNIFORM_SUM] = INK_UNIFORM_SUM,
};

/* What bars are filled with. [utf8][failed] */
static const struct texture {
    const char *whole; /* a full cell */
    int step;          /* resolution, in eighths of a column */
} textures[2][2] = {
    {{"#", INK_EIGHTHS}, {"x", INK_EIGHTHS}},
    {{"█", 1}, {"░", INK_EIGHTHS}},
};

/* What the axis is drawn with. [utf8] */
static const struct rule {
    const char *first, *line, *tick;
} rules[2] = {{"+", "-", "+"}, {"└", "─", "┴"}};

struct chart {
    FILE *out;
    int name_width;  /* columns */
    int label_width; /* columns */
    int left;        /* columns before the bars */
    int cells;       /* columns of the bars; the axis has one tick more */
    double cells_per_s;
    bool utf8, colour;
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Columns of the longest name. */
static int names_width(const struct chart_lesson *lessons, size_t count)
{
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strnlen(lessons[i].name, CHART_NAME_MAX);
        width = length > width ? length : width;
    }
    return width;
}

/* Columns of the longest label. */
static int labels_width(const struct chart_lesson *lessons, size_t count)
{
    int width = 0;
    for (size_t i = 0; i < count; i++)
        for (int row = 0; row < CHART_ROWS; row++) {
            int length = (int)strlen(row_labels[row][lessons[i].tasks[row].failed]);
            width = length > width ? length : width;
        }
    return width;
}

static double latest_end(const struct chart_lesson *lessons, size_t count)
{
    double latest = AXIS_SECONDS_MIN;
    for (size_t i = 0; i < count; i++)
        for (int row = 0; row < CHART_ROWS; row++) {
            const struct chart_task *task = &lessons[i].tasks[row];
            assert(task->begin_s >= 0);
            assert(task->end_s >= task->begin_s);
            latest = fmax(latest, task->end_s);
        }
    assert(latest <= CHART_SECONDS_MAX);
    return latest;
}

/* The glyph of a cell that is filled from one eighth to another. Unicode has no block in the middle
 * of a cell, so a part within a cell is drawn at the nearer side. */
static const char *cell_glyph(const struct texture *texture, int from, int to)
{
    if (to - from == INK_EIGHTHS)
        return texture->whole;
    return from < INK_EIGHTHS - to ? ink_left[to - from] : ink_right[to - from];
}

static int snap(const struct chart *chart, double seconds, int step)
{
    double eighths = seconds * chart->cells_per_s * INK_EIGHTHS;
    return (int)lround(eighths / step) * step;
}

static void draw_bar(const struct chart *chart, const struct chart_task *task)
{
    const struct texture *texture = &textures[chart->utf8][task->failed];
    int last = chart->cells * INK_EIGHTHS - texture->step;
    int begin = least(snap(chart, task->begin_s, texture->step), last);
    int end = snap(chart, task->end_s, texture->step);
    if (end <= begin)
        end = begin + texture->step;
    fprintf(chart->out, "%*s", begin / INK_EIGHTHS, "");
    for (int at = begin / INK_EIGHTHS * INK_EIGHTHS; at < end; at += INK_EIGHTHS) {
        int from = begin > at ? begin - at : 0;
        fputs(cell_glyph(texture, from, least(end - at, INK_EIGHTHS)), chart->out);
    }
}

static void draw_row(const struct chart *chart, const char *name, enum chart_row row,
                     const struct chart_task *task)
{
    fprintf(chart->out, "%-*.*s%*s%-*s%*s", chart->name_width, CHART_NAME_MAX, name, GAP, "",
            chart->label_width, row_labels[row][task->failed], GAP, "");
    fputs(chart->colour ? row_inks[row] : "", chart->out);
    draw_bar(chart, task);
    fputs(chart->colour ? INK_OFF "\n" : "\n", chart->out);
}

static void draw_lesson(const struct chart *chart, const struct chart_lesson *lesson)
{
    for (int row = 0; row < CHART_ROWS; row++)
        draw_row(chart, row == 0 ? lesson->name : "", (enum chart_row)row, &lesson->tasks[row]);
}

static int tick_column(const struct chart *chart, const struct axis *axis, int tick)
{
    return (int)lround(axis_tick_s(axis, tick) * chart->cells_per_s);
}

static void draw_rule(const struct chart *chart, const struct axis *axis)
{
    const struct rule *rule = &rules[chart->utf8];
    fprintf(chart->out, "%*s%s", chart->left, "", rule->first);
    for (int column = 1, tick = 1; column <= chart->cells; column++) {
        bool here = tick < axis->ticks && column == tick_column(chart, axis, tick);
        fputs(here ? rule->tick : rule->line, chart->out);
        tick += here;
    }
    fputs("\n", chart->out);
}

/* The last tick whose figure, with its unit, fits on the line. */
static int last_figure(const struct chart *chart, const struct axis *axis)
{
    char figure[FIGURE_BYTES];
    int tick = axis->ticks - 1;
    while (tick > 0 && tick_column(chart, axis, tick) + axis_figure(axis, tick, true, figure) >
                           chart->cells + MARGIN)
        tick--;
    return tick;
}

/* The first and the last figure have the unit. */
static void draw_figures(const struct chart *chart, const struct axis *axis)
{
    int last = last_figure(chart, axis);
    int column = 0;
    fprintf(chart->out, "%*s", chart->left, "");
    for (int tick = 0; tick <= last; tick++) {
        char figure[FIGURE_BYTES];
        int width = axis_figure(axis, tick, tick == 0 || tick == last, figure);
        int gap = tick_column(chart, axis, tick) - column;
        assert(tick == 0 || gap > 0);
        fprintf(chart->out, "%*s%s", gap, "", figure);
        column += gap + width;
    }
    fputs("\n", chart->out);
}

void chart_print(FILE *out, const struct chart_lesson *lessons, size_t count, int columns,
                 bool utf8, bool colour)
{
    if (columns < CHART_COLUMNS_MIN)
        return;
    struct chart chart = {.out = out, .utf8 = utf8, .colour = colour};
    double end_s = latest_end(lessons, count);
    chart.name_width = names_width(lessons, count);
    chart.label_width = labels_width(lessons, count);
    chart.left = chart.name_width + GAP + chart.label_width + GAP;
    chart.cells = least(columns, CHART_COLUMNS_MAX) - chart.left - MARGIN;
    chart.cells_per_s = chart.cells / end_s;
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "\n" : "", out);
        draw_lesson(&chart, &lessons[i]);
    }
    double spacing = fmax(TICK_COLUMNS_MIN, (double)chart.cells / TICKS_MAX);
    struct axis axis = axis_for(end_s, spacing / chart.cells_per_s);
    draw_rule(&chart, &axis);
    draw_figures(&chart, &axis);
}
