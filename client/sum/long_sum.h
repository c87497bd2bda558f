/* Computes a long sum: sends requests for its pieces, receives the answers, saves checkpoints. The
 * shell around the core in client/sum/window.h. */
#ifndef MEANTIME_CLIENT_SUM_LONG_SUM_H
#define MEANTIME_CLIENT_SUM_LONG_SUM_H

#include "client/sum/sum_state.h"

/* Returns when the sum is done, the time is over, the user interrupts, or after an error. The
 * results are in `sum`. The checkpoint then has all that is summed, unless sum->save_failed. */
void long_sum_run(struct sum_state *sum);

#endif
