/* FNV-1a (Fowler, Noll, Vo): a hash of bytes for known input. It resists no attacker. */
#ifndef MEANTIME_SUMS_FNV_H
#define MEANTIME_SUMS_FNV_H

#include <stddef.h>
#include <stdint.h>

/* The hash of no bytes. */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)

/* Continues `hash` with one more byte. */
static inline uint64_t fnv_add(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t fnv_add_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = fnv_add(hash, at[i]);
    return hash;
}

#endif
