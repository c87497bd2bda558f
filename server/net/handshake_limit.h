/* How many connections one address may open: after HANDSHAKES_BURST at once, HANDSHAKES_PER_S. A
 * core of fixed size. One thread. */
#ifndef MEANTIME_SERVER_NET_HANDSHAKE_LIMIT_H
#define MEANTIME_SERVER_NET_HANDSHAKE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/net/siphash.h"

/* A machine with thousands of clients starts them all at once. Each new connection costs the server
 * some 0.1 ms. */
#define HANDSHAKES_PER_S 1000
#define HANDSHAKES_BURST 16384

/* Addresses are counted in this many places. Two addresses in one place share the limit. Peers
 * cannot choose the places, because the hash has a key. */
#define HANDSHAKE_PLACES 4096

/* Bytes of an address: of IPv6 the network, because a machine has as many addresses as it likes. */
#define ADDRESS_KEY_BYTES 8

struct handshake_limit {
    uint8_t key[SIPHASH_KEY_BYTES];
    int64_t full_at_ns[HANDSHAKE_PLACES]; /* when all handshakes so far have ended at the rate of
                                             HANDSHAKES_PER_S */
};

/* Counts a connection from `address`. False if the address has opened too many. */
bool handshake_limit_count(struct handshake_limit *limit, const uint8_t address[ADDRESS_KEY_BYTES],
                           int64_t now_ns);

#endif
