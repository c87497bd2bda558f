/* What message.c, status.c and outputs_wire.c share: the memory for decoding a frame, range checks,
 * and texts. Only these files include this header, because it exposes protobuf-c's structs. A leaf
 * like proto/message.h. */
#ifndef MEANTIME_PROTO_WIRE_H
#define MEANTIME_PROTO_WIRE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meantime.pb-c.h"
#include "proto/bounds.h"
#include "proto/decode_arena.h"

#define COUNT_OF(array)     (sizeof(array) / sizeof((array)[0]))
#define QUOTE_EXPANDED(arg) #arg
#define QUOTE(arg)          QUOTE_EXPANDED(arg)

/* Bytes that an allocation of `size` takes from an arena. */
#define WIRE_ARENA_TAKEN(size)                                                                     \
    (((size) + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t))

/* Unpacks one frame into `arena`, which need not be initialised. Returns NULL and sets `wire`. If
 * the frame cannot be unpacked, returns the reason: a sentence without its full stop. */
const char *wire_unpack(struct decode_arena *arena, const void *bytes, size_t size,
                        const Meantime__Message **wire);

/* Returns `size` bytes of the arena, aligned for any type, or NULL if it is full. */
void *wire_take(struct decode_arena *arena, size_t size);

/* The reason for refusing a message for which the arena is too small. */
extern const char wire_arena_full[];

/* The reason for refusing a message of another version. */
extern const char wire_other_version[];

/* One check of a message's fields. */
struct wire_rule {
    bool broken;        /* true: a field is out of range */
    const char *reason; /* names the field and its range; static storage */
};

/* The reason of the first broken rule, or NULL. */
const char *wire_broken(const struct wire_rule *rules, size_t count);

/* Checks the samples or terms that request `id` asks for. Returns a reason, or NULL if all is in
 * range. summand: true if the request names one. */
const char *wire_samples_wrong(uint64_t id, bool summand, enum message_kind kind, uint64_t first,
                               uint64_t count);

/* True if `text` has at most `bytes_max` bytes without its final NUL. */
bool wire_text_fits(const char *text, size_t bytes_max);

/* Copies `text`, which must fit, and replaces each byte that is not printable ASCII by '?'. Such
 * bytes, UTF-8 included, could control a terminal or corrupt a log. Our own texts have none. */
void wire_text_copy(char *to, const char *text);

/* Asserts that a text to be sent fits and is printable. Returns the text without const, because
 * protobuf-c's structs hold plain pointers; protobuf-c only reads the text. */
char *wire_text_out(const char *text, size_t bytes_max);

#endif
