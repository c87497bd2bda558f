/* Reads MEANTIME_CPU_MASK, which hides features of the processor in test builds. */
#include "sums/cpu.h"

#ifdef MEANTIME_TEST_HOOKS
#include <stdlib.h>
#include <string.h>

bool cpu_masked(const char *feature)
{
    const char *mask = getenv("MEANTIME_CPU_MASK");
    size_t length = strlen(feature);
    for (; mask && *mask; mask += strcspn(mask, ","), mask += *mask == ',')
        if (strcspn(mask, ",") == length && strncmp(mask, feature, length) == 0)
            return true;
    return false;
}
#endif
