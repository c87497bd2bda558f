/* Whether file descriptors are left: libzmq ends the program that has none for it. */
#ifndef MEANTIME_CLIENT_LIB_DESCRIPTORS_H
#define MEANTIME_CLIENT_LIB_DESCRIPTORS_H

#include <stdbool.h>

/* Of libzmq's first socket: two for each of its threads, and one. */
#define DESCRIPTORS_FIRST_SOCKET 5

/* count: 1 or more. False, and errno says why. */
bool descriptors_left(int count);

#endif
