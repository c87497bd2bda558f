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
    bool some = window->asked > 0 && window->added > 0;

    return sum->error != MEANTIME_INVALID && window->setting.count > 0 &&
           (some || window_done(window) || sum->precise);
}

const char *sum_state_noun(const struct sum_state *sum)
{
    return sum->question.summand ? "terms" : "samples";
}

uint64_t sum_state_output(const struct sum_state *sum)
{
    return tally_find(&sum->so_far, sum->output);
}

bool sum_state_estimate(const struct sum_state *sum, struct meantime_estimate *estimate)
{
    uint64_t output = sum_state_output(sum);

    return output < sum->so_far.output_count && tally_estimate(&sum->so_far, output, estimate);
}

void sum_state_clear(struct sum_state *sum)
{
    for (size_t i = 0; i < WINDOW_PIECES; i++)
        tally_clear(&sum->parts[i]);
    tally_clear(&sum->so_far);
}

bool sum_state_succeeded(const struct sum_state *sum)
{
    return sum->error == MEANTIME_OK && sum_state_has_sum(sum);
}
