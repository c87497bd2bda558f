/* Files with certificates: read and write them, and check who else may read or write them. */
#ifndef MEANTIME_KEYS_KEY_FILE_H
#define MEANTIME_KEYS_KEY_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "keys/certificate.h"

/* Room for a path and a sentence about it. */
#define KEY_PROBLEM_BYTES (PATH_MAX + 512)

/* What follows the name of a public file in the name of its secret file, as in czmq. */
#define KEY_SECRET_SUFFIX "_secret"

/* Why a call has failed: a sentence without a full stop. It contains no secret. */
struct key_problem {
    char text[KEY_PROBLEM_BYTES];
};

/* Reads a certificate, of which the secret key is not kept. False: see `problem`. */
bool key_file_read_public(const char *path, struct certificate *certificate,
                          struct key_problem *problem);

/* Reads a certificate with its secret key, from `path` or from the file `path`_secret beside it.
 * Refuses a file that others can read or that the group can write. Checks that both keys belong
 * together. The caller calls certificate_wipe(). False: see `problem`. */
bool key_file_read_secret(const char *path, struct certificate *certificate,
                          struct key_problem *problem);

/* Writes a new file atomically. secret: with the secret key, and only its owner may read the file.
 * Never replaces a file. False: see `problem`. */
bool key_file_write(const char *path, const struct certificate *certificate, bool secret,
                    struct key_problem *problem);

/* Fills in a new random key pair. False if the system has no random numbers; see `problem`. */
bool key_pair_new(struct certificate *certificate, struct key_problem *problem);

#endif
