/* The reply to a status request: what the dispatcher and the peers know of this server. */
#ifndef MEANTIME_SERVER_STATUS_REPLY_H
#define MEANTIME_SERVER_STATUS_REPLY_H

#include <stdint.h>

#include "proto/status.h"
#include "server/setup.h"

/* The client that a status is for. If peers need keys, only admins see the requests of others. */
struct status_viewer {
    const struct setup *setup;
    uint32_t client;
};

/* Fills in the whole reply. request: which workers and requests the lists begin with. viewer: NULL:
 * the server itself. */
void status_reply_fill(const struct setup *setup, int64_t now_ns,
                       const struct status_request *request, const struct status_viewer *viewer,
                       struct status_reply *reply);

#endif
