/* Decides when each address of a name is probed: see plan.h. */
#include "dial/plan.h"

#include <assert.h>

#include "proto/instant.h"

void dial_plan_init(struct dial_plan *plan, size_t count, int64_t now_ns)
{
    assert(count <= DIAL_ADDRESSES_MAX);
    *plan = (struct dial_plan){.count = count, .begin_at_ns = now_ns};
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        plan->expires_at_ns[i] = NEVER;
}

size_t dial_plan_begin(struct dial_plan *plan, int64_t now_ns)
{
    if (plan->begun == plan->count || now_ns < plan->begin_at_ns)
        return DIAL_NO_ADDRESS;
    plan->begin_at_ns = now_ns + DIAL_STAGGER_NS;
    plan->expires_at_ns[plan->begun] = now_ns + DIAL_PROBE_NS;
    plan->running++;
    return plan->begun++;
}

size_t dial_plan_expire(struct dial_plan *plan, int64_t now_ns)
{
    for (size_t i = 0; i < plan->begun; i++)
        if (plan->expires_at_ns[i] <= now_ns) {
            dial_plan_end(plan, i, true, now_ns);
            return i;
        }
    return DIAL_NO_ADDRESS;
}

bool dial_plan_runs(const struct dial_plan *plan, size_t address)
{
    return plan->expires_at_ns[address] != NEVER;
}

void dial_plan_end(struct dial_plan *plan, size_t address, bool failed, int64_t now_ns)
{
    assert(dial_plan_runs(plan, address));
    plan->expires_at_ns[address] = NEVER;
    plan->running--;
    if (failed)
        plan->begin_at_ns = now_ns;
}

int64_t dial_plan_due_at(const struct dial_plan *plan)
{
    int64_t due_at_ns = plan->begun < plan->count ? plan->begin_at_ns : NEVER;

    for (size_t i = 0; i < plan->begun; i++)
        due_at_ns = earlier(due_at_ns, plan->expires_at_ns[i]);
    return due_at_ns;
}

bool dial_plan_over(const struct dial_plan *plan)
{
    return plan->begun == plan->count && plan->running == 0;
}
