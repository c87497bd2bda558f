/* What a run's pictures are made of, and the timeline that is drawn from it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/pictures/record.h"
#include "client/pictures/timeline.h"
#include "tests/unit/chance.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

/* By the caller's clock, which did not start with the run. */
#define BEGAN (77 * S)

#define BARS_LEFT  96.0
#define BARS_RIGHT 640.0
#define WIDTH      840.0

static struct record record_at(const char *name)
{
    struct record record;

    cr_assert(record_init(&record));
    record.name = name;
    record_begin(&record, BEGAN);
    record_asked(&record, BEGAN);
    return record;
}

/* Slices of slice_ns from `at` on, each with a look of a microsecond if `looks`. When they end. */
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

static void hear(struct record *record, int64_t at, uint64_t attempts, uint64_t outages)
{
    struct meantime_progress progress = {.attempts = attempts,
                                         .outages = outages,
                                         .left_endpoint = "tcp://a:1",
                                         .left_because = "went away"};

    record_heard(record, BEGAN + at, BEGAN + at, &progress);
}

/* ---- record ------------------------------------------------------------------------------ */

Test(record, keeps_every_turn_while_there_is_room)
{
    struct record record = record_at("async");

    work(&record, 0, RECORD_TURNS_MAX, MS, true);
    cr_assert(!record_merged(&record));
    cr_assert(record.turn_count == RECORD_TURNS_MAX);
    cr_assert(record.turns[7].lapse.begin_ns == 7 * (MS + US));
    cr_assert(record.turns[7].lapse.end_ns == 8 * (MS + US));
    record_clear(&record);
}

Test(record, merges_neighbours_when_there_is_no_room_and_loses_no_time)
{
    struct record record = record_at("async");
    size_t slices = 5 * RECORD_TURNS_MAX + 3;
    int64_t end = work(&record, 0, slices, MS, true);
    struct turn whole = record_whole(&record);

    cr_assert(record.turn_count <= RECORD_TURNS_MAX);
    cr_assert(record.grain == 8);
    cr_assert(whole.slices == slices);
    cr_assert(whole.looks == slices);
    cr_assert(whole.slice_ns == (int64_t)slices * MS);
    cr_assert(whole.look_ns == (int64_t)slices * US);
    cr_assert(whole.lapse.begin_ns == 0);
    cr_assert(whole.lapse.end_ns == end);
    for (size_t i = 0; i + 1 < record.turn_count; i++) {
        cr_assert(record.turns[i].slices == record.grain);
        cr_assert(record.turns[i].lapse.end_ns == record.turns[i + 1].lapse.begin_ns);
    }
    record_clear(&record);
}

Test(record, keeps_the_turns_around_the_reply_as_they_were)
{
    struct record record = record_at("async");
    int64_t reply = work(&record, 0, 100000, MS, true);

    hear(&record, reply, 1, 0);
    record_over(&record, BEGAN + reply, NULL);
    work(&record, reply, 50000, MS, false);
    cr_assert(record_near_count(&record) == RECORD_NEAR_MAX);
    for (size_t i = 0; i < RECORD_NEAR_MAX; i++) {
        const struct turn *turn = record_near(&record, i);
        cr_assert(turn->slices == 1);
        cr_assert(turn->looks == (i < RECORD_NEAR_MAX / 2));
    }
    cr_assert(record_near(&record, RECORD_NEAR_MAX / 2 - 1)->lapse.end_ns == reply);
    record_clear(&record);
}

Test(record, tells_which_server_had_the_request_when)
{
    static const struct {
        int64_t begin_ns, end_ns;
        uint64_t attempt;
        bool left, answered;
    } rows[] = {
        {0, 2 * S, 0, false, false},     {2 * S, 5 * S, 1, true, false},
        {5 * S, 6 * S, 0, false, false}, {6 * S, 7 * S, 2, true, false},
        {7 * S, 7 * S, 0, false, false}, {7 * S, 9 * S, 3, false, true},
    };
    struct record record = record_at("async");

    hear(&record, 1 * S, 0, 0);
    hear(&record, 2 * S, 1, 0);
    hear(&record, 5 * S, 1, 1);
    hear(&record, 6 * S, 2, 1);
    hear(&record, 7 * S, 3, 2);
    record_over(&record, BEGAN + 9 * S, NULL);
    cr_assert(record.mark_count + 1 == sizeof rows / sizeof *rows);
    for (size_t i = 0; i <= record.mark_count; i++) {
        struct stretch stretch = record_stretch(&record, i);
        cr_expect(stretch.lapse.begin_ns == rows[i].begin_ns, "row %zu", i);
        cr_expect(stretch.lapse.end_ns == rows[i].end_ns, "row %zu", i);
        cr_expect(stretch.attempt == rows[i].attempt, "row %zu", i);
        cr_expect(stretch.answered == rows[i].answered, "row %zu", i);
        cr_expect(!stretch.left == !rows[i].left, "row %zu", i);
    }
    cr_assert_str_eq(record_stretch(&record, 1).left, "tcp://a:1 went away");
    record_clear(&record);
}

Test(record, news_that_is_heard_after_the_end_does_not_reach_beyond_it)
{
    struct record record = record_at("async");

    hear(&record, 5 * S, 1, 1);
    record_over(&record, BEGAN + 4 * S, "no server is there");
    for (size_t i = 0; i <= record.mark_count; i++) {
        cr_assert(record_stretch(&record, i).lapse.end_ns <= 4 * S);
        cr_assert(lapse_ns(record_stretch(&record, i).lapse) >= 0);
    }
    record_clear(&record);
}

Test(record, counts_more_outages_than_it_has_room_for)
{
    struct record record = record_at("async");

    for (uint64_t i = 1; i <= RECORD_MARKS_MAX; i++)
        hear(&record, (int64_t)i * MS, i, i);
    cr_assert(record.mark_count == RECORD_MARKS_MAX);
    cr_assert(record.outages == RECORD_MARKS_MAX);
    record_clear(&record);
}

Test(record, words_are_printable_and_short)
{
    struct record record = record_at("async");
    char trouble[200];

    memset(trouble, '\xc3', sizeof trouble);
    trouble[sizeof trouble - 1] = '\0';
    record_over(&record, BEGAN, trouble);
    cr_assert(strlen(record.trouble) == RECORD_WORDS_BYTES - 1);
    cr_assert(strspn(record.trouble, "?") == RECORD_WORDS_BYTES - 1);
    record_clear(&record);
}

/* ---- pictures for reading ---------------------------------------------------------------- */

/* The caller frees it. */
static char *drawing_of(const struct record *runs, size_t count)
{
    char *svg = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&svg, &size);

    timeline_draw(out, runs, count);
    cr_assert(fclose(out) == 0);
    return svg;
}

struct bar {
    double x, y, width, height;
};

/* The next bar of that class, or NULL; `at` then is behind it. */
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

static size_t count_of(const char *svg, const char *words)
{
    size_t count = 0;

    while ((svg = strstr(svg, words))) {
        svg++;
        count++;
    }
    return count;
}

/* ---- what is drawn where ----------------------------------------------------------------- */

static struct record serial_run(int64_t request_ns, size_t slices)
{
    struct record record = record_at("serial");

    record_wait(&record, BEGAN, BEGAN + request_ns);
    hear(&record, 0, 1, 0);
    record_over(&record, BEGAN + request_ns, NULL);
    record_end(&record, BEGAN + work(&record, request_ns, slices, MS, false));
    return record;
}

/* Asks 1 s long and works for `slices` ms, with looks as long as it has to. */
static struct record async_run(size_t slices)
{
    struct record record = record_at("async");
    int64_t end = work(&record, 0, slices < 1000 ? slices : 1000, MS, true);

    hear(&record, 0, 1, 0);
    if (slices < 1000) {
        record_wait(&record, BEGAN + end, BEGAN + 1 * S);
        end = 1 * S;
        record_over(&record, BEGAN + end, NULL);
    } else {
        record_over(&record, BEGAN + end, NULL);
        end = work(&record, end, slices - 1000, MS, false);
    }
    record_end(&record, BEGAN + end);
    return record;
}

Test(timeline, bars_are_where_and_as_long_as_the_times_say)
{
    struct record record = serial_run(1 * S, 3000);
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

Test(timeline, two_runs_are_on_one_scale_with_their_speed_up)
{
    struct record runs[] = {serial_run(1 * S, 1000), async_run(500)};
    char *svg = drawing_of(runs, 2);
    double half = (BARS_RIGHT - BARS_LEFT) / 2;
    struct bar first = {0}, second = {0};

    const char *rest = next_bar(svg, "request", &first);
    cr_assert(rest && next_bar(rest, "request", &second));
    cr_expect_float_eq(first.width, half, 0.02);
    cr_expect_float_eq(second.width, half, 0.02);
    cr_expect(second.y > first.y);
    cr_assert(strstr(svg, "Speed-up: 2.00"));
    free(svg);
    record_clear(&runs[0]);
    record_clear(&runs[1]);
}

Test(timeline, slices_are_seen_one_by_one_where_they_are_wide_enough)
{
    struct record few = serial_run(10 * MS, 50), many = serial_run(10 * MS, 5000);
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

Test(timeline, a_close_up_shows_the_reply_where_it_came_during_the_work)
{
    static const struct {
        size_t slices;
        bool close;
    } rows[] = {{2000, true}, {500, false}, {0, false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record = async_run(rows[i].slices);
        char *svg = drawing_of(&record, 1);
        cr_assert(!strstr(svg, ">reply</text>") == !rows[i].close, "row %zu", i);
        cr_assert((count_of(svg, "class=\"even\" ") == 4 + 1) == rows[i].close, "row %zu", i);
        cr_assert(!strstr(svg, "a look: 1.00 us") == !rows[i].close, "row %zu", i);
        free(svg);
        record_clear(&record);
    }
}

Test(timeline, lost_servers_look_different_and_are_told)
{
    struct record record = record_at("async");

    hear(&record, 0, 1, 0);
    hear(&record, 1 * S, 1, 1);
    hear(&record, 2 * S, 2, 1);
    record_over(&record, BEGAN + 4 * S, "no <server> is there & none will be");
    record_end(&record, BEGAN + 4 * S);
    char *svg = drawing_of(&record, 1);
    double quarter = (BARS_RIGHT - BARS_LEFT) / 4;
    expect_bar(svg, "lost", BARS_LEFT, quarter);
    expect_bar(svg, "open", BARS_LEFT + quarter, quarter);
    cr_assert(count_of(svg, "class=\"lost\" ") == 2);
    cr_assert(strstr(svg, ">After 1.00 s: tcp://a:1 went away</text>"));
    cr_assert(strstr(svg, ">No reply: no &lt;server&gt; is there &amp; none will be</text>"));
    free(svg);
    record_clear(&record);
}

/* ---- any picture ------------------------------------------------------------------------- */

/* As wide as DejaVu Sans, which is a wide one, has letters on the average. */
static double letter_width(const char *class)
{
    if (strcmp(class, "title") == 0)
        return 10.5;
    return strncmp(class, "name", 4) == 0 ? 8.6 : 7.3;
}

/* The next text's place, or NULL. */
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
            cr_assert(!overlap(&texts[i], &texts[count]), "on other words: %.150s\n%s", at, svg);
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

/* Each element is closed in its order. */
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

/* Mostly a few, sometimes very many. */
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
        hear(record, request_ns / 10 * (int64_t)i, i, i - 1);
        hear(record, request_ns / 10 * (int64_t)i + request_ns / 30, i, i);
    }
    hear(record, request_ns / 10 * (int64_t)(outages + 1), outages + 1, outages);
}

/* A run with any request, any work and any end. */
static struct record next_run(const char *name, struct chance *chance)
{
    struct record record = record_at(name);
    int64_t request_ns = next_time(chance), slice_ns = next_time(chance) / 1000000 + 1;
    int64_t end = work(&record, 0, next_size(chance), slice_ns, true);

    next_outages(&record, chance, request_ns);
    if (end < request_ns)
        record_wait(&record, BEGAN + end, BEGAN + request_ns);
    if (chance_below(chance, 8) > 0)
        record_over(&record, BEGAN + request_ns,
                    chance_below(chance, 3) == 0 ? "no server answered at tcp://192.0.2.1:8197, "
                                                   "tcp://192.0.2.2:8197"
                                                 : NULL);
    end = work(&record, end > request_ns ? end : request_ns, next_size(chance), slice_ns, false);
    record_end(&record, BEGAN + end);
    return record;
}

Test(timeline, any_picture_is_well_formed_has_words_apart_and_bars_inside)
{
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct chance chance = {seed};
        struct record runs[] = {next_run("serial", &chance), next_run("async", &chance)};
        char *svg = drawing_of(runs, 1 + seed % 2);
        expect_well_formed(svg);
        expect_texts_apart(svg);
        expect_bars_inside(svg);
        cr_assert(strlen(svg) < 300000, "seed %zu: %zu bytes", (size_t)seed, strlen(svg));
        free(svg);
        record_clear(&runs[0]);
        record_clear(&runs[1]);
    }
}
