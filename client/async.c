/* The lesson of this project: hide the wait behind work of one's own. */
#include <zmq.h>

#include "client/interrupt.h"
#include "client/run.h"

static void look(struct run *run, long wait_ms)
{
    zmq_pollitem_t reply = {run->request.socket, 0, ZMQ_POLLIN, 0};

    zmq_poll(&reply, 1, wait_ms);
    if (reply.revents & ZMQ_POLLIN)
        server_request_take(&run->request);
    else
        server_request_check(&run->request);
}

void async_run(struct run *run)
{
    struct server_request *request = &run->request;
    struct uniform_sum *sum = &run->sum;

    note(run, NOTE_BEGIN_REQUEST);
    server_request_begin(request); /* first the question: from here on the server computes, */
    note(run, NOTE_BEGIN_SUM);
    uniform_sum_begin(sum); /* and so do we */

    while (!interrupted() && !(server_request_over(request) && uniform_sum_done(sum))) {
        if (!uniform_sum_done(sum)) {
            uniform_sum_slice(sum); /* about a millisecond of our own work */
            note(run, NOTE_SLICE);
        }
        if (!server_request_over(request)) {
            look(run, uniform_sum_done(sum) ? SERVER_REQUEST_CHECK_MS : 0); /* 0: do not wait */
            note(run, NOTE_LOOK);
        }
    }
}
