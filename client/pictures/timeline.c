#include "client/pictures/timeline.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "client/common/quantity.h"
#include "client/pictures/axis.h"
#include "proto/instant.h"

/* Widths and heights in pixels. Bars are between BARS_LEFT and BARS_RIGHT, figures right of them.
 */
#define WIDTH         840
#define MARGIN        20
#define BARS_LEFT     96
#define BARS_RIGHT    640
#define FIGURES_RIGHT (WIDTH - MARGIN)
#define TITLE         44
#define AXIS          24 /* its figures and what is around them */
#define RUN_HEADING   26
#define ROW           24
#define BAR           17
#define LINE          17 /* of small text */
#define GAP           12
#define LEGEND        38
#define FUNNEL        22

#define TICK_SPACING 78 /* "-2777 min" and some air */
#define LOOK_ABOVE   4  /* a look's line stands out so far above its slice */

/* Below it a slice is not seen as one, and all are drawn as one bar. */
#define SLICE_WIDTH_MIN 4.0

/* What has happened is seen, however short it was. */
#define BAR_WIDTH_MIN 0.75

/* A pause between slices that is shorter than half a pixel is none. */
#define JOIN_WIDTH 0.5

/* Slices that the close-up has on each side of the look that finds the reply. */
#define NEAR_SIDE 4

/* A close-up is worth its place when it shows less than this part of the run. */
#define CLOSE_PART 0.25

#define LEFT_LINES_MAX 3   /* of servers that were left; the others are counted */
#define TEXT_BYTES     160 /* longest text of a line, with its NUL */
#define TIME_BYTES     32

/* A blue and an orange: 4.5 to 1 and more beside white or black, told apart with any kind of colour
 * blindness, by their lightness too. Pictures on pages get only what is in them. */
static const char style[] =
    "text{fill:#1f2328;font:13px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    ".title{font-size:16px;font-weight:600}\n"
    ".name{font-weight:600}\n"
    ".small{font-size:12px;fill:#59636e}\n"
    ".right{text-anchor:end}\n"
    ".tick{font-size:12px;fill:#59636e;text-anchor:middle}\n"
    ".grid{stroke:#818b98;stroke-opacity:.35}\n"
    ".request{fill:#0969da}\n"
    ".lost{fill:#0969da;fill-opacity:.25;stroke:#0969da;stroke-dasharray:3 2}\n"
    ".open{fill:#0969da;fill-opacity:.55}\n"
    ".work,.odd{fill:#bc4c00}\n"
    ".even{fill:#e8833a}\n"
    ".idle{fill:url(#hatch);stroke:#818b98;stroke-opacity:.6}\n"
    ".hatch{stroke:#818b98;stroke-opacity:.6}\n"
    ".look{stroke:#1f2328;stroke-width:1.5;fill:none}\n"
    ".reply{stroke:#1f2328;stroke-width:1.5;stroke-dasharray:4 3;fill:none}\n"
    ".funnel{fill:#818b98;fill-opacity:.16}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#f0f6fc}\n"
    ".small,.tick{fill:#9198a1}\n"
    ".request{fill:#4493f8}\n"
    ".lost{fill:#4493f8;stroke:#4493f8}\n"
    ".open{fill:#4493f8}\n"
    ".work,.odd{fill:#f0883e}\n"
    ".even{fill:#b35a17}\n"
    ".look,.reply{stroke:#f0f6fc}\n"
    "}\n";

/* A part of time on the bars' width. */
struct scale {
    FILE *out;
    struct lapse shown;
    double pixels_per_ns;
};

/* Where the close-up is: turns [first, first + count) of those near the reply. */
struct close_up {
    size_t first, count;
    struct lapse shown;
};

static double seconds_of(int64_t ns)
{
    return (double)ns / 1e9;
}

static struct scale scale_for(FILE *out, struct lapse shown)
{
    return (struct scale){out, shown, (BARS_RIGHT - BARS_LEFT) / (double)lapse_ns(shown)};
}

static double x_of(const struct scale *scale, int64_t at_ns)
{
    return BARS_LEFT + (double)(at_ns - scale->shown.begin_ns) * scale->pixels_per_ns;
}

/* ---- words ------------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *words)
{
    for (; *words; words++)
        switch (*words) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        default: fputc(*words, out);
        }
}

__attribute__((format(printf, 5, 6))) static void put_text(FILE *out, const char *classes, double x,
                                                           double y, const char *format, ...)
{
    char words[TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", classes, x, y);
    put_escaped(out, words);
    fputs("</text>\n", out);
}

/* Three digits and a unit: 24.5 ms. */
static const char *time_text(int64_t ns, char *text)
{
    const struct axis_unit *unit = axis_unit_for(seconds_of(ns));
    double value = seconds_of(ns) / unit->seconds;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    snprintf(text, TIME_BYTES, "%.*f %s", decimals, value, unit->name);
    return text;
}

/* ---- bars -------------------------------------------------------------------------------- */

static void put_bar(const struct scale *scale, const char *classes, struct lapse lapse, double y,
                    double height)
{
    double begin = x_of(scale, later(lapse.begin_ns, scale->shown.begin_ns));
    double end = x_of(scale, earlier(lapse.end_ns, scale->shown.end_ns));

    begin = fmin(begin, BARS_RIGHT - BAR_WIDTH_MIN);
    fprintf(scale->out,
            "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n", classes,
            begin, y, fmax(end - begin, BAR_WIDTH_MIN), height);
}

static bool in_sight(const struct scale *scale, struct lapse lapse)
{
    return lapse.end_ns >= scale->shown.begin_ns && lapse.begin_ns <= scale->shown.end_ns;
}

/* A server has the request where the bar is thick. */
static void draw_request(const struct scale *scale, const struct record *record, double y)
{
    for (size_t i = 0; i <= record->mark_count; i++) {
        struct stretch stretch = record_stretch(record, i);
        bool empty = lapse_ns(stretch.lapse) == 0 && record->mark_count > 0;
        if (empty || !in_sight(scale, stretch.lapse))
            continue;
        if (stretch.attempt == 0)
            put_bar(scale, "open", stretch.lapse, y + BAR / 2.0 - 1, 2);
        else
            put_bar(scale, stretch.answered ? "request" : "lost", stretch.lapse, y, BAR);
    }
}

static void draw_slices(const struct scale *scale, const struct turn *turns, size_t count, double y)
{
    static const char *const shades[] = {"odd", "even"};

    for (size_t i = 0; i < count; i++)
        put_bar(scale, shades[i % 2], turns[i].lapse, y, BAR);
}

/* At the end of each turn that has one. */
static void draw_looks(const struct scale *scale, const struct turn *turns, size_t count, double y)
{
    fputs("<path class=\"look\" d=\"", scale->out);
    for (size_t i = 0; i < count; i++)
        if (turns[i].looks > 0)
            fprintf(scale->out, "M%.2f %.1fv%d", x_of(scale, turns[i].lapse.end_ns), y - LOOK_ABOVE,
                    BAR + LOOK_ABOVE);
    fputs("\"/>\n", scale->out);
}

/* Turns without a gap that could be seen are one bar. */
static void draw_merged(const struct scale *scale, const struct turn *turns, size_t count, double y)
{
    for (size_t i = 0; i < count;) {
        struct lapse lapse = turns[i++].lapse;
        while (i < count &&
               (double)(turns[i].lapse.begin_ns - lapse.end_ns) * scale->pixels_per_ns < JOIN_WIDTH)
            lapse.end_ns = turns[i++].lapse.end_ns;
        put_bar(scale, "work", lapse, y, BAR);
    }
}

static void draw_turns(const struct scale *scale, const struct turn *turns, size_t count, double y)
{
    double widths = count > 0 ? (double)(turns[count - 1].lapse.end_ns - turns[0].lapse.begin_ns) *
                                    scale->pixels_per_ns
                              : 0;

    if (widths < SLICE_WIDTH_MIN * (double)count) {
        draw_merged(scale, turns, count, y);
        return;
    }
    draw_slices(scale, turns, count, y);
    draw_looks(scale, turns, count, y);
}

/* Through both rows. */
static void draw_reply(const struct scale *scale, const struct record *record, double y)
{
    if (record->outcome == OUTCOME_ANSWERED)
        fprintf(scale->out, "<path class=\"reply\" d=\"M%.2f %.1fv%d\"/>\n",
                x_of(scale, record->over_ns), y - LOOK_ABOVE, ROW + BAR + 2 * LOOK_ABOVE);
}

/* ---- the axis ---------------------------------------------------------------------------- */

/* Figures at y, and lines from there to `bottom`. Time counts from origin_ns, whose figure is
 * `zero` or, NULL, a nought. */
static void draw_axis(const struct scale *scale, int64_t origin_ns, const char *zero, double y,
                      double bottom)
{
    struct axis axis =
        axis_for(seconds_of(lapse_ns(scale->shown)), TICK_SPACING / scale->pixels_per_ns / 1e9);
    double step_ns = axis_tick_s(&axis, 1) * 1e9;
    int first = (int)ceil((double)(scale->shown.begin_ns - origin_ns) / step_ns - 1e-9);
    int last = (int)floor((double)(scale->shown.end_ns - origin_ns) / step_ns + 1e-9);

    for (int tick = first; tick <= last; tick++) {
        char figure[FIGURE_BYTES];
        double x = x_of(scale, origin_ns + llround(tick * step_ns));
        axis_figure(&axis, tick, true, figure);
        put_text(scale->out, "tick", x, y, "%s", zero && tick == 0 ? zero : figure);
        fprintf(scale->out, "<path class=\"grid\" d=\"M%.2f %.1fV%.1f\"/>\n", x, y + 5, bottom);
    }
}

/* ---- a run ------------------------------------------------------------------------------- */

static size_t lost_count(const struct record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < record->mark_count; i++)
        count += record->marks[i].type == MARK_LEFT;
    return count;
}

/* Lines below a run: servers that were left, how many more, and why there is no reply. */
static int lines_of(const struct record *record)
{
    size_t lost = lost_count(record);

    return (int)(lost > LEFT_LINES_MAX ? LEFT_LINES_MAX + 1 : lost) +
           (record->outcome == OUTCOME_FAILED);
}

static double height_of(const struct record *record)
{
    return RUN_HEADING + 2 * ROW + lines_of(record) * LINE + GAP;
}

static void put_lines(FILE *out, const struct record *record, double y)
{
    size_t lost = 0;
    char time[TIME_BYTES];

    for (size_t i = 0; i < record->mark_count && lost < LEFT_LINES_MAX; i++) {
        const struct mark *mark = &record->marks[i];
        if (mark->type != MARK_LEFT)
            continue;
        put_text(out, "small", BARS_LEFT, y, "After %s: %s", time_text(mark->at_ns, time),
                 mark->words);
        y += LINE;
        lost++;
    }
    if (lost_count(record) > lost) {
        put_text(out, "small", BARS_LEFT, y, "and so on, %zu times in all", lost_count(record));
        y += LINE;
    }
    if (record->outcome == OUTCOME_FAILED)
        put_text(out, "small", BARS_LEFT, y, "No reply: %s", record->trouble);
}

static void put_heading(FILE *out, const struct record *record, const struct turn *whole, double y)
{
    char slices[COUNT_TEXT_BYTES], looks[COUNT_TEXT_BYTES], time[TIME_BYTES];
    double looking =
        whole->look_ns > 0 ? 100 * (double)whole->look_ns / (double)lapse_ns(whole->lapse) : 0;

    put_text(out, "name", MARGIN, y, "%s", record->name);
    if (whole->looks > 0)
        put_text(out, "small", BARS_LEFT, y,
                 "%s slices and %s looks, which take %.2g %% of the work's time",
                 count_print(whole->slices, slices), count_print(whole->looks, looks), looking);
    else if (whole->slices > 0)
        put_text(out, "small", BARS_LEFT, y, "%s slices", count_print(whole->slices, slices));
    put_text(out, "name right", FIGURES_RIGHT, y, "%s", time_text(record->ended_ns, time));
}

static void put_row_figures(FILE *out, const struct record *record, const struct turn *whole,
                            double y)
{
    static const char *const words[] = {[OUTCOME_OPEN] = "open after ",
                                        [OUTCOME_ANSWERED] = "",
                                        [OUTCOME_FAILED] = "failed after "};
    char time[TIME_BYTES], idle[TIME_BYTES];
    double x = BARS_RIGHT + GAP, below = y + ROW;

    put_text(out, "small", x, y, "%s%s", words[record->outcome],
             time_text(record->over_ns - record->asked_ns, time));
    time_text(lapse_ns(whole->lapse), time);
    time_text(lapse_ns(record->wait), idle);
    if (lapse_ns(record->wait) > 0)
        put_text(out, "small", x, below, "%s, idle %s", time, idle);
    else
        put_text(out, "small", x, below, "%s", time);
}

static void put_row_names(FILE *out, double y)
{
    put_text(out, "small", MARGIN, y, "server");
    put_text(out, "small", MARGIN, y + ROW, "here");
}

static void draw_run(const struct scale *scale, const struct record *record, double y)
{
    struct turn whole = record_whole(record);
    double rows = y + RUN_HEADING;

    put_heading(scale->out, record, &whole, y + BAR);
    put_row_names(scale->out, rows + BAR - 4);
    put_row_figures(scale->out, record, &whole, rows + BAR - 4);
    draw_request(scale, record, rows);
    if (lapse_ns(record->wait) > 0)
        put_bar(scale, "idle", record->wait, rows + ROW, BAR);
    draw_turns(scale, record->turns, record->turn_count, rows + ROW);
    draw_reply(scale, record, rows);
    put_lines(scale->out, record, rows + 2 * ROW + BAR - 4);
}

/* ---- the close-up ------------------------------------------------------------------------ */

/* The look that found the reply is the last one there was. */
static bool find_reply(const struct record *record, size_t *number)
{
    for (size_t i = record_near_count(record); i-- > 0;) {
        const struct turn *turn = record_near(record, i);
        if (turn->looks > 0) {
            *number = i;
            return record->outcome == OUTCOME_ANSWERED && record->over_ns >= turn->lapse.begin_ns &&
                   record->over_ns <= turn->lapse.end_ns;
        }
    }
    return false;
}

/* No turns where it would tell nothing. shown: of the whole picture. */
static struct close_up close_up_of(const struct record *record, struct lapse shown)
{
    size_t found, last, count = record_near_count(record);
    struct close_up close = {0};

    if (!find_reply(record, &found))
        return close;
    close.first = found > NEAR_SIDE ? found - NEAR_SIDE : 0;
    last = found + NEAR_SIDE < count ? found + NEAR_SIDE : count - 1;
    close.shown.begin_ns = record_near(record, close.first)->lapse.begin_ns;
    close.shown.end_ns = record_near(record, last)->lapse.end_ns;
    if ((double)lapse_ns(close.shown) < CLOSE_PART * (double)lapse_ns(shown))
        close.count = last - close.first + 1;
    return close;
}

/* From where it is on the whole picture, at y, to the close-up's full width. */
static void draw_funnel(const struct scale *whole, struct lapse shown, double y)
{
    fprintf(whole->out, "<path class=\"funnel\" d=\"M%.2f %.1fH%.2fL%d %.1fH%dZ\"/>\n",
            x_of(whole, shown.begin_ns), y,
            fmax(x_of(whole, shown.end_ns), x_of(whole, shown.begin_ns) + 1), BARS_RIGHT,
            y + FUNNEL, BARS_LEFT);
}

static void put_close_figures(FILE *out, const struct turn *turns, size_t count, double y)
{
    struct turn sum = {0};
    char time[TIME_BYTES];

    for (size_t i = 0; i < count; i++) {
        sum.slice_ns += turns[i].slice_ns;
        sum.look_ns += turns[i].look_ns;
        sum.looks += turns[i].looks;
    }
    put_text(out, "small", BARS_RIGHT + GAP, y, "a look: %s",
             time_text(sum.look_ns / (int64_t)sum.looks, time));
    put_text(out, "small", BARS_RIGHT + GAP, y + ROW, "a slice: %s",
             time_text(sum.slice_ns / (int64_t)count, time));
}

static void draw_close_up(const struct scale *whole, const struct record *record,
                          const struct close_up *close, double y)
{
    struct scale scale = scale_for(whole->out, close->shown);
    struct turn turns[2 * NEAR_SIDE + 1];
    double rows = y + FUNNEL + AXIS;

    for (size_t i = 0; i < close->count; i++)
        turns[i] = *record_near(record, close->first + i);
    draw_funnel(whole, close->shown, y);
    draw_axis(&scale, record->over_ns, "reply", y + FUNNEL + LINE - 2, rows + 2 * ROW);
    put_row_names(whole->out, rows + BAR - 4);
    put_close_figures(whole->out, turns, close->count, rows + BAR - 4);
    draw_request(&scale, record, rows);
    draw_turns(&scale, turns, close->count, rows + ROW);
    draw_reply(&scale, record, rows);
}

/* ---- the picture ------------------------------------------------------------------------- */

static void draw_legend(const struct scale *scale, double y)
{
    static const struct {
        int x;
        const char *classes, *words;
    } boxes[] = {
        {BARS_LEFT, "request", "request at a server"},
        {BARS_LEFT + 160, "odd", "slices of local work"},
        {BARS_LEFT + 326, "idle", "idle"},
    };
    FILE *out = scale->out;

    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"18\" height=\"11\"/>\n",
                boxes[i].classes, boxes[i].x, y - 10);
        put_text(out, "small", boxes[i].x + 24, y, "%s", boxes[i].words);
    }
    fprintf(out, "<rect class=\"even\" x=\"%d\" y=\"%.1f\" width=\"9\" height=\"11\"/>\n",
            boxes[1].x + 9, y - 10);
    fprintf(out, "<path class=\"look\" d=\"M%d %.1fv14\"/>\n", BARS_LEFT + 406, y - 12);
    put_text(out, "small", BARS_LEFT + 414, y, "a look for the reply");
    fprintf(out, "<path class=\"reply\" d=\"M%d %.1fv14\"/>\n", BARS_LEFT + 568, y - 12);
    put_text(out, "small", BARS_LEFT + 576, y, "the reply is seen");
}

static bool all_answered(const struct record *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (runs[i].outcome != OUTCOME_ANSWERED)
            return false;
    return true;
}

static void put_title(FILE *out, const struct record *runs, size_t count)
{
    char times[TIMELINE_RUNS_MAX][TIME_BYTES];

    for (size_t i = 0; i < count; i++)
        time_text(runs[i].ended_ns, times[i]);
    if (count == 1)
        put_text(out, "title", MARGIN, 28, "meantime %s: %s", runs[0].name, times[0]);
    else if (all_answered(runs, count))
        put_text(out, "title", MARGIN, 28, "%s: %s, %s: %s. Speed-up: %.2f", runs[0].name, times[0],
                 runs[1].name, times[1],
                 (double)runs[0].ended_ns / (double)later(runs[1].ended_ns, 1));
    else
        put_text(out, "title", MARGIN, 28, "%s: %s, %s: %s", runs[0].name, times[0], runs[1].name,
                 times[1]);
}

static void put_head(FILE *out, double height)
{
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
        "height=\"%.0f\" role=\"img\" aria-labelledby=\"title\">\n"
        "<title id=\"title\">Who was busy when: the server and the client</title>\n"
        "<style>\n%s</style>\n"
        "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M3 0v6\"/></pattern></defs>\n",
        WIDTH, height, WIDTH, height, style);
}

static struct lapse whole_time(const struct record *runs, size_t count)
{
    struct lapse shown = {0, (int64_t)(AXIS_SECONDS_MIN * 1e9)};

    for (size_t i = 0; i < count; i++)
        shown.end_ns = later(shown.end_ns, runs[i].ended_ns);
    return shown;
}

void timeline_draw(FILE *out, const struct record *runs, size_t count)
{
    assert(count >= 1);
    assert(count <= TIMELINE_RUNS_MAX);
    const struct record *last = &runs[count - 1]; /* the close-up is of it */
    struct scale scale = scale_for(out, whole_time(runs, count));
    struct close_up close = close_up_of(last, scale.shown);
    double close_height = close.count > 0 ? FUNNEL + AXIS + 2 * ROW + GAP : 0;
    double y = TITLE + AXIS, bottom = y;

    for (size_t i = 0; i < count; i++)
        bottom += height_of(&runs[i]);
    put_head(out, bottom + LEGEND + close_height);
    put_title(out, runs, count);
    draw_axis(&scale, 0, NULL, TITLE + LINE - 2, bottom - GAP);
    for (size_t i = 0; i < count; i++) {
        draw_run(&scale, &runs[i], y);
        y += height_of(&runs[i]);
    }
    if (close.count > 0)
        draw_close_up(&scale, last, &close, y - GAP);
    draw_legend(&scale, y + close_height + LINE);
    fputs("</svg>\n", out);
}
