/* Why a dial failed. */
#ifndef MEANTIME_DIAL_FAILURE_H
#define MEANTIME_DIAL_FAILURE_H

#include <stdbool.h>

#define DIAL_TEXT_BYTES 160

struct dial_failure {
    char text[DIAL_TEXT_BYTES]; /* a clause without a full stop, such as "connection refused" */
    bool definite; /* the next dial fails as well, until the server or the network changes.
                    * Not definite: a timeout, or a server that starts or ends just now */
    bool denied;   /* the server was reached, but the keys of both sides do not fit */
};

#endif
