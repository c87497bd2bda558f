/* Memory for decoding one frame. */
#ifndef MEANTIME_PROTO_DECODE_ARENA_H
#define MEANTIME_PROTO_DECODE_ARENA_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounds.h"

/* protobuf-c allocates from it and frees nothing. Need not be initialised. */
struct decode_arena {
    size_t used; /* bytes, a multiple of the alignment */
    alignas(max_align_t) uint8_t bytes[DECODE_ARENA_BYTES];
};

#endif
