/* A sum that lasts long enough to disturb its server, and not longer. */
#ifndef MEANTIME_TESTS_SUPPORT_LASTING_H
#define MEANTIME_TESTS_SUPPORT_LASTING_H

#include <sys/types.h>

#include "tests/support/process.h"

#define COUNT_WORD_BYTES 24

/* So many Gaussian samples that they take this server about a second of processor time, as a word
 * in `word` (COUNT_WORD_BYTES). network: where its clients are. Returns word. */
const char *lasting_count(const struct process *server, pid_t network, const char *endpoint,
                          char *word);

#endif
