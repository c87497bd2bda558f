/* Unpacks frames with protobuf-c, and checks and copies what both kinds of messages share. */
#include "proto/wire.h"

#include <assert.h>
#include <string.h>

#include "proto/printable.h"

_Static_assert(DECODE_ARENA_BYTES % alignof(max_align_t) == 0, "");

/* `used` and the arena's size are multiples of the alignment, and so is the free space. Therefore a
 * size that fits still fits after rounding up. */
void *wire_take(struct decode_arena *arena, size_t size)
{
    void *taken = arena->bytes + arena->used;

    if (size > DECODE_ARENA_BYTES - arena->used)
        return NULL;
    arena->used += WIRE_ARENA_TAKEN(size);
    return taken;
}

static void *arena_take(void *arena, size_t size)
{
    return wire_take(arena, size);
}

static void arena_keep(void *arena, void *taken)
{
    (void)arena;
    (void)taken;
}

const char *wire_unpack(struct decode_arena *arena, const void *bytes, size_t size,
                        const Meantime__Message **wire)
{
    ProtobufCAllocator allocator = {arena_take, arena_keep, arena};

    if (size == 0)
        return "the frame is empty";
    if (size > FRAME_BYTES_MAX)
        return "the frame is too long; it must be " QUOTE(FRAME_BYTES_MAX) " bytes or less";
    arena->used = 0;
    *wire = meantime__message__unpack(&allocator, size, bytes);
    if (*wire == NULL)
        return wire_arena_full;
    return NULL;
}

const char wire_arena_full[] =
    "the bytes are not a message, or the message has too many unknown fields";

const char wire_other_version[] =
    "version is not " QUOTE(PROTOCOL_VERSION) ", the only supported version";

const char *wire_broken(const struct wire_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (rules[i].broken)
            return rules[i].reason;
    return NULL;
}

const char *wire_samples_wrong(uint64_t id, bool summand, enum message_kind kind, uint64_t first,
                               uint64_t count)
{
    const struct wire_rule rules[] = {
        {id == 0, "id is 0; it must be 1 or more"},
        {summand && kind != MESSAGE_KIND_NONE, "kind is not 0; it must be 0 with a summand"},
        {!summand && kind != MESSAGE_KIND_GAUSSIAN && kind != MESSAGE_KIND_UNIFORM,
         "kind is unknown; it must be 1 (Gaussian) or 2 (uniform)"},
        {count == 0, "count is 0; it must be 1 or more"},
        {first > SAMPLE_END_MAX || count > SAMPLE_END_MAX - first,
         "first + count is too large; it must be 2^63 or less"},
    };
    return wire_broken(rules, COUNT_OF(rules));
}

bool wire_text_fits(const char *text, size_t bytes_max)
{
    return strnlen(text, bytes_max + 1) <= bytes_max;
}

void wire_text_copy(char *to, const char *text)
{
    for (; *text != '\0'; ++text)
        *to++ = printable_or_mark(*text);
    *to = '\0';
}

char *wire_text_out(const char *text, size_t bytes_max)
{
    assert(wire_text_fits(text, bytes_max));
    for (const char *at = text; *at != '\0'; ++at)
        assert(is_printable(*at));
    return (char *)text;
}
