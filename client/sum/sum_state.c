/* Questions about the state of a long sum. */
#include "client/sum/sum_state.h"

uint64_t sum_state_summed(const struct sum_state *sum)
{
    return sum->so_far.count - sum->resumed_from;
}

/* A window without samples is a window that never began. */
bool sum_state_has_sum(const struct sum_state *sum)
{
    const struct window *window = &sum->window;
    bool some = window->asked > 0 && window->joined > 0;

    return window->setting.count > 0 && (some || window_done(window));
}

bool sum_state_succeeded(const struct sum_state *sum)
{
    return sum->error == MEANTIME_OK && sum_state_has_sum(sum);
}
