/* The ZMTP handshake of a DEALER, for tests that send bytes to a ZeroMQ socket over bare TCP.
 * ZMTP 3.0 with the mechanism NULL: https://rfc.zeromq.org/spec/23/. */
#ifndef MEANTIME_TESTS_SUPPORT_ZMTP_H
#define MEANTIME_TESTS_SUPPORT_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define ZMTP_GREETING_BYTES 64

/* Room for a handshake with the longest routing id. */
#define ZMTP_HANDSHAKE_BYTES (ZMTP_GREETING_BYTES + 2 + 28 + 13 + UINT8_MAX)

/* Writes the handshake into `bytes`, with that routing id (size 0: the other side makes one).
 * Returns its size in bytes. id_size: 0 to 200. */
static inline size_t zmtp_put_handshake_as(uint8_t *bytes, const void *id, uint8_t id_size)
{
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER";
    static const char identity[] = "\x08Identity\0\0";
    static const uint8_t greeting[ZMTP_GREETING_BYTES] = {0xff, [9] = 0x7f, 3,   0,
                                                          'N',  'U',        'L', 'L'};
    uint8_t *at = bytes + sizeof greeting + sizeof ready - 1;

    memcpy(bytes, greeting, sizeof greeting);
    memcpy(bytes + sizeof greeting, ready, sizeof ready - 1);
    if (id_size == 0)
        return (size_t)(at - bytes);
    memcpy(at, identity, sizeof identity);
    at += sizeof identity;
    *at++ = id_size;
    memcpy(at, id, id_size);
    bytes[sizeof greeting + 1] += (uint8_t)(sizeof identity + 1 + id_size);
    return (size_t)(at - bytes) + id_size;
}

static inline size_t zmtp_put_handshake(uint8_t *bytes)
{
    return zmtp_put_handshake_as(bytes, NULL, 0);
}

/* Sends the handshake and waits for the handshake of the other side. Returns false on failure. */
static inline bool zmtp_shake_hands_as(int connection, const void *id, uint8_t id_size)
{
    uint8_t bytes[ZMTP_HANDSHAKE_BYTES];
    size_t size = zmtp_put_handshake_as(bytes, id, id_size);
    uint8_t *command = bytes + ZMTP_GREETING_BYTES + 2;

    return send(connection, bytes, size, MSG_NOSIGNAL) == (ssize_t)size &&
           recv(connection, bytes, ZMTP_GREETING_BYTES + 2, MSG_WAITALL) ==
               ZMTP_GREETING_BYTES + 2 &&
           recv(connection, command, command[-1], MSG_WAITALL) == command[-1];
}

static inline bool zmtp_shake_hands(int connection)
{
    return zmtp_shake_hands_as(connection, NULL, 0);
}

#endif
