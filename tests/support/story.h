/* What the system tests share. */
#ifndef MEANTIME_TESTS_SUPPORT_STORY_H
#define MEANTIME_TESTS_SUPPORT_STORY_H

#include <stdint.h>

#include "tests/support/lines.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

/* A count that no machine finishes: 36 years at 10^9 samples a second. */
#define ENDLESS      (UINT64_C(1) << 60)
#define ENDLESS_WORD "1e18"

/* Starts `meantime` with these arguments for that server. */
#define CLIENT(server, ...)                                                                        \
    process_start(WORDS(MEANTIME, "--connect", (server).endpoint, __VA_ARGS__))

/* The .fini of every suite: ends all peers, impostors and processes of the test. */
void story_end(void);

#endif
