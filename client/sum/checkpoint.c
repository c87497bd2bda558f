#include "client/sum/checkpoint.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/link_target.h"

/* More than any checkpoint has. */
#define TEXT_BYTES 512

/* [kind] */
static const char *const kinds[] = {
    [MEANTIME_GAUSSIAN] = "gaussian",
    [MEANTIME_UNIFORM] = "uniform",
};

/* ---- the text ---------------------------------------------------------------------------- */

#define HEADING "meantime checkpoint 1\n"

/* The sum in the stream's units, as 128 bits in two's complement, and a digest of all before it. */
#define STATE                                                                                      \
    "seed %" PRIu64 "\n"                                                                           \
    "kind %s\n"                                                                                    \
    "first %" PRIu64 "\n"                                                                          \
    "count %" PRIu64 "\n"                                                                          \
    "units 0x%016" PRIx64 "%016" PRIx64 "\n"

#define STATE_READ                                                                                 \
    "seed %" SCNu64 " kind %8s first %" SCNu64 " count %" SCNu64 " units 0x%16" SCNx64 "%1"        \
    "6" SCNx64

static void print_digest(char *text)
{
    size_t size = strlen(text);
    zdigest_t *digest = zdigest_new();

    zdigest_update(digest, (const byte *)text, size);
    snprintf(text + size, TEXT_BYTES - size, "sha1 %s\n", zdigest_string(digest));
    zdigest_destroy(&digest);
}

static void print(const struct checkpoint *checkpoint, char *text)
{
    unsigned __int128 units = (unsigned __int128)checkpoint->total.units;

    snprintf(text, TEXT_BYTES, HEADING STATE, checkpoint->seed, kinds[checkpoint->kind],
             checkpoint->first, checkpoint->total.count, (uint64_t)(units >> 64), (uint64_t)units);
    print_digest(text);
}

/* What does not print as the very same bytes is not ours. */
static bool parse(const char *text, struct checkpoint *checkpoint)
{
    char kind[9] = "", again[TEXT_BYTES];
    uint64_t high = 0, low = 0;

    *checkpoint = (struct checkpoint){.seed = 0};
    sscanf(text + strlen(HEADING), STATE_READ, &checkpoint->seed, kind, &checkpoint->first,
           &checkpoint->total.count, &high, &low);
    bool uniform = strcmp(kind, kinds[MEANTIME_UNIFORM]) == 0;
    checkpoint->kind = uniform ? MEANTIME_UNIFORM : MEANTIME_GAUSSIAN;
    checkpoint->total.units = (__int128)((unsigned __int128)high << 64 | low);
    print(checkpoint, again);
    return strcmp(text, again) == 0;
}

/* ---- trouble ----------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool fail(struct checkpoint_file *file,
                                                       const char *words, ...)
{
    va_list arguments;

    va_start(arguments, words);
    vsnprintf(file->trouble, sizeof file->trouble, words, arguments);
    va_end(arguments);
    return false;
}

static bool fail_errno(struct checkpoint_file *file, const char *what, const char *name)
{
    return fail(file, "cannot %s %s: %s", what, name, strerror(errno));
}

static bool fail_taken(struct checkpoint_file *file)
{
    return fail(file, "another meantime works on %s: wait for it, or end it", file->name);
}

static bool lock(struct checkpoint_file *file, int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return fail_taken(file);
    return fail_errno(file, "lock", file->name);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Another process may have put a new file in its place between our opening and locking it. */
static bool is_current(int fd, const char *name)
{
    struct stat ours, current;

    return fstat(fd, &ours) == 0 && stat(name, &current) == 0 && ours.st_dev == current.st_dev &&
           ours.st_ino == current.st_ino;
}

/* As far as there is one: that of a torn file may be cut. */
static bool has_heading(const char *text, size_t size)
{
    size_t heading = strlen(HEADING);

    return strncmp(text, HEADING, size < heading ? size : heading) == 0;
}

static bool load(struct checkpoint_file *file, struct checkpoint *checkpoint)
{
    char text[TEXT_BYTES] = "";
    ssize_t size = pread(file->fd, text, TEXT_BYTES - 1, 0);

    if (size == -1)
        return fail_errno(file, "read", file->name);
    if (size == 0)
        return fail(file, "%s is empty: restore it, or remove it to begin anew", file->name);
    if (!has_heading(text, (size_t)size))
        return fail(file, "%s is no checkpoint of meantime: name another file", file->name);
    if (!parse(text, checkpoint))
        return fail(file, "%s is torn or was changed: restore it, or remove it to begin anew",
                    file->name);
    return true;
}

/* Where the disk is another machine's, as with NFS, only who may write can lock out others. */
static int open_file(const char *name)
{
    const int how = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(name, O_RDWR | how);

    return fd == -1 && errno != ENOENT ? open(name, O_RDONLY | how) : fd;
}

static bool open_locked(struct checkpoint_file *file)
{
    do {
        checkpoint_close(file);
        file->fd = open_file(file->name);
        if (file->fd == -1)
            return errno == ENOENT || fail_errno(file, "open", file->name);
        if (!lock(file, file->fd))
            return false;
    } while (!is_current(file->fd, file->name));
    return true;
}

static bool find_place(struct checkpoint_file *file)
{
    const char *place = link_target(file->name, file->place);

    return snprintf(file->new_name, sizeof file->new_name, "%s.new", place) < PATH_MAX ||
           fail(file, "the name of the checkpoint is too long");
}

enum checkpoint_found checkpoint_open(struct checkpoint_file *file, const char *name,
                                      struct checkpoint *checkpoint)
{
    *file = (struct checkpoint_file){.name = name, .fd = -1};
    if (!find_place(file))
        return CHECKPOINT_FAILED;
    if (!open_locked(file))
        return CHECKPOINT_FAILED;
    if (file->fd == -1)
        return CHECKPOINT_NONE;
    if (load(file, checkpoint))
        return CHECKPOINT_FOUND;
    checkpoint_close(file);
    return CHECKPOINT_FAILED;
}

void checkpoint_close(struct checkpoint_file *file)
{
    if (file->fd != -1)
        close(file->fd);
    file->fd = -1;
}

/* ---- writing ----------------------------------------------------------------------------- */

static bool write_text(struct checkpoint_file *file, int fd, const char *text)
{
    size_t size = strlen(text);

    errno = ENOSPC; /* of a write that is short */
    if (ftruncate(fd, 0) == -1 || write(fd, text, size) != (ssize_t)size || fsync(fd) == -1)
        return fail_errno(file, "write", file->new_name);
    return true;
}

/* What is there already is to be what a process of ours has left that was ended while it wrote. */
static bool is_ours(struct checkpoint_file *file, int fd)
{
    char text[sizeof HEADING];
    ssize_t size = pread(fd, text, strlen(HEADING), 0);

    if (size == -1)
        return fail_errno(file, "read", file->new_name);
    return has_heading(text, (size_t)size) ||
           fail(file, "%s is in the way: move it, or name another checkpoint", file->new_name);
}

/* Another process may have made the first checkpoint since we found none. */
static bool is_free(struct checkpoint_file *file, int fd)
{
    bool first = file->fd == -1;

    if (is_current(fd, file->new_name) && !(first && access(file->place, F_OK) == 0))
        return true;
    return fail_taken(file);
}

/* The folder is what holds the new name. */
static bool sync_folder(struct checkpoint_file *file)
{
    char name[PATH_MAX];

    strcpy(name, file->place);
    int folder = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1)
        return fail_errno(file, "open the folder of", file->name);
    bool synced = fsync(folder) == 0 || fail_errno(file, "write the folder of", file->name);
    close(folder);
    return synced;
}

static bool put_in_place(struct checkpoint_file *file)
{
    return rename(file->new_name, file->place) == 0 || fail_errno(file, "replace", file->name);
}

/* What replaces a file is as open to others as it was. */
static bool take_mode(struct checkpoint_file *file, int fd)
{
    struct stat old;
    bool first = file->fd == -1;

    return first || (fstat(file->fd, &old) == 0 && fchmod(fd, old.st_mode & 07777) == 0) ||
           fail_errno(file, "set the mode of", file->new_name);
}

static bool replace(struct checkpoint_file *file, int fd, const char *text)
{
    if (!lock(file, fd) || !is_free(file, fd) || !is_ours(file, fd))
        return false;
    if (take_mode(file, fd) && write_text(file, fd, text) && put_in_place(file))
        return true;
    unlink(file->new_name);
    return false;
}

bool checkpoint_save(struct checkpoint_file *file, const struct checkpoint *checkpoint)
{
    char text[TEXT_BYTES];
    int fd = open(file->new_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);

    if (fd == -1)
        return fail_errno(file, "write", file->new_name);
    print(checkpoint, text);
    if (!replace(file, fd, text)) {
        close(fd);
        return false;
    }
    checkpoint_close(file); /* that was the file before */
    file->fd = fd;
    return sync_folder(file);
}
