/* The size of a sum that runs long enough to disturb its server meanwhile, and not much longer. */
#ifndef MEANTIME_TESTS_SUPPORT_LASTING_H
#define MEANTIME_TESTS_SUPPORT_LASTING_H

#include <sys/types.h>

#include "tests/support/process.h"

#define COUNT_WORD_BYTES 24

/* Measures how many Gaussian samples take this server about a second of processor time. Writes the
 * number into `word` (COUNT_WORD_BYTES), as an argument of `meantime`. Returns word.
 * network: the network namespace of the server's clients. */
const char *lasting_count(const struct process *server, pid_t network, const char *endpoint,
                          char *word);

#endif
