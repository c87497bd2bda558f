/* The size of a sum that runs for about a second: see lasting.h. */
#include "tests/support/lasting.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

/* A sum that takes this much processor time is long enough for the measurement. */
#define MEASURED_MS 50

/* The processor time that the resulting sum takes. */
#define LASTING_MS 1000

/* The count of the first measured sum. If this sum was too short, the next one has GROWTH times as
 * many samples. */
#define FIRST_COUNT 1000000
#define GROWTH      8

const char *lasting_count(const struct process *server, pid_t network, const char *endpoint,
                          char *word)
{
    uint64_t count = FIRST_COUNT / GROWTH;
    int64_t took_ms = 0;

    while (took_ms < MEASURED_MS) {
        int64_t began_at_ms = process_cpu_ms(server);
        count *= GROWTH;
        snprintf(word, COUNT_WORD_BYTES, "%" PRIu64, count);
        struct process *client =
            process_start_in(network, WORDS(MEANTIME, "sum", word, "--connect", endpoint));
        cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
        took_ms = process_cpu_ms(server) - began_at_ms;
    }
    snprintf(word, COUNT_WORD_BYTES, "%" PRIu64, count * LASTING_MS / (uint64_t)took_ms);
    return word;
}
