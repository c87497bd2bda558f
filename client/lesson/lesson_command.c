/* The commands serial and async: run one lesson and print its result. */
#include "client/lesson/lesson_command.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/common/exit_status.h"
#include "client/common/terminal.h"
#include "client/lesson/lesson.h"
#include "client/lesson/report.h"
#include "client/lesson/transcript.h"

/* If compare is quiet, its result is the comparison alone. */
static struct transcript transcript_for(const struct client_options *options)
{
    bool silent = options->json || (options->quiet && options->mode == MODE_COMPARE);

    return (struct transcript){
        .out = silent ? NULL : stdout,
        .quiet = options->quiet,
        .narrate_every_ns = options->narrate_every_ns,
        .bar = terminal_of(stderr),
    };
}

void lesson_command_print_seed(const struct lesson_setting *setting)
{
    const struct client_options *options = setting->options;

    if (options->json || (options->quiet && options->seed_given))
        return;
    /* Without its seed, a sum cannot be repeated. */
    fprintf(options->quiet ? stderr : stdout, "Seed %" PRIu64 ".\n", options->question.seed);
}

void lesson_command_run(const struct lesson_setting *setting, const char *mode,
                        void (*order)(struct lesson *), struct lesson *lesson)
{
    const struct client_options *options = setting->options;
    struct transcript transcript = transcript_for(options);

    *lesson = (struct lesson){
        .mode = mode,
        .request = {.target = setting->target, .question = options->question},
        .transcript = &transcript,
        .record = pictures_record(setting->pictures, mode),
    };
    uniform_sum_init(&lesson->sum, options->kernel, options->question.seed, options->uniform,
                     options->slice_ns, !options->slice_given);
    order(lesson);
    lesson_end(lesson);
}

static int run_and_report(const struct lesson_setting *setting, const char *mode,
                          void (*order)(struct lesson *))
{
    const struct client_options *options = setting->options;
    struct lesson lesson;

    lesson_command_print_seed(setting);
    lesson_command_run(setting, mode, order, &lesson);
    if (options->json)
        report_lesson(stdout, &lesson, options->question.seed);
    return exit_status(lesson_succeeded(&lesson));
}

int lesson_command_serial(const struct lesson_setting *setting)
{
    return run_and_report(setting, "serial", lesson_serial);
}

int lesson_command_async(const struct lesson_setting *setting)
{
    return run_and_report(setting, "async", lesson_async);
}
