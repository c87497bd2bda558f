/* What the stories about real processes share. */
#ifndef MEANTIME_TESTS_SUPPORT_STORY_H
#define MEANTIME_TESTS_SUPPORT_STORY_H

#include <stdint.h>

#include "tests/support/lines.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

/* A sum that no machine ends: 36 years at 10^9 samples a second. */
#define ENDLESS      (UINT64_C(1) << 60)
#define ENDLESS_WORD "1e18"

/* `meantime` with these words for that server. */
#define CLIENT(server, ...)                                                                        \
    process_start(WORDS(MEANTIME, "--connect", (server).endpoint, __VA_ARGS__))

/* .fini of every suite: no peer and no process outlives its test. */
void story_end(void);

#endif
