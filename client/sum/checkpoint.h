/* The checkpoint of a long sum: a small file from which a later run resumes the sum.
 *
 * The checkpoint is written atomically: first to FILE.new, then to disk, then renamed to FILE.
 * After a crash at any moment, FILE has the new or the previous state. If FILE is a link, the file
 * that the link leads to is replaced. Only one process at a time can open a checkpoint.
 *
 * Some file systems have no locks, cannot sync a folder or cannot set modes. The checkpoint is
 * written all the same, with a warning. FILE.new remains only if the process is killed. */
#ifndef MEANTIME_CLIENT_SUM_CHECKPOINT_H
#define MEANTIME_CLIENT_SUM_CHECKPOINT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/common/atomic_file.h"
#include "client/sum/checkpoint_text.h"

/* The size of an error or a warning, with its NUL. */
#define CHECKPOINT_TEXT_BYTES (PATH_MAX + 256)

/* What the file system cannot do, although the checkpoint is usable without it. */
enum checkpoint_lack {
    CHECKPOINT_LACKS_LOCKS,
    CHECKPOINT_LACKS_MODES,
    CHECKPOINT_LACKS_SYNC,
    CHECKPOINT_LACKS_FOLDER_SYNC,
    CHECKPOINT_LACKS,
};

struct checkpoint_file {
    const char *name;                       /* as the user gave it */
    struct atomic_file replacement;         /* replaces the file at each save */
    int fd;                                 /* the file, locked; -1: it does not exist yet */
    char error_text[CHECKPOINT_TEXT_BYTES]; /* after a failure: a sentence without its full stop */
    int lacks[CHECKPOINT_LACKS];            /* [lack] errno of its first failure; 0: none */
    bool warned[CHECKPOINT_LACKS];          /* [lack] checkpoint_warning() has reported it */
};

enum checkpoint_found { CHECKPOINT_FAILED, CHECKPOINT_NONE, CHECKPOINT_FOUND };

/* Reads the file, if it exists, and locks it until checkpoint_close(). Truncated, corrupt or
 * foreign files are refused. name: kept, not copied.
 * Owner of the found tally: the caller, who clears it. */
enum checkpoint_found checkpoint_open(struct checkpoint_file *file, const char *name,
                                      struct checkpoint *checkpoint);

/* Replaces the file and waits until it is on disk. If this fails, the file is unchanged. Holds back
 * signals meanwhile. */
bool checkpoint_save(struct checkpoint_file *file, const struct checkpoint *checkpoint);

/* Writes the next new warning to `text`: a sentence without its full stop. Returns false if there
 * is none. Each lack has one warning. */
bool checkpoint_warning(struct checkpoint_file *file, char text[CHECKPOINT_TEXT_BYTES]);

void checkpoint_close(struct checkpoint_file *file);

#endif
