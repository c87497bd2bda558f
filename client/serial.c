/* Serial: sends the request, waits for the answer, and only then computes. Compare async.c. */
#include "client/lesson/lesson.h"

void lesson_serial(struct lesson *lesson)
{
    lesson_begin_request(lesson);
    lesson_wait(lesson); /* this program is idle */

    lesson_begin_sum(lesson);
    while (lesson_has_work(lesson))
        lesson_slice(lesson);
}
