/* For LD_PRELOAD: rand() that returns 0. A ROUTER of libzmq then numbers its connections from 0. */
#include <stdlib.h>

int rand(void)
{
    return 0;
}
