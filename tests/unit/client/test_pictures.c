/* The record of a lesson, and the timeline that is drawn from it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/pictures/record.h"
#include "client/pictures/timeline.h"
#include "proto/instant.h"
#include "tests/support/chance.h"

#define US NS_PER_US
#define MS NS_PER_MS
#define S  NS_PER_S

/* When the lesson begins, by the caller's clock. */
#define BEGAN (77 * S)

#define BARS_LEFT  132.0
#define BARS_RIGHT 676.0
#define WIDTH      876.0

static struct record record_at(const char *name)
{
    struct record record;

    cr_assert(record_init(&record));
    record.name = name;
    record_begin(&record, BEGAN);
    record_request_sent(&record, BEGAN);
    return record;
}

/* Records slices of slice_ns from `at` on; if `looks`, each with a look of 1 us. Returns their
 * end. */
static int64_t work(struct record *record, int64_t at, size_t slices, int64_t slice_ns, bool looks)
{
    for (size_t i = 0; i < slices; i++) {
        record_slice(record, BEGAN + at, BEGAN + at + slice_ns);
        at += slice_ns;
        if (looks)
            record_look(record, BEGAN + at, BEGAN + at + US);
        at += looks ? US : 0;
    }
    return at;
}

static void progress(struct record *record, int64_t at, uint64_t attempts, uint64_t outages)
{
    struct meantime_progress found = {.attempts = attempts,
                                      .outages = outages,
                                      .left_endpoint = "tcp://a:1",
                                      .left_because = "closed the connection"};

    record_progress(record, BEGAN + at, BEGAN + at, &found);
}

/* ---- record ------------------------------------------------------------------------------ */

Test(record, keeps_every_pass_while_there_is_room)
{
    struct record record = record_at("async");

    work(&record, 0, RECORD_PASSES_MAX, MS, true);
    cr_assert(!record_merged(&record));
    cr_assert(record.pass_count == RECORD_PASSES_MAX);
    cr_assert(record.passes[7].interval.begin_ns == 7 * (MS + US));
    cr_assert(record.passes[7].interval.end_ns == 8 * (MS + US));
    record_clear(&record);
}

Test(record, merges_neighbours_when_there_is_no_room_and_loses_no_time)
{
    struct record record = record_at("async");
    size_t slices = 5 * RECORD_PASSES_MAX + 3;
    int64_t end = work(&record, 0, slices, MS, true);
    struct loop_pass all = record_all_passes(&record);

    cr_assert(record.pass_count <= RECORD_PASSES_MAX);
    cr_assert(record.slices_per_pass == 8);
    cr_assert(all.slices == slices);
    cr_assert(all.looks == slices);
    cr_assert(all.slice_ns == (int64_t)slices * MS);
    cr_assert(all.look_ns == (int64_t)slices * US);
    cr_assert(all.interval.begin_ns == 0);
    cr_assert(all.interval.end_ns == end);
    for (size_t i = 0; i + 1 < record.pass_count; i++) {
        cr_assert(record.passes[i].slices == record.slices_per_pass);
        cr_assert(record.passes[i].interval.end_ns == record.passes[i + 1].interval.begin_ns);
    }
    record_clear(&record);
}

Test(record, never_merges_the_passes_around_the_reply)
{
    struct record record = record_at("async");
    int64_t reply = work(&record, 0, 100000, MS, true);

    progress(&record, reply, 1, 0);
    record_request_over(&record, BEGAN + reply, NULL);
    work(&record, reply, 50000, MS, false);
    cr_assert(record_near_count(&record) == RECORD_NEAR_MAX);
    for (size_t i = 0; i < RECORD_NEAR_MAX; i++) {
        const struct loop_pass *pass = record_near(&record, i);
        cr_assert(pass->slices == 1);
        cr_assert(pass->looks == (i < RECORD_NEAR_MAX / 2));
    }
    cr_assert(record_near(&record, RECORD_NEAR_MAX / 2 - 1)->interval.end_ns == reply);
    record_clear(&record);
}

Test(record, has_each_phase_of_the_request_with_its_attempt)
{
    static const struct {
        int64_t begin_ns, end_ns;
        uint64_t attempt;
        bool lost, answered;
    } rows[] = {
        {0, 2 * S, 0, false, false},     {2 * S, 5 * S, 1, true, false},
        {5 * S, 6 * S, 0, false, false}, {6 * S, 7 * S, 2, true, false},
        {7 * S, 7 * S, 0, false, false}, {7 * S, 9 * S, 3, false, true},
    };
    struct record record = record_at("async");

    progress(&record, 1 * S, 0, 0);
    progress(&record, 2 * S, 1, 0);
    progress(&record, 5 * S, 1, 1);
    progress(&record, 6 * S, 2, 1);
    progress(&record, 7 * S, 3, 2);
    record_request_over(&record, BEGAN + 9 * S, NULL);
    cr_assert(record.mark_count + 1 == sizeof rows / sizeof *rows);
    for (size_t i = 0; i <= record.mark_count; i++) {
        struct request_phase phase = record_phase(&record, i);
        cr_expect(phase.interval.begin_ns == rows[i].begin_ns, "row %zu", i);
        cr_expect(phase.interval.end_ns == rows[i].end_ns, "row %zu", i);
        cr_expect(phase.attempt == rows[i].attempt, "row %zu", i);
        cr_expect(phase.answered == rows[i].answered, "row %zu", i);
        cr_expect(!phase.lost == !rows[i].lost, "row %zu", i);
    }
    cr_assert_str_eq(record_phase(&record, 1).lost, "tcp://a:1 closed the connection");
    record_clear(&record);
}

Test(record, progress_that_is_found_late_adds_no_time_after_the_request)
{
    struct record record = record_at("async");

    progress(&record, 5 * S, 1, 1);
    record_request_over(&record, BEGAN + 4 * S, "no server answered");
    for (size_t i = 0; i <= record.mark_count; i++) {
        cr_assert(record_phase(&record, i).interval.end_ns <= 4 * S);
        cr_assert(interval_ns(record_phase(&record, i).interval) >= 0);
    }
    record_clear(&record);
}

Test(record, counts_outages_that_have_no_mark)
{
    struct record record = record_at("async");

    for (uint64_t i = 1; i <= RECORD_MARKS_MAX; i++)
        progress(&record, (int64_t)i * MS, i, i);
    cr_assert(record.mark_count == RECORD_MARKS_MAX);
    cr_assert(record.outages == RECORD_MARKS_MAX);
    record_clear(&record);
}

Test(record, texts_are_printable_and_short)
{
    struct record record = record_at("async");
    char reason[200];

    memset(reason, '\xc3', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    record_request_over(&record, BEGAN, reason);
    cr_assert(strlen(record.reason) == RECORD_TEXT_BYTES - 1);
    cr_assert(strspn(record.reason, "?") == RECORD_TEXT_BYTES - 1);
    record_clear(&record);
}

/* ---- reading a picture ------------------------------------------------------------------- */

/* The caller frees it. */
static char *drawing_of(const struct record *records, size_t count)
{
    char *svg = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&svg, &size);

    timeline_draw(out, records, count);
    cr_assert(fclose(out) == 0);
    return svg;
}

struct bar {
    double x, y, width, height;
};

/* Finds the next bar of that class. Returns the position behind it, or NULL. */
static const char *next_bar(const char *at, const char *class, struct bar *bar)
{
    char begin[64];

    snprintf(begin, sizeof begin, "<rect class=\"%s\"", class);
    at = strstr(at, begin);
    if (!at)
        return NULL;
    cr_assert(sscanf(at + strlen(begin), " x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"",
                     &bar->x, &bar->y, &bar->width, &bar->height) == 4);
    return at + 1;
}

static void expect_bar(const char *svg, const char *class, double x, double width)
{
    struct bar bar = {0};

    cr_assert(next_bar(svg, class, &bar), "no bar of class %s in %s", class, svg);
    cr_expect_float_eq(bar.x, x, 0.02, "%s at %f", class, bar.x);
    cr_expect_float_eq(bar.width, width, 0.02, "%s is %f wide", class, bar.width);
}

static size_t count_of(const char *svg, const char *text)
{
    size_t count = 0;

    while ((svg = strstr(svg, text))) {
        svg++;
        count++;
    }
    return count;
}

/* ---- what is drawn where ----------------------------------------------------------------- */

static struct record serial_lesson(int64_t request_ns, size_t slices)
{
    struct record record = record_at("serial");

    record_wait(&record, BEGAN, BEGAN + request_ns);
    progress(&record, 0, 1, 0);
    record_request_over(&record, BEGAN + request_ns, NULL);
    record_end(&record, BEGAN + work(&record, request_ns, slices, MS, false));
    return record;
}

/* The request takes 1 s. The work has `slices` slices of 1 ms, with looks until the reply. */
static struct record async_lesson(size_t slices)
{
    struct record record = record_at("async");
    int64_t end = work(&record, 0, slices < 1000 ? slices : 1000, MS, true);

    progress(&record, 0, 1, 0);
    if (slices < 1000) {
        record_wait(&record, BEGAN + end, BEGAN + 1 * S);
        end = 1 * S;
        record_request_over(&record, BEGAN + end, NULL);
    } else {
        record_request_over(&record, BEGAN + end, NULL);
        end = work(&record, end, slices - 1000, MS, false);
    }
    record_end(&record, BEGAN + end);
    return record;
}

Test(timeline, bars_are_where_and_as_long_as_the_times_say)
{
    struct record record = serial_lesson(1 * S, 3000);
    char *svg = drawing_of(&record, 1);
    double quarter = (BARS_RIGHT - BARS_LEFT) / 4;

    expect_bar(svg, "request", BARS_LEFT, quarter);
    expect_bar(svg, "idle", BARS_LEFT, quarter);
    expect_bar(svg, "work", BARS_LEFT + quarter, 3 * quarter);
    cr_assert(strstr(svg, ">4.00 s</text>"));
    cr_assert(strstr(svg, ">3.00 s, idle 1.00 s</text>"));
    free(svg);
    record_clear(&record);
}

Test(timeline, two_lessons_have_one_scale_and_a_speed_up)
{
    struct record records[] = {serial_lesson(1 * S, 1000), async_lesson(500)};
    char *svg = drawing_of(records, 2);
    double half = (BARS_RIGHT - BARS_LEFT) / 2;
    struct bar first = {0}, second = {0};

    const char *rest = next_bar(svg, "request", &first);
    cr_assert(rest && next_bar(rest, "request", &second));
    cr_expect_float_eq(first.width, half, 0.02);
    cr_expect_float_eq(second.width, half, 0.02);
    cr_expect(second.y > first.y);
    cr_assert(strstr(svg, "Speed-up: 2.00"));
    free(svg);
    record_clear(&records[0]);
    record_clear(&records[1]);
}

Test(timeline, slices_have_bars_of_their_own_if_they_are_wide_enough)
{
    struct record few = serial_lesson(10 * MS, 50), many = serial_lesson(10 * MS, 5000);
    char *svg = drawing_of(&few, 1);

    cr_assert(count_of(svg, "class=\"odd\" ") == 25 + 1); /* and one in the legend */
    cr_assert(count_of(svg, "class=\"work\" ") == 0);
    free(svg);
    svg = drawing_of(&many, 1);
    cr_assert(count_of(svg, "class=\"odd\" ") == 1);
    cr_assert(count_of(svg, "class=\"work\" ") == 1);
    free(svg);
    record_clear(&few);
    record_clear(&many);
}

Test(timeline, a_close_up_shows_a_reply_that_comes_during_the_work)
{
    static const struct {
        size_t slices;
        bool close;
    } rows[] = {{2000, true}, {500, false}, {0, false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record = async_lesson(rows[i].slices);
        char *svg = drawing_of(&record, 1);
        cr_assert(!strstr(svg, ">reply</text>") == !rows[i].close, "row %zu", i);
        cr_assert((count_of(svg, "class=\"even\" ") == 4 + 1) == rows[i].close, "row %zu", i);
        cr_assert(!strstr(svg, "a look: 1.00 us") == !rows[i].close, "row %zu", i);
        free(svg);
        record_clear(&record);
    }
}

Test(timeline, lost_servers_have_another_bar_and_a_line_of_text)
{
    struct record record = record_at("async");

    progress(&record, 0, 1, 0);
    progress(&record, 1 * S, 1, 1);
    progress(&record, 2 * S, 2, 1);
    record_request_over(&record, BEGAN + 4 * S, "no <server> answered & none will");
    record_end(&record, BEGAN + 4 * S);
    char *svg = drawing_of(&record, 1);
    double quarter = (BARS_RIGHT - BARS_LEFT) / 4;
    expect_bar(svg, "lost", BARS_LEFT, quarter);
    expect_bar(svg, "open", BARS_LEFT + quarter, quarter);
    cr_assert(count_of(svg, "class=\"lost\" ") == 2);
    cr_assert(strstr(svg, ">After 1.00 s: tcp://a:1 closed the connection</text>"));
    cr_assert(strstr(svg, ">No reply: no &lt;server&gt; answered &amp; none will</text>"));
    free(svg);
    record_clear(&record);
}

/* ---- any picture ------------------------------------------------------------------------- */

/* Average width of a letter in DejaVu Sans, which is a wide font. */
static double letter_width(const char *class)
{
    if (strcmp(class, "title") == 0)
        return 10.5;
    return strncmp(class, "name", 4) == 0 ? 8.6 : 7.3;
}

/* Finds the next text and its place. Returns the position behind it, or NULL. */
static const char *next_text(const char *at, struct bar *text)
{
    char class[32], words[200];
    double x, y;

    at = strstr(at, "<text ");
    if (!at)
        return NULL;
    cr_assert(sscanf(at, "<text class=\"%31[^\"]\" x=\"%lf\" y=\"%lf\">%199[^<]", class, &x, &y,
                     words) == 4,
              "%.100s", at);
    double width = letter_width(class) * (double)strlen(words);
    if (strstr(class, "right"))
        x -= width;
    if (strstr(class, "tick"))
        x -= width / 2;
    *text = (struct bar){x, y - 11, width, 14};
    return at + 1;
}

static bool overlap(const struct bar *a, const struct bar *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

static void expect_texts_apart(const char *svg)
{
    struct bar texts[200];
    size_t count = 0;

    for (const char *at = svg; (at = next_text(at, &texts[count])); count++) {
        cr_assert(count + 1 < sizeof texts / sizeof *texts);
        cr_assert(texts[count].x >= 0 && texts[count].x + texts[count].width <= WIDTH,
                  "too wide: %.150s", at);
        for (size_t i = 0; i < count; i++)
            cr_assert(!overlap(&texts[i], &texts[count]), "overlaps another text: %.150s\n%s", at,
                      svg);
    }
    cr_assert(count > 0);
}

static void expect_bars_inside(const char *svg)
{
    static const char *const classes[] = {"request", "lost", "open", "idle", "work", "odd", "even"};

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        struct bar bar;
        for (const char *at = svg; (at = next_bar(at, classes[i], &bar));)
            cr_assert(bar.x >= BARS_LEFT - 0.01 && bar.x + bar.width <= BARS_RIGHT + 0.01 &&
                          bar.width > 0,
                      "%s from %f, %f wide", classes[i], bar.x, bar.width);
    }
}

/* Elements are closed in the reverse order. */
static void expect_well_formed(const char *svg)
{
    const char *open[16];
    size_t depth = 0;

    for (const char *at = svg; (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        cr_assert(end && depth < 16);
        if (at[1] == '/') {
            cr_assert(depth-- > 0);
            cr_assert(strncmp(open[depth], at + 2, (size_t)(end - at - 2)) == 0, "%.60s", at);
        } else if (end[-1] != '/')
            open[depth++] = at + 1;
    }
    cr_assert(depth == 0);
}

/* Often small, sometimes very large. */
static size_t next_size(struct chance *chance)
{
    return (size_t)(chance_next(chance) >> (48 + chance_below(chance, 16)));
}

static int64_t next_time(struct chance *chance)
{
    return (int64_t)(chance_next(chance) >> (14 + chance_below(chance, 45)));
}

static void next_outages(struct record *record, struct chance *chance, int64_t request_ns)
{
    uint64_t outages = chance_below(chance, 8);

    for (uint64_t i = 1; i <= outages; i++) {
        progress(record, request_ns / 10 * (int64_t)i, i, i - 1);
        progress(record, request_ns / 10 * (int64_t)i + request_ns / 30, i, i);
    }
    progress(record, request_ns / 10 * (int64_t)(outages + 1), outages + 1, outages);
}

/* A lesson with any request, any work and any end. */
static struct record next_lesson(const char *name, struct chance *chance)
{
    struct record record = record_at(name);
    int64_t request_ns = next_time(chance), slice_ns = next_time(chance) / 1000000 + 1;
    int64_t end = work(&record, 0, next_size(chance), slice_ns, true);

    next_outages(&record, chance, request_ns);
    if (end < request_ns)
        record_wait(&record, BEGAN + end, BEGAN + request_ns);
    if (chance_below(chance, 8) > 0)
        record_request_over(&record, BEGAN + request_ns,
                            chance_below(chance, 3) == 0
                                ? "no server answered at tcp://192.0.2.1:8197, "
                                  "tcp://192.0.2.2:8197"
                                : NULL);
    end = work(&record, end > request_ns ? end : request_ns, next_size(chance), slice_ns, false);
    record_end(&record, BEGAN + end);
    return record;
}

Test(timeline, any_picture_is_well_formed_and_its_texts_and_bars_do_not_overlap)
{
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct chance chance = {seed};
        struct record records[] = {next_lesson("serial", &chance), next_lesson("async", &chance)};
        char *svg = drawing_of(records, 1 + seed % 2);
        expect_well_formed(svg);
        expect_texts_apart(svg);
        expect_bars_inside(svg);
        cr_assert(strlen(svg) < 300000, "seed %zu: %zu bytes", (size_t)seed, strlen(svg));
        free(svg);
        record_clear(&records[0]);
        record_clear(&records[1]);
    }
}
