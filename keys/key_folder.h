/* A folder of keys, for a server or for its administrator:
 *
 *     NAME, NAME_secret      certificates that were made here; `server` is the server's own
 *     allowed/NAME           the certificates of the keys that the server accepts
 *
 * To revoke a key is to remove its file from allowed/. */
#ifndef MEANTIME_KEYS_KEY_FOLDER_H
#define MEANTIME_KEYS_KEY_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys/key_file.h"

#define KEY_FOLDER_ALLOWED "allowed"

/* The most keys that one server accepts, so that its memory is bounded: 1 MB. */
#define ALLOWED_KEYS_MAX 10000

struct allowed_key {
    uint8_t public_key[KEY_BYTES];
    enum key_role role;
    char name[KEY_NAME_BYTES_MAX + 1];
};

/* The keys of allowed/, sorted by their bytes. A reader needs no lock: a list never changes. */
struct allowed_keys {
    size_t count;
    struct allowed_key keys[];
};

/* Writes the path of a certificate of the folder. part: "" or KEY_FOLDER_ALLOWED; suffix: "" or
 * KEY_SECRET_SUFFIX. False if the path is too long; see `problem`. */
bool key_folder_path(const char *folder, const char *part, const char *name, const char *suffix,
                     char path[PATH_MAX], struct key_problem *problem);

/* Reads allowed/. A folder that does not exist is an empty list. A file that is no safe certificate
 * with a role, or whose key stands in another file, is left out, and `warn` gets a sentence about
 * it. Owner: the caller, who calls free(). NULL: the folder cannot be read; see `problem`. */
struct allowed_keys *allowed_keys_load(const char *folder, void (*warn)(const char *sentence),
                                       struct key_problem *problem);

/* NULL: the key is not allowed. */
const struct allowed_key *allowed_keys_find(const struct allowed_keys *allowed,
                                            const uint8_t key[KEY_BYTES]);

/* A number that changes when a file of allowed/ is added, removed, replaced or written.
 * recent: a file was changed so short a time ago that another change might leave the number as it
 * is. False if the folder cannot be read: errno says why. */
bool allowed_keys_fingerprint(const char *folder, uint64_t *fingerprint, bool *recent);

/* Flushes the entries of a folder to the disk, as far as its file system can do that. */
void key_folder_sync(const char *path);

#endif
