/* The task server_request, for the servers of a session and for a plain server. */
#include "client/lesson/server_request.h"

#include <stdio.h>

#include "client/common/result.h"
#include "client/lib/clock.h"

static void send_to_session(struct server_request *request)
{
    struct meantime *session = request->target.session;
    int error = meantime_ask(session, &request->question, &request->number);

    if (error == MEANTIME_OK) {
        meantime_progress(session, request->number, &request->progress);
        return;
    }
    request->over = true;
    request->result.error = (enum meantime_error)error;
    snprintf(request->result.text, sizeof request->result.text, "%s", meantime_error_text(error));
}

static void receive_from_session(struct server_request *request)
{
    struct meantime *session = request->target.session;

    meantime_look(session);
    meantime_progress(session, request->number, &request->progress);
    request->over = meantime_take(session, request->number, &request->result) == 1;
    if (request->over)
        result_complete_text(&request->result);
}

/* A plain server sends no progress: before the reply, no sample counts as done. */
static void receive_from_plain(struct server_request *request)
{
    request->over = plain_server_look(request->target.plain, &request->result);
    if (server_request_has_reply(request))
        request->progress.done = request->question.count;
}

static void send_to_plain(struct server_request *request)
{
    plain_server_ask(request->target.plain, request->question.timeout_ns);
    request->progress.attempts = 1;
    receive_from_plain(request); /* the connection may have failed already */
}

void server_request_send(struct server_request *request)
{
    request->asked_at_ns = clock_ns();
    if (request->target.plain)
        send_to_plain(request);
    else
        send_to_session(request);
}

void server_request_receive(struct server_request *request)
{
    if (request->target.plain)
        receive_from_plain(request);
    else
        receive_from_session(request);
}

int server_request_fd(const struct server_request *request)
{
    const struct request_target *target = &request->target;

    return target->plain ? plain_server_fd(target->plain) : meantime_fd(target->session);
}

int64_t server_request_unsent_ns(const struct server_request *request)
{
    return request->progress.attempts == 0 ? clock_ns() - request->asked_at_ns : 0;
}

void server_request_cancel(struct server_request *request)
{
    if (request->target.plain)
        plain_server_cancel(request->target.plain);
    else
        meantime_cancel(request->target.session, request->number);
    server_request_receive(request);
}
