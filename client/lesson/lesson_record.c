/* Writes what happens in a lesson into its record. */
#include "client/lesson/lesson_record.h"

#include "client/lib/clock.h"
#include "client/pictures/record.h"
#include "proto/instant.h"

static void request_over(struct lesson *lesson)
{
    const struct server_request *request = &lesson->request;
    const struct meantime_result *result = &request->result;

    record_request_over(lesson->record, request->asked_at_ns + result->elapsed_ns,
                        result->error == MEANTIME_OK ? NULL : result->text);
}

/* Records what the client received between these two points in time. */
static void received(struct lesson *lesson, int64_t began_at_ns, int64_t ended_at_ns)
{
    record_progress(lesson->record, began_at_ns, ended_at_ns, &lesson->request.progress);
    if (lesson->request.over && lesson->record->outcome == RECORD_OPEN)
        request_over(lesson);
}

void lesson_record_begin(struct lesson *lesson)
{
    if (!lesson->record)
        return;
    record_begin(lesson->record, lesson->began_at_ns);
    record_request_sent(lesson->record, lesson->request.asked_at_ns);
}

/* If a connection existed when the request was made, the request left at once. */
void lesson_record_begin_sum(struct lesson *lesson)
{
    const struct server_request *request = &lesson->request;

    if (lesson->record && !request->over)
        received(lesson, request->asked_at_ns, request->asked_at_ns);
}

void lesson_record_slice(struct lesson *lesson)
{
    const struct uniform_sum *sum = &lesson->sum;

    if (lesson->record)
        record_slice(lesson->record, sum->slice_began_at_ns, sum->ended_at_ns);
}

void lesson_record_look(struct lesson *lesson)
{
    const struct uniform_sum *sum = &lesson->sum;

    if (!lesson->record)
        return;
    record_look(lesson->record, sum->look_began_at_ns, sum->look_ended_at_ns);
    received(lesson, sum->look_began_at_ns, sum->look_ended_at_ns);
}

/* Waits follow one another without a gap: each one begins where the wait before it ended. */
void lesson_record_wait(struct lesson *lesson)
{
    struct record *record = lesson->record;

    if (!record)
        return;
    const struct uniform_sum *sum = &lesson->sum;
    bool worked = sum->began_at_ns > 0;
    int64_t idle_at_ns =
        worked ? later(sum->ended_at_ns, sum->look_ended_at_ns) : lesson->request.asked_at_ns;
    int64_t waited_at_ns = record->began_at_ns + record->wait.end_ns;
    int64_t now_ns = clock_ns();
    record_wait(record, idle_at_ns, now_ns);
    received(lesson, later(waited_at_ns, idle_at_ns), now_ns);
}

void lesson_record_end(struct lesson *lesson)
{
    struct record *record = lesson->record;

    if (!record)
        return;
    if (lesson->request.over && record->outcome == RECORD_OPEN)
        request_over(lesson);
    record_end(record, lesson->ended_at_ns);
}
