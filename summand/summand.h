/* A summand that a server offers: its file, and what a helper process found out about it. */
#ifndef MEANTIME_SUMMAND_SUMMAND_H
#define MEANTIME_SUMMAND_SUMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "summand/helper_process.h"

struct summand {
    char name[MEANTIME_NAME_MAX + 1];
    uint64_t build;                   /* digest of known answers; never 0 */
    double fill_ns, value_ns, sum_ns; /* per term, without parameters */
    int signal; /* that ended the helper which examined the file; 0: none did */
    struct helper_settings settings; /* for helpers that sum its terms */
};

/* Copies the shared object, so that a file that is overwritten later does not contradict the build,
 * and examines it in a helper process: may take seconds. settings: `program`, `kernel`,
 * `memory_bytes` and `call_timeout_ns` are used. Returns false after a sentence in `error`. Clear
 * the summand only after success. */
bool summand_init(struct summand *summand, const char *path, const struct helper_settings *settings,
                  char error[SENTENCE_BYTES]);
void summand_clear(struct summand *summand);

#endif
