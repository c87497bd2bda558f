/* SipHash-2-4: a hash with a key. A peer that does not know the key cannot choose inputs with equal
 * hashes, so that a hash table over data of peers stays fast. Jean-Philippe Aumasson and Daniel J.
 * Bernstein, "SipHash: a fast short-input PRF", 2012. */
#ifndef MEANTIME_SERVER_NET_SIPHASH_H
#define MEANTIME_SERVER_NET_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/* key: random, and known to this process only. */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *bytes, size_t size);

#endif
