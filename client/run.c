#include "client/run.h"

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

void run_ask(struct run *run)
{
    run->asked_at_ns = clock_ns();
    if (run->record)
        record_asked(run->record, run->asked_at_ns);
    int error = meantime_ask(run->session, &run->question, &run->request);
    if (error == MEANTIME_OK) {
        meantime_progress(run->session, run->request, &run->progress);
        return;
    }
    run->request_over = true;
    run->result.error = (enum meantime_error)error;
    snprintf(run->result.text, sizeof run->result.text, "%s", meantime_error_text(error));
}

void run_hear(struct run *run)
{
    meantime_look(run->session);
    meantime_progress(run->session, run->request, &run->progress);
    run->request_over = meantime_take(run->session, run->request, &run->result) == 1;
    if (run->request_over)
        result_word(&run->result);
}

void run_cancel(struct run *run)
{
    meantime_cancel(run->session, run->request);
    run_hear(run);
}
