/* The keys of a dialling side: its own key pair and the key of its server. They lie in memory that
 * core dumps leave out, and are wiped in the end. libzmq keeps copies for its sockets, which this
 * does not protect: a program that wants no core dump with them calls identity_forbid_dumps(). */
#ifndef MEANTIME_KEYS_IDENTITY_H
#define MEANTIME_KEYS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "keys/key_file.h"

/* Bytes that CURVE adds to each frame on the wire: 8 for the name of the command, 8 for the nonce,
 * 16 for the authentication and 1 for the flags. ZMQ_MAXMSGSIZE includes them. */
#define CURVE_FRAME_BYTES 33

struct identity {
    uint8_t public_key[KEY_BYTES];
    uint8_t secret_key[KEY_BYTES];
    uint8_t server_key[KEY_BYTES]; /* the public key of the server; unused at a server */
};

/* Loads both keys. key_file: see key_file_read_secret(); server_key: a file or the 40 characters of
 * a key, or NULL at a server. NULL: see `problem`. */
struct identity *identity_load(const char *key_file, const char *server_key,
                               struct key_problem *problem);

/* Accepts NULL, leaves NULL. */
void identity_destroy(struct identity **identity);

/* Makes the socket a CURVE client with these keys, before it connects and after ZMQ_MAXMSGSIZE was
 * set. False: errno says why. */
bool identity_secure_client(const struct identity *identity, void *socket);

/* The same for a CURVE server, before it binds. */
bool identity_secure_server(const struct identity *identity, void *socket);

/* From now on the system makes no core dump of this process, and other processes of its user cannot
 * read its memory. */
void identity_forbid_dumps(void);

#endif
