/* Builds frames by hand, as a peer in another language would, and draws random field values. */
#ifndef MEANTIME_TESTS_UNIT_PROTO_FRAMES_H
#define MEANTIME_TESTS_UNIT_PROTO_FRAMES_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bounds.h"
#include "tests/support/chance.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A number of random length in bits, so that small and huge numbers are equally likely. */
static inline uint64_t draw_number(struct chance *chance, uint64_t max)
{
    uint64_t number = chance_next(chance) >> chance_next(chance) % 64;

    return number > max ? max - number % 4 : number;
}

static inline uint64_t draw_positive(struct chance *chance, uint64_t max)
{
    return 1 + draw_number(chance, max - 1);
}

static inline uint32_t draw_word(struct chance *chance)
{
    return (uint32_t)draw_number(chance, UINT32_MAX);
}

/* Printable text of up to `bytes_max` bytes. */
static inline void draw_text(struct chance *chance, char *text, size_t bytes_max)
{
    size_t length = chance_next(chance) % (bytes_max + 1);

    for (size_t i = 0; i < length; ++i)
        text[i] = (char)(' ' + chance_next(chance) % 95);
    text[length] = '\0';
}

/* Fills `bytes` with random bytes. */
static inline void draw_bytes(struct chance *chance, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = chance_next(chance);
        memcpy(bytes + i, &word, size - i < sizeof(word) ? size - i : sizeof(word));
    }
}

/* A heap block of the exact size, so that AddressSanitizer detects a read beyond its end. */
static inline uint8_t *exact_copy(const void *bytes, size_t size)
{
    uint8_t *exact = malloc(size);

    if (size > 0)
        memcpy(exact, bytes, size);
    return exact;
}

struct frame {
    uint8_t bytes[FRAME_BYTES_MAX + 1];
    size_t size;
};

static inline void put(struct frame *frame, const void *bytes, size_t size)
{
    cr_assert(size <= sizeof(frame->bytes) - frame->size);
    memcpy(frame->bytes + frame->size, bytes, size);
    frame->size += size;
}

static inline void put_varint(struct frame *frame, uint64_t number)
{
    uint8_t byte;

    for (; number >= 0x80; number >>= 7) {
        byte = (uint8_t)(number | 0x80);
        put(frame, &byte, 1);
    }
    byte = (uint8_t)number;
    put(frame, &byte, 1);
}

static inline void put_number(struct frame *frame, unsigned field, uint64_t number)
{
    put_varint(frame, field << 3);
    put_varint(frame, number);
}

static inline void put_double(struct frame *frame, unsigned field, double number)
{
    uint8_t bytes[8];
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    for (int i = 0; i < 8; ++i)
        bytes[i] = (uint8_t)(bits >> 8 * i);
    put_varint(frame, field << 3 | 1);
    put(frame, bytes, sizeof(bytes));
}

static inline void put_bytes(struct frame *frame, unsigned field, const void *bytes, size_t size)
{
    put_varint(frame, field << 3 | 2);
    put_varint(frame, size);
    put(frame, bytes, size);
}

/* A frame of `version` with `body` in field `field`. */
static inline struct frame frame_of(uint64_t version, unsigned field, const struct frame *body)
{
    struct frame frame = {.size = 0};

    put_number(&frame, 1, version);
    put_bytes(&frame, field, body->bytes, body->size);
    return frame;
}

enum {
    BODY_SUM_REQUEST = 2,
    BODY_SUM_REPLY,
    BODY_PROGRESS,
    BODY_CANCEL,
    BODY_REFUSAL,
    BODY_JOIN,
    BODY_WELCOME,
    BODY_HEARTBEAT,
    BODY_LEAVE,
    BODY_STATUS_REQUEST,
    BODY_STATUS_REPLY,
};

/* A field and its number. Field 0 ends an array. */
struct number {
    unsigned field;
    uint64_t value;
};

static inline void put_numbers(struct frame *frame, const struct number *numbers)
{
    for (; numbers->field != 0; ++numbers)
        put_number(frame, numbers->field, numbers->value);
}

#endif
