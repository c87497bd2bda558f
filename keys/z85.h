/* Keys as text: 32 bytes as 40 printable characters (Z85, ZeroMQ RFC 32). A leaf. */
#ifndef MEANTIME_KEYS_Z85_H
#define MEANTIME_KEYS_Z85_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a public or a secret key of CURVE. */
#define KEY_BYTES 32

/* Bytes of a key as text, with its final NUL. */
#define KEY_TEXT_BYTES 41

void z85_write(const uint8_t key[KEY_BYTES], char text[KEY_TEXT_BYTES]);

/* Reads `size` bytes of text. False unless these are the 40 characters of one key. Then `key` may
 * have changed. */
bool z85_read(const char *text, size_t size, uint8_t key[KEY_BYTES]);

#endif
