/* Completes the texts of failed requests with advice for users of this program. */
#include "client/common/result.h"

#include <stdio.h>
#include <string.h>

void result_complete_text(struct meantime_result *result)
{
    static const char advice[] = "; start one with meantime-server, or name another with --connect";
    size_t size = strlen(result->text);

    if (result->error == MEANTIME_NO_SERVER)
        snprintf(result->text + size, sizeof result->text - size, "%s", advice);
    else if (result->error == MEANTIME_CANCELLED)
        snprintf(result->text, sizeof result->text, "interrupted");
}
