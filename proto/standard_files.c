/* Opens stdin, stdout and stderr if the program was started without them. */
#include "proto/standard_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The descriptor is open for reading only, so that printing fails as with a closed one. If there is
 * no /dev/null, opens the root folder instead: reading and writing then fail. */
static int open_null(void)
{
    int fd = open("/dev/null", O_RDONLY);

    return fd == -1 ? open("/", O_RDONLY | O_DIRECTORY) : fd;
}

/* open() returns the lowest free descriptor. */
void standard_files_open(void)
{
    int fd;

    do
        fd = open_null();
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}
