#include "client/pictures/pictures.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/link_target.h"
#include "client/pictures/timeline.h"
#include "client/pictures/trace.h"

/* A folder takes names of up to 255 bytes; what is too long is told by the system. */
#define PATH_BYTES (PATH_MAX + 32)

typedef void drawing(FILE *out, const struct record *runs, size_t count);

/* Where the place is what is wrong. Of a full disk the system says enough. */
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

static bool refuse(const char *path)
{
    int error = errno;

    fprintf(stderr, "meantime: cannot write %s: %s%s\n", path, strerror(error), advice(error));
    return false;
}

/* ---- files ------------------------------------------------------------------------------- */

/* What is there and no plain file, such as /dev/stdout, is written to and not replaced. */
static bool is_special(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

/* What replaces a file is as open to others as it was. */
static bool take_mode(int file, const char *path)
{
    struct stat old;

    return stat(path, &old) < 0 || fchmod(file, old.st_mode & 07777) == 0;
}

/* A new file beside `path`, whose name goes into `part`. */
static int open_part(const char *path, char *part)
{
    snprintf(part, PATH_BYTES, "%s.%d.part", path, getpid());
    return open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static bool can_be_written(const char *path)
{
    char target[PATH_MAX], part[PATH_BYTES];
    bool special = is_special(path);
    int file = special ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                       : open_part(link_target(path, target), part);

    if (file < 0)
        return refuse(path);
    close(file);
    if (!special)
        unlink(part);
    return true;
}

/* Closes it. out: NULL, and errno says why, where it could not be opened. */
static bool write_whole(FILE *out, drawing *draw, const struct pictures *pictures)
{
    if (!out)
        return false;
    draw(out, pictures->records, pictures->runs);
    bool good = fflush(out) == 0 && !ferror(out);
    int error = errno;

    good = fclose(out) == 0 && good;
    errno = good ? 0 : error;
    return good;
}

static bool write_special(const char *path, drawing *draw, const struct pictures *pictures)
{
    fflush(stdout); /* which may be the same place */
    return write_whole(fopen(path, "we"), draw, pictures) || refuse(path);
}

/* Nobody sees half a file: the part takes its place when it is whole. */
static bool write_plain(const char *path, drawing *draw, const struct pictures *pictures)
{
    char target[PATH_MAX], part[PATH_BYTES];
    const char *place = link_target(path, target);
    int file = open_part(place, part);

    if (file < 0)
        return refuse(path);
    bool moded = take_mode(file, place);
    if (write_whole(fdopen(file, "w"), draw, pictures) && moded && rename(part, place) == 0)
        return true;
    refuse(path);
    unlink(part);
    return false;
}

static bool write_file(const char *path, drawing *draw, const struct pictures *pictures)
{
    return (is_special(path) ? write_special : write_plain)(path, draw, pictures);
}

/* ---- pictures ---------------------------------------------------------------------------- */

static bool are_wanted(const struct pictures *pictures)
{
    return pictures->timeline || pictures->trace;
}

static bool make_room(struct pictures *pictures)
{
    bool room = true;

    for (size_t i = 0; i < PICTURES_RUNS_MAX; i++)
        room = record_init(&pictures->records[i]) && room;
    if (!room)
        fputs("meantime: no memory to record the run for its picture; try it without\n", stderr);
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
    assert(pictures->runs < PICTURES_RUNS_MAX);
    struct record *record = &pictures->records[pictures->runs++];
    record->name = name;
    return record;
}

/* Both are tried. */
bool pictures_write(const struct pictures *pictures)
{
    bool timeline = pictures->runs == 0 || !pictures->timeline ||
                    write_file(pictures->timeline, timeline_draw, pictures);
    bool trace = pictures->runs == 0 || !pictures->trace ||
                 write_file(pictures->trace, trace_write, pictures);

    return timeline && trace;
}

void pictures_clear(struct pictures *pictures)
{
    for (size_t i = 0; i < PICTURES_RUNS_MAX; i++)
        record_clear(&pictures->records[i]);
}
