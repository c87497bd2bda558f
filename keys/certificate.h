/* A certificate: a key of CURVE with its name and role, as text in czmq's format (zcert, ZPL).
 * A leaf: reads and writes text only. See keys/key_file.h for files. */
#ifndef MEANTIME_KEYS_CERTIFICATE_H
#define MEANTIME_KEYS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys/z85.h"

#define KEY_NAME_BYTES_MAX 31

/* The longest text of a certificate. Those of czmq and of certificate_write() have some 400 bytes.
 */
#define CERTIFICATE_BYTES_MAX 4096

/* The certificate of this name is the server's own. It has no role. */
#define KEY_NAME_SERVER "server"

/* What the owner of a key may do. */
enum key_role {
    KEY_ROLE_NONE,   /* nothing: the certificate names no role */
    KEY_ROLE_CLIENT, /* ask for sums, and see its own requests in the status */
    KEY_ROLE_WORKER, /* join as a worker */
    KEY_ROLE_ADMIN,  /* what a client may do, and see the requests of all clients */
    KEY_ROLES,
};

/* If it has a secret key, the caller wipes it with certificate_wipe(). */
struct certificate {
    char name[KEY_NAME_BYTES_MAX + 1]; /* "": the certificate has none */
    enum key_role role;
    uint8_t public_key[KEY_BYTES];
    bool has_secret_key;
    uint8_t secret_key[KEY_BYTES]; /* valid if has_secret_key */
};

/* Names have 1 to KEY_NAME_BYTES_MAX letters, digits, dots, underscores and hyphens, do not begin
 * with a dot or a hyphen, and do not end like the name of a secret file. */
#define KEY_NAME_ACCEPTED                                                                          \
    "a name of letters, digits, '.', '_' and '-', at most 31 bytes, such as alice"
bool key_name_valid(const char *name);

/* "client", "worker" or "admin"; "none" for KEY_ROLE_NONE. */
const char *key_role_name(enum key_role role);

/* False if `name` is none of the three roles. */
bool key_role_parse(const char *name, enum key_role *role);

/* Reads a certificate. False: `fault` says what is wrong, as a clause. Then `certificate` is empty.
 * Ignores fields that it does not know. */
bool certificate_read(const char *text, size_t size, struct certificate *certificate,
                      const char **fault);

/* Writes a certificate that certificate_read() and czmq's zcert_load() read. secret: with the
 * secret key. Returns the length. The caller wipes the text. */
size_t certificate_write(const struct certificate *certificate, bool secret,
                         char text[CERTIFICATE_BYTES_MAX]);

void certificate_wipe(struct certificate *certificate);

#endif
