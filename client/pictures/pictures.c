/* Records lessons for pictures, and writes the pictures to their files. */
#include "client/pictures/pictures.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/atomic_file.h"
#include "client/common/interrupt.h"
#include "client/pictures/timeline.h"
#include "client/pictures/trace.h"
#include "proto/errno_saved.h"

typedef void drawing(FILE *out, const struct record *records, size_t count);

/* Advice for errors that another folder would avoid. For other errors, such as a full disk, the
 * message of the system is enough. */
static const char *advice(int error)
{
    switch (error) {
    case EACCES:
    case EISDIR:
    case ENOENT:
    case ENOTDIR:
    case EROFS: return "; name a file in a folder that you may write to";
    default: return "";
    }
}

static bool fail(const char *path)
{
    int error = errno;

    fprintf(stderr, "meantime: cannot write %s: %s%s\n", path, strerror(error), advice(error));
    return false;
}

/* ---- files ------------------------------------------------------------------------------- */

/* A file that exists and is not a regular one, such as /dev/stdout, is written to. It is not
 * replaced. */
static bool is_special(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

/* The new file's name has this process's id, so no other file has it. */
static void name_file(struct atomic_file *file, const char *path)
{
    char suffix[ATOMIC_FILE_SUFFIX_BYTES];

    snprintf(suffix, sizeof suffix, ".%d.part", getpid());
    atomic_file_init(file, path, suffix);
}

static bool can_write_regular(const char *path)
{
    struct atomic_file file;
    sigset_t before;

    name_file(&file, path);
    interrupt_hold(&before);
    int fd = atomic_file_open(&file, O_EXCL);
    if (fd != -1) {
        close(fd);
        atomic_file_discard(&file);
    }
    interrupt_release(&before);
    return fd != -1;
}

static bool can_write_special(const char *path)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd != -1)
        close(fd);
    return fd != -1;
}

static bool can_be_written(const char *path)
{
    return (is_special(path) ? can_write_special : can_write_regular)(path) || fail(path);
}

/* out: NULL if it could not be opened. On failure sets errno. */
static bool draw_to(FILE *out, drawing *draw, const struct pictures *pictures)
{
    if (!out)
        return false;
    draw(out, pictures->records, pictures->count);
    return fflush(out) == 0 && !ferror(out);
}

/* Returns whether all is well. If it was not before, errno stays. */
static bool close_file(FILE *out, bool good)
{
    if (good)
        return fclose(out) == 0;
    if (out)
        ERRNO_SAVED(fclose(out));
    return false;
}

static bool write_special(const char *path, drawing *draw, const struct pictures *pictures)
{
    fflush(stdout); /* the path may lead to stdout */
    FILE *out = fopen(path, "we");
    return close_file(out, draw_to(out, draw, pictures)) || fail(path);
}

/* While the file has no name, a kill -9 leaves nothing of it. */
static bool write_regular(const char *path, drawing *draw, const struct pictures *pictures)
{
    struct atomic_file file;

    name_file(&file, path);
    int fd = atomic_file_open_unnamed(&file);
    bool named = fd == -1;
    if (named)
        fd = atomic_file_open(&file, O_EXCL);
    if (fd == -1)
        return fail(path);
    atomic_file_keep_mode(&file, fd); /* a picture is useful with another mode, too */
    FILE *out = fdopen(fd, "w");
    bool drawn = draw_to(out, draw, pictures) && (named || atomic_file_link(&file, fd));
    if (close_file(out, drawn) && atomic_file_replace(&file))
        return true;
    fail(path);
    atomic_file_discard(&file);
    return false;
}

static bool write_file(const char *path, drawing *draw, const struct pictures *pictures)
{
    sigset_t before;

    if (is_special(path))
        return write_special(path, draw, pictures);
    interrupt_hold(&before);
    bool written = write_regular(path, draw, pictures);
    interrupt_release(&before);
    return written;
}

/* ---- pictures ---------------------------------------------------------------------------- */

static bool are_wanted(const struct pictures *pictures)
{
    return pictures->timeline || pictures->trace;
}

static bool make_room(struct pictures *pictures)
{
    bool room = true;

    for (size_t i = 0; i < PICTURES_LESSONS_MAX; i++)
        room = record_init(&pictures->records[i]) && room;
    if (!room)
        fputs("meantime: not enough memory to record the lesson; omit --timeline and --trace\n",
              stderr);
    return room;
}

bool pictures_begin(struct pictures *pictures, const char *timeline, const char *trace)
{
    *pictures = (struct pictures){.timeline = timeline, .trace = trace};
    return (!timeline || can_be_written(timeline)) && (!trace || can_be_written(trace)) &&
           (!are_wanted(pictures) || make_room(pictures));
}

struct record *pictures_record(struct pictures *pictures, const char *name)
{
    if (!are_wanted(pictures))
        return NULL;
    assert(pictures->count < PICTURES_LESSONS_MAX);
    struct record *record = &pictures->records[pictures->count++];
    record->name = name;
    return record;
}

/* Writes both files, even if the first one fails. */
bool pictures_write(const struct pictures *pictures)
{
    bool timeline = pictures->count == 0 || !pictures->timeline ||
                    write_file(pictures->timeline, timeline_draw, pictures);
    bool trace = pictures->count == 0 || !pictures->trace ||
                 write_file(pictures->trace, trace_write, pictures);

    return timeline && trace;
}

void pictures_clear(struct pictures *pictures)
{
    for (size_t i = 0; i < PICTURES_LESSONS_MAX; i++)
        record_clear(&pictures->records[i]);
}
