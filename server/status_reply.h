/* The reply to a status request: what the dispatcher and the peers know of this server. */
#ifndef MEANTIME_SERVER_STATUS_REPLY_H
#define MEANTIME_SERVER_STATUS_REPLY_H

#include <stdint.h>

#include "proto/status.h"
#include "server/setup.h"

/* Fills in the whole reply. request: which workers and requests the lists begin with. */
void status_reply_fill(const struct setup *setup, int64_t now_ns,
                       const struct status_request *request, struct status_reply *reply);

#endif
