/* The command compare: two lessons, their chart and the speed-up. */
#include "client/lesson/compare.h"

#include <stdio.h>

#include "client/common/exit_status.h"
#include "client/common/result.h"
#include "client/common/terminal.h"
#include "client/lesson/lesson.h"
#include "client/lesson/report.h"
#include "client/lib/clock.h"
#include "client/pictures/chart.h"

#define SERIAL  0
#define ASYNC   1
#define LESSONS 2

static int run_both(const struct lesson_setting *setting, struct lesson *lessons)
{
    static const struct {
        const char *mode;
        const char *heading;
        void (*order)(struct lesson *);
    } rows[LESSONS] = {
        [SERIAL] = {"serial", "\nSerial: ask, wait, then work.\n", lesson_serial},
        [ASYNC] = {"async", "\nAsync: ask, and work while waiting.\n", lesson_async},
    };
    const struct client_options *options = setting->options;
    int count = 0;

    while (count < LESSONS && !interrupted()) {
        if (!options->json && !options->quiet)
            fputs(rows[count].heading, stdout);
        lesson_command_run(setting, rows[count].mode, rows[count].order, &lessons[count]);
        count++;
    }
    return count;
}

static struct chart_task request_task(const struct lesson *lesson)
{
    const struct server_request *request = &lesson->request;
    int64_t sent_ns = request->asked_at_ns - lesson->began_at_ns;

    return (struct chart_task){
        .begin_s = seconds(sent_ns),
        .end_s = seconds(sent_ns + request->result.elapsed_ns),
        .failed = !server_request_has_reply(request),
    };
}

static struct chart_task sum_task(const struct lesson *lesson)
{
    return (struct chart_task){
        .begin_s = seconds(lesson->sum.began_at_ns - lesson->began_at_ns),
        .end_s = seconds(lesson->sum.ended_at_ns - lesson->began_at_ns),
    };
}

static void print_chart(const struct lesson *lessons)
{
    struct terminal terminal = terminal_of(stdout);
    struct chart_lesson rows[LESSONS];

    for (int i = 0; i < LESSONS; i++)
        rows[i] = (struct chart_lesson){
            .name = lessons[i].mode,
            .tasks = {[CHART_SERVER_REQUEST] = request_task(&lessons[i]),
                      [CHART_UNIFORM_SUM] = sum_task(&lessons[i])},
        };
    putchar('\n');
    chart_print(stdout, rows, LESSONS, terminal.columns, terminal.utf8, terminal.colour);
    putchar('\n');
}

/* The replies of a plain server cannot be compared: each one sums new samples. */
static bool same_sums(const struct lesson *a, const struct lesson *b)
{
    bool same_reply = a->request.target.plain ||
                      result_units(&a->request.result) == result_units(&b->request.result);

    return same_reply && a->sum.total.units == b->sum.total.units;
}

static void print_speedup(const struct lesson *lessons)
{
    bool plain = lessons[SERIAL].request.target.plain;
    double serial_s = seconds(lessons[SERIAL].ended_at_ns - lessons[SERIAL].began_at_ns);
    double async_s = seconds(lessons[ASYNC].ended_at_ns - lessons[ASYNC].began_at_ns);

    printf("The same %ssums, to the bit: serial %.2fs, async %.2fs. Speed-up: %.2f.\n%s",
           plain ? "uniform " : "", serial_s, async_s, serial_s / async_s,
           plain ? "The server's sums cannot be compared: each one is of new samples.\n" : "");
}

static int print_result(const struct client_options *options, const struct lesson *lessons)
{
    if (!options->json && !options->quiet)
        print_chart(lessons);
    if (!lesson_succeeded(&lessons[SERIAL]) || !lesson_succeeded(&lessons[ASYNC]))
        return EXIT_FAILURE;
    if (!same_sums(&lessons[SERIAL], &lessons[ASYNC])) {
        fprintf(stderr, "meantime: the two lessons have different sums: one of them is wrong\n");
        return EXIT_FAILURE;
    }
    if (!options->json)
        print_speedup(lessons);
    return EXIT_SUCCESS;
}

int compare_command(const struct lesson_setting *setting)
{
    const struct client_options *options = setting->options;
    struct lesson lessons[LESSONS];

    lesson_command_print_seed(setting);
    int count = run_both(setting, lessons);
    if (options->json)
        report_comparison(stdout, lessons, count, options->question.seed);
    return interrupted() ? interrupt_exit_status() : print_result(options, lessons);
}
