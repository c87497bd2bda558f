/* The endpoints of the servers that a request may be sent to, in order of preference. */
#ifndef MEANTIME_CLIENT_LIB_ENDPOINTS_H
#define MEANTIME_CLIENT_LIB_ENDPOINTS_H

#include <stddef.h>

#include "client/lib/meantime.h"

#define ENDPOINTS_MAX MEANTIME_ENDPOINTS_MAX

struct endpoints {
    const char *names[ENDPOINTS_MAX]; /* such as "tcp://127.0.0.1:8197" */
    size_t count;                     /* 1 to ENDPOINTS_MAX */
};

#endif
