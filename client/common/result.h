/* What the program adds to results of the library. */
#ifndef MEANTIME_CLIENT_COMMON_RESULT_H
#define MEANTIME_CLIENT_COMMON_RESULT_H

#include "client/lib/meantime.h"

/* The line for an outage. Arguments: left_endpoint and left_because of the progress. */
#define OUTAGE_FORMAT "The server at %s %s. Asking again.\n"

/* Completes the text of a failed request: the library does not know this program's options. */
void result_complete_text(struct meantime_result *result);

/* The sum, in units of the stream. */
static inline __int128 result_units(const struct meantime_result *result)
{
    return (__int128)((unsigned __int128)result->sum_high << 64 | result->sum_low);
}

#endif
