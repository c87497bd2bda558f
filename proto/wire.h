/* What message.c and status.c share: the memory that a frame is read into, ranges, and texts.
 * Nobody else includes this, for it shows protobuf-c's structs. A leaf, as proto/message.h. */
#ifndef MEANTIME_PROTO_WIRE_H
#define MEANTIME_PROTO_WIRE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meantime.pb-c.h"
#include "proto/bounds.h"
#include "proto/message.h"

#define COUNT_OF(array)     (sizeof(array) / sizeof((array)[0]))
#define QUOTE_EXPANDED(arg) #arg
#define QUOTE(arg)          QUOTE_EXPANDED(arg)

/* Where protobuf-c puts one decoded message: a piece of the stack, never given back in parts. */
struct wire_arena {
    size_t used;
    alignas(max_align_t) uint8_t bytes[DECODE_ARENA_BYTES];
};

/* Bytes that an allocation of `size` takes from an arena. */
#define WIRE_ARENA_TAKEN(size)                                                                     \
    (((size) + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t))

/* Unpacks one frame into `arena`, which need not be initialised. Returns NULL with `wire` set, or a
 * sentence without its full stop that tells why it cannot be done. */
const char *wire_unpack(struct wire_arena *arena, const void *bytes, size_t size,
                        const Meantime__Message **wire);

extern const char wire_other_version[]; /* a reason */

/* What is in range: a reason for each way in which something is not. */
struct wire_rule {
    bool broken;
    const char *reason;
};

/* The reason of the first broken rule, or NULL. */
const char *wire_broken(const struct wire_rule *rules, size_t count);

/* The rule for (seed, kind, first, count) of request `id`. Returns a reason or NULL. */
const char *wire_samples_wrong(uint64_t id, enum message_kind kind, uint64_t first, uint64_t count);

/* Whether `text` has at most `bytes_max` bytes, without its final NUL. */
bool wire_text_fits(const char *text, size_t bytes_max);

/* Copies `text`, which fits. Plain ASCII is left as it is. Everything else, UTF-8 included, could
 * steer the terminal or spoil the log where it is shown, and our own texts have none of it. */
void wire_text_copy(char *to, const char *text);

/* A text of ours on its way out: fits, and is printable, which is asserted. Returns it for
 * protobuf-c, which has no const for what it only reads. */
char *wire_text_out(const char *text, size_t bytes_max);

#endif
