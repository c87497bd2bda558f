#include "client/sum/long_sum.h"

#include <stdio.h>
#include <string.h>

#include "client/common/interrupt.h"
#include "client/lesson/lesson.h"
#include "client/lib/clock.h"
#include "client/sum/sum_transcript.h"
#include "proto/instant.h"

/* So many times as long as a save takes passes until the next one. Servers do not wait for it: they
 * have what else is in flight. A process that is killed loses that, and what its window held. */
#define SAVE_SHARE 10

/* So long a server that was there is waited for, as by each request that it had. */
#define RETURN_NS INT64_C(10000000000)

/* Between two looks whether the user has interrupted, or the bar is to move. */
#define WAIT_NS INT64_C(100000000)

static bool fail(struct long_sum *sum, enum meantime_error error, const char *text)
{
    sum->error = error;
    snprintf(sum->text, sizeof sum->text, "%s", text);
    return false;
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

static bool is_saved(const struct long_sum *sum)
{
    return sum->file.fd != -1 && sum->saved_count == sum->window.so_far.count;
}

/* In vain: the disk may have room again before the end. That is told once in a row. */
static void save_progress(struct long_sum *sum, int64_t now_ns)
{
    bool news = sum->window.so_far.count > sum->saved_count;

    if (!sum->checkpoint || !news || now_ns - sum->saved_at_ns < SAVE_SHARE * sum->save_ns)
        return;
    bool saved = save(sum);
    if (!saved && !sum->failing)
        sum_transcript_unsaved(sum, "trying again");
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
    sum_transcript_resumed(sum);
    return true;
}

/* What the file has, and that it can be written, is found out before hours of work. */
static bool begin(struct long_sum *sum)
{
    struct total so_far = {0, 0};

    if (sum->checkpoint && !resume(sum, &so_far))
        return false;
    sum->began_at_ns = sum->ended_at_ns = sum->told_at_ns = clock_ns();
    window_init(&sum->window, sum->question.count, &so_far,
                sum->for_ns > 0 ? sum->began_at_ns + sum->for_ns : NEVER);
    bool no_work = window_done(&sum->window) && is_saved(sum);
    if (!sum->checkpoint || no_work || save(sum))
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

static struct asked *asked_of(struct long_sum *sum, const struct piece *piece)
{
    return &sum->asked[piece - sum->window.pieces];
}

static bool ask(struct long_sum *sum, struct piece *piece)
{
    struct meantime_question question = sum->question;
    struct asked *asked = asked_of(sum, piece);

    question.first += piece->first;
    question.count = piece->count;
    question.timeout_ns = timeout_left_ns(sum, clock_ns());
    question.user = piece;
    *asked = (struct asked){.request = 0};
    int error = meantime_ask(sum->session, &question, &asked->request);
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

/* ---- outages ----------------------------------------------------------------------------- */

/* The requests that a server had leave it one after the other: that is one outage. */
static void hear_outage(struct long_sum *sum, struct asked *asked)
{
    struct meantime_progress progress;

    meantime_progress(sum->session, asked->request, &progress);
    if (progress.outages == asked->outages)
        return;
    asked->outages = progress.outages;
    if (progress.left_endpoint == sum->left_endpoint)
        return;
    sum->left_endpoint = progress.left_endpoint;
    sum->left_because = progress.left_because;
    sum_transcript_outage(sum, &progress);
}

static void hear_outages(struct long_sum *sum)
{
    for (size_t i = 0; i < WINDOW_PIECES; i++)
        if (sum->asked[i].request)
            hear_outage(sum, &sum->asked[i]);
}

/* Is one request at a server? It was asked more often, then, than servers were left. */
static bool is_served(const struct long_sum *sum)
{
    struct meantime_progress progress;

    for (size_t i = 0; i < WINDOW_PIECES; i++)
        if (sum->asked[i].request) {
            meantime_progress(sum->session, sum->asked[i].request, &progress);
            if (progress.attempts > progress.outages)
                return true;
        }
    return false;
}

static bool fail_unserved(struct long_sum *sum)
{
    char text[MEANTIME_TEXT_BYTES];

    if (sum->served_at_ns == 0)
        return fail(sum, MEANTIME_NO_SERVER,
                    "no server answered in that time; start one with meantime-server, name another "
                    "with --connect, or give it longer");
    if (!sum->left_endpoint)
        return fail(sum, MEANTIME_SERVER_LOST, meantime_error_text(MEANTIME_SERVER_LOST));
    snprintf(text, sizeof text, "the server at %s %s, and none took over", sum->left_endpoint,
             sum->left_because);
    return fail(sum, MEANTIME_SERVER_LOST, text);
}

/* ---- answers ----------------------------------------------------------------------------- */

/* A request that was made in an outage has met no server, and gives up sooner than the others. */
static bool hear_no_server(struct long_sum *sum, struct piece *piece)
{
    bool patient = sum->question.timeout_ns > 0; /* says the user */

    if (patient || clock_ns() - sum->served_at_ns < RETURN_NS)
        return ask(sum, piece);
    return fail_unserved(sum);
}

static bool hear(struct long_sum *sum, struct meantime_result *result)
{
    asked_of(sum, result->user)->request = 0;
    sum->attempts += result->attempts;
    if (result->error == MEANTIME_NO_SERVER && sum->served_at_ns > 0)
        return hear_no_server(sum, result->user);
    if (result->error == MEANTIME_TIMED_OUT && sum->served_at_ns > 0) /* the run's time, too */
        return fail(sum, result->error, "the sum was not done within --timeout");
    if (result->error != MEANTIME_OK) {
        result_word(result);
        return fail(sum, result->error, result->text);
    }
    sum->left_endpoint = NULL;
    sum->question.server = result->server; /* who is away need not be found out each time */
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
    hear_outages(sum); /* before an answer ends them */
    if (is_served(sum))
        sum->served_at_ns = clock_ns();
    bool heard = hear_all(sum);
    int64_t now_ns = clock_ns();
    save_progress(sum, now_ns);
    sum_transcript_progress(sum, now_ns);
    return heard && !interrupted() && !time_over(sum, now_ns);
}

/* Was the time used? */
static bool judge_time(struct long_sum *sum)
{
    if (sum->window.in_flight > 0 && !is_served(sum))
        return fail_unserved(sum);
    if (long_sum_summed(sum) == 0)
        return fail(sum, MEANTIME_TIMED_OUT, "nothing was summed in that time: give it longer");
    return true;
}

/* In vain: the sum is told all the same, but the file is not what it should be. */
static void save_end(struct long_sum *sum)
{
    sum->failing = sum->checkpoint && !is_saved(sum) && !save(sum);
    if (sum->failing)
        sum_transcript_unsaved(sum, "the file is as it was before");
}

static bool end(struct long_sum *sum)
{
    sum->ended_at_ns = clock_ns();
    sum_transcript_end(sum);
    save_end(sum);
    if (sum->error != MEANTIME_OK)
        return false;
    return sum->for_ns == 0 || window_done(&sum->window) || interrupted() || judge_time(sum);
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

uint64_t long_sum_summed(const struct long_sum *sum)
{
    return sum->window.so_far.count - sum->began_with;
}

/* A window of nothing is one that was never begun. */
bool long_sum_has_sum(const struct long_sum *sum)
{
    bool some = sum->for_ns > 0 && long_sum_summed(sum) > 0;

    return sum->window.count > 0 && (some || window_done(&sum->window));
}

bool long_sum_succeeded(const struct long_sum *sum)
{
    return sum->error == MEANTIME_OK && long_sum_has_sum(sum);
}
