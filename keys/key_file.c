/* Files with certificates: see key_file.h. */
#include "keys/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/errno_saved.h"

/* Others must not read a secret, and a group that could write it could replace it. */
#define UNSAFE_BITS (S_IRWXO | S_IWGRP)

#define SECRET_MODE 0600
#define PUBLIC_MODE 0644

__attribute__((format(printf, 2, 3))) static bool fail(struct key_problem *problem,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* A text of at most CERTIFICATE_BYTES_MAX bytes, and the permissions of its file. */
struct key_text {
    char bytes[CERTIFICATE_BYTES_MAX + 1];
    size_t size;
    mode_t mode;
};

/* Reads up to the end of the file. */
static bool read_all(int fd, struct key_text *text)
{
    ssize_t size = 1;

    text->size = 0;
    while (size > 0 && text->size < sizeof text->bytes) {
        size =
            TEMP_FAILURE_RETRY(read(fd, text->bytes + text->size, sizeof text->bytes - text->size));
        text->size += size > 0 ? (size_t)size : 0;
    }
    return size >= 0;
}

static bool read_file(int fd, const char *path, struct key_text *text, struct key_problem *problem)
{
    struct stat file;

    if (fstat(fd, &file) == -1 || (S_ISREG(file.st_mode) && !read_all(fd, text)))
        return fail(problem, "cannot read the key in %s: %s", path, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return fail(problem, "cannot read the key in %s: it is not a regular file", path);
    if (text->size > CERTIFICATE_BYTES_MAX)
        return fail(problem, "cannot read the key in %s: it is longer than %d bytes", path,
                    CERTIFICATE_BYTES_MAX);
    text->mode = file.st_mode;
    return true;
}

/* O_NONBLOCK: a pipe has no writer to wait for. */
static bool read_text(const char *path, struct key_text *text, struct key_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd == -1)
        return fail(problem, "cannot read the key in %s: %s", path, strerror(errno));
    bool read = read_file(fd, path, text, problem);
    close(fd);
    return read;
}

static bool check_mode(const char *path, mode_t mode, struct key_problem *problem)
{
    if ((mode & UNSAFE_BITS) == 0)
        return true;
    return fail(problem,
                "the secret key in %s is not safe: %s (mode %04o); run chmod 600 on it, and make a "
                "new key if others may have read this one",
                path, mode & S_IRWXO ? "others can access it" : "its group can write it",
                (unsigned)(mode & 07777));
}

/* Every file with a secret key is checked, also one that is used for its public key. */
static bool read_certificate(const char *path, struct certificate *certificate,
                             struct key_problem *problem)
{
    struct key_text text;
    const char *fault;
    bool good = read_text(path, &text, problem);

    if (good && !certificate_read(text.bytes, text.size, certificate, &fault))
        good = fail(problem, "the file %s is not a certificate: %s", path, fault);
    explicit_bzero(text.bytes, sizeof text.bytes);
    if (good && certificate->has_secret_key && !check_mode(path, text.mode, problem)) {
        certificate_wipe(certificate);
        return false;
    }
    return good;
}

static void wipe_secret(struct certificate *certificate)
{
    certificate->has_secret_key = false;
    explicit_bzero(certificate->secret_key, sizeof certificate->secret_key);
}

bool key_file_read_public(const char *path, struct certificate *certificate,
                          struct key_problem *problem)
{
    bool good = read_certificate(path, certificate, problem);

    if (good)
        wipe_secret(certificate);
    return good;
}

/* Whether the public key is that of the secret key. */
static bool keys_match(const struct certificate *certificate)
{
    char public_text[KEY_TEXT_BYTES], own_text[KEY_TEXT_BYTES], secret_text[KEY_TEXT_BYTES];

    z85_write(certificate->public_key, own_text);
    z85_write(certificate->secret_key, secret_text);
    bool match = zmq_curve_public(public_text, secret_text) == 0 &&
                 memcmp(public_text, own_text, sizeof own_text) == 0;
    explicit_bzero(secret_text, sizeof secret_text);
    return match;
}

static bool check_secret(const char *path, const struct certificate *certificate,
                         struct key_problem *problem)
{
    if (!certificate->has_secret_key)
        return fail(problem, "the file %s has no secret key; name the file that ends with %s", path,
                    KEY_SECRET_SUFFIX);
    return keys_match(certificate) ||
           fail(problem, "the two keys in %s do not belong together", path);
}

bool key_file_read_secret(const char *path, struct certificate *certificate,
                          struct key_problem *problem)
{
    char beside[PATH_MAX];
    int size = snprintf(beside, sizeof beside, "%s%s", path, KEY_SECRET_SUFFIX);
    const char *secret = (size_t)size < sizeof beside && access(beside, F_OK) == 0 ? beside : path;

    if (!read_certificate(secret, certificate, problem))
        return false;
    bool good = check_secret(secret, certificate, problem);
    if (!good)
        certificate_wipe(certificate);
    return good;
}

/* ---- writing ----------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = TEMP_FAILURE_RETRY(write(fd, bytes, size));
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return fsync(fd) == 0;
}

static bool write_text(int fd, const struct certificate *certificate, bool secret)
{
    char text[CERTIFICATE_BYTES_MAX];
    size_t size = certificate_write(certificate, secret, text);
    bool written = fchmod(fd, secret ? SECRET_MODE : PUBLIC_MODE) == 0 && write_all(fd, text, size);

    ERRNO_SAVED(explicit_bzero(text, sizeof text));
    return written;
}

/* The file gets its name when it is complete. link() does not replace a file, unlike rename(). */
static bool write_new(const char *path, const struct certificate *certificate, bool secret)
{
    char name[PATH_MAX];

    if ((size_t)snprintf(name, sizeof name, "%s.XXXXXX", path) >= sizeof name) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd == -1)
        return false;
    bool written = write_text(fd, certificate, secret);
    ERRNO_SAVED(close(fd));
    written = written && link(name, path) == 0;
    ERRNO_SAVED(unlink(name));
    return written;
}

bool key_file_write(const char *path, const struct certificate *certificate, bool secret,
                    struct key_problem *problem)
{
    if (write_new(path, certificate, secret))
        return true;
    return fail(problem, "cannot write %s: %s%s", path, strerror(errno),
                errno == EEXIST ? "; keys are never replaced: remove it, or choose another name"
                                : "");
}

bool key_pair_new(struct certificate *certificate, struct key_problem *problem)
{
    char public_text[KEY_TEXT_BYTES], secret_text[KEY_TEXT_BYTES];

    if (zmq_curve_keypair(public_text, secret_text) == -1)
        return fail(problem, "cannot make a key: %s; is libzmq built with CURVE?",
                    zmq_strerror(errno));
    z85_read(public_text, KEY_TEXT_BYTES - 1, certificate->public_key);
    z85_read(secret_text, KEY_TEXT_BYTES - 1, certificate->secret_key);
    certificate->has_secret_key = true;
    explicit_bzero(secret_text, sizeof secret_text);
    return true;
}
