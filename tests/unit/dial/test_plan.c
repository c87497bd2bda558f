/* Tests of the plan of a dial: when each address of a name is probed. */
#include <criterion/criterion.h>

#include "dial/plan.h"
#include "proto/instant.h"

TestSuite(dial_plan);

#define BEGIN_NS (7 * NS_PER_S)

Test(dial_plan, the_first_address_begins_at_once_and_the_next_after_the_stagger)
{
    struct dial_plan plan;

    dial_plan_init(&plan, 2, BEGIN_NS);
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS), 0);
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS + DIAL_STAGGER_NS - 1), DIAL_NO_ADDRESS);
    cr_assert_eq(dial_plan_due_at(&plan), BEGIN_NS + DIAL_STAGGER_NS);
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS + DIAL_STAGGER_NS), 1);
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS + NS_PER_S), DIAL_NO_ADDRESS);
}

Test(dial_plan, after_a_failure_the_next_address_begins_at_once)
{
    struct dial_plan plan;

    dial_plan_init(&plan, 2, BEGIN_NS);
    dial_plan_begin(&plan, BEGIN_NS);
    dial_plan_end(&plan, 0, true, BEGIN_NS + 1);
    cr_assert_eq(dial_plan_due_at(&plan), BEGIN_NS + 1);
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS + 1), 1);
}

Test(dial_plan, a_silent_address_expires_and_delays_no_other)
{
    struct dial_plan plan;

    dial_plan_init(&plan, 2, BEGIN_NS);
    dial_plan_begin(&plan, BEGIN_NS);
    dial_plan_begin(&plan, BEGIN_NS + DIAL_STAGGER_NS);
    dial_plan_end(&plan, 1, false, BEGIN_NS + DIAL_STAGGER_NS);
    cr_assert_eq(dial_plan_due_at(&plan), BEGIN_NS + DIAL_PROBE_NS);
    cr_assert_eq(dial_plan_expire(&plan, BEGIN_NS + DIAL_PROBE_NS - 1), DIAL_NO_ADDRESS);
    cr_assert(!dial_plan_over(&plan));
    cr_assert_eq(dial_plan_expire(&plan, BEGIN_NS + DIAL_PROBE_NS), 0);
    cr_assert_eq(dial_plan_expire(&plan, BEGIN_NS + DIAL_PROBE_NS), DIAL_NO_ADDRESS);
    cr_assert(dial_plan_over(&plan));
    cr_assert_eq(dial_plan_due_at(&plan), NEVER);
}

Test(dial_plan, a_plan_without_addresses_is_over)
{
    struct dial_plan plan;

    dial_plan_init(&plan, 0, BEGIN_NS);
    cr_assert(dial_plan_over(&plan));
    cr_assert_eq(dial_plan_begin(&plan, BEGIN_NS), DIAL_NO_ADDRESS);
}
