/* What async.c does better: ask, idle, and only then begin one's own work. */
#include "client/common/interrupt.h"
#include "client/lesson/lesson.h"

void lesson_serial(struct lesson *run)
{
    struct uniform_sum *sum = &run->sum;

    note(run, NOTE_BEGIN_REQUEST);
    lesson_ask(run);
    while (!interrupted() && !run->request_over) {
        lesson_wait(run); /* idle */
        note(run, NOTE_WAIT);
    }
    if (interrupted())
        return;

    note(run, NOTE_BEGIN_SUM);
    uniform_sum_begin(sum);
    while (!interrupted() && !uniform_sum_done(sum)) {
        uniform_sum_slice(sum);
        note(run, NOTE_SLICE);
    }
}
