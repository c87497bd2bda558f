#include "client/lib/descriptors.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool descriptors_left(int count)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    bool left = fd != -1 && (count == 1 || descriptors_left(count - 1));

    if (fd != -1)
        close(fd); /* which leaves errno alone */
    return left;
}
