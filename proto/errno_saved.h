/* Keeps errno while a clean-up runs. */
#ifndef MEANTIME_PROTO_ERRNO_SAVED_H
#define MEANTIME_PROTO_ERRNO_SAVED_H

#include <errno.h>

/* Runs the statement `clean_up` and restores errno, so that errno still gives the reason why the
 * step before the clean-up failed:
 *
 *     ERRNO_SAVED(close(fd));
 *     return -1;
 */
#define ERRNO_SAVED(clean_up)                                                                      \
    do {                                                                                           \
        int errno_before = errno;                                                                  \
        clean_up;                                                                                  \
        errno = errno_before;                                                                      \
    } while (0)

#endif
