#include "client/run.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client/clock.h"

void result_word(struct meantime_result *result)
{
    static const char advice[] = "; start one with meantime-server, or name another with --connect";
    size_t size = strlen(result->text);

    if (result->error == MEANTIME_NO_SERVER)
        snprintf(result->text + size, sizeof result->text - size, "%s", advice);
    else if (result->error == MEANTIME_CANCELLED)
        snprintf(result->text, sizeof result->text, "interrupted");
}

static void ask_session(struct run *run)
{
    int error = meantime_ask(run->session, &run->question, &run->request);
    if (error == MEANTIME_OK) {
        meantime_progress(run->session, run->request, &run->progress);
        return;
    }
    run->request_over = true;
    run->result.error = (enum meantime_error)error;
    snprintf(run->result.text, sizeof run->result.text, "%s", meantime_error_text(error));
}

static void hear_session(struct run *run)
{
    meantime_look(run->session);
    meantime_progress(run->session, run->request, &run->progress);
    run->request_over = meantime_take(run->session, run->request, &run->result) == 1;
    if (run->request_over)
        result_word(&run->result);
}

/* A plain server does not tell how far it is. */
static void hear_plain(struct run *run)
{
    run->request_over = plain_look(run->plain, &run->result);
    if (run_has_reply(run))
        run->progress.done = run->question.count;
}

void run_ask(struct run *run)
{
    run->asked_at_ns = clock_ns();
    if (run->record)
        record_asked(run->record, run->asked_at_ns);
    if (!run->plain) {
        ask_session(run);
        return;
    }
    plain_ask(run->plain, run->question.timeout_ns);
    run->progress.attempts = 1;
    hear_plain(run); /* it may have failed already */
}

bool run_hurries(struct run *run)
{
    bool waits = run->progress.attempts == 0;

    return pacing_waited(&run->sum.pacing, waits ? clock_ns() - run->asked_at_ns : 0);
}

void run_hear(struct run *run)
{
    if (run->plain)
        hear_plain(run);
    else
        hear_session(run);
}

int run_fd(const struct run *run)
{
    return run->plain ? plain_fd(run->plain) : meantime_fd(run->session);
}

void run_wait(struct run *run)
{
    struct pollfd fd = {.fd = run_fd(run), .events = POLLIN};

    poll(&fd, 1, RUN_WAIT_MS);
    run_hear(run);
}

void run_cancel(struct run *run)
{
    if (run->plain)
        plain_cancel(run->plain);
    else
        meantime_cancel(run->session, run->request);
    run_hear(run);
}
