#include "client/lesson/transcript.h"

#include <inttypes.h>
#include <stdarg.h>

#include "client/common/bar.h"
#include "client/common/interrupt.h"
#include "client/common/quantity.h"
#include "client/lesson/lesson.h"
#include "client/lesson/lesson_record.h"
#include "client/lib/clock.h"

/* The bar appears for work that lasts longer than the first, and moves as often as the second. */
#define BAR_AFTER_NS INT64_C(1000000000)
#define BAR_EVERY_NS INT64_C(100000000)

static void bar_remove(struct transcript *t)
{
    if (t->bar_drawn)
        bar_clear(stderr);
    t->bar_drawn = false;
}

__attribute__((format(printf, 2, 3))) static void tell(struct transcript *t, const char *line, ...)
{
    va_list arguments;

    if (!t->words)
        return;
    bar_remove(t);
    va_start(arguments, line);
    vfprintf(t->words, line, arguments);
    va_end(arguments);
    fflush(t->words);
}

/* ---- the bar ----------------------------------------------------------------------------- */

static double fraction(uint64_t done, uint64_t count)
{
    return count ? (double)done / (double)count : 1;
}

static void bar_update(struct lesson *run, int64_t now)
{
    struct transcript *t = run->transcript;
    double request = fraction(run->progress.done, run->question.count);
    double sum = fraction(run->sum.total.count, run->sum.count);

    if (!t->bar.moves || t->quiet || now < t->bar_at_ns || now - run->began_at_ns < BAR_AFTER_NS)
        return;
    t->bar_at_ns = now + BAR_EVERY_NS;
    t->bar_drawn = true;
    bar_print(stderr, run->mode, run->sum.count ? (request + sum) / 2 : request,
              seconds(now - run->began_at_ns), t->bar.columns, t->bar.utf8, t->bar.colour);
}

/* ---- the words --------------------------------------------------------------------------- */

static void tell_request_over(struct lesson *run)
{
    const struct meantime_result *result = &run->result;
    struct transcript *t = run->transcript;

    t->request_told = true;
    if (result->error == MEANTIME_OK)
        tell(t, "====== Done server_request. total: %.2f. Ran for: %.2fs. ======\n", result->sum,
             seconds(result->elapsed_ns));
    else {
        bar_remove(t);
        fprintf(stderr, "meantime: %s\n", result->text);
    }
}

static void tell_asking_again(struct lesson *run)
{
    const struct meantime_progress *progress = &run->progress;
    struct transcript *t = run->transcript;

    t->outages_told = progress->outages;
    if (!t->quiet)
        tell(t, ASKING_AGAIN, progress->left_endpoint, progress->left_because);
}

static void tell_request(struct lesson *run)
{
    struct transcript *t = run->transcript;

    if (run->request_over) {
        if (!t->request_told)
            tell_request_over(run);
    } else if (t->outages_told < run->progress.outages)
        tell_asking_again(run);
}

static void tell_resume(struct lesson *run)
{
    struct transcript *t = run->transcript;

    if (!t->paused || uniform_sum_done(&run->sum))
        return;
    tell(t, "Resuming uniform_sum.\n");
    t->paused = false;
    t->resumed_at_ns = run->sum.ended_at_ns;
}

static void tell_pause(struct lesson *run)
{
    struct transcript *t = run->transcript;
    const struct uniform_sum *sum = &run->sum;
    char at[COUNT_TEXT_BYTES];

    if (t->quiet || !t->words || sum->ended_at_ns - t->resumed_at_ns < t->pauses_ns)
        return;
    tell(t, "Pausing uniform_sum at: %s. time_elapsed: %.2fs.\n",
         count_print(sum->total.count - 1, at), seconds(sum->ended_at_ns - t->resumed_at_ns));
    t->paused = true;
    if (run->request_over)
        tell_resume(run);
    else
        tell(t, "Resuming server_request.\n");
}

/* ---- notes ------------------------------------------------------------------------------- */

static void note_begin_request(struct lesson *run)
{
    run->began_at_ns = clock_ns();
    if (!run->transcript->quiet)
        tell(run->transcript, "Beginning server_request.\n");
}

static void note_begin_sum(struct lesson *run)
{
    run->transcript->resumed_at_ns = clock_ns();
    tell_request(run); /* which may have failed where it was asked */
    if (!run->transcript->quiet && run->sum.count > 0)
        tell(run->transcript, "Beginning uniform_sum.\n");
}

static void note_slice(struct lesson *run)
{
    const struct uniform_sum *sum = &run->sum;

    if (uniform_sum_done(sum))
        tell(run->transcript, "====== Done uniform_sum. total: %.2f ======\n",
             total_value(sum->total.units, stream_unit_log2(STREAM_UNIFORM)));
    else
        tell_pause(run);
    bar_update(run, sum->ended_at_ns);
}

static void note_look(struct lesson *run)
{
    struct transcript *t = run->transcript;
    int64_t now = clock_ns();

    if (uniform_sum_done(&run->sum))
        bar_update(run, now);
    if (t->paused && !run->request_over)
        tell(t, "Pausing server_request. time_elapsed: %.2fs.\n",
             seconds(now - run->sum.ended_at_ns));
    tell_request(run);
    tell_resume(run);
}

static void note_wait(struct lesson *run)
{
    tell_request(run);
    if (!run->request_over)
        bar_update(run, clock_ns());
}

void note(struct lesson *run, enum note what)
{
    static void (*const notes[])(struct lesson *) = {
        [NOTE_BEGIN_REQUEST] = note_begin_request,
        [NOTE_BEGIN_SUM] = note_begin_sum,
        [NOTE_SLICE] = note_slice,
        [NOTE_LOOK] = note_look,
        [NOTE_WAIT] = note_wait,
    };

    notes[what](run);
    if (run->record)
        lesson_record(run, what);
}

void transcript_end(struct lesson *run)
{
    run->ended_at_ns = clock_ns();
    bar_remove(run->transcript);
    tell(run->transcript, "Total time elapsed: %.2fs.\n",
         seconds(run->ended_at_ns - run->began_at_ns));
    if (interrupted())
        fputs("meantime: interrupted\n", stderr);
}
