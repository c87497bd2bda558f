/* What async.c does better: ask, idle, and only then begin one's own work. */
#include <zmq.h>

#include "client/interrupt.h"
#include "client/run.h"

void serial_run(struct run *run)
{
    struct server_request *request = &run->request;
    struct uniform_sum *sum = &run->sum;

    note(run, NOTE_BEGIN_REQUEST);
    server_request_begin(request);
    while (!interrupted() && !server_request_over(request)) {
        zmq_pollitem_t reply = {NULL, request->fd, ZMQ_POLLIN, 0};
        zmq_poll(&reply, 1, server_request_wait_ms(request)); /* idle */
        server_request_take(request);
        server_request_check(request);
        note(run, NOTE_WAIT);
    }

    note(run, NOTE_BEGIN_SUM);
    uniform_sum_begin(sum);
    while (!interrupted() && !uniform_sum_done(sum)) {
        uniform_sum_slice(sum);
        note(run, NOTE_SLICE);
    }
}
