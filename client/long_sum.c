#include "client/long_sum.h"

#include <stdio.h>
#include <string.h>

#include "client/bar.h"
#include "client/clock.h"
#include "client/interrupt.h"
#include "client/quantity.h"
#include "client/run.h"
#include "client/terminal.h"

#define NEVER INT64_MAX

/* So many times as long as a save takes passes until the next one. Servers do not wait for it: they
 * have what else is in flight. A process that is killed loses that, and what its window held. */
#define SAVE_SHARE 10

/* How far it is: a bar on a terminal, else a line for the log. */
#define BAR_EVERY_NS  INT64_C(100000000)
#define BAR_AFTER_NS  INT64_C(1000000000)
#define LINE_EVERY_NS INT64_C(30000000000)

/* Between two looks whether the user has interrupted, or the bar is to move. */
#define WAIT_NS INT64_C(100000000)

static bool fail(struct long_sum *sum, enum meantime_error error, const char *text)
{
    sum->error = error;
    snprintf(sum->text, sizeof sum->text, "%s", text);
    return false;
}

/* ---- telling how far it is --------------------------------------------------------------- */

static double fraction_done(const struct long_sum *sum, int64_t now_ns)
{
    if (sum->for_ns > 0)
        return (double)(now_ns - sum->began_at_ns) / (double)sum->for_ns;
    return (double)sum->window.so_far.count / (double)sum->question.count;
}

static double time_left_s(const struct long_sum *sum, double rate, int64_t now_ns)
{
    if (sum->for_ns > 0)
        return seconds(sum->began_at_ns + sum->for_ns - now_ns);
    return (double)(sum->question.count - sum->window.so_far.count) / rate;
}

static void tell_progress(struct long_sum *sum, int64_t now_ns)
{
    struct terminal terminal = terminal_of(stderr);
    int64_t every_ns = terminal.is_terminal ? BAR_EVERY_NS : LINE_EVERY_NS;
    int64_t elapsed_ns = now_ns - sum->began_at_ns;
    uint64_t summed = sum->window.so_far.count - sum->began_with;
    double rate = (double)summed / seconds(elapsed_ns);
    double fraction = fraction_done(sum, now_ns);
    char rate_text[ROUGH_TEXT_BYTES], left_text[ROUGH_TEXT_BYTES];
    char label[2 * ROUGH_TEXT_BYTES + 16];

    if (sum->quiet || elapsed_ns < BAR_AFTER_NS || now_ns - sum->told_at_ns < every_ns)
        return;
    sum->told_at_ns = now_ns;
    rate_print(rate, rate_text);
    time_print(time_left_s(sum, rate, now_ns), left_text);
    snprintf(label, sizeof label, "sum %s, %s left", rate_text, left_text);
    if (terminal.is_terminal)
        bar_print(stderr, label, fraction, seconds(elapsed_ns), terminal.columns, terminal.utf8,
                  terminal.colour);
    else
        fprintf(stderr, "meantime: %s, %d %% done\n", label, (int)(100 * fraction));
}

static void tell_end(const struct long_sum *sum)
{
    if (sum->told_at_ns > sum->began_at_ns && terminal_of(stderr).is_terminal)
        bar_clear(stderr);
}

static void tell_resumed(const struct long_sum *sum)
{
    char so_far[COUNT_TEXT_BYTES], count[COUNT_TEXT_BYTES];

    if (sum->quiet)
        return;
    count_print(sum->began_with, so_far);
    count_print(sum->question.count, count);
    fprintf(stderr, "meantime: %s has the first %s of %s samples: going on from there\n",
            sum->checkpoint, so_far, count);
}

/* ---- the checkpoint ---------------------------------------------------------------------- */

static bool save(struct long_sum *sum)
{
    struct checkpoint state = {
        .seed = sum->question.seed,
        .kind = sum->question.kind,
        .first = sum->question.first,
        .total = sum->window.so_far,
    };
    int64_t began_at_ns = clock_ns();
    bool saved = checkpoint_save(&sum->file, &state);

    if (saved)
        sum->saved_count = state.total.count;
    sum->saved_at_ns = clock_ns();
    sum->save_ns = sum->saved_at_ns - began_at_ns;
    return saved;
}

/* In vain: the disk may have room again before the end. That is told once in a row. */
static void save_progress(struct long_sum *sum, int64_t now_ns)
{
    bool news = sum->window.so_far.count > sum->saved_count;

    if (!sum->checkpoint || !news || now_ns - sum->saved_at_ns < SAVE_SHARE * sum->save_ns)
        return;
    bool saved = save(sum);
    if (!saved && !sum->failing)
        fprintf(stderr, "meantime: %s; trying again\n", sum->file.trouble);
    sum->failing = !saved;
}

static bool mismatch(struct long_sum *sum, const char *what)
{
    snprintf(sum->text, sizeof sum->text,
             "%s is of another sum: it has %s; name another file, or ask for that sum",
             sum->checkpoint, what);
    sum->error = MEANTIME_INVALID;
    return false;
}

/* A sum that asks for fewer samples than the file has is none that the file can give. */
static bool fits(struct long_sum *sum, const struct checkpoint *found)
{
    if (sum->seed_given && found->seed != sum->question.seed)
        return mismatch(sum, "another seed");
    if (found->kind != sum->question.kind)
        return mismatch(sum, "samples of the other kind");
    if (found->first != sum->question.first)
        return mismatch(sum, "another first sample");
    if (found->total.count > sum->question.count)
        return mismatch(sum, "more samples than are to be summed");
    return true;
}

/* What the file has, and that it can be written, is found out before hours of work. */
static bool resume(struct long_sum *sum, struct total *so_far)
{
    struct checkpoint found;

    switch (checkpoint_open(&sum->file, sum->checkpoint, &found)) {
    case CHECKPOINT_FAILED: return fail(sum, MEANTIME_INVALID, sum->file.trouble);
    case CHECKPOINT_NONE: return true;
    case CHECKPOINT_FOUND: break;
    }
    if (!fits(sum, &found))
        return false;
    sum->question.seed = found.seed;
    sum->began_with = sum->saved_count = found.total.count;
    *so_far = found.total;
    tell_resumed(sum);
    return true;
}

static bool begin(struct long_sum *sum)
{
    struct total so_far = {0, 0};

    if (sum->checkpoint && !resume(sum, &so_far))
        return false;
    sum->began_at_ns = sum->told_at_ns = clock_ns();
    window_init(&sum->window, sum->question.count, &so_far,
                sum->for_ns > 0 ? sum->began_at_ns + sum->for_ns : NEVER);
    if (!sum->checkpoint || save(sum))
        return true;
    return fail(sum, MEANTIME_INVALID, sum->file.trouble);
}

/* ---- requests ---------------------------------------------------------------------------- */

/* The whole run's timeout is that of what is left of it. */
static int64_t timeout_left_ns(const struct long_sum *sum, int64_t now_ns)
{
    int64_t left_ns = sum->began_at_ns + sum->question.timeout_ns - now_ns;

    if (sum->question.timeout_ns == 0)
        return 0;
    return left_ns > 1 ? left_ns : 1;
}

static bool ask(struct long_sum *sum, struct piece *piece)
{
    struct meantime_question question = sum->question;
    uint64_t request;

    question.first += piece->first;
    question.count = piece->count;
    question.timeout_ns = timeout_left_ns(sum, piece->asked_at_ns);
    question.user = piece;
    int error = meantime_ask(sum->session, &question, &request);
    return error == MEANTIME_OK ||
           fail(sum, (enum meantime_error)error, meantime_error_text(error));
}

static bool ask_all(struct long_sum *sum)
{
    struct piece *piece;

    while ((piece = window_ask(&sum->window, clock_ns())))
        if (!ask(sum, piece))
            return false;
    return true;
}

static bool hear(struct long_sum *sum, struct meantime_result *result)
{
    sum->attempts += result->attempts;
    sum->question.server = result->server;   /* the next ones need not find out who is away */
    if (result->error == MEANTIME_TIMED_OUT) /* its own time was what the run had left */
        return fail(sum, result->error, "the sum was not done within --timeout");
    if (result->error != MEANTIME_OK) {
        result_word(result);
        return fail(sum, result->error, result->text);
    }
    window_answered(&sum->window, result->user, result_units(result), clock_ns());
    return true;
}

static bool hear_all(struct long_sum *sum)
{
    struct meantime_result result;

    while (meantime_take(sum->session, MEANTIME_ANY, &result) == 1)
        if (!hear(sum, &result))
            return false;
    return true;
}

/* ---- the run ----------------------------------------------------------------------------- */

static bool time_over(const struct long_sum *sum, int64_t now_ns)
{
    return sum->for_ns > 0 && now_ns - sum->began_at_ns >= sum->for_ns;
}

static int64_t wait_ns(const struct long_sum *sum, int64_t now_ns)
{
    int64_t left_ns = sum->began_at_ns + sum->for_ns - now_ns;

    if (sum->for_ns == 0 || left_ns > WAIT_NS)
        return WAIT_NS;
    return left_ns > 0 ? left_ns : 0; /* a save may have taken it all */
}

/* True: there is more to do. */
static bool go_on(struct long_sum *sum)
{
    if (!ask_all(sum) || sum->window.in_flight == 0)
        return false;
    meantime_wait(sum->session, MEANTIME_ANY, wait_ns(sum, clock_ns()));
    bool heard = hear_all(sum);
    int64_t now_ns = clock_ns();
    save_progress(sum, now_ns);
    tell_progress(sum, now_ns);
    return heard && !interrupted() && !time_over(sum, now_ns);
}

/* In vain: the sum is told all the same, but the file is not what it should be. */
static bool end(struct long_sum *sum)
{
    sum->ended_at_ns = clock_ns();
    tell_end(sum);
    sum->failing = sum->checkpoint && !save(sum);
    if (sum->failing)
        fprintf(stderr, "meantime: %s; the file is as it was before\n", sum->file.trouble);
    if (sum->for_ns > 0 && sum->window.so_far.count == 0 && sum->error == MEANTIME_OK)
        return fail(sum, MEANTIME_TIMED_OUT, "nothing was summed in that time: give it longer");
    return sum->error == MEANTIME_OK;
}

bool long_sum_run(struct long_sum *sum)
{
    sum->file = (struct checkpoint_file){.fd = -1};
    bool success = begin(sum);
    if (success) {
        while (go_on(sum))
            continue;
        success = end(sum);
    }
    checkpoint_close(&sum->file);
    return success;
}

bool long_sum_kept(const struct long_sum *sum)
{
    return !sum->failing;
}

bool long_sum_succeeded(const struct long_sum *sum)
{
    return sum->error == MEANTIME_OK && (window_done(&sum->window) || sum->for_ns > 0);
}
