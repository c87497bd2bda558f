/* Replaces a file atomically, by a new file that is renamed. */
#include "client/common/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/link_target.h"
#include "proto/errno_saved.h"

void atomic_file_init(struct atomic_file *file, const char *name, const char *suffix)
{
    link_target(name, file->place);
    snprintf(file->new_name, sizeof file->new_name, "%s%s", file->place, suffix);
}

int atomic_file_open(const struct atomic_file *file, int flags)
{
    return open(file->new_name, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
}

int atomic_file_open_unnamed(const struct atomic_file *file)
{
    char place[PATH_MAX];

    strcpy(place, file->place);
    return access("/proc/self/fd", F_OK) == -1
               ? -1
               : open(dirname(place), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
}

bool atomic_file_link(const struct atomic_file *file, int fd)
{
    char name[32];

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, name, AT_FDCWD, file->new_name, AT_SYMLINK_FOLLOW) == 0;
}

bool atomic_file_keep_mode(const struct atomic_file *file, int fd)
{
    const mode_t bits = 07777;
    struct stat old, new;

    if (stat(file->place, &old) == -1)
        return errno == ENOENT;
    bool same = fstat(fd, &new) == 0 && ((old.st_mode ^ new.st_mode) & bits) == 0;
    return same || fchmod(fd, old.st_mode & bits) == 0;
}

bool atomic_file_replace(const struct atomic_file *file)
{
    return rename(file->new_name, file->place) == 0;
}

void atomic_file_discard(const struct atomic_file *file)
{
    ERRNO_SAVED(unlink(file->new_name));
}
