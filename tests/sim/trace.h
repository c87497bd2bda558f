/* What happens in a world, a line each, for whoever looks for a mistake; and as one number, the
 * same in every build as long as every line is. */
#ifndef MEANTIME_TESTS_SIM_TRACE_H
#define MEANTIME_TESTS_SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct trace {
    bool print;
    uint64_t hash;
};

/* "what who peer": peer may be whatever number tells most. what: a literal. */
void trace_note(struct trace *trace, int64_t now_ns, const char *what, uint32_t who, uint64_t peer);

/* "what who peer message": the same, with a message. */
void trace_message(struct trace *trace, int64_t now_ns, const char *what, uint32_t who,
                   uint64_t peer, const struct message *message);

#endif
