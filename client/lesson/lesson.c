#include "client/lesson/lesson.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/clock.h"

void result_word(struct meantime_result *result)
{
    static const char advice[] = "; start one with meantime-server, or name another with --connect";
    size_t size = strlen(result->text);

    if (result->error == MEANTIME_NO_SERVER)
        snprintf(result->text + size, sizeof result->text - size, "%s", advice);
    else if (result->error == MEANTIME_CANCELLED)
        snprintf(result->text, sizeof result->text, "interrupted");
}

static void ask_session(struct lesson *run)
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

static void hear_session(struct lesson *run)
{
    meantime_look(run->session);
    meantime_progress(run->session, run->request, &run->progress);
    run->request_over = meantime_take(run->session, run->request, &run->result) == 1;
    if (run->request_over)
        result_word(&run->result);
}

/* A plain server does not tell how far it is. */
static void hear_plain(struct lesson *run)
{
    run->request_over = plain_server_look(run->plain, &run->result);
    if (lesson_has_reply(run))
        run->progress.done = run->question.count;
}

void lesson_ask(struct lesson *run)
{
    run->asked_at_ns = clock_ns();
    if (run->record)
        record_asked(run->record, run->asked_at_ns);
    if (!run->plain) {
        ask_session(run);
        return;
    }
    plain_server_ask(run->plain, run->question.timeout_ns);
    run->progress.attempts = 1;
    hear_plain(run); /* it may have failed already */
}

bool lesson_hurries(struct lesson *run)
{
    bool waits = run->progress.attempts == 0;

    return pacing_waited(&run->sum.pacing, waits ? clock_ns() - run->asked_at_ns : 0);
}

void lesson_hear(struct lesson *run)
{
    if (run->plain)
        hear_plain(run);
    else
        hear_session(run);
}

int lesson_fd(const struct lesson *run)
{
    return run->plain ? plain_server_fd(run->plain) : meantime_fd(run->session);
}

void lesson_wait(struct lesson *run)
{
    struct pollfd fd = {.fd = lesson_fd(run), .events = POLLIN};

    poll(&fd, 1, LESSON_WAIT_MS);
    lesson_hear(run);
}

void lesson_cancel(struct lesson *run)
{
    if (run->plain)
        plain_server_cancel(run->plain);
    else
        meantime_cancel(run->session, run->request);
    lesson_hear(run);
}
