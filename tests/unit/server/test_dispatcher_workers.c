/* The dispatcher's decisions about workers, as stories of stimulus and consequence. */
#include <criterion/criterion.h>

#include "tests/unit/server/fixture.h"

/* ---- joining ----------------------------------------------------------------------------- */

Test(workers, a_joining_worker_gets_a_welcome_and_two_spans_per_core)
{
    story((struct row[]){
        {"join w0 2", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+125 start r2 w0 0#1 125+125 start r3 w0 0#1 "
                               "250+125 start r4 w0 0#1 375+125"},
        {"done r1", "start r5 w0 0#1 500+125"},
        {0},
    });
}

Test(workers, joined_workers_have_numbers_after_the_threads_and_get_longer_spans)
{
    story((struct row[]){
        {"threads 1", ""},
        {"join w1 1", "welcome w1"},
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w1 0#1 100+500 "
                               "start r3 w0 0#1 600+100 start r4 w1 0#1 700+500"},
        {0},
    });
}

Test(workers, a_worker_with_another_digest_is_refused)
{
    story((struct row[]){
        {"join w0 1 other", "drop w0 other sums"},
        {"request 0 1 1", ""},
        {"text", "worker w0 would sum other bits: its digest is 0000000000001268, "
                 "not 0000000000001267"},
        {0},
    });
}

Test(workers, a_worker_beyond_the_maximum_is_told_to_retry)
{
    story((struct row[]){
        {"join w3 1", "welcome w3"},
        {"join w4 1", "drop w4 busy"},
        {0},
    });
}

Test(workers, every_message_of_an_unjoined_worker_is_refused)
{
    story((struct row[]){
        {"beat w0 1", "drop w0 not joined"},
        {"leave w0", "drop w0 not joined"},
        {"beat w99 1", "drop w99 not joined"},
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"lost w0", ""},
        {"lost w0", ""},
        {"done r1", "drop w0 not joined"},
        {"refuse r1 busy", "drop w0 not joined"},
        {0},
    });
}

Test(workers, a_worker_that_joins_again_gets_its_spans_again)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 0 2 1", "start r2 w0 0#2 0+1"},
        {"join w0 1", "welcome w0 start r3 w0 0#1 0+1 start r4 w0 0#2 0+1"},
        {"done r1", ""}, /* from its previous membership */
        {"done r4", "reply 0#2"},
        {"refuse r2 busy", ""},
        {"done r3", "reply 0#1"},
        {"count requeued", "2"},
        {"count duplicates", "1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_worker_that_keeps_rejoining_does_not_hold_up_returned_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"done r1", "start r3 w0 0#1 1000+500"},
        {"join w1 1", "welcome w1 start r4 w1 0#1 1500+500 start r5 w1 0#1 2000+500"},
        {"join w1 1", "welcome w1 start r6 w1 0#1 2500+500 start r7 w1 0#1 3000+500"},
        {"done r2", "start r8 w0 0#1 1500+500"},
        {"done r3", "start r9 w0 0#1 2000+500"},
        {"join w1 1", "welcome w1 start r10 w1 0#1 3500+500 start r11 w1 0#1 4000+500"},
        {"done r10", "start r12 w1 0#1 2500+500"}, /* now it is proven */
        {0},
    });
}

Test(workers, a_worker_that_joins_again_with_another_digest_is_dropped)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"join w1 1", "welcome w1"},
        {"join w0 1 other", "drop w0 other sums start r2 w1 0#1 0+1"},
        {"done r1", "drop w0 not joined"},
        {"done r2", "reply 0#1"},
        {0},
    });
}

/* ---- heartbeats -------------------------------------------------------------------------- */

Test(workers, joined_workers_get_heartbeats_at_every_interval)
{
    story((struct row[]){
        {"threads 1", ""},
        {"join w1 1", "welcome w1"},
        {"time +300", ""},
        {"join w2 1", "welcome w2"},
        {"time +199", ""},
        {"time +1", "beat w1 beat w2"},
        {"beat w1 1", ""},
        {"time +500", "beat w1 beat w2"},
        {"lost w1", ""},
        {"lost w2", ""},
        {"time +500", ""},
        {"due", "never"},
        {0},
    });
}

Test(workers, a_silent_worker_is_dropped_after_three_intervals_and_its_spans_come_first)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 2000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"join w1 2", "welcome w1 start r3 w1 0#1 1000+125 start r4 w1 0#1 1125+125 start r5 w1 "
                      "0#1 1250+124 start r6 w1 0#1 1374+104"},
        {"time +500", "beat w0 beat w1"},
        {"time +500", "beat w0 beat w1"},
        {"beat w1 2", ""},
        {"done r3", "start r7 w1 0#1 1478+3"},
        {"time +499", ""},
        {"time +1", "drop w0 not joined beat w1"},
        {"done r4", "start r8 w1 0#1 0+500"},
        {"done r5", "start r9 w1 0#1 500+500"},
        {"done r6", "start r10 w1 0#1 1481+41"},
        {0},
    });
}

Test(workers, silence_is_checked_between_two_heartbeats)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"time +300", ""},
        {"join w1 1", "welcome w1"},
        {"time +700", "beat w0 beat w1"},
        {"time +500", "drop w0 not joined beat w1"},
        {"due", "1800 ms"},
        {"time +300", "drop w1 not joined"},
        {0},
    });
}

Test(workers, every_message_counts_as_a_sign_of_life)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"time +900", "beat w0"},
        {"done r1", "start r3 w0 0#1 1000+500"},
        {"time +900", "beat w0"},
        {"refuse r2 busy", ""},
        {"time +900", "beat w0"},
        {"time +599", "beat w0"},
        {"time +1", "drop w0 not joined"},
        {0},
    });
}

Test(workers, a_pause_of_this_process_drops_no_worker)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"time +500", "beat w0"},
        {"time +60000", "beat w0"},
        {"time +500", "beat w0"},
        {"time +500", "beat w0"},
        {"time +499", ""},
        {"time +1", "drop w0 not joined"},
        {0},
    });
}

Test(workers, all_silent_workers_are_dropped_before_spans_are_assigned)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"join w2 1", "welcome w2"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +900", "start r2 w1 0#1 0+1 beat w0 beat w1 beat w2"},
        {"beat w2 1", ""},
        {"time +600", "drop w0 not joined drop w1 not joined start r3 w2 0#1 0+1 beat w2"},
        {"done r3", "reply 0#1"},
        {0},
    });
}

/* ---- capacity ---------------------------------------------------------------------------- */

Test(workers, a_heartbeat_changes_the_capacity)
{
    story((struct row[]){
        {"threads 1", ""},
        {"join w1 0", "welcome w1"}, /* a server that waits for its own workers */
        {"request 0 1 100000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"beat w1 1", "start r3 w1 0#1 200+500 start r4 w1 0#1 700+500"},
        {"beat w1 2", "start r5 w1 0#1 1200+125 start r6 w1 0#1 1325+125"},
        {"capacity", "3"},
        {"beat w1 1", ""},
        {"done r3", ""},
        {"done r4", ""},
        {"done r5", "start r7 w1 0#1 1450+500"},
        {"beat w1 0", "cancel r6 cancel r7"}, /* it has no cores left */
        {"done r1", "start r8 w0 0#1 1325+125"},
        {"done r6", ""},
        {"refuse r7 cancelled", ""},
        {"done r2", "start r9 w0 0#1 1450+500"},
        {"capacity", "1"},
        {0},
    });
}

Test(workers, idle_cores_come_before_busy_ones)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"lost 0", "cancel r1 cancel r2"},
        {"refuse r1 cancelled", ""}, /* w0 holds one */
        {"join w1 2", "welcome w1"},
        {"request 1 1 100000", "start r3 w1 1#1 0+125 start r4 w1 1#1 125+125 start r5 w0 1#1 "
                               "250+500 start r6 w1 1#1 750+125 start r7 w1 1#1 875+125"},
        {0},
    });
}

/* ---- height ------------------------------------------------------------------------------ */

Test(workers, the_height_is_one_above_the_highest_joined_worker)
{
    story((struct row[]){
        {"threads 2", ""},
        {"height", "0"},
        {"join w2 1", "welcome w2"},
        {"height", "1"},
        {"join w3 1 height 4", "welcome w3"},
        {"height", "5"},
        {"beat w2 1 height 2", ""},
        {"beat w3 1", ""},
        {"height", "3"},
        {"join w2 1 height 6", "welcome w2"},
        {"height", "7"},
        {"lost w2", ""},
        {"height", "1"},
        {"lost w3", ""},
        {"height", "0"},
        {0},
    });
}

Test(workers, a_worker_in_a_cycle_is_dropped_when_its_height_shows_the_cycle)
{
    story((struct row[]){
        {"join w0 1 height 14", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"beat w0 1 height 15", ""},
        {"join w1 1", "welcome w1"},
        {"height", "16"},
        {"beat w0 1 height 16", "drop w0 out of range start r2 w1 0#1 0+1"},
        {"text", "worker w0 has more than 15 levels of servers below it; have servers "
                 "joined each other in a cycle?"},
        {"height", "1"},
        {"capacity", "1"},
        {"count workers_lost", "1"},
        {"done r1", "drop w0 not joined"},
        {"done r2", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_worker_in_a_cycle_may_not_join)
{
    story((struct row[]){
        {"join w0 1 height 4294967295", "drop w0 out of range"},
        {"join w0 1 height 16", "drop w0 out of range"},
        {"join w0 1 height 15", "welcome w0"},
        {"join w0 1 height 16", "drop w0 out of range"},
        {"height", "0"},
        {"capacity", "0"},
        {0},
    });
}

/* Such a server is in no cycle. The members of a cycle below it break the cycle. */
Test(workers, a_server_without_parents_accepts_any_height)
{
    struct fixture fixture = fixture_of(&(struct dispatcher_settings){
        .requests_max = 1,
        .client_requests_max = 1,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .joined_max = 2,
        .digest = DIGEST_OF_TESTS,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
        .top = true,
    });

    fixture_do(&fixture, "join w0 1 height 4294967295");
    cr_assert_str_eq(fixture.output, "welcome w0");
    fixture_do(&fixture, "join w1 1 height 3");
    fixture_do(&fixture, "beat w1 1 height 16");
    cr_assert_str_eq(fixture.output, "");
    cr_assert_eq(dispatcher_heartbeat(fixture.d).height, HEIGHT_MAX + 1);
    fixture_do(&fixture, "lost w0");
    fixture_do(&fixture, "beat w1 1 height 3");
    cr_assert_eq(dispatcher_heartbeat(fixture.d).height, 4);
    fixture_destroy(&fixture);
}

/* ---- losses ------------------------------------------------------------------------------ */

Test(workers, spans_of_a_lost_worker_come_first_and_in_order)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"request 1 1 1", ""},
        {"join w1 1", "welcome w1 start r3 w1 0#1 1000+500 start r4 w1 1#1 0+1"},
        {"lost w0", ""},
        {"done r3", "start r5 w1 0#1 0+500"},
        {"done r4", "start r6 w1 0#1 500+500 reply 1#1"},
        {"done r5", "start r7 w1 0#1 1500+500"},
        {"count workers_lost", "1"},
        {"count requeued", "2"},
        {0},
    });
}

Test(workers, a_cancelled_span_of_a_lost_worker_is_not_requeued)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"cancel 0 1", "cancel r1 refuse 0#1 cancelled"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0"},
        {"count requeued", "0"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_request_is_cancelled_while_its_spans_wait_for_a_worker)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 1", "start r2 w0 1#1 0+1"},
        {"lost w0", ""},
        {"cancel 0 1", "refuse 0#1 cancelled"},
        {"join w0 1", "welcome w0 start r3 w0 1#1 0+1"},
        {"done r3", "reply 1#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_total_from_a_worker_without_the_span_is_dropped)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"done r1 by w1", ""},
        {"done r1", "reply 0#1"},
        {"done r1", ""},
        {"count duplicates", "2"},
        {0},
    });
}

static void total_is_not_believed(const char *total)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {total, "drop w0 not joined start r2 w1 0#1 0+1"},
        {"text", "worker w0: its total does not fit the span"},
        {"done r2", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, an_implausible_total_drops_the_worker_and_requeues_its_spans)
{
    total_is_not_believed("done r1 wrong count");
    total_is_not_believed("done r1 wrong units");
    total_is_not_believed("done r1 wrong unit");
}

/* ---- refused spans, leaving -------------------------------------------------------------- */

Test(workers, a_busy_worker_rests_until_its_next_heartbeat)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"refuse r2 busy", ""},
        {"done r1", ""},
        {"join w1 1", "welcome w1 start r3 w1 0#1 1000+500 start r4 w1 0#1 1500+500"},
        {"beat w0 1", "start r5 w0 0#1 500+500 start r6 w0 0#1 2000+500"},
        {0},
    });
}

Test(workers, a_stopping_worker_finishes_its_spans_and_gets_no_more)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 100000", "start r1 w0 0#1 0+500 start r2 w0 0#1 500+500"},
        {"refuse r2 stopping", ""},
        {"beat w0 1", ""},
        {"done r1", ""},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r3 w0 0#1 1000+500 start r4 w0 0#1 1500+500"},
        {"done r3", "start r5 w0 0#1 500+500"},
        {0},
    });
}

Test(workers, a_leaving_worker_may_finish)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 2", "start r1 w0 0#1 0+1 start r2 w0 0#1 1+1"},
        {"leave w0", ""},
        {"request 1 1 1", ""},
        {"leave w0", ""},
        {"time +500", "beat w0"},
        {"beat w0 1", ""},
        {"done r1", ""},
        {"done r2", "reply 0#1"},
        {"lost w0", ""},
        {"join w1 1", "welcome w1 start r3 w1 1#1 0+1"},
        {"count requeued", "0"},
        {0},
    });
}

Test(workers, a_worker_that_left_may_join_again)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"leave w0", ""},
        {"request 1 1 1", ""},
        {"join w0 1", "welcome w0 start r1 w0 1#1 0+1"},
        {0},
    });
}

Test(workers, refusing_a_cancelled_span_ends_its_run)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 2", "start r1 w0 0#1 0+1 start r2 w0 0#1 1+1"},
        {"request 1 1 2", ""},
        {"cancel 0 1", "cancel r1 cancel r2 refuse 0#1 cancelled"},
        {"refuse r1 cancelled", "start r3 w0 1#1 0+1"},
        {"refuse r2 busy", "start r4 w0 1#1 1+1"},
        {0},
    });
}

/* ---- suspects ---------------------------------------------------------------------------- */

Test(workers, samples_that_crash_three_workers_fail_their_request)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 5", "start r1 w0 0#1 0+2 start r2 w0 0#1 2+1"},
        {"done r1", "start r3 w0 0#1 3+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r4 w0 0#1 4+1 start r5 w0 0#1 2+1"},
        {"done r4", "start r6 w0 0#1 3+1"},
        {"lost w0", ""},
        {"join w1 2", "welcome w1 start r7 w1 0#1 3+1"},
        {"time +1000", "beat w1"},
        {"beat w1 2", ""},
        {"time +500", "start r8 w1 0#1 2+1 beat w1"},
        {"done r7", ""},
        {"lost w1", "refuse 0#1 workers lost"},
        {"text", "3 workers were lost while they summed 65536 samples from sample "
                 "131072 on; these samples may crash workers"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, spans_that_only_waited_are_not_suspected)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 1", "start r2 w0 1#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r3 w0 0#1 0+1 start r4 w0 1#1 0+1"},
        {"lost w0", ""},
        {"time +1500", ""},
        {"join w0 1", "welcome w0 start r5 w0 1#1 0+1 start r6 w0 0#1 0+1"},
        {"refuse r5 busy", ""},
        {"lost w0", "refuse 0#1 workers lost"},
        {"join w0 1", "welcome w0 start r7 w0 1#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r8 w0 1#1 0+1"},
        {"done r8", "reply 1#1"},
        {0},
    });
}

Test(workers, a_silent_or_rejoining_worker_counts_as_no_death)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"join w0 1", "welcome w0 start r2 w0 0#1 0+1"},
        {"join w0 1", "welcome w0 start r3 w0 0#1 0+1"},
        {"join w0 1", "welcome w0 start r4 w0 0#1 0+1"},
        {"time +900", "beat w0"},
        {"time +600", "drop w0 not joined"},
        {"join w0 1", "welcome w0 start r5 w0 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r6 w0 0#1 0+1"},
        {"lost w0", ""},
        {"time +1500", ""},
        {"join w0 1", "welcome w0 start r7 w0 0#1 0+1"},
        {"lost w0", "refuse 0#1 workers lost"},
        {0},
    });
}

Test(workers, a_worker_that_lost_its_own_workers_counts_as_one_death_and_rests)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 1", "start r2 w0 1#1 0+1"},
        {"refuse r1 workers lost", ""}, /* another worker gets the span */
        {"beat w0 1", "start r3 w0 0#1 0+1"},
        {"refuse r3 workers lost", ""},
        {"beat w0 1", ""},
        {"time +1000", "beat w0"},
        {"beat w0 1", ""},
        {"time +500", "start r4 w0 0#1 0+1 beat w0"},
        {"refuse r4 workers lost", "refuse 0#1 workers lost"},
        {"done r2", "reply 1#1"},
        {0},
    });
}

Test(workers, three_workers_lost_at_once_do_not_fail_a_request)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"join w1 1", "welcome w1"},
        {"join w2 1", "welcome w2"},
        {"join w3 1", "welcome w3"},
        {"lost w0", "start r2 w1 0#1 0+1"},
        {"time +2", ""},
        {"lost w1", ""}, /* the span is a suspect now and rests */
        {"time +2", ""},
        {"lost w2", ""},
        {"due", "500 ms"},
        {"time +996", "beat w3"},
        {"beat w3 1", ""},
        {"due", "1500 ms"},
        {"time +500", "beat w3"},
        {"due", "1502 ms"}, /* the end of the rest, without another event */
        {"time +2", "start r3 w3 0#1 0+1"},
        {"done r3", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, other_spans_are_assigned_while_a_span_rests)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r2 w0 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0"},
        {"request 1 1 1", "start r3 w0 1#1 0+1"},
        {"done r3", "reply 1#1"},
        {"request 1 2 1", "start r4 w0 1#2 0+1"},
        {"cancel 0 1", "refuse 0#1 cancelled"},
        {"done r4", "reply 1#2"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_suspect_held_by_a_second_worker_gets_no_third_at_once)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r2 w0 0#1 0+1"},
        {"join w1 1", "welcome w1"},
        {"join w2 1", "welcome w2"},
        {"time +21", "start r3 w1 0#1 0+1"},
        {"lost w0", ""}, /* w1 still holds it, and is late after 20.2 ms */
        {"time +979", "beat w1 beat w2"},
        {"beat w1 1", ""},
        {"beat w2 1", ""},
        {"time +520", "beat w1 beat w2"},
        {"time +1", "start r4 w2 0#1 0+1"},
        {"done r4", "cancel r3 reply 0#1"},
        {0},
    });
}

Test(workers, a_lost_leaving_worker_counts_as_no_death)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r2 w0 0#1 0+1"},
        {"leave w0", ""},
        {"lost w0", ""},
        {"join w0 1", "welcome w0 start r3 w0 0#1 0+1"}, /* at once: one death, not two */
        {"count workers_lost", "1"},
        {"done r3", "reply 0#1"},
        {0},
    });
}

Test(workers, a_drain_without_workers_gives_up)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"drain", ""},
        {"lost w0", ""},
        {"time +500", ""},
        {"due", "1500 ms"},
        {"time +999", ""},
        {"time +1", "refuse 0#1 stopping"},
        {"busy", "no"},
        {0},
    });
}

Test(workers, a_drain_waits_for_workers_that_rejoin)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"drain", ""},
        {"lost w0", ""},
        {"time +1000", ""},
        {"join w0 1", "welcome w0 start r2 w0 0#1 0+1"},
        {"time +600", "beat w0"},
        {"done r2", "reply 0#1"},
        {0},
    });
}

/* ---- late spans -------------------------------------------------------------------------- */

Test(workers, an_idle_worker_gets_a_late_span_too_and_the_first_total_counts)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +20", ""},
        {"due", "20.2 ms"},
        {"time +1", "start r2 w1 0#1 0+1"},
        {"done r2", "cancel r1 reply 0#1"},
        {"done r1", ""}, /* sent before the cancel arrived */
        {"count given_twice", "1"},
        {"count duplicates", "1"},
        {"count spans", "1"},
        {"left", "nothing"},
        {0},
    });
}

Test(workers, a_span_is_late_even_if_its_worker_reports_a_low_rate)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"done r1 in 10000", "reply 0#1"},
        {"request 0 2 1", "start r2 w0 0#2 0+1"},
        {"join w1 1", "welcome w1"},
        {"due", "120 ms"},
        {"time +120", "start r3 w1 0#2 0+1"},
        {0},
    });
}

Test(workers, the_total_of_the_first_worker_may_come_first)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"done r1", "cancel r2 reply 0#1"},
        {"refuse r2 cancelled", ""},
        {0},
    });
}

Test(workers, a_late_span_goes_neither_to_the_same_worker_nor_to_a_third)
{
    story((struct row[]){
        {"join w0 2", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +100", ""},
        {"due", "500 ms"}, /* no worker is free: only the heartbeat is due */
        {"join w1 1", "welcome w1 start r2 w1 0#1 0+1"},
        {"join w2 1", "welcome w2"},
        {"time +100", ""},
        {0},
    });
}

Test(workers, waiting_spans_come_before_late_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +100", ""},
        {"leave w0", ""},
        {"request 1 1 1", ""},
        {"join w1 1", "welcome w1 start r2 w1 1#1 0+1"}, /* w1 has no idle core */
        {"done r2", "start r3 w1 0#1 0+1 reply 1#1"},
        {0},
    });
}

Test(workers, the_span_that_was_late_first_comes_first)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 5", "start r1 w0 0#1 0+2 start r2 w0 0#1 2+1"},
        {"join w1 1", "welcome w1 start r3 w1 0#1 3+1 start r4 w1 0#1 4+1"},
        {"join w2 1", "welcome w2"},
        {"due", "20.2 ms"}, /* r3: the earlier runs take longer */
        {"time +21", "start r5 w2 0#1 3+1"},
        {0},
    });
}

Test(workers, an_overdue_span_comes_before_new_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"request 1 1 100000", "start r2 w1 1#1 0+500 start r3 w0 1#1 500+500 "
                               "start r4 w1 1#1 1000+500"},
        {"time +2020", "beat w0 beat w1"},
        {"done r2", "start r5 w1 1#1 1500+500"}, /* not overdue yet */
        {"time +1", ""},
        {"done r4", "start r6 w1 0#1 0+1"},
        {"done r6", "cancel r1 start r7 w1 1#1 2000+500 reply 0#1"},
        {0},
    });
}

Test(workers, an_overdue_span_comes_after_waiting_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 2", "start r1 w0 0#1 0+1 start r2 w0 0#1 1+1"},
        {"join w1 1", "welcome w1"},
        {"request 1 1 2", "start r3 w1 1#1 0+1 start r4 w1 1#1 1+1"},
        {"time +2100", "beat w0 beat w1"},
        {"lost w1", ""},
        {"join w2 1", "welcome w2 start r5 w2 1#1 0+1 start r6 w2 1#1 1+1"},
        {"done r5", "start r7 w2 0#1 0+1"},
        {0},
    });
}

Test(workers, a_reply_contains_the_time_of_all_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 2", "start r1 w0 0#1 0+1 start r2 w1 0#1 1+1"},
        {"done r1 in 3", ""},
        {"done r2 in 4", "reply 0#1"},
        {"took", "7 ms"},
        {0},
    });
}

Test(workers, every_request_that_asks_for_progress_gets_it)
{
    story((struct row[]){
        {"threads 1", ""},
        {"request 0 1 1000", "start r1 w0 0#1 0+100 start r2 w0 0#1 100+100"},
        {"request 1 1 1000 progress", ""},
        {"request 2 1 1000 progress", ""},
        {"time +500", "progress 1#1 0/1000 progress 2#1 0/1000"},
        {0},
    });
}

Test(workers, a_span_with_two_workers_survives_the_loss_of_either)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"lost w0", ""},
        {"join w0 1", "welcome w0"},
        {"time +21", "start r3 w0 0#1 0+1"},
        {"lost w1", ""},
        {"done r3", "reply 0#1"},
        {0},
    });
}

/* ---- workers that send heartbeats and compute nothing ------------------------------------ */

Test(workers, a_span_overdue_with_two_workers_goes_to_a_third)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"join w2 1", "welcome w2"},
        {"time +979", "beat w0 beat w1 beat w2"},
        {"beat w0 1", ""},
        {"beat w1 1", ""},
        {"beat w2 1", ""},
        {"time +1000", "beat w0 beat w1 beat w2"},
        {"due", "2041.2 ms"}, /* r2 is late after 20.2 ms and overdue 2 s later */
        {"time +41", ""},
        {"time +1", "start r3 w2 0#1 0+1 cancel r1"},
        {"done r3", "cancel r2 reply 0#1"},
        {"done r1", ""},
        {"refuse r2 cancelled", ""},
        {"count requeued", "1"},
        {"left", "nothing"},
        {0},
    });
}

/* From here on the process pauses between the rows, so no worker counts as silent. */
Test(workers, a_slow_span_is_revoked_later_each_time_and_ends)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"join w2 1", "welcome w2"},
        {"join w3 1", "welcome w3"},
        {"time +2021", "start r3 w2 0#1 0+1 cancel r1 beat w0 beat w1 beat w2 beat w3"},
        {"time +4020", "beat w0 beat w1 beat w2 beat w3"},
        {"due", "6062.2 ms"},
        {"time +1", "start r4 w3 0#1 0+1 cancel r2"},
        {"refuse r1 cancelled", ""},
        {"time +8019", "beat w0 beat w1 beat w2 beat w3"},
        {"due", "14083.2 ms"},
        {"done r3", "cancel r4 reply 0#1"},
        {0},
    });
}

Test(workers, the_third_worker_may_join_later)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"time +10000", "beat w0 beat w1"},
        {"due", "10521 ms"}, /* no worker is free: only the heartbeat is due */
        {"join w2 1", "welcome w2 start r3 w2 0#1 0+1 cancel r1"},
        {"done r3", "cancel r2 reply 0#1"},
        {0},
    });
}

Test(workers, the_third_worker_need_not_be_the_next)
{
    story((struct row[]){
        {"join w0 8", "welcome w0"},
        {"join w1 8", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"join w2 1", "welcome w2"}, /* w0 and w1 have idle cores and have waited longer */
        {"time +2021", "start r3 w2 0#1 0+1 cancel r1 beat w0 beat w1 beat w2"},
        {"done r3", "cancel r2 reply 0#1"},
        {0},
    });
}

Test(workers, a_span_overdue_with_two_workers_comes_before_new_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"request 1 1 100000", "start r3 w0 1#1 0+500 start r4 w1 1#1 500+500"},
        {"time +2079", "beat w0 beat w1"},
        {"join w2 1", "welcome w2 start r5 w2 0#1 0+1 cancel r1 start r6 w2 1#1 1000+500"},
        {0},
    });
}

Test(workers, both_workers_of_a_span_get_its_cancel)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"request 0 1 1", "start r1 w0 0#1 0+1"},
        {"time +21", "start r2 w1 0#1 0+1"},
        {"cancel 0 1", "cancel r1 cancel r2 refuse 0#1 cancelled"},
        {"request 0 1 1", "start r3 w0 0#1 0+1"},
        {"done r2", ""}, /* a correct total of an ended request */
        {"refuse r1 cancelled", ""},
        {"done r3", "reply 0#1"},
        {0},
    });
}

Test(workers, deadline_and_stop_cancel_the_runs_of_joined_workers)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"request 0 1 1 deadline 10", "start r1 w0 0#1 0+1"},
        {"request 0 2 1", "start r2 w0 0#2 0+1"},
        {"time +10", "cancel r1 refuse 0#1 deadline exceeded"},
        {"stop", "cancel r2 refuse 0#2 stopping"},
        {"join w1 1", "welcome w1"},
        {"done r1", ""},
        {0},
    });
}
