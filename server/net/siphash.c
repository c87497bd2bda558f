/* SipHash-2-4: a hash with a key, for tables over data of peers. */
#include "server/net/siphash.h"

#include <endian.h>
#include <string.h>

/* Rounds after each word, and after the last word. */
#define WORD_ROUNDS 2
#define END_ROUNDS  4

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(struct state *s, int rounds)
{
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static void add_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, WORD_ROUNDS);
    s->v0 ^= word;
}

/* The last word: the bytes that fill no word, and the size. */
static uint64_t last_word(const uint8_t *rest, size_t size)
{
    uint64_t word = (uint64_t)size << 56;

    for (size_t i = 0; i < size % 8; i++)
        word |= (uint64_t)rest[i] << (8 * i);
    return word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t k0 = read_word(key), k1 = read_word(key + 8);
    /* "somepseudorandomlygeneratedbytes" */
    struct state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                      k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};

    for (size_t i = 0; i < size / 8; i++, at += 8)
        add_word(&s, read_word(at));
    add_word(&s, last_word(at, size));
    s.v2 ^= 0xff;
    mix(&s, END_ROUNDS);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
