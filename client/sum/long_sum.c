/* Computes a long sum: requests, answers, outages, time limit and checkpoint. */
#include "client/sum/long_sum.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/common/interrupt.h"
#include "client/common/result.h"
#include "client/lib/clock.h"
#include "client/sum/stopping.h"
#include "client/sum/sum_transcript.h"
#include "proto/instant.h"

/* After a save, the next one waits this many times as long as the save took. A save delays no
 * server: servers compute the other pieces in flight meanwhile. If the client is killed, it loses
 * the samples since the last save and the pieces in its window. */
#define SAVE_SHARE 10

/* The client checks for an interrupt and redraws the bar this often. */
#define WAIT_NS (100 * NS_PER_MS)

static bool fail(struct sum_state *sum, enum meantime_error error, const char *text)
{
    sum->error = error;
    snprintf(sum->text, sizeof sum->text, "%s", text);
    return false;
}

/* ---- the checkpoint ---------------------------------------------------------------------- */

static void print_warnings(struct sum_state *sum)
{
    char text[CHECKPOINT_TEXT_BYTES];

    while (checkpoint_warning(&sum->file, text))
        sum_transcript_warning(sum, text);
}

/* text: NULL is empty. */
static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

static bool save(struct sum_state *sum)
{
    struct checkpoint state = {
        .seed = sum->question.seed,
        .kind = sum->question.kind,
        .first = sum->question.first,
        .tally = sum->so_far,
        .build = sum->question.build,
    };
    copy_text(state.summand, sizeof state.summand, sum->question.summand);
    copy_text(state.parameters, sizeof state.parameters, sum->question.parameters);
    int64_t began_at_ns = clock_ns();
    bool saved = checkpoint_save(&sum->file, &state);

    if (saved)
        sum->saved_count = state.tally.count;
    print_warnings(sum);
    sum->saved_at_ns = clock_ns();
    sum->save_ns = sum->saved_at_ns - began_at_ns;
    return saved;
}

static bool is_saved(const struct sum_state *sum)
{
    return sum->file.fd != -1 && sum->saved_count == sum->so_far.count;
}

/* If a save fails, the client tries again later: the disk may have space again. Of several failures
 * in a row, only the first one is printed. */
static void save_progress(struct sum_state *sum, int64_t now_ns)
{
    bool changed = sum->so_far.count > sum->saved_count;

    if (!sum->checkpoint || !changed || now_ns - sum->saved_at_ns < SAVE_SHARE * sum->save_ns)
        return;
    bool saved = save(sum);
    if (!saved && !sum->save_failed)
        sum_transcript_unsaved(sum, "trying again");
    sum->save_failed = !saved;
}

static bool mismatch(struct sum_state *sum, const char *difference)
{
    snprintf(sum->text, sizeof sum->text,
             "%s is of another sum: it has %s; name another file, or ask for that sum",
             sum->checkpoint, difference);
    sum->error = MEANTIME_INVALID;
    return false;
}

static bool equal(const char *found, const char *wanted)
{
    return strcmp(found, wanted ? wanted : "") == 0;
}

/* A checkpoint with more samples than wanted is of no use: samples cannot be taken out of a sum. */
static bool is_of_this_sum(struct sum_state *sum, const struct checkpoint *found)
{
    const struct meantime_question *question = &sum->question;
    const struct {
        bool differs;
        const char *difference;
    } rows[] = {
        {sum->seed_given && found->seed != question->seed, "another seed"},
        {question->summand && !found->summand[0], "samples, and no terms of a summand"},
        {!question->summand && found->summand[0], "terms of a summand"},
        {!equal(found->summand, question->summand), "terms of another summand"},
        {!equal(found->parameters, question->parameters), "other parameters"},
        {found->kind != question->kind, "samples of the other kind"},
        {found->first != question->first,
         question->summand ? "another first term" : "another first sample"},
        {found->tally.count > question->count, question->summand
                                                   ? "more terms than are to be summed"
                                                   : "more samples than are to be summed"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].differs)
            return mismatch(sum, rows[i].difference);
    return true;
}

static bool take_found(struct sum_state *sum, struct checkpoint *found)
{
    if (!is_of_this_sum(sum, found)) {
        tally_clear(&found->tally);
        return false;
    }
    sum->question.seed = found->seed;
    sum->question.build = found->build;
    sum->resumed_from = sum->saved_count = found->tally.count;
    sum->so_far = found->tally;
    sum_transcript_resumed(sum);
    return true;
}

static bool resume(struct sum_state *sum)
{
    struct checkpoint found;

    switch (checkpoint_open(&sum->file, sum->checkpoint, &found)) {
    case CHECKPOINT_FAILED: return fail(sum, MEANTIME_INVALID, sum->file.error_text);
    case CHECKPOINT_NONE: return true;
    case CHECKPOINT_FOUND: break;
    }
    print_warnings(sum);
    return take_found(sum, &found);
}

/* ---- the error of a summand -------------------------------------------------------------- */

/* Called after each piece, so that the sum ends at the same count at any speed of the servers. */
static void check_precise(struct sum_state *sum)
{
    struct meantime_estimate estimate;

    if (sum->until_error > 0 && sum_state_estimate(sum, &estimate))
        sum->precise = stopping_reached(sum->so_far.count, sum->until_error, estimate.variance,
                                        estimate.standard_error);
}

/* The outputs are known after the first answer. */
static bool check_output(struct sum_state *sum)
{
    const struct tally *so_far = &sum->so_far;
    uint64_t output = sum_state_output(sum);
    char text[MEANTIME_TEXT_BYTES];

    if (sum->until_error == 0 || so_far->count == 0)
        return true;
    if (output == so_far->output_count)
        snprintf(text, sizeof text, "%s has no output %s; its first one is %s",
                 sum->question.summand, sum->output, so_far->outputs[0].name);
    else if (!so_far->outputs[output].has_squares)
        snprintf(text, sizeof text, "the output %s of %s has no standard error",
                 so_far->outputs[output].name, sum->question.summand);
    else
        return true;
    return fail(sum, MEANTIME_INVALID, text);
}

/* ---- the start --------------------------------------------------------------------------- */

static void window_begin(struct sum_state *sum)
{
    struct window_setting setting = {
        .count = sum->question.count,
        .added = sum->so_far.count,
        .stop_at_ns = sum->for_ns > 0 ? sum->began_at_ns + sum->for_ns : NEVER,
        .terms = sum->question.summand != NULL,
        .origin = sum->question.first,
        .cut = sum->until_error > 0,
    };

    window_init(&sum->window, &setting);
}

/* Reads the checkpoint and writes it once, so that an unreadable file or a folder without write
 * permission is reported before hours of work. */
static bool begin(struct sum_state *sum)
{
    if (sum->checkpoint && !resume(sum))
        return false;
    sum->began_at_ns = sum->ended_at_ns = sum->progress_at_ns = clock_ns();
    window_begin(sum);
    if (!check_output(sum))
        return false;
    check_precise(sum);
    bool no_work = (window_done(&sum->window) || sum->precise) && is_saved(sum);
    if (!sum->checkpoint || no_work || save(sum))
        return true;
    return fail(sum, MEANTIME_INVALID, sum->file.error_text);
}

/* ---- requests ---------------------------------------------------------------------------- */

/* The timeout is for the whole run, so each request gets the rest of it. 0: no timeout. */
static int64_t timeout_left_ns(const struct sum_state *sum, int64_t now_ns)
{
    int64_t left_ns = sum->began_at_ns + sum->question.timeout_ns - now_ns;

    return sum->question.timeout_ns == 0 ? 0 : later(left_ns, 1);
}

static struct piece_request *request_of(struct sum_state *sum, const struct piece *piece)
{
    return &sum->requests[window_index(&sum->window, piece)];
}

static bool ask(struct sum_state *sum, struct piece *piece)
{
    struct meantime_question question = sum->question;
    struct piece_request *request = request_of(sum, piece);

    question.first += piece->first;
    question.count = piece->count;
    question.timeout_ns = timeout_left_ns(sum, clock_ns());
    question.user = piece;
    *request = (struct piece_request){.number = 0};
    int error = meantime_ask(sum->session, &question, &request->number);
    return error == MEANTIME_OK ||
           fail(sum, (enum meantime_error)error, meantime_error_text(error));
}

static bool ask_all(struct sum_state *sum)
{
    struct piece *piece;

    while ((piece = window_ask(&sum->window, clock_ns())))
        if (!ask(sum, piece))
            return false;
    return true;
}

/* ---- outages ----------------------------------------------------------------------------- */

/* If a server is lost, its requests report that one after the other. This is one outage, which is
 * printed once. */
static void check_outage(struct sum_state *sum, struct piece_request *request)
{
    struct meantime_progress progress;

    meantime_progress(sum->session, request->number, &progress);
    if (progress.outages == request->outages)
        return;
    request->outages = progress.outages;
    if (progress.left_endpoint == sum->left_endpoint)
        return;
    sum->left_endpoint = progress.left_endpoint;
    sum->left_because = progress.left_because;
    sum_transcript_outage(sum, &progress);
}

static void check_outages(struct sum_state *sum)
{
    for (size_t i = 0; i < WINDOW_PIECES; i++)
        if (sum->requests[i].number)
            check_outage(sum, &sum->requests[i]);
}

/* True if a server has one of the requests: the request then has more attempts than outages. */
static bool is_served(const struct sum_state *sum)
{
    struct meantime_progress progress;

    for (size_t i = 0; i < WINDOW_PIECES; i++)
        if (sum->requests[i].number) {
            meantime_progress(sum->session, sum->requests[i].number, &progress);
            if (progress.attempts > progress.outages)
                return true;
        }
    return false;
}

static bool fail_unserved(struct sum_state *sum)
{
    char text[MEANTIME_TEXT_BYTES];

    if (sum->served_at_ns == 0)
        return fail(sum, MEANTIME_NO_SERVER,
                    "no server answered in that time; start one with meantime-server, name another "
                    "with --connect, or sum for longer");
    if (!sum->left_endpoint)
        return fail(sum, MEANTIME_SERVER_LOST, meantime_error_text(MEANTIME_SERVER_LOST));
    snprintf(text, sizeof text, "the server at %s %s, and none took over", sum->left_endpoint,
             sum->left_because);
    return fail(sum, MEANTIME_SERVER_LOST, text);
}

/* ---- answers ----------------------------------------------------------------------------- */

/* A request that is made during an outage has never had a server. Its patience ends before the
 * patience of the other requests. So the client repeats the request until the other requests fail
 * as well. */
static bool on_no_server(struct sum_state *sum, struct piece *piece)
{
    bool has_timeout = sum->question.timeout_ns > 0; /* the user decides how long to retry */
    bool for_ever = sum->patience_ns == 0;

    if (has_timeout || for_ever || clock_ns() - sum->served_at_ns < sum->patience_ns)
        return ask(sum, piece);
    return fail_unserved(sum);
}

/* Adds answered pieces, from the oldest one to the first gap, or to the end of the sum. */
static bool add_answered(struct sum_state *sum)
{
    struct piece *piece;

    while (!sum->precise && (piece = window_take(&sum->window))) {
        if (!tally_add(&sum->so_far, &sum->parts[window_index(&sum->window, piece)]))
            return fail(sum, MEANTIME_NONSENSE, "a server sent other outputs than before");
        if (!check_output(sum))
            return false;
        check_precise(sum);
    }
    return true;
}

static bool add(struct sum_state *sum, struct piece *piece, const struct meantime_result *result)
{
    tally_init(&sum->parts[window_index(&sum->window, piece)], result);
    sum->question.build = result->build; /* the later pieces must have the same */
    if (result->grain > 0)
        window_set_grain(&sum->window, result->grain);
    window_answered(&sum->window, piece, result->compute_ns, clock_ns());
    return add_answered(sum);
}

/* A server with another build of the summand cannot continue a checkpoint. */
static bool fail_request(struct sum_state *sum, struct meantime_result *result)
{
    char text[PATH_MAX + MEANTIME_TEXT_BYTES];

    result_complete_text(result);
    if (result->error != MEANTIME_NO_SUMMAND || sum->resumed_from == 0)
        return fail(sum, result->error, result->text);
    snprintf(text, sizeof text,
             "%s; %s has terms of build 0x%016" PRIx64
             ": ask a server that has this build, or name another file to start again",
             result->text, sum->checkpoint, sum->question.build);
    return fail(sum, result->error, text);
}

static bool on_answer(struct sum_state *sum, struct meantime_result *result)
{
    bool was_served = sum->served_at_ns > 0;

    request_of(sum, result->user)->number = 0;
    sum->attempts += result->attempts;
    if (result->error == MEANTIME_NO_SERVER && was_served)
        return on_no_server(sum, result->user);
    if (result->error == MEANTIME_TIMED_OUT && was_served) /* the timeout is that of the run */
        return fail(sum, result->error, "the sum was not done within --timeout");
    if (result->error != MEANTIME_OK)
        return fail_request(sum, result);
    sum->left_endpoint = NULL;
    sum->question.server = result->server; /* the next request goes to a server that works */
    return add(sum, result->user, result);
}

static bool take_answers(struct sum_state *sum)
{
    struct meantime_result result;

    while (meantime_take(sum->session, MEANTIME_ANY, &result) == 1)
        if (!on_answer(sum, &result))
            return false;
    return true;
}

/* ---- the loop ---------------------------------------------------------------------------- */

static bool time_over(const struct sum_state *sum, int64_t now_ns)
{
    return sum->for_ns > 0 && now_ns - sum->began_at_ns >= sum->for_ns;
}

static int64_t wait_ns(const struct sum_state *sum, int64_t now_ns)
{
    int64_t left_ns = sum->began_at_ns + sum->for_ns - now_ns;

    if (sum->for_ns == 0)
        return WAIT_NS;
    return earlier(later(left_ns, 0), WAIT_NS); /* a save may have taken the rest of the time */
}

/* Returns whether there is more to do. Outages are checked before answers are taken, because an
 * answer ends the request that reports the outage. */
static bool step(struct sum_state *sum)
{
    if (sum->precise || !ask_all(sum) || sum->window.in_flight == 0)
        return false;
    meantime_wait(sum->session, MEANTIME_ANY, wait_ns(sum, clock_ns()));
    check_outages(sum);
    if (is_served(sum))
        sum->served_at_ns = clock_ns();
    bool good = take_answers(sum);
    int64_t now_ns = clock_ns();
    save_progress(sum, now_ns);
    sum_transcript_progress(sum, now_ns);
    return good && !sum->precise && !interrupted() && !time_over(sum, now_ns);
}

/* With for_ns: fails if the time was not used, because no server was reachable or the time was too
 * short. */
static void check_time_used(struct sum_state *sum)
{
    if (sum->for_ns == 0 || window_done(&sum->window) || sum->precise || interrupted())
        return;
    if (sum->window.in_flight > 0 && !is_served(sum))
        fail_unserved(sum);
    else if (sum_state_summed(sum) == 0)
        fail(sum, MEANTIME_TIMED_OUT, "nothing was summed in that time: sum for longer");
}

/* If the last save fails, the sum is still printed. */
static void save_end(struct sum_state *sum)
{
    sum->save_failed = sum->checkpoint && !is_saved(sum) && !save(sum);
    if (sum->save_failed)
        sum_transcript_unsaved(sum, "the file is as it was before");
}

static void end(struct sum_state *sum)
{
    sum->ended_at_ns = clock_ns();
    sum_transcript_end(sum);
    save_end(sum);
    if (sum->error == MEANTIME_OK)
        check_time_used(sum);
}

void long_sum_run(struct sum_state *sum)
{
    sum->file = (struct checkpoint_file){.fd = -1};
    if (begin(sum)) {
        while (step(sum))
            continue;
        end(sum);
    }
    checkpoint_close(&sum->file);
}
