/* The trace of a schedule: one line for each event, and one hash over all events. The hash is the
 * same in every build. */
#ifndef MEANTIME_TESTS_SIM_TRACE_H
#define MEANTIME_TESTS_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct trace {
    bool print; /* print each line */
    uint64_t hash;
};

/* Adds the line "what number peer". what: a literal of at least 8 bytes, which says what the
 * numbers `number` and `peer` mean. */
void trace_note(struct trace *trace, int64_t now_ns, const char *what, uint32_t number,
                uint64_t peer);

/* The same, followed by the message. */
void trace_message(struct trace *trace, int64_t now_ns, const char *what, uint32_t number,
                   uint64_t peer, const struct message *message);

#endif
