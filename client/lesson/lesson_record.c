#include "client/lesson/lesson_record.h"

#include "client/lib/clock.h"

static void request_over(struct lesson *run)
{
    const struct meantime_result *result = &run->result;

    record_over(run->record, run->asked_at_ns + result->elapsed_ns,
                result->error == MEANTIME_OK ? NULL : result->text);
}

static void heard(struct lesson *run, int64_t began_at_ns, int64_t ended_at_ns)
{
    record_heard(run->record, began_at_ns, ended_at_ns, &run->progress);
    if (run->request_over && run->record->outcome == OUTCOME_OPEN)
        request_over(run);
}

static void begin_request(struct lesson *run)
{
    record_begin(run->record, run->began_at_ns);
}

/* The question has left by now, where a connection was there already. */
static void begin_sum(struct lesson *run)
{
    if (!run->request_over)
        heard(run, run->asked_at_ns, run->asked_at_ns);
}

static void slice(struct lesson *run)
{
    record_slice(run->record, run->sum.slice_began_at_ns, run->sum.ended_at_ns);
}

/* Waits follow one another: one that goes on began where the last one ended. */
static void idle(struct lesson *run)
{
    struct record *record = run->record;
    bool worked = run->sum.began_at_ns > 0;
    int64_t idle_at_ns = worked ? run->sum.ended_at_ns : run->asked_at_ns;
    int64_t waited_at_ns = record->began_at_ns + record->wait.end_ns;
    int64_t now_ns = clock_ns();

    record_wait(record, idle_at_ns, now_ns);
    heard(run, waited_at_ns > idle_at_ns ? waited_at_ns : idle_at_ns, now_ns);
}

static void look(struct lesson *run)
{
    const struct uniform_sum *sum = &run->sum;

    if (uniform_sum_done(sum)) {
        idle(run);
        return;
    }
    record_look(run->record, sum->look_began_at_ns, sum->look_ended_at_ns);
    heard(run, sum->look_began_at_ns, sum->look_ended_at_ns);
}

void lesson_record(struct lesson *run, enum note what)
{
    static void (*const observers[])(struct lesson *) = {
        [NOTE_BEGIN_REQUEST] = begin_request,
        [NOTE_BEGIN_SUM] = begin_sum,
        [NOTE_SLICE] = slice,
        [NOTE_LOOK] = look,
        [NOTE_WAIT] = idle,
    };

    observers[what](run);
}

void lesson_record_end(struct lesson *run)
{
    if (run->request_over && run->record->outcome == OUTCOME_OPEN)
        request_over(run);
    record_end(run->record, run->ended_at_ns);
}
