/* The descriptors of stdin, stdout and stderr. Both programs use it; the library does not. */
#ifndef MEANTIME_PROTO_STANDARD_FILES_H
#define MEANTIME_PROTO_STANDARD_FILES_H

/* If descriptor 0, 1 or 2 is closed, opens /dev/null in its place. Otherwise the next file or
 * socket of this program, or of libzmq, gets that number, and the program prints into it.
 * Call it first in main(), before anything opens a descriptor. */
void standard_files_open(void);

#endif
