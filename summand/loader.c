/* Loads the shared object of a summand. */
#include "summand/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "summand/fp_mode.h"
#include "summand/helper_wire.h"

/* Linux 6.3 and glibc 2.38 know this flag: the copy has no permission to be started as a program.
 * dlopen() does not need it, and some systems forbid copies without the flag. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define COPY_FLAGS (MFD_CLOEXEC | MFD_ALLOW_SEALING)
#define COPY_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

/* More than any shared object has. The limit prevents that a large file fills the memory. */
#define FILE_BYTES_MAX (1 << 28)

#define CHECK_TERMS_MAX (1 << 20)

/* ---- the copy ------------------------------------------------------------------------------ */

static int memory_file(void)
{
    int low = memfd_create("summand", COPY_FLAGS | MFD_NOEXEC_SEAL);
    if (low == -1 && errno == EINVAL)
        low = memfd_create("summand", COPY_FLAGS);
    return helper_descriptor_move(low);
}

/* False with errno set. */
static bool copy_bytes(int from, int to, off_t bytes)
{
    ssize_t sent = 1;
    while (bytes > 0 && sent > 0) {
        sent = sendfile(to, from, NULL, (size_t)bytes);
        bytes -= sent > 0 ? sent : 0;
    }
    if (sent == 0)
        errno = EIO; /* the file has become shorter */
    return bytes == 0 && fcntl(to, F_ADD_SEALS, COPY_SEALS) == 0;
}

static int copy_file(int from, off_t bytes)
{
    int file = memory_file();
    if (file != -1 && !copy_bytes(from, file, bytes)) {
        ERRNO_SAVED(close(file));
        file = -1;
    }
    return file;
}

int loader_copy(const char *path, char error[SENTENCE_BYTES])
{
    struct stat stat;
    int file = -1;
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from == -1 || fstat(from, &stat) == -1)
        sentence_write(error, "cannot read %s: %s", path, strerror(errno));
    else if (!S_ISREG(stat.st_mode) || stat.st_size == 0 || stat.st_size > FILE_BYTES_MAX)
        sentence_write(error, "cannot load %s: expected a shared object of 1 byte to 256 MiB",
                       path);
    else if ((file = copy_file(from, stat.st_size)) == -1)
        sentence_write(error, "cannot copy %s into memory: %s", path, strerror(errno));
    if (from != -1)
        close(from);
    return file;
}

/* ---- loading ------------------------------------------------------------------------------- */

static bool name_is_valid(const char *name)
{
    size_t length = strnlen(name, MEANTIME_NAME_MAX + 1);
    return 0 < length && length <= MEANTIME_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static const struct meantime_summand *check(const struct meantime_summand *summand,
                                            char error[SENTENCE_BYTES])
{
    if (summand->abi != MEANTIME_SUMMAND_ABI)
        sentence_write(error,
                       "The file is made for version %" PRIu32
                       " of the interface, and this server has "
                       "version %d: compile it with the meantime_summand.h of this server.",
                       summand->abi, MEANTIME_SUMMAND_ABI);
    else if (!summand->name || !name_is_valid(summand->name))
        sentence_write(
            error,
            "The field \"name\" of meantime_summand must have 1 to %d characters of a-z 0-9 -.",
            MEANTIME_NAME_MAX);
    else if (!summand->begin || !summand->value)
        sentence_write(error, "meantime_summand has no function %s().",
                       summand->begin ? "value" : "begin");
    else if (summand->check_terms > CHECK_TERMS_MAX)
        sentence_write(error, "The field \"check_terms\" of meantime_summand is above %d.",
                       CHECK_TERMS_MAX);
    else
        return summand;
    return NULL;
}

static const char *own_path(int file)
{
    static char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

const struct meantime_summand *loader_open(int file, char error[SENTENCE_BYTES])
{
    fp_mode_set();
    void *library = dlopen(own_path(file), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        sentence_write(error, "Cannot load the file as a shared object: %s.", dlerror());
        return NULL;
    }
    if (!fp_mode_is_standard()) {
        fp_mode_set();
        sentence_write(
            error, "Loading the file changed the processor's floating-point mode (" FP_MODE_NAME
                   "): it is linked with -ffast-math or -Ofast. Link it without these options.");
        return NULL;
    }
    const struct meantime_summand *summand = dlsym(library, "meantime_summand");
    if (!summand) {
        sentence_write(error, "The file has no symbol meantime_summand: it must define one struct "
                              "meantime_summand with that name, or use MEANTIME_TERM().");
        return NULL;
    }
    return check(summand, error);
}
