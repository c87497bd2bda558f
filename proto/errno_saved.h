/* Keeps errno while a clean-up runs, and repeats calls that a signal interrupted. */
#ifndef MEANTIME_PROTO_ERRNO_SAVED_H
#define MEANTIME_PROTO_ERRNO_SAVED_H

#include <errno.h>
#include <unistd.h>

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

/* Repeats a call of libzmq that a signal interrupted. Such a call has done nothing yet. */
#define RETRY_IF_INTERRUPTED TEMP_FAILURE_RETRY

#endif
