/* The dispatcher's decisions about requests, as stories of stimulus and consequence. */
#include <criterion/criterion.h>

#include "tests/unit/server/fixture.h"

Test(dispatcher, one_block_goes_to_a_worker_and_its_sum_comes_back)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 3 1 1", "start r1 w0 3#1 0+1"},
        {"done r1", "reply 3#1"},
        {"request 3 1 1", "start r2 w0 3#1 0+1"},
        {0},
    });
}

Test(dispatcher, a_request_without_workers_waits_for_the_first)
{
    story((struct row[]){
        {"request 0 1 1", ""},
        {"join w3 1", "welcome w3 start r1 w3 0#1 0+1"},
        {"done r1", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, spans_shrink_towards_the_end_so_that_workers_finish_together)
{
    story((struct row[]){
        {"threads 2", ""},
        {"request 0 1 23", "start r1 w0 0#1 0+5 start r2 w1 0#1 5+4 "
                           "start r3 w0 0#1 9+3 start r4 w1 0#1 12+2"},
        {"done r1", "start r5 w0 0#1 14+2"},
        {"done r2", "start r6 w1 0#1 16+1"},
        {"done r3", "start r7 w0 0#1 17+1"},
        {"done r4", "start r8 w1 0#1 18+1"},
        {0},
    });
}

Test(dispatcher, a_span_takes_at_most_the_span_time_of_its_worker)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {0},
    });
}

Test(dispatcher, clients_take_turns_and_so_do_the_requests_of_a_client)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 0 2 1", ""},
        {"request 1 1 1", ""},
        {"done r1", "start r3 w0 0#1 200+100"}, /* client 0 has the first turn */
        {"done r2", "start r4 w0 1#1 0+1"},     /* then client 1 */
        {"done r3", "start r5 w0 0#2 0+1"},     /* then client 0 again, with its other request */
        {"done r4", "start r6 w0 0#1 300+100 reply 1#1"},
        {"done r5", "start r7 w0 0#1 400+100 reply 0#2"},
        {0},
    });
}

Test(dispatcher, full_queue_refuses_until_a_request_ends)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 1", "start r2 w0 1#1 0+1"},
        {"request 2 1 1", ""},
        {"request 3 1 1", "refuse 3#1 busy"},
        {"done r1", "start r3 w0 2#1 0+1 reply 0#1"},
        {"request 3 1 1", ""},
        {0},
    });
}

Test(dispatcher, one_client_can_neither_fill_the_queue_nor_use_an_id_twice)
{
    story((struct row[]){
        {"request 0 1 1", ""},
        {"request 0 1 2", "refuse 0#1 duplicate id"},
        {"request 0 2 1", ""},
        {"request 0 3 1", "refuse 0#3 busy"},
        {"request 1 1 1", ""}, /* each client has its own ids */
        {0},
    });
}

Test(dispatcher, a_cancelled_span_keeps_its_worker_busy_until_it_answers)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 1 1 1", ""},
        {"cancel 0 1", "cancel r1 cancel r2 refuse 0#1 cancelled"},
        {"cancel 0 1", ""},
        {"stopped r1", "start r3 w0 1#1 0+1"},
        {"done r2", ""},
        {"done r3", "reply 1#1"},
        {0},
    });
}

Test(dispatcher, an_id_is_free_after_the_answer_although_its_runs_have_not_ended)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"cancel 0 1", "cancel r1 refuse 0#1 cancelled"},
        {"request 0 1 1", "start r2 w0 0#1 0+1"},
        {"stopped r1", ""},
        {"done r2", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, cancelling_a_request_that_is_not_in_flight_changes_nothing)
{
    story((struct row[]){
        {"cancel 0 1", ""},
        {"request 0 1 1", ""},
        {"cancel 0 2", ""},
        {"cancel 1 1", ""},
        {"cancel 0 1", "refuse 0#1 cancelled"},
        {0},
    });
}

Test(dispatcher, a_lost_client_gets_no_answer_and_its_requests_end)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 0 2 1", ""},
        {"lost 0", "cancel r1 cancel r2"},
        {"request 0 1 1", ""}, /* another client has this number now */
        {"stopped r1", "start r3 w0 0#1 0+1"},
        {"stopped r2", ""},
        {"done r3", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, losing_a_client_without_requests_changes_nothing)
{
    story((struct row[]){
        {"threads 1", ""},
        {"lost 2", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"lost 2", ""},
        {"done r1", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, a_deadline_ends_a_request_however_much_is_done)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 100000 deadline 50", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 0 2 1 deadline 70", ""},
        {"time +49", ""},
        {"time +1", "cancel r1 cancel r2 refuse 0#1 deadline exceeded"},
        {"stopped r2", "start r3 w0 0#2 0+1"},
        {"time +20", "cancel r3 refuse 0#2 deadline exceeded"},
        {0},
    });
}

Test(dispatcher, progress_is_sent_twice_a_second_if_the_request_asks_for_it)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1000 progress", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 1 1 1000", ""},
        {"time +499", ""},
        {"done r1", "start r3 w0 0#1 200+100"},
        {"time +1", "progress 0#1 100/1000"},
        {"time +499", ""},
        {"time +1", "progress 0#1 100/1000"},
        {"cancel 0 1", "cancel r2 cancel r3 refuse 0#1 cancelled"},
        {"time +500", ""},
        {0},
    });
}

Test(dispatcher, a_drain_finishes_requests_in_flight_and_refuses_new_ones)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"drain", ""},
        {"request 0 2 1", "refuse 0#2 stopping"},
        {"busy", "yes"},
        {"done r1", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(dispatcher, a_stop_refuses_requests_in_flight)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 1", "start r2 w0 1#1 0+1"},
        {"stop", "cancel r1 cancel r2 refuse 0#1 stopping refuse 1#1 stopping"},
        {"request 2 1 1", "refuse 2#1 stopping"},
        {"stop", ""},
        {0},
    });
}

Test(dispatcher, is_due_at_the_earlier_of_deadline_and_progress)
{
    story((struct row[]){
        {"due", "never"},
        {"request 0 1 1 deadline 900", ""},
        {"due", "900 ms"},
        {"request 0 2 1 progress", ""},
        {"due", "500 ms"},
        {"request 1 1 1 deadline 30", ""},
        {"due", "30 ms"},
        {0},
    });
}

Test(dispatcher, is_never_due_after_all_answers)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1 progress deadline 900", "start r1 w0 0#1 0+1"},
        {"done r1", "reply 0#1"},
        {"time +900", ""},
        {"due", "never"},
        {0},
    });
}

Test(dispatcher, cuts_spans_at_the_ends_of_blocks)
{
    struct fixture fixture = fixture_new(1);
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = request_of(0, 1, BLOCK_SAMPLES - 10, BLOCK_SAMPLES + 20),
    };

    fixture_step(&fixture, &(struct event){.type = EVENT_CLIENT_MESSAGE, .message = &message});
    cr_assert(fixture.started_count == 2);
    cr_assert(fixture.started[0].asked.first == BLOCK_SAMPLES - 10);
    cr_assert(fixture.started[0].asked.count == 10);
    cr_assert(fixture.started[1].asked.first == BLOCK_SAMPLES);
    cr_assert(fixture.started[1].asked.count == BLOCK_SAMPLES);
    fixture_destroy(&fixture);
}

Test(dispatcher, a_fast_worker_gets_larger_spans)
{
    struct fixture fixture = fixture_new(1);

    fixture_do(&fixture, "request 0 1 10000000");
    for (unsigned i = 0; i < 40; i++) /* ten times the assumed rate */
        fixture_do(&fixture, "done r%u in %f", i + 1,
                   (double)fixture.started[i].asked.count / BLOCK_SAMPLES * BLOCK_NS / 10 / MS);
    cr_assert(fixture.started[41].asked.count >= 990 * (uint64_t)BLOCK_SAMPLES);
    cr_assert(fixture.started[41].asked.count <= 1010 * (uint64_t)BLOCK_SAMPLES);
    fixture_destroy(&fixture);
}

/* ---- parents ----------------------------------------------------------------------------- */

Test(dispatcher, requests_of_a_parent_are_computed_one_after_the_other)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request p0 1 213", "start r1 w0 p0#1 0+100 start r2 w0 p0#1 100+56"},
        {"request p0 2 1000", ""},
        {"done r1", "start r3 w0 p0#1 156+28"},
        {"request 0 1 1", ""},
        {"done r2", "start r4 w0 p0#1 184+14"}, /* the parent has the first turn */
        {"done r3", "start r5 w0 0#1 0+1"},
        {"done r4", "start r6 w0 p0#1 198+7"},
        {0},
    });
}

Test(dispatcher, parents_take_turns_with_clients_and_each_other)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request p0 1 100000", "start r1 w0 p0#1 0+100 start r2 w0 p0#1 100+100"},
        {"request p15 1 100000", ""},
        {"request 3 1 100000", ""},
        {"done r1", "start r3 w0 p0#1 200+100"},
        {"done r2", "start r4 w0 p15#1 0+100"},
        {"done r3", "start r5 w0 3#1 0+100"},
        {"done r4", "start r6 w0 p0#1 300+100"},
        {0},
    });
}

Test(dispatcher, a_lost_parent_gets_no_answer_and_its_requests_end)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request p1 1 1", "start r1 w0 p1#1 0+1"},
        {"request p0 1 1", "start r2 w0 p0#1 0+1"},
        {"request p1 2 1", ""},
        {"lost p1", "cancel r1"},
        {"request p1 1 1", ""},
        {"stopped r1", "start r3 w0 p1#1 0+1"},
        {"done r2", "reply p0#1"},
        {"done r3", "reply p1#1"},
        {0},
    });
}

Test(dispatcher, a_uniform_sum_is_answered_in_its_own_unit)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1 uniform", "start r1 w0 0#1 0+1"},
        {"done r1", "reply 0#1"},
        {0},
    });
}

Test(dispatcher, destroy_sets_null_and_accepts_null)
{
    struct fixture fixture = fixture_new(1);

    dispatcher_destroy(&fixture.d);
    cr_assert_null(fixture.d);
    dispatcher_destroy(&fixture.d);
}
