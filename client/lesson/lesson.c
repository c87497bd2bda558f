/* The steps of a lesson: each one does its part of a task and reports that to the user. */
#include "client/lesson/lesson.h"

#include <poll.h>
#include <sched.h>

#include "client/common/interrupt.h"
#include "client/lesson/lesson_record.h"
#include "client/lesson/transcript.h"
#include "client/lib/clock.h"

/* While the program only waits, it redraws the progress bar this often. */
#define WAIT_MS 100

void lesson_begin_request(struct lesson *lesson)
{
    lesson->began_at_ns = clock_ns();
    transcript_begin_request(lesson);
    server_request_send(&lesson->request);
    lesson_record_begin(lesson);
}

void lesson_begin_sum(struct lesson *lesson)
{
    if (interrupted())
        return;
    transcript_begin_sum(lesson);
    lesson_record_begin_sum(lesson);
    uniform_sum_begin(&lesson->sum);
}

void lesson_slice(struct lesson *lesson)
{
    uniform_sum_slice(&lesson->sum);
    transcript_slice(lesson);
    lesson_record_slice(lesson);
}

/* A request leaves at a look. While the request waits for a connection, slices are short, so that
 * the next look comes soon. */
void lesson_look_begin(struct lesson *lesson)
{
    int64_t unsent_ns = server_request_unsent_ns(&lesson->request);

    lesson->request_unsent = pacing_waited(&lesson->sum.pacing, unsent_ns);
    uniform_sum_look_begin(&lesson->sum);
}

void lesson_look_end(struct lesson *lesson, bool readable)
{
    if (readable)
        server_request_receive(&lesson->request);
    uniform_sum_look_end(&lesson->sum);
    if (lesson->request_unsent)
        sched_yield(); /* libzmq's thread may need this core; it would otherwise wait 4 ms */
    transcript_look(lesson);
    lesson_record_look(lesson);
}

void lesson_wait(struct lesson *lesson)
{
    struct pollfd fd = {.fd = lesson_fd(lesson), .events = POLLIN};

    while (!interrupted() && !lesson_has_answer(lesson)) {
        poll(&fd, 1, WAIT_MS);
        server_request_receive(&lesson->request);
        transcript_wait(lesson);
        lesson_record_wait(lesson);
    }
}

void lesson_end(struct lesson *lesson)
{
    if (interrupted() && !lesson_has_answer(lesson))
        server_request_cancel(&lesson->request);
    lesson->ended_at_ns = clock_ns();
    transcript_end(lesson);
    lesson->transcript = NULL;
    lesson_record_end(lesson);
}

bool lesson_has_work(const struct lesson *lesson)
{
    return !interrupted() && !uniform_sum_done(&lesson->sum);
}

bool lesson_has_answer(const struct lesson *lesson)
{
    return lesson->request.over;
}

bool lesson_succeeded(const struct lesson *lesson)
{
    return server_request_has_reply(&lesson->request) && uniform_sum_done(&lesson->sum);
}

int lesson_fd(const struct lesson *lesson)
{
    return server_request_fd(&lesson->request);
}
