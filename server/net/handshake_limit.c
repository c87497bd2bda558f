/* How many connections one address may open. */
#include "server/net/handshake_limit.h"

#include "proto/instant.h"

#define EACH_NS (NS_PER_S / HANDSHAKES_PER_S)

bool handshake_limit_count(struct handshake_limit *limit, const uint8_t address[ADDRESS_KEY_BYTES],
                           int64_t now_ns)
{
    uint64_t place = siphash(limit->key, address, ADDRESS_KEY_BYTES) % HANDSHAKE_PLACES;
    int64_t *full_at_ns = &limit->full_at_ns[place];

    if (*full_at_ns < now_ns)
        *full_at_ns = now_ns;
    if (*full_at_ns - now_ns >= HANDSHAKES_BURST * EACH_NS)
        return false;
    *full_at_ns += EACH_NS;
    return true;
}
