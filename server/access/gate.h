/* The gates of a server: what each of its listening sockets is for, and which roles pass. */
#ifndef MEANTIME_SERVER_ACCESS_GATE_H
#define MEANTIME_SERVER_ACCESS_GATE_H

#include <stdbool.h>

#include "keys/certificate.h"

enum gate {
    GATE_CLIENTS, /* the endpoint of --bind */
    GATE_WORKERS, /* the endpoint of --workers */
    GATES,
};

/* The domain of the gate's socket in ZAP. */
static inline const char *gate_name(enum gate gate)
{
    return gate == GATE_CLIENTS ? "clients" : "workers";
}

static inline bool gate_passes(enum gate gate, enum key_role role)
{
    if (gate == GATE_WORKERS)
        return role == KEY_ROLE_WORKER;
    return role == KEY_ROLE_CLIENT || role == KEY_ROLE_ADMIN;
}

#endif
