/* Completes the texts of failed requests with advice for users of this program. */
#include "client/common/result.h"

#include <stdio.h>
#include <string.h>

void result_complete_text(struct meantime_result *result)
{
    static const char advice[] = "; start one with meantime-server, or name another with --connect";
    static const char key_advice[] = "; see --key and --server-key";
    size_t size = strlen(result->text);

    if (result->error == MEANTIME_NO_SERVER)
        snprintf(result->text + size, sizeof result->text - size, "%s", advice);
    else if (result->error == MEANTIME_NO_ACCESS)
        snprintf(result->text + size, sizeof result->text - size, "%s", key_advice);
    else if (result->error == MEANTIME_CANCELLED)
        snprintf(result->text, sizeof result->text, "interrupted");
}
