/* The dispatcher's decisions about terms of summands, as stories of stimulus and consequence. */
#include <criterion/criterion.h>

#include "tests/unit/server/fixture.h"

/* ---- selection --------------------------------------------------------------------------- */

Test(terms, a_worker_without_the_summand_gets_none_of_its_spans)
{
    story((struct row[]){
        {"join w0 1", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"verify", ""},
        {"request 0 1 1 of pi", "start r1 w1 0#1 0+1 of pi 5"},
        {"request 0 2 1", "start r2 w0 0#2 0+1"},
        {"done r1", "reply 0#1"},
        {"done r2", "reply 0#2"},
        {"left", "nothing"},
        {0},
    });
}

Test(terms, a_request_is_computed_by_one_build)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 2 has pi 6 0", "welcome w1"},
        {"verify", ""},
        {"request 0 1 2 of pi", "start r1 w1 0#1 0+1 of pi 6 start r2 w1 0#1 1+1 of pi 6"},
        {"request 1 1 1 of pi build 5", "start r3 w0 1#1 0+1 of pi 5"},
        {"done r1", ""},
        {"done r2", "reply 0#1"},
        {"done r3", "reply 1#1"},
        {0},
    });
}

Test(terms, an_unknown_summand_or_build_is_refused)
{
    story((struct row[]){
        {"request 0 1 1 of pi", "refuse 0#1 unknown summand"},
        {"text", "no worker of this server offers the summand pi"},
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"request 0 1 1 of pi build 6", "refuse 0#1 unknown summand"},
        {"text", "no worker of this server offers the summand pi with the build 0000000000000006"},
        {"lost w0", ""},
        {"request 0 1 1 of pi", "refuse 0#1 unknown summand"},
        {"left", "nothing"},
        {0},
    });
}

Test(terms, a_worker_may_gain_and_lose_a_summand)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"verify", ""},
        {"request 0 1 3 of pi", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"verify", ""},
        {"beat w1 1 has pi 5 0", "start r3 w1 0#1 2+1 of pi 5"},
        {"beat w0 1", ""},
        {"refuse r1 unknown summand", "start r4 w1 0#1 0+1 of pi 5"},
        {"done r3", ""},
        {"refuse r2 unknown summand", "start r5 w1 0#1 1+1 of pi 5"},
        {"done r4", ""},
        {"done r5", "reply 0#1"},
        {0},
    });
}

Test(terms, a_request_waits_while_no_worker_has_its_summand)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1", "welcome w1"},
        {"verify", ""},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"lost w0", ""},
        {"request 0 2 1", "start r2 w1 0#2 0+1"},
        {"join w2 1 has pi 6 0", "welcome w2"},
        {"join w0 1 has pi 5 0", "welcome w0 start r3 w0 0#1 0+1 of pi 5"},
        {"verify", ""},
        {"done r3", "reply 0#1"},
        {0},
    });
}

/* ---- spans ------------------------------------------------------------------------------- */

Test(terms, spans_grow_at_most_16_times_while_the_request_learns_its_rate)
{
    story((struct row[]){
        {"threads 1", ""},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"verify", ""},
        {"request 0 1 1000000 of pi", "start r1 w1 0#1 0+1 of pi 5 start r2 w1 0#1 1+1 of pi 5"},
        {"done r1 in 0.001", "start r3 w1 0#1 2+16 of pi 5"},
        {"done r2 in 0.001", "start r4 w1 0#1 18+16 of pi 5"},
        {"done r3 in 0.016", "start r5 w1 0#1 34+256 of pi 5"},
        {0},
    });
}

Test(terms, the_first_span_takes_a_millisecond_by_the_announced_time)
{
    story((struct row[]){
        {"join w0 1 has pi 5 10", "welcome w0"},
        {"verify", ""},
        {"request 0 1 10000000 of pi",
         "start r1 w0 0#1 0+100000 of pi 5 start r2 w0 0#1 100000+100000 of pi 5"},
        {0},
    });
}

Test(terms, a_span_longer_than_a_block_ends_at_a_multiple_of_the_grain)
{
    story((struct row[]){
        {"join w0 1 has pi 5 10", "welcome w0"},
        {"verify", ""},
        {"request 0 1 10000000 of pi",
         "start r1 w0 0#1 0+100000 of pi 5 start r2 w0 0#1 100000+100000 of pi 5"},
        {"done r1 in 1 grain 5456", "start r3 w0 0#1 200000+1595024 of pi 5"}, /* to 329 * 5456 */
        {0},
    });
}

/* ---- failures ---------------------------------------------------------------------------- */

Test(terms, bad_parameters_end_the_request_at_once)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 2 of pi", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"refuse r1 bad parameters", "cancel r2 refuse 0#1 bad parameters"},
        {"text", "the reason"},
        {"refuse r2 cancelled", ""},
        {"left", "nothing"},
        {0},
    });
}

Test(terms, three_dead_helpers_in_the_whole_tree_fail_the_request)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"refuse r1 summand failed deaths 1", "start r2 w0 0#1 0+1 of pi 5"},
        {"refuse r2 summand failed deaths 1", "start r3 w0 0#1 0+1 of pi 5"},
        {"refuse r3 summand failed deaths 1", "refuse 0#1 summand failed deaths 3"},
        {"request 0 2 1 of pi", "start r4 w0 0#2 0+1 of pi 5"},
        {"refuse r4 summand failed deaths 3", "refuse 0#2 summand failed deaths 3"},
        {"request 0 3 1 of pi", "start r5 w0 0#3 0+1 of pi 5"},
        {"refuse r5 summand failed", "refuse 0#3 summand failed"},
        {"count workers_lost", "0"},
        {"left", "nothing"},
        {0},
    });
}

/* The function chooses the names of its outputs, so they cost the request and not the worker. */
Test(terms, other_outputs_than_before_fail_the_request)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 3 of pi", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"done r1", "start r3 w0 0#1 2+1 of pi 5"},
        {"done r2 wrong name", "cancel r3 refuse 0#1 summand failed"},
        {0},
    });
}

Test(terms, a_joined_worker_with_another_build_is_dropped)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 3 of pi", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"done r1 wrong build", "drop w0 not joined"},
        {0},
    });
}

Test(terms, requests_for_terms_and_for_samples_take_turns)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 4 of pi", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"request 1 1 1", ""},
        {"done r1", "start r3 w0 0#1 2+2 of pi 5"},
        {"done r2", "start r4 w0 1#1 0+1"},
        {"done r4", "reply 1#1"},
        {"done r3", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}

Test(terms, progress_has_the_sums_of_the_terms_done)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"verify", ""},
        {"request 0 1 2 of pi progress", "start r1 w0 0#1 0+1 of pi 5 start r2 w0 0#1 1+1 of pi 5"},
        {"done r1", ""},
        {"time +500", "beat w0 progress 0#1 1/2"},
        {"cancel 0 1", "cancel r2 refuse 0#1 cancelled"},
        {"text", "cancelled after 1 of 2 terms"},
        {"refuse r2 cancelled", ""},
        {"left", "nothing"},
        {0},
    });
}

/* ---- audits ------------------------------------------------------------------------------ */

Test(audits, the_totals_of_a_new_worker_count_after_another_worker_has_computed_them_too)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1", "start r2 w1 0#1 0+1 of pi 5 audit"},
        {"done r2", "reply 0#1"},
        {"request 0 2 1 of pi", "start r3 w0 0#2 0+1 of pi 5"},
        {"done r3", "reply 0#2"}, /* both are verified */
        {"left", "nothing"},
        {0},
    });
}

Test(audits, a_single_worker_audits_itself)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1", "start r2 w0 0#1 0+1 of pi 5 audit"},
        {"done r2", "reply 0#1"},
        {"request 0 2 1 of pi", "start r3 w0 0#2 0+1 of pi 5"},
        {"done r3", "reply 0#2"},
        {0},
    });
}

Test(audits, a_single_worker_that_differs_from_itself_fails_the_request)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1", "start r2 w0 0#1 0+1 of pi 5 audit"},
        {"done r2 odd", "refuse 0#1 other bits"},
        {"text", "1 terms of pi from term 0 on have other bits each time they are computed; w0, "
                 "kernel"},
        {"left", "nothing"},
        {0},
    });
}

Test(audits, two_workers_that_differ_fail_the_request_and_the_sentence_names_them)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1", "start r2 w1 0#1 0+1 of pi 5 audit"},
        {"done r2 odd", "refuse 0#1 other bits"},
        {"text", "1 terms of pi from term 0 on have other bits each time they are computed; w0, "
                 "kernel; w1, kernel"},
        {0},
    });
}

Test(audits, a_third_worker_decides_and_the_odd_worker_loses_the_summand)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"join w2 1 has pi 5 0", "welcome w2"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1 odd", "start r2 w1 0#1 0+1 of pi 5 audit"},
        {"done r2", "start r3 w2 0#1 0+1 of pi 5 audit"},
        {"done r3", "start r4 w1 0#1 0+1 of pi 5"}, /* anew, without w0 */
        {"beat w0 1 has pi 5 0", ""},
        {"done r4", "reply 0#1"},
        {"lost w1", ""},
        {"lost w2", ""},
        {"request 0 2 1 of pi", "refuse 0#2 unknown summand"},
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"request 0 3 1 of pi", "start r5 w0 0#3 0+1 of pi 5"},
        {0},
    });
}

/* Its vote is no reason to give up: w3 can still decide. */
Test(audits, a_worker_that_has_voted_and_lost_its_cores_does_not_end_the_request)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"join w2 1 has pi 5 0", "welcome w2"},
        {"join w3 1 has pi 5 0", "welcome w3"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1 odd", "start r2 w1 0#1 0+1 of pi 5 audit"},
        {"done r2", "start r3 w2 0#1 0+1 of pi 5 audit"},
        {"beat w0 0 has pi 5 0", ""},
        {"lost w2", "start r4 w3 0#1 0+1 of pi 5 audit"},
        {0},
    });
}

Test(audits, a_lost_audit_is_computed_by_another_worker)
{
    story((struct row[]){
        {"join w0 1 has pi 5 0", "welcome w0"},
        {"join w1 1 has pi 5 0", "welcome w1"},
        {"request 0 1 1 of pi", "start r1 w0 0#1 0+1 of pi 5"},
        {"done r1", "start r2 w1 0#1 0+1 of pi 5 audit"},
        {"join w2 1 has pi 5 0", "welcome w2"},
        {"lost w1", "start r3 w2 0#1 0+1 of pi 5 audit"},
        {"done r3", "reply 0#1"},
        {"left", "nothing"},
        {0},
    });
}
