/* Prints the progress and the result of a long sum. */
#include "client/sum/sum_transcript.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/quantity.h"
#include "client/common/bar.h"
#include "client/common/result.h"
#include "client/common/terminal.h"
#include "client/lib/clock.h"
#include "client/sum/estimate.h"
#include "client/sum/outputs_table.h"
#include "client/sum/stopping.h"
#include "proto/instant.h"

/* Progress is printed if the sum lasts longer than this. */
#define PROGRESS_AFTER_NS NS_PER_S

/* On a terminal, the bar is drawn this often; elsewhere, a line is printed this often. */
#define BAR_EVERY_NS  (100 * NS_PER_MS)
#define LINE_EVERY_NS (30 * NS_PER_S)

/* ---- during the sum ---------------------------------------------------------------------- */

/* The count at which the sum will probably end. */
static uint64_t expected_count(const struct sum_state *sum)
{
    struct meantime_estimate estimate;

    if (sum->until_error == 0 || !sum_state_estimate(sum, &estimate))
        return sum->question.count;
    return stopping_expected(sum->so_far.count, sum->until_error, estimate.standard_error,
                             sum->question.count);
}

static double fraction_done(const struct sum_state *sum, int64_t now_ns)
{
    if (sum->for_ns > 0)
        return (double)(now_ns - sum->began_at_ns) / (double)sum->for_ns;
    return (double)sum->so_far.count / (double)expected_count(sum);
}

static double time_left_s(const struct sum_state *sum, double rate, int64_t now_ns)
{
    if (sum->for_ns > 0)
        return seconds(sum->began_at_ns + sum->for_ns - now_ns);
    return (double)(expected_count(sum) - sum->so_far.count) / rate;
}

/* Prints ", call 0.0573614 +- 1.2e-05", or nothing. */
static void estimate_print(const struct sum_state *sum, char *text, size_t size)
{
    struct meantime_estimate estimate;

    text[0] = '\0';
    if (!sum_state_estimate(sum, &estimate))
        return;
    const struct meantime_output *output = &sum->so_far.outputs[sum_state_output(sum)];
    if (output->has_squares)
        snprintf(text, size, ", %s %.6g +- %.2g", output->name, estimate.mean,
                 estimate.standard_error);
    else
        snprintf(text, size, ", %s %.6g", output->name, estimate.mean);
}

void sum_transcript_progress(struct sum_state *sum, int64_t now_ns)
{
    struct terminal terminal = terminal_of(stderr);
    int64_t every_ns = terminal.moves ? BAR_EVERY_NS : LINE_EVERY_NS;
    int64_t elapsed_ns = now_ns - sum->began_at_ns;
    double rate = (double)sum_state_summed(sum) / seconds(elapsed_ns);
    double fraction = fraction_done(sum, now_ns);
    char rate_text[ROUGH_TEXT_BYTES], left_text[ROUGH_TEXT_BYTES];
    char estimate_text[96], label[2 * ROUGH_TEXT_BYTES + 16 + sizeof estimate_text];

    if (sum->quiet || elapsed_ns < PROGRESS_AFTER_NS || now_ns - sum->progress_at_ns < every_ns)
        return;
    sum->progress_at_ns = now_ns;
    rate_print(rate, rate_text);
    time_print(time_left_s(sum, rate, now_ns), left_text);
    estimate_print(sum, estimate_text, sizeof estimate_text);
    snprintf(label, sizeof label, "sum %s, %s left%s", rate_text, left_text, estimate_text);
    if (terminal.moves)
        bar_print(stderr, label, fraction, seconds(elapsed_ns), terminal.columns, terminal.utf8,
                  terminal.colour);
    else
        fprintf(stderr, "meantime: %s, %d %% done\n", label, (int)(100 * fraction));
}

void sum_transcript_end(const struct sum_state *sum)
{
    if (sum->progress_at_ns > sum->began_at_ns && terminal_of(stderr).moves)
        bar_clear(stderr);
}

void sum_transcript_outage(const struct sum_state *sum, const struct meantime_progress *progress)
{
    if (sum->quiet)
        return;
    sum_transcript_end(sum); /* the next progress draws the bar again */
    fprintf(stderr, OUTAGE_FORMAT, progress->left_endpoint, progress->left_because);
}

void sum_transcript_unsaved(const struct sum_state *sum, const char *consequence)
{
    sum_transcript_end(sum);
    fprintf(stderr, "meantime: %s; %s\n", sum->file.error_text, consequence);
}

void sum_transcript_warning(const struct sum_state *sum, const char *text)
{
    if (sum->quiet)
        return;
    sum_transcript_end(sum);
    fprintf(stderr, "meantime: warning: %s\n", text);
}

void sum_transcript_resumed(const struct sum_state *sum)
{
    char so_far[COUNT_TEXT_BYTES], count[COUNT_TEXT_BYTES];

    if (sum->quiet)
        return;
    fprintf(stderr, "meantime: %s has the first %s", sum->checkpoint,
            count_print(sum->resumed_from, so_far));
    if (sum->count_given)
        fprintf(stderr, " of %s", count_print(sum->question.count, count));
    fprintf(stderr, " %s: resuming the sum\n", sum_state_noun(sum));
}

/* ---- after the sum ----------------------------------------------------------------------- */

static void print_time(const struct sum_state *sum)
{
    double took_s = seconds(sum->ended_at_ns - sum->began_at_ns);
    char summed[COUNT_TEXT_BYTES];

    if (sum->resumed_from == 0)
        printf(", in %.2fs.\n", took_s);
    else if (sum_state_summed(sum) == 0)
        printf(".\nAll of them are from %s.\n", sum->checkpoint);
    else
        printf(".\nThe last %s of them took %.2fs.\n", count_print(sum_state_summed(sum), summed),
               took_s);
}

static void print_estimate(enum stream_kind kind, const struct total *total)
{
    struct estimate estimate = estimate_of(kind, total);

    printf("Mean %.10g, standard error %.2g, z-score %.2f.\n", estimate.mean,
           estimate.standard_error, estimate.z);
}

/* Without the seed, the sum cannot be repeated. */
static void print_quiet_seed(const struct sum_state *sum)
{
    if (sum->quiet && !sum->seed_given)
        fprintf(stderr, "Seed %" PRIu64 ".\n", sum->question.seed);
}

static void print_samples(const struct sum_state *sum)
{
    struct total total = {sum->so_far.units, sum->so_far.count};
    bool uniform = sum->question.kind == MEANTIME_UNIFORM;
    enum stream_kind kind = uniform ? STREAM_UNIFORM : STREAM_GAUSSIAN;
    char count[COUNT_TEXT_BYTES], first[COUNT_TEXT_BYTES], units[UNITS_TEXT_BYTES];

    printf("%.17g\n", total_value(total.units, stream_unit_log2(kind)));
    print_quiet_seed(sum);
    if (sum->quiet)
        return;
    printf("Exactly %s * 2^%d: %s %s samples\nfrom number %s on, seed %" PRIu64,
           units_print(total.units, units), stream_unit_log2(kind), count_print(total.count, count),
           uniform ? "uniform" : "Gaussian", count_print(sum->question.first, first),
           sum->question.seed);
    print_time(sum);
    print_estimate(kind, &total);
}

/* Prints whether the sum has the error that the user wants. */
static void print_precise(const struct sum_state *sum)
{
    struct meantime_estimate estimate;

    if (sum->until_error == 0 || !sum_state_estimate(sum, &estimate))
        return;
    printf("The standard error of %s is %s %g.\n", sum->so_far.outputs[sum_state_output(sum)].name,
           sum->precise ? "at most" : "not yet below", sum->until_error);
}

static void print_terms(const struct sum_state *sum)
{
    const struct meantime_question *question = &sum->question;
    const char *parameters = question->parameters ? question->parameters : "";
    char count[COUNT_TEXT_BYTES], first[COUNT_TEXT_BYTES];

    outputs_table_print(stdout, &sum->so_far, !sum->quiet);
    print_quiet_seed(sum);
    if (sum->quiet)
        return;
    printf("%s terms of %s%s%s%s\nfrom number %s on, build 0x%016" PRIx64 ", seed %" PRIu64,
           count_print(sum->so_far.count, count), question->summand, *parameters ? " (" : "",
           parameters, *parameters ? ")" : "", count_print(question->first, first), question->build,
           question->seed);
    print_time(sum);
    print_precise(sum);
}

static void print_sum(const struct sum_state *sum)
{
    if (sum->question.summand)
        print_terms(sum);
    else
        print_samples(sum);
}

void sum_transcript_print(const struct sum_state *sum)
{
    if (sum_state_has_sum(sum))
        print_sum(sum);
    else if (sum->window.asked > 0)
        printf("Seed %" PRIu64 ".\n", sum->question.seed);
}

static void print_saved(const struct sum_state *sum)
{
    char count[COUNT_TEXT_BYTES];

    fprintf(stderr, "meantime: %s has the first %s %s: the same command resumes the sum\n",
            sum->checkpoint, count_print(sum->saved_count, count), sum_state_noun(sum));
}

/* Prints a word for the shell. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

static void print_summand(FILE *out, const struct meantime_question *question)
{
    if (question->summand)
        fprintf(out, " --summand %s", question->summand);
    if (question->parameters && *question->parameters) {
        fputs(" --parameters ", out);
        print_quoted(out, question->parameters);
    }
}

/* Sums are exact, so the user can add the sum of the rest. */
static void print_rest(const struct sum_state *sum)
{
    const struct tally *total = &sum->so_far;
    bool uniform = sum->question.kind == MEANTIME_UNIFORM;

    fputs("meantime: the rest of the sum: meantime sum ", stderr);
    if (sum->count_given)
        fprintf(stderr, "%" PRIu64, sum->question.count - total->count);
    else
        fputs("--for TIME", stderr);
    print_summand(stderr, &sum->question);
    fprintf(stderr, " --seed %" PRIu64 " --first %" PRIu64 "%s\n", sum->question.seed,
            sum->question.first + total->count, uniform ? " --kind uniform" : "");
    fputs("meantime: with --checkpoint FILE, the same command would resume the sum\n", stderr);
}

void sum_transcript_print_error(const struct sum_state *sum)
{
    fprintf(stderr, "meantime: %s\n", sum->error == MEANTIME_OK ? "interrupted" : sum->text);
    if (sum->saved_count > 0)
        print_saved(sum);
    else if (sum_state_has_sum(sum) && !window_done(&sum->window))
        print_rest(sum);
}
