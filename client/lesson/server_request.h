/* The task server_request: sends the lesson's request to a server and receives the answer. */
#ifndef MEANTIME_CLIENT_LESSON_SERVER_REQUEST_H
#define MEANTIME_CLIENT_LESSON_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lesson/plain_server.h"
#include "client/lib/meantime.h"

/* Where requests go. Exactly one of the two is not NULL. */
struct request_target {
    struct meantime *session;   /* its servers */
    struct plain_server *plain; /* a server that gives each TCP connection one sum as text */
};

struct server_request {
    struct request_target target;
    struct meantime_question question;
    uint64_t number;                   /* of the request in the session */
    int64_t asked_at_ns;               /* when the request was made, by clock_ns() */
    struct meantime_progress progress; /* as of the last look or wait */
    bool over;                         /* an answer or an error has ended the request */
    struct meantime_result result;     /* valid once `over`; its text is for the user */
};

/* Makes the request. If there is no connection yet, the request leaves at a later look. */
void server_request_send(struct server_request *request);

/* Processes what has arrived. Never waits. */
void server_request_receive(struct server_request *request);

/* Becomes readable when server_request_receive() has something to do. */
int server_request_fd(const struct server_request *request);

/* How long the request has waited for a connection so far. 0: the request has left. */
int64_t server_request_unsent_ns(const struct server_request *request);

/* Ends the request and cancels it at its server. */
void server_request_cancel(struct server_request *request);

static inline bool server_request_has_reply(const struct server_request *request)
{
    return request->over && request->result.error == MEANTIME_OK;
}

#endif
