/* How far a long sum is, in a small file, so that another day goes on from there.
 *
 * Whoever ends at any moment leaves a whole file, this state or the one before: a new one is
 * written beside it, as FILE.new, and takes its place when the disk has it. Where FILE is a link,
 * that is what it leads to. One process at a time has it. */
#ifndef MEANTIME_CLIENT_SUM_CHECKPOINT_H
#define MEANTIME_CLIENT_SUM_CHECKPOINT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "sums/total.h"

/* The sum of samples first to first + total.count - 1 of a stream. */
struct checkpoint {
    uint64_t seed;
    enum meantime_kind kind;
    uint64_t first;
    struct total total;
};

/* trouble: a sentence without its full stop, after a failure. */
struct checkpoint_file {
    const char *name;
    char place[PATH_MAX]; /* where it is, through links */
    char new_name[PATH_MAX];
    int fd; /* of the file, locked; -1: there is none yet */
    char trouble[PATH_MAX + 256];
};

enum checkpoint_found { CHECKPOINT_FAILED, CHECKPOINT_NONE, CHECKPOINT_FOUND };

/* Reads the file, if it is there, and keeps others from it until checkpoint_close(). Refuses what
 * it has not written: a torn file, or one of somebody else. name: kept, not copied. */
enum checkpoint_found checkpoint_open(struct checkpoint_file *file, const char *name,
                                      struct checkpoint *checkpoint);

/* Puts `checkpoint` in the file's place, on disk. False: the file is as it was, but for a disk that
 * may not have it yet. */
bool checkpoint_save(struct checkpoint_file *file, const struct checkpoint *checkpoint);

void checkpoint_close(struct checkpoint_file *file);

#endif
