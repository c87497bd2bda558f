/* Replaces a file atomically: the program writes a new file in the same folder, and then renames
 * the new file over the old one. After a crash, the name has the whole old or the whole new file.
 *
 *     atomic_file_init(&file, name, ".new");
 *     fd = atomic_file_open(&file, O_EXCL);
 *     ... write to fd ...
 *     atomic_file_keep_mode(&file, fd) && atomic_file_replace(&file) || atomic_file_discard(&file)
 *
 * Functions that return false set errno. */
#ifndef MEANTIME_CLIENT_COMMON_ATOMIC_FILE_H
#define MEANTIME_CLIENT_COMMON_ATOMIC_FILE_H

#include <limits.h>
#include <stdbool.h>

/* Longest suffix of a new file's name, with its NUL. */
#define ATOMIC_FILE_SUFFIX_BYTES 32

struct atomic_file {
    char place[PATH_MAX]; /* the file to replace, after following links */
    char new_name[PATH_MAX + ATOMIC_FILE_SUFFIX_BYTES]; /* place, followed by the suffix */
};

/* Sets the two names. If `name` is a link, the file that the link leads to is replaced, and the
 * link stays. If a name is too long, a later call fails with ENAMETOOLONG. */
void atomic_file_init(struct atomic_file *file, const char *name, const char *suffix);

/* Opens the new file for reading and writing; creates the file if it does not exist.
 * flags: more flags for open(), such as O_EXCL. Returns a descriptor that the caller owns, or -1
 * with errno set. */
int atomic_file_open(const struct atomic_file *file, int flags);

/* The same, but the file has no name yet: if the process is killed, nothing remains. -1: the file
 * system has no such files, or /proc is missing. Call atomic_file_link() before replacing. */
int atomic_file_open_unnamed(const struct atomic_file *file);

/* Gives the unnamed file its new name. */
bool atomic_file_link(const struct atomic_file *file, int fd);

/* Gives the new file the permissions of the old one, if there is an old one. */
bool atomic_file_keep_mode(const struct atomic_file *file, int fd);

/* Renames the new file over the old one. */
bool atomic_file_replace(const struct atomic_file *file);

/* Removes the new file. Leaves errno alone. */
void atomic_file_discard(const struct atomic_file *file);

#endif
