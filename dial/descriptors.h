/* Checks that file descriptors are left. If libzmq cannot open one, it aborts the program, or
 * reports nothing. */
#ifndef MEANTIME_DIAL_DESCRIPTORS_H
#define MEANTIME_DIAL_DESCRIPTORS_H

#include <stdbool.h>

/* The first socket of a libzmq context needs two descriptors for each of its two threads, one for
 * the context and one for itself. */
#define DESCRIPTORS_FIRST_SOCKET 6

/* Returns whether `count` descriptors can be opened. count: 1 or more.
 * If not, errno is set: EMFILE, ENFILE or ENOMEM. Opens and closes `count` descriptors. */
bool descriptors_left(int count);

#endif
