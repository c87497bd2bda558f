/* The lesson of this project: hide the wait behind work of one's own. */
#include <sched.h>
#include <zmq.h>

#include "client/common/interrupt.h"
#include "client/lesson/lesson.h"
#include "client/lib/clock.h"

/* Looks for the reply, or, with nothing left to do, waits for it. */
static void look(struct lesson *run)
{
    bool idle = uniform_sum_done(&run->sum), hurried = lesson_hurries(run);
    zmq_pollitem_t reply = {NULL, lesson_fd(run), ZMQ_POLLIN, 0};
    int64_t began_at_ns = clock_ns();

    zmq_poll(&reply, 1, idle ? LESSON_WAIT_MS : 0); /* 0: do not wait */
    if (reply.revents & ZMQ_POLLIN)
        lesson_hear(run);
    if (!idle)
        uniform_sum_looked(&run->sum, began_at_ns);
    if (hurried)
        sched_yield(); /* libzmq's thread may want this core, and would get it 4 ms later */
}

void lesson_async(struct lesson *run)
{
    struct uniform_sum *sum = &run->sum;

    note(run, NOTE_BEGIN_REQUEST);
    lesson_ask(run); /* first the question: from here on the server computes, */
    note(run, NOTE_BEGIN_SUM);
    uniform_sum_begin(sum); /* and so do we */

    while (!interrupted() && !(run->request_over && uniform_sum_done(sum))) {
        if (!uniform_sum_done(sum)) {
            uniform_sum_slice(sum); /* about a millisecond of our own work */
            note(run, NOTE_SLICE);
        }
        if (!run->request_over) {
            look(run);
            note(run, NOTE_LOOK);
        }
    }
}
