/* The checkpoint of a long sum: a small file from which a later run resumes the sum.
 *
 * The checkpoint is written atomically: first to FILE.new, then to disk, then renamed to FILE.
 * After a crash at any moment, FILE has the new or the previous state. If FILE is a link, the file
 * that the link leads to is replaced. Only one process at a time can open a checkpoint. */
#ifndef MEANTIME_CLIENT_SUM_CHECKPOINT_H
#define MEANTIME_CLIENT_SUM_CHECKPOINT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/common/atomic_file.h"
#include "client/lib/meantime.h"
#include "sums/total.h"

/* What the file contains. */
struct checkpoint {
    uint64_t seed;
    enum meantime_kind kind;
    uint64_t first;     /* number of the first sample */
    struct total total; /* of samples first to first + total.count - 1 */
};

struct checkpoint_file {
    const char *name;                /* as the user gave it */
    struct atomic_file replacement;  /* replaces the file at each save */
    int fd;                          /* the file, locked; -1: it does not exist yet */
    char error_text[PATH_MAX + 256]; /* after a failure: a sentence without its full stop */
};

enum checkpoint_found { CHECKPOINT_FAILED, CHECKPOINT_NONE, CHECKPOINT_FOUND };

/* Reads the file, if it exists, and locks it until checkpoint_close(). Truncated, corrupt or
 * foreign files are refused. name: kept, not copied. */
enum checkpoint_found checkpoint_open(struct checkpoint_file *file, const char *name,
                                      struct checkpoint *checkpoint);

/* Replaces the file and waits until it is on disk. If this fails, the file is unchanged, with one
 * exception. If the last step fails, the file is replaced, but may not be on disk yet. */
bool checkpoint_save(struct checkpoint_file *file, const struct checkpoint *checkpoint);

void checkpoint_close(struct checkpoint_file *file);

#endif
