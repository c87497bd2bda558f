/* The command sum: computes a long sum and prints the result. */
#include "client/sum/sum_command.h"

#include <stdio.h>

#include "client/common/exit_status.h"
#include "client/sum/long_sum.h"
#include "client/sum/sum_report.h"
#include "client/sum/sum_transcript.h"

int sum_command(const struct client_options *options, struct meantime *session)
{
    struct sum_state sum = {
        .session = session,
        .question = options->question,
        .seed_given = options->seed_given,
        .count_given = options->count_given,
        .checkpoint = options->checkpoint,
        .for_ns = options->for_ns,
        .patience_ns = options->patience_ns,
        .quiet = options->quiet || options->json,
        .until_error = options->until_error,
        .output = options->output,
    };
    long_sum_run(&sum);
    bool success = sum_state_succeeded(&sum) && !interrupted();

    if (!success)
        sum_transcript_print_error(&sum);
    if (options->json)
        sum_report(stdout, &sum);
    else
        sum_transcript_print(&sum);
    bool save_failed = sum.save_failed;
    sum_state_clear(&sum);
    return exit_status(success && !save_failed);
}
