/* Prints what happens in a lesson, and draws a progress bar. */
#include "client/lesson/transcript.h"

#include <inttypes.h>
#include <stdarg.h>

#include "cli/quantity.h"
#include "client/common/bar.h"
#include "client/common/interrupt.h"
#include "client/common/result.h"
#include "client/lesson/lesson_state.h"
#include "client/lib/clock.h"
#include "proto/instant.h"

/* The bar appears if the lesson lasts longer than this. */
#define BAR_AFTER_NS NS_PER_S

/* The bar is drawn again this often. */
#define BAR_EVERY_NS (100 * NS_PER_MS)

static void bar_remove(struct transcript *transcript)
{
    if (transcript->bar_drawn)
        bar_clear(stderr);
    transcript->bar_drawn = false;
}

__attribute__((format(printf, 2, 3))) static void print(struct transcript *transcript,
                                                        const char *format, ...)
{
    va_list arguments;

    if (!transcript->out)
        return;
    bar_remove(transcript);
    va_start(arguments, format);
    vfprintf(transcript->out, format, arguments);
    va_end(arguments);
    fflush(transcript->out);
}

/* ---- the bar ----------------------------------------------------------------------------- */

static double fraction(uint64_t done, uint64_t count)
{
    return count ? (double)done / (double)count : 1;
}

static void bar_update(struct lesson *lesson, int64_t now_ns)
{
    struct transcript *transcript = lesson->transcript;
    double request = fraction(lesson->request.progress.done, lesson->request.question.count);
    double sum = fraction(lesson->sum.total.count, lesson->sum.count);
    int64_t elapsed_ns = now_ns - lesson->began_at_ns;

    if (!transcript->bar.moves || transcript->quiet || now_ns < transcript->bar_due_at_ns ||
        elapsed_ns < BAR_AFTER_NS)
        return;
    transcript->bar_due_at_ns = now_ns + BAR_EVERY_NS;
    transcript->bar_drawn = true;
    bar_print(stderr, lesson->mode, lesson->sum.count ? (request + sum) / 2 : request,
              seconds(elapsed_ns), transcript->bar.columns, transcript->bar.utf8,
              transcript->bar.colour);
}

/* ---- the lines --------------------------------------------------------------------------- */

static void print_request_over(struct lesson *lesson)
{
    const struct meantime_result *result = &lesson->request.result;
    struct transcript *transcript = lesson->transcript;

    transcript->request_printed = true;
    if (result->error == MEANTIME_OK)
        print(transcript, "====== Done server_request. total: %.2f. Ran for: %.2fs. ======\n",
              result->sum, seconds(result->elapsed_ns));
    else {
        bar_remove(transcript);
        fprintf(stderr, "meantime: %s\n", result->text);
    }
}

static void print_outage(struct lesson *lesson)
{
    const struct meantime_progress *progress = &lesson->request.progress;
    struct transcript *transcript = lesson->transcript;

    transcript->outages_printed = progress->outages;
    if (!transcript->quiet)
        print(transcript, OUTAGE_FORMAT, progress->left_endpoint, progress->left_because);
}

static void print_request(struct lesson *lesson)
{
    const struct server_request *request = &lesson->request;
    struct transcript *transcript = lesson->transcript;

    if (request->over) {
        if (!transcript->request_printed)
            print_request_over(lesson);
    } else if (transcript->outages_printed < request->progress.outages)
        print_outage(lesson);
}

static void print_resume(struct lesson *lesson)
{
    struct transcript *transcript = lesson->transcript;

    if (!transcript->paused || uniform_sum_done(&lesson->sum))
        return;
    print(transcript, "Resuming uniform_sum.\n");
    transcript->paused = false;
    transcript->resumed_at_ns = lesson->sum.ended_at_ns;
}

static void print_pause(struct lesson *lesson)
{
    struct transcript *transcript = lesson->transcript;
    const struct uniform_sum *sum = &lesson->sum;
    int64_t elapsed_ns = sum->ended_at_ns - transcript->resumed_at_ns;
    char at[COUNT_TEXT_BYTES];

    if (transcript->quiet || !transcript->out || elapsed_ns < transcript->narrate_every_ns)
        return;
    print(transcript, "Pausing uniform_sum at: %s. time_elapsed: %.2fs.\n",
          count_print(sum->total.count - 1, at), seconds(elapsed_ns));
    transcript->paused = true;
    if (lesson->request.over)
        print_resume(lesson);
    else
        print(transcript, "Resuming server_request.\n");
}

/* ---- the steps --------------------------------------------------------------------------- */

void transcript_begin_request(struct lesson *lesson)
{
    if (!lesson->transcript->quiet)
        print(lesson->transcript, "Beginning server_request.\n");
}

void transcript_begin_sum(struct lesson *lesson)
{
    lesson->transcript->resumed_at_ns = clock_ns();
    print_request(lesson); /* the request may have failed when it was made */
    if (!lesson->transcript->quiet && lesson->sum.count > 0)
        print(lesson->transcript, "Beginning uniform_sum.\n");
}

void transcript_slice(struct lesson *lesson)
{
    const struct uniform_sum *sum = &lesson->sum;

    if (uniform_sum_done(sum))
        print(lesson->transcript, "====== Done uniform_sum. total: %.2f ======\n",
              total_value(sum->total.units, stream_unit_log2(STREAM_UNIFORM)));
    else
        print_pause(lesson);
    bar_update(lesson, sum->ended_at_ns);
}

void transcript_look(struct lesson *lesson)
{
    struct transcript *transcript = lesson->transcript;

    if (transcript->paused && !lesson->request.over)
        print(transcript, "Pausing server_request. time_elapsed: %.2fs.\n",
              seconds(clock_ns() - lesson->sum.ended_at_ns));
    print_request(lesson);
    print_resume(lesson);
}

void transcript_wait(struct lesson *lesson)
{
    print_request(lesson);
    if (!lesson->request.over)
        bar_update(lesson, clock_ns());
}

void transcript_end(struct lesson *lesson)
{
    bar_remove(lesson->transcript);
    if (!lesson->transcript->quiet)
        print(lesson->transcript, "Total time elapsed: %.2fs.\n",
              seconds(lesson->ended_at_ns - lesson->began_at_ns));
    if (interrupted())
        fputs("meantime: interrupted\n", stderr);
}
