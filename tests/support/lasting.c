#include "tests/support/lasting.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

/* Processor time that is measured well enough, and how many times as long the sum is to last. */
#define MEASURED_MS 200
#define LONGER      4

const char *lasting_count(const struct process *server, pid_t network, const char *endpoint,
                          char *word)
{
    uint64_t count = 1000000;
    int64_t took_ms = 0;

    while (took_ms < MEASURED_MS) {
        int64_t began_at_ms = process_cpu_ms(server);
        count *= 2;
        snprintf(word, COUNT_WORD_BYTES, "%" PRIu64, count);
        struct process *client =
            process_start_in(network, WORDS(MEANTIME, "sum", word, "--connect", endpoint));
        cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
        took_ms = process_cpu_ms(server) - began_at_ms;
    }
    snprintf(word, COUNT_WORD_BYTES, "%" PRIu64, count * LONGER);
    return word;
}
