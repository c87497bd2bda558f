/* meantime-server --check: what a user runs first. Is the function pure, how fast is each part,
 * does it use libm? */
#ifndef MEANTIME_SUMMAND_CHECK_H
#define MEANTIME_SUMMAND_CHECK_H

#include <stdbool.h>

#include "summand/helper_process.h"

/* Examines the file in helper processes and prints a report on stdout, which ends with a sentence
 * for each fault. Takes seconds or more. settings: `program`, `kernel`, `memory_bytes` and
 * `call_timeout_ns` are used. parameters: at most MEANTIME_PARAMETERS_MAX bytes.
 * Returns true if nothing is wrong. */
bool summand_check(const char *path, const char *parameters,
                   const struct helper_settings *settings);

#endif
