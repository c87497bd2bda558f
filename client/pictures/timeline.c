/* Draws the picture of one or two lessons. */
#include "client/pictures/timeline.h"

#include <assert.h>
#include <math.h>

#include "cli/quantity.h"
#include "client/pictures/axis.h"
#include "client/pictures/bars.h"
#include "client/pictures/svg.h"
#include "proto/instant.h"

/* Positions and sizes in pixels. */
#define WIDTH         876
#define MARGIN        20
#define FIGURES_LEFT  (BARS_RIGHT + GAP) /* figures of a row are right of its bars */
#define FIGURES_RIGHT (WIDTH - MARGIN)
#define TITLE         44
#define AXIS          24 /* figures of an axis and the space around them */
#define HEADING       26 /* of a lesson */
#define LINE          17 /* of small text */
#define GAP           12
#define LEGEND        38
#define FUNNEL        22
#define BASE_LINE     (BARS_HEIGHT - 4) /* of a row's text, from the row's upper edge */

/* Slices that the close-up shows on each side of the look that finds the reply. */
#define NEAR_SIDE 4

/* A close-up is drawn only if it shows less than this share of the picture. */
#define CLOSE_UP_SHARE 0.25

/* Lines for lost servers below a lesson. If there were more, they are counted. */
#define LOST_LINES_MAX 3

struct close_up {
    size_t first; /* of the passes near the reply */
    size_t count; /* passes that are shown; 0: no close-up */
    struct interval shown;
};

/* ---- a lesson ---------------------------------------------------------------------------- */

static size_t lost_count(const struct record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < record->mark_count; i++)
        count += record->marks[i].type == MARK_LOST;
    return count;
}

/* Lines below the bars: lost servers, how many more there were, and why there is no reply. */
static int line_count(const struct record *record)
{
    size_t lost = lost_count(record);

    return (int)(lost > LOST_LINES_MAX ? LOST_LINES_MAX + 1 : lost) +
           (record->outcome == RECORD_FAILED);
}

static double height_of(const struct record *record)
{
    return HEADING + 2 * BARS_ROW + line_count(record) * LINE + GAP;
}

/* Returns how many lines there are. */
static size_t put_lost_servers(FILE *out, const struct record *record, double y)
{
    size_t lost = 0;
    char time[BARS_TIME_BYTES];

    for (size_t i = 0; i < record->mark_count && lost < LOST_LINES_MAX; i++) {
        const struct mark *mark = &record->marks[i];
        if (mark->type != MARK_LOST)
            continue;
        svg_text(out, "small", BARS_LEFT, y + (double)lost * LINE, "After %s: %s",
                 bars_time(mark->at_ns, time), mark->text);
        lost++;
    }
    return lost;
}

static void put_lines(FILE *out, const struct record *record, double y)
{
    size_t lost = put_lost_servers(out, record, y);

    y += (double)lost * LINE;
    if (lost_count(record) > lost) {
        svg_text(out, "small", BARS_LEFT, y, "in total, %zu servers were lost", lost_count(record));
        y += LINE;
    }
    if (record->outcome == RECORD_FAILED)
        svg_text(out, "small", BARS_LEFT, y, "No reply: %s", record->reason);
}

static void put_heading(FILE *out, const struct record *record, const struct loop_pass *all,
                        double y)
{
    char slices[COUNT_TEXT_BYTES], looks[COUNT_TEXT_BYTES], time[BARS_TIME_BYTES];
    double look_percent =
        all->look_ns > 0 ? 100 * (double)all->look_ns / (double)interval_ns(all->interval) : 0;

    svg_text(out, "name", MARGIN, y, "%s", record->name);
    if (all->looks > 0)
        svg_text(out, "small", BARS_LEFT, y,
                 "%s slices and %s looks; the looks take %.2g %% of the time",
                 count_print(all->slices, slices), count_print(all->looks, looks), look_percent);
    else if (all->slices > 0)
        svg_text(out, "small", BARS_LEFT, y, "%s slices", count_print(all->slices, slices));
    svg_text(out, "name right", FIGURES_RIGHT, y, "%s", bars_time(record->ended_ns, time));
}

/* The names of the two tasks, left of their rows. */
static void put_task_names(FILE *out, double y)
{
    svg_text(out, "small", MARGIN, y + BASE_LINE, "server_request");
    svg_text(out, "small", MARGIN, y + BARS_ROW + BASE_LINE, "uniform_sum");
}

static void put_task_times(FILE *out, const struct record *record, const struct loop_pass *all,
                           double y)
{
    static const char *const outcomes[] = {
        [RECORD_OPEN] = "open after ", [RECORD_ANSWERED] = "", [RECORD_FAILED] = "failed after "};
    char time[BARS_TIME_BYTES], idle[BARS_TIME_BYTES];
    double request_y = y + BASE_LINE, sum_y = request_y + BARS_ROW;

    svg_text(out, "small", FIGURES_LEFT, request_y, "%s%s", outcomes[record->outcome],
             bars_time(record->over_ns - record->sent_ns, time));
    bars_time(interval_ns(all->interval), time);
    bars_time(interval_ns(record->wait), idle);
    if (interval_ns(record->wait) > 0)
        svg_text(out, "small", FIGURES_LEFT, sum_y, "%s, idle %s", time, idle);
    else
        svg_text(out, "small", FIGURES_LEFT, sum_y, "%s", time);
}

static void draw_lesson(const struct scale *scale, const struct record *record, double y)
{
    struct loop_pass all = record_all_passes(record);
    double rows = y + HEADING;

    put_heading(scale->out, record, &all, y + BARS_HEIGHT);
    put_task_names(scale->out, rows);
    put_task_times(scale->out, record, &all, rows);
    bars_draw_request(scale, record, rows);
    bars_draw_wait(scale, record, rows + BARS_ROW);
    bars_draw_passes(scale, record->passes, record->pass_count, rows + BARS_ROW);
    bars_draw_reply(scale, record, rows);
    put_lines(scale->out, record, rows + 2 * BARS_ROW + BASE_LINE);
}

/* ---- the close-up ------------------------------------------------------------------------ */

/* The last look is the one that found the reply. Returns false if the reply came outside of this
 * look. */
static bool find_reply(const struct record *record, size_t *number)
{
    for (size_t i = record_near_count(record); i-- > 0;) {
        const struct loop_pass *pass = record_near(record, i);
        if (pass->looks > 0) {
            *number = i;
            return record->outcome == RECORD_ANSWERED &&
                   record->over_ns >= pass->interval.begin_ns &&
                   record->over_ns <= pass->interval.end_ns;
        }
    }
    return false;
}

/* shown: the interval of the whole picture. */
static struct close_up close_up_of(const struct record *record, struct interval shown)
{
    size_t found, last, count = record_near_count(record);
    struct close_up close = {0};

    if (!find_reply(record, &found))
        return close;
    close.first = found > NEAR_SIDE ? found - NEAR_SIDE : 0;
    last = found + NEAR_SIDE < count ? found + NEAR_SIDE : count - 1;
    close.shown.begin_ns = record_near(record, close.first)->interval.begin_ns;
    close.shown.end_ns = record_near(record, last)->interval.end_ns;
    if ((double)interval_ns(close.shown) < CLOSE_UP_SHARE * (double)interval_ns(shown))
        close.count = last - close.first + 1;
    return close;
}

/* Draws the shape below y that connects the interval of the close-up, on the scale of the whole
 * picture, with the full width of the close-up. */
static void draw_funnel(const struct scale *whole, struct interval shown, double y)
{
    double begin = bars_x(whole, shown.begin_ns), end = bars_x(whole, shown.end_ns);

    fprintf(whole->out, "<path class=\"funnel\" d=\"M%.2f %.1fH%.2fL%d %.1fH%dZ\"/>\n", begin, y,
            fmax(end, begin + 1), BARS_RIGHT, y + FUNNEL, BARS_LEFT);
}

static void put_close_up_times(FILE *out, const struct loop_pass *passes, size_t count, double y)
{
    struct loop_pass sum = {0};
    char time[BARS_TIME_BYTES];

    for (size_t i = 0; i < count; i++) {
        sum.slice_ns += passes[i].slice_ns;
        sum.look_ns += passes[i].look_ns;
        sum.looks += passes[i].looks;
    }
    svg_text(out, "small", FIGURES_LEFT, y + BASE_LINE, "a look: %s",
             bars_time(sum.look_ns / (int64_t)sum.looks, time));
    svg_text(out, "small", FIGURES_LEFT, y + BARS_ROW + BASE_LINE, "a slice: %s",
             bars_time(sum.slice_ns / (int64_t)count, time));
}

static void draw_close_up(const struct scale *whole, const struct record *record,
                          const struct close_up *close, double y)
{
    struct scale scale = bars_scale(whole->out, close->shown);
    struct loop_pass passes[2 * NEAR_SIDE + 1];
    double rows = y + FUNNEL + AXIS;

    for (size_t i = 0; i < close->count; i++)
        passes[i] = *record_near(record, close->first + i);
    draw_funnel(whole, close->shown, y);
    bars_draw_axis(&scale, record->over_ns, "reply", y + FUNNEL + LINE - 2, rows + 2 * BARS_ROW);
    put_task_names(whole->out, rows);
    put_close_up_times(whole->out, passes, close->count, rows);
    bars_draw_request(&scale, record, rows);
    bars_draw_passes(&scale, passes, close->count, rows + BARS_ROW);
    bars_draw_reply(&scale, record, rows);
}

/* ---- the picture ------------------------------------------------------------------------- */

/* Boxes of the legend are this large; slices have two shades, so a second box halves the first. */
#define BOX_WIDTH  18
#define BOX_HEIGHT 11
#define BOX_TEXT   24 /* from the left edge of a box to its text */

static void draw_legend(FILE *out, double y)
{
    static const struct {
        int x;
        const char *classes, *text;
    } boxes[] = {
        {BARS_LEFT, "request", "server_request"},
        {BARS_LEFT + 144, "odd", "slices of uniform_sum"},
        {BARS_LEFT + 338, "idle", "idle"},
    };
    static const struct {
        int x;
        const char *classes, *text;
    } lines[] = {
        {BARS_LEFT + 410, "look", "a look for the reply"},
        {BARS_LEFT + 578, "reply", "the reply is found"},
    };

    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        svg_rect(out, boxes[i].classes, boxes[i].x, y - 10, BOX_WIDTH, BOX_HEIGHT);
        svg_text(out, "small", boxes[i].x + BOX_TEXT, y, "%s", boxes[i].text);
    }
    svg_rect(out, "even", boxes[1].x + BOX_WIDTH / 2, y - 10, BOX_WIDTH / 2, BOX_HEIGHT);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        svg_line(out, lines[i].classes, lines[i].x, y - 12, 14);
        svg_text(out, "small", lines[i].x + 8, y, "%s", lines[i].text);
    }
}

static bool all_answered(const struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].outcome != RECORD_ANSWERED)
            return false;
    return true;
}

static void put_title(FILE *out, const struct record *records, size_t count)
{
    const struct record *a = &records[0], *b = &records[count - 1];
    char a_time[BARS_TIME_BYTES], b_time[BARS_TIME_BYTES];

    bars_time(a->ended_ns, a_time);
    bars_time(b->ended_ns, b_time);
    if (count == 1)
        svg_text(out, "title", MARGIN, 28, "meantime %s: %s", a->name, a_time);
    else if (all_answered(records, count))
        svg_text(out, "title", MARGIN, 28, "%s: %s, %s: %s. Speed-up: %.2f", a->name, a_time,
                 b->name, b_time, (double)a->ended_ns / (double)later(b->ended_ns, 1));
    else
        svg_text(out, "title", MARGIN, 28, "%s: %s, %s: %s", a->name, a_time, b->name, b_time);
}

/* From the start to the end of the longest lesson. */
static struct interval whole_time(const struct record *records, size_t count)
{
    struct interval whole = {0, (int64_t)(AXIS_SECONDS_MIN * 1e9)};

    for (size_t i = 0; i < count; i++)
        whole.end_ns = later(whole.end_ns, records[i].ended_ns);
    return whole;
}

void timeline_draw(FILE *out, const struct record *records, size_t count)
{
    assert(count >= 1);
    assert(count <= TIMELINE_LESSONS_MAX);
    const struct record *last = &records[count - 1]; /* the close-up is of this lesson */
    struct scale scale = bars_scale(out, whole_time(records, count));
    struct close_up close = close_up_of(last, scale.shown);
    double close_height = close.count > 0 ? FUNNEL + AXIS + 2 * BARS_ROW + GAP : 0;
    double y = TITLE + AXIS, bottom = y;

    for (size_t i = 0; i < count; i++)
        bottom += height_of(&records[i]);
    svg_begin(out, "When server_request and uniform_sum were busy", WIDTH,
              (int)(bottom + LEGEND + close_height));
    put_title(out, records, count);
    bars_draw_axis(&scale, 0, NULL, TITLE + LINE - 2, bottom - GAP);
    for (size_t i = 0; i < count; i++) {
        draw_lesson(&scale, &records[i], y);
        y += height_of(&records[i]);
    }
    if (close.count > 0)
        draw_close_up(&scale, last, &close, y - GAP);
    draw_legend(out, y + close_height + LINE);
    svg_end(out);
}
