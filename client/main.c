#include <argp.h>
#include <czmq.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/common/interrupt.h"
#include "client/common/terminal.h"
#include "client/lesson/lesson.h"
#include "client/lesson/lesson_record.h"
#include "client/lesson/report.h"
#include "client/lib/clock.h"
#include "client/options.h"
#include "client/pictures/chart.h"
#include "client/pictures/pictures.h"
#include "client/status/server_status.h"
#include "client/sum/long_sum.h"
#include "client/sum/sum_transcript.h"

#define EXIT_USAGE       2
#define EXIT_INTERRUPTED 130

/* With the servers, for all runs: either the one or the other. */
static struct meantime *session;
static struct plain_server *plain;

/* Of all runs. */
static struct pictures pictures;

static void print_version(FILE *out, struct argp_state *state)
{
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    fprintf(out, "meantime %s (kernel %s, libzmq %d.%d.%d, czmq %d.%d.%d)\n", MEANTIME_VERSION,
            kernel_best()->name, major, minor, patch, CZMQ_VERSION_MAJOR, CZMQ_VERSION_MINOR,
            CZMQ_VERSION_PATCH);
}

/* ---- a run ------------------------------------------------------------------------------- */

static struct transcript transcript_for(const struct client_options *options)
{
    return (struct transcript){
        .words = options->json ? NULL : stdout,
        .quiet = options->quiet,
        .pauses_ns = options->narrate_ns,
        .bar = terminal_of(stderr),
    };
}

static void run_once(struct lesson *run, const char *mode, void (*how)(struct lesson *),
                     const struct client_options *options)
{
    struct transcript transcript = transcript_for(options);

    *run = (struct lesson){
        .mode = mode,
        .session = session,
        .plain = plain,
        .question = options->asked,
        .transcript = &transcript,
        .record = pictures_record(&pictures, mode),
    };
    uniform_sum_init(&run->sum, options->kernel, options->asked.seed, options->uniform,
                     options->slice_ns, options->stretch);
    how(run);
    if (interrupted() && !run->request_over)
        lesson_cancel(run);
    transcript_end(run);
    run->transcript = NULL; /* it ends here */
    if (run->record)
        lesson_record_end(run);
}

static bool succeeded(const struct lesson *run)
{
    return lesson_has_reply(run) && uniform_sum_done(&run->sum);
}

static int exit_status(bool success)
{
    if (interrupted())
        return EXIT_INTERRUPTED;
    return success ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- modes ------------------------------------------------------------------------------- */

static void print_seed(const struct client_options *options)
{
    if (!options->json)
        printf("Seed %" PRIu64 ".\n", options->asked.seed);
}

static int run_and_report(const struct client_options *options, const char *mode,
                          void (*how)(struct lesson *))
{
    struct lesson run;

    print_seed(options);
    run_once(&run, mode, how, options);
    if (options->json)
        report_run(stdout, &run, options->asked.seed);
    return exit_status(succeeded(&run));
}

static int serial(const struct client_options *options)
{
    return run_and_report(options, "serial", lesson_serial);
}

static int async(const struct client_options *options)
{
    return run_and_report(options, "async", lesson_async);
}

static struct chart_span request_span(const struct lesson *run)
{
    return (struct chart_span){
        .begin_s = seconds(run->asked_at_ns - run->began_at_ns),
        .end_s = seconds(run->asked_at_ns + run->result.elapsed_ns - run->began_at_ns),
        .failed = !lesson_has_reply(run),
    };
}

static struct chart_span sum_span(const struct lesson *run)
{
    return (struct chart_span){
        .begin_s = seconds(run->sum.began_at_ns - run->began_at_ns),
        .end_s = seconds(run->sum.ended_at_ns - run->began_at_ns),
    };
}

static void print_chart(const struct lesson *runs)
{
    struct terminal terminal = terminal_of(stdout);
    struct chart_run rows[2];

    for (int i = 0; i < 2; i++)
        rows[i] = (struct chart_run){
            .name = runs[i].mode,
            .rows = {[CHART_REMOTE] = request_span(&runs[i]), [CHART_LOCAL] = sum_span(&runs[i])},
        };
    putchar('\n');
    chart_print(stdout, rows, 2, terminal.columns, terminal.utf8, terminal.colour);
    putchar('\n');
}

/* A plain server sums other samples each time. */
static bool same_sums(const struct lesson *a, const struct lesson *b)
{
    bool same_reply = a->plain || result_units(&a->result) == result_units(&b->result);

    return same_reply && a->sum.total.units == b->sum.total.units;
}

static void print_speedup(const struct lesson *runs)
{
    double serial_s = seconds(runs[0].ended_at_ns - runs[0].began_at_ns);
    double async_s = seconds(runs[1].ended_at_ns - runs[1].began_at_ns);

    printf("The same %ssums, to the bit: in %.2fs serially, in %.2fs asynchronously. "
           "Speed-up: %.2f.%s\n",
           plain ? "uniform " : "", serial_s, async_s, serial_s / async_s,
           plain ? " The server's sums cannot be compared: each is of fresh samples." : "");
}

static int compare(const struct client_options *options)
{
    static const struct {
        const char *mode;
        const char *heading;
        void (*how)(struct lesson *);
    } ways[] = {
        {"serial", "\nSerial: ask, wait, then work.\n", lesson_serial},
        {"async", "\nAsync: ask, and work while waiting.\n", lesson_async},
    };
    struct lesson runs[2];
    int count = 0;

    print_seed(options);
    while (count < 2 && !interrupted()) {
        if (!options->json && !options->quiet)
            fputs(ways[count].heading, stdout);
        run_once(&runs[count], ways[count].mode, ways[count].how, options);
        count++;
    }
    if (options->json)
        report_comparison(stdout, runs, count, options->asked.seed);
    if (interrupted())
        return EXIT_INTERRUPTED;
    if (!options->json && !options->quiet)
        print_chart(runs);
    if (!succeeded(&runs[0]) || !succeeded(&runs[1]))
        return EXIT_FAILURE;
    if (!same_sums(&runs[0], &runs[1])) {
        fprintf(stderr, "meantime: the two runs have different sums: one of them is wrong\n");
        return EXIT_FAILURE;
    }
    if (!options->json)
        print_speedup(runs);
    return EXIT_SUCCESS;
}

static int sum(const struct client_options *options)
{
    struct long_sum sum = {
        .session = session,
        .question = options->asked,
        .seed_given = !options->fresh_seed,
        .count_given = options->count_given,
        .checkpoint = options->checkpoint,
        .for_ns = options->for_ns,
        .quiet = options->quiet || options->json,
    };
    long_sum_run(&sum);
    bool success = long_sum_succeeded(&sum) && !interrupted();

    if (!success)
        sum_transcript_trouble(&sum);
    if (options->json)
        report_sum(stdout, &sum);
    else
        sum_transcript_print(&sum);
    return exit_status(success && long_sum_kept(&sum));
}

/* Of each server that is named. */
static int status(const struct client_options *options)
{
    bool success = true;

    for (size_t i = 0; i < options->endpoints.count && !interrupted(); i++) {
        struct server_status server;
        if (!server_status_ask(&server, options->endpoints.names[i], options->asked.timeout_ns)) {
            fprintf(stderr, "meantime: %s\n", server.trouble);
            if (options->json)
                server_status_report_trouble(stdout, &server);
            success = false;
        } else if (options->json)
            server_status_report(stdout, &server);
        else
            server_status_print(stdout, &server);
        server_status_clear(&server);
    }
    return exit_status(success);
}

static int open_plain(const char *endpoint)
{
    plain = plain_server_new(endpoint);
    if (plain)
        return EXIT_SUCCESS;
    fprintf(stderr, "meantime: cannot prepare to ask %s: %s\n", endpoint, strerror(errno));
    return EXIT_FAILURE;
}

/* An exit status, with a sentence where it is none of success. */
static int open_session(const struct endpoints *endpoints)
{
    int error = MEANTIME_OK;
    size_t i = 0;

    session = meantime_new();
    while (session && error == MEANTIME_OK && i < endpoints->count)
        error = meantime_connect(session, endpoints->names[i++]);
    if (session && error == MEANTIME_OK)
        return EXIT_SUCCESS;
    if (error == MEANTIME_BAD_ENDPOINT) {
        fprintf(stderr,
                "meantime: cannot connect to %s: %s; an endpoint is such as tcp://host:8197\n",
                endpoints->names[i - 1], zmq_strerror(errno));
        return EXIT_USAGE;
    }
    fprintf(stderr, "meantime: cannot open a session: %s\n", zmq_strerror(errno));
    return EXIT_FAILURE;
}

/* Else what is printed would go into a socket of libzmq's. These cannot be written to either. */
static void open_closed_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Why it could not be is unknown where that was long ago. */
static bool write_out(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fprintf(stderr, "meantime: cannot write the result%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return false;
}

int main(int argc, char **argv)
{
    static int (*const modes[])(const struct client_options *) = {
        [MODE_SERIAL] = serial, [MODE_ASYNC] = async,   [MODE_COMPARE] = compare,
        [MODE_SUM] = sum,       [MODE_STATUS] = status,
    };
    struct client_options options;

    open_closed_streams();
    setlocale(LC_CTYPE, "");
    argp_program_version_hook = print_version;
    client_options_parse(&options, argc, argv);
    zsys_handler_set(NULL); /* signals are ours */
    interrupt_catch();
    int exit = options.plain ? open_plain(options.plain) : open_session(&options.endpoints);
    if (exit == EXIT_SUCCESS && !pictures_begin(&pictures, options.timeline, options.trace))
        exit = EXIT_FAILURE;
    if (exit == EXIT_SUCCESS) {
        exit = modes[options.mode](&options);
        if (!pictures_write(&pictures))
            exit = exit ? exit : EXIT_FAILURE;
    }
    pictures_clear(&pictures);
    meantime_close(&session);
    plain_server_destroy(&plain);
    zsys_shutdown();
    if (!write_out())
        exit = exit ? exit : EXIT_FAILURE;
    return exit;
}
