/* Async: sends the request first, and computes while the server computes. */
#include <zmq.h>

#include "client/lesson/lesson.h"

/* Checks whether the reply has arrived. Never waits. */
static void look(struct lesson *lesson)
{
    zmq_pollitem_t reply = {.fd = lesson_fd(lesson), .events = ZMQ_POLLIN};

    lesson_look_begin(lesson);
    zmq_poll(&reply, 1, 0); /* a timeout of 0: return at once */
    lesson_look_end(lesson, reply.revents & ZMQ_POLLIN);
}

void lesson_async(struct lesson *lesson)
{
    lesson_begin_request(lesson); /* server_request: from now on the server computes, */
    lesson_begin_sum(lesson);     /* uniform_sum: and this program computes as well */

    while (lesson_has_work(lesson)) {
        lesson_slice(lesson); /* compute for about a millisecond */
        if (!lesson_has_answer(lesson))
            look(lesson);
    }
    lesson_wait(lesson); /* the work is done: wait if the answer is not here yet */
}
