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

/* Writes the handshake into `bytes`. Returns its size in bytes. */
static inline size_t zmtp_put_handshake(uint8_t *bytes)
{
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                "DEALER";
    static const uint8_t greeting[ZMTP_GREETING_BYTES] = {0xff, [9] = 0x7f, 3,   0,
                                                          'N',  'U',        'L', 'L'};

    memcpy(bytes, greeting, sizeof greeting);
    memcpy(bytes + sizeof greeting, ready, sizeof ready - 1);
    return sizeof greeting + sizeof ready - 1;
}

/* Sends the handshake and waits for the handshake of the other side. Returns false on failure. */
static inline bool zmtp_shake_hands(int connection)
{
    uint8_t bytes[ZMTP_GREETING_BYTES + 2 + UINT8_MAX];
    size_t size = zmtp_put_handshake(bytes);
    uint8_t *command = bytes + ZMTP_GREETING_BYTES + 2;

    return send(connection, bytes, size, MSG_NOSIGNAL) == (ssize_t)size &&
           recv(connection, bytes, ZMTP_GREETING_BYTES + 2, MSG_WAITALL) ==
               ZMTP_GREETING_BYTES + 2 &&
           recv(connection, command, command[-1], MSG_WAITALL) == command[-1];
}

#endif
