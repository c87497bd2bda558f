/* Reads and writes the checkpoint of a long sum. */
#include "client/sum/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/interrupt.h"

/* ---- errors ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static bool fail(struct checkpoint_file *file,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(file->error_text, sizeof file->error_text, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_errno(struct checkpoint_file *file, const char *action, const char *name)
{
    return fail(file, "cannot %s %s: %s", action, name, strerror(errno));
}

static bool fail_in_use(struct checkpoint_file *file)
{
    return fail(file, "another meantime uses %s: wait until it ends, or stop it", file->name);
}

/* ---- what the file system lacks ---------------------------------------------------------- */

/* Returns true, because the checkpoint is usable all the same. */
static bool note_lack(struct checkpoint_file *file, enum checkpoint_lack lack)
{
    if (!file->lacks[lack])
        file->lacks[lack] = errno;
    return true;
}

bool checkpoint_warning(struct checkpoint_file *file, char text[CHECKPOINT_TEXT_BYTES])
{
    static const struct {
        const char *action, *consequence;
    } texts[] = {
        [CHECKPOINT_LACKS_LOCKS] = {"lock", "let no other meantime use it at the same time"},
        [CHECKPOINT_LACKS_MODES] = {"keep the mode of", "it has the default mode"},
        [CHECKPOINT_LACKS_SYNC] = {"sync", "a power failure may lose it"},
        [CHECKPOINT_LACKS_FOLDER_SYNC] = {"sync the folder of",
                                          "after a power failure it may have an earlier state"},
    };

    for (int i = 0; i < CHECKPOINT_LACKS; i++)
        if (file->lacks[i] && !file->warned[i]) {
            file->warned[i] = true;
            snprintf(text, CHECKPOINT_TEXT_BYTES, "cannot %s %s: %s; %s", texts[i].action,
                     file->name, strerror(file->lacks[i]), texts[i].consequence);
            return true;
        }
    return false;
}

/* ---- the lock ---------------------------------------------------------------------------- */

/* Some network file systems have only one of the two kinds of locks. Both kinds belong to the
 * descriptor. */
static int lock_descriptor(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    int locked = flock(fd, LOCK_EX | LOCK_NB);

    return locked == 0 || errno == EWOULDBLOCK ? locked : fcntl(fd, F_OFD_SETLK, &whole);
}

/* Returns false if another process has locked the file. */
static bool lock(struct checkpoint_file *file, int fd)
{
    if (lock_descriptor(fd) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return fail_in_use(file);
    return note_lack(file, CHECKPOINT_LACKS_LOCKS);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* False if another process has replaced the file after this one opened it. */
static bool is_current(int fd, const char *name)
{
    struct stat ours, current;

    return fstat(fd, &ours) == 0 && stat(name, &current) == 0 && ours.st_dev == current.st_dev &&
           ours.st_ino == current.st_ino;
}

static bool is_regular(int fd)
{
    struct stat found;

    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

static bool parse(struct checkpoint_file *file, const char *text, ssize_t size,
                  struct checkpoint *checkpoint)
{
    if (size == -1)
        return fail_errno(file, "read", file->name);
    if (size == 0)
        return fail(file, "%s is empty: restore it, or remove it to start again", file->name);
    if (!checkpoint_begins(text, (size_t)size))
        return fail(file, "%s is not a checkpoint of meantime: name another file", file->name);
    if (!checkpoint_parse(text, checkpoint))
        return fail(file, "%s is truncated or corrupt: restore it, or remove it to start again",
                    file->name);
    return true;
}

static bool load(struct checkpoint_file *file, struct checkpoint *checkpoint)
{
    if (!is_regular(file->fd))
        return fail(file, "%s is not a regular file: name another file", file->name);
    char *text = calloc(1, CHECKPOINT_BYTES_MAX);
    if (!text)
        return fail_errno(file, "read", file->name);
    ssize_t size = pread(file->fd, text, CHECKPOINT_BYTES_MAX - 1, 0);
    bool good = parse(file, text, size, checkpoint);
    free(text);
    return good;
}

/* Opens for writing if possible: on NFS, an exclusive lock needs a descriptor for writing. */
static int open_file(const char *name)
{
    const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(name, O_RDWR | flags);

    return fd == -1 && errno != ENOENT ? open(name, O_RDONLY | flags) : fd;
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

static bool name_files(struct checkpoint_file *file)
{
    atomic_file_init(&file->replacement, file->name, ".new");
    return strlen(file->replacement.new_name) < PATH_MAX ||
           fail(file, "the name of the checkpoint is too long");
}

enum checkpoint_found checkpoint_open(struct checkpoint_file *file, const char *name,
                                      struct checkpoint *checkpoint)
{
    *file = (struct checkpoint_file){.name = name, .fd = -1};
    if (!name_files(file))
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

/* Some file systems cannot sync. Other errors, such as EIO, mean that the data is lost. */
static bool sync_file(struct checkpoint_file *file, int fd)
{
    if (fsync(fd) == 0)
        return true;
    bool cannot = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
    return cannot && note_lack(file, CHECKPOINT_LACKS_SYNC);
}

static bool write_text(struct checkpoint_file *file, int fd, const char *text)
{
    size_t size = strlen(text);

    errno = ENOSPC; /* the reason if write() writes only a part */
    if (ftruncate(fd, 0) == -1 || write(fd, text, size) != (ssize_t)size || !sync_file(file, fd))
        return fail_errno(file, "write", file->replacement.new_name);
    return true;
}

/* FILE.new may exist already, if a process of this program was killed while it wrote the file. This
 * function recognises such a file. Other files of that name are never overwritten. */
static bool is_ours(struct checkpoint_file *file, int fd)
{
    const char *name = file->replacement.new_name;
    char text[64];
    ssize_t size = pread(fd, text, sizeof text, 0);

    if (size == -1)
        return fail_errno(file, "read", name);
    return checkpoint_begins(text, (size_t)size) ||
           fail(file, "%s is in the way: move it, or name another checkpoint", name);
}

/* The folder contains the new name, so it must be on disk as well. */
static void sync_folder(struct checkpoint_file *file)
{
    char name[PATH_MAX];

    strcpy(name, file->replacement.place);
    int folder = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1 || fsync(folder) == -1)
        note_lack(file, CHECKPOINT_LACKS_FOLDER_SYNC);
    if (folder != -1)
        close(folder);
}

/* If there was no checkpoint, another process may have written the first one meanwhile. */
static bool is_unused(struct checkpoint_file *file)
{
    bool first = file->fd == -1;

    return !first || access(file->replacement.place, F_OK) == -1 || fail_in_use(file);
}

static bool keep_mode(struct checkpoint_file *file, int fd)
{
    return atomic_file_keep_mode(&file->replacement, fd) || note_lack(file, CHECKPOINT_LACKS_MODES);
}

static bool put_in_place(struct checkpoint_file *file)
{
    return atomic_file_replace(&file->replacement) || fail_errno(file, "replace", file->name);
}

/* Returns true if FILE.new is this process's own: locked, not replaced, and no foreign file. */
static bool own(struct checkpoint_file *file, int fd)
{
    return lock(file, fd) && (is_current(fd, file->replacement.new_name) || fail_in_use(file)) &&
           is_ours(file, fd);
}

static bool replace(struct checkpoint_file *file, int fd, const char *text)
{
    if (!own(file, fd))
        return false;
    if (is_unused(file) && keep_mode(file, fd) && write_text(file, fd, text) && put_in_place(file))
        return true;
    atomic_file_discard(&file->replacement);
    return false;
}

static bool save(struct checkpoint_file *file, const struct checkpoint *checkpoint)
{
    int fd = atomic_file_open(&file->replacement, O_NOFOLLOW | O_NONBLOCK);

    if (fd == -1)
        return fail_errno(file, "write", file->replacement.new_name);
    char *text = checkpoint_print(checkpoint);
    bool replaced = replace(file, fd, text);
    free(text);
    if (!replaced) {
        close(fd);
        return false;
    }
    checkpoint_close(file); /* the descriptor of the previous file */
    file->fd = fd;
    sync_folder(file);
    return true;
}

bool checkpoint_save(struct checkpoint_file *file, const struct checkpoint *checkpoint)
{
    sigset_t before;

    interrupt_hold(&before);
    bool saved = save(file, checkpoint);
    interrupt_release(&before);
    return saved;
}
