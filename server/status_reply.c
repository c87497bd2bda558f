/* The reply to a status request: what the dispatcher and the peers know of this server. */
#include "server/status_reply.h"

#include <stdio.h>
#include <string.h>

#include "proto/instant.h"
#include "proto/printable.h"

/* Where a request comes from: an address or an endpoint. */
static const char *owner_of(const struct setup *setup, const struct request_status *request)
{
    if (request->client == PLAIN_CLIENT)
        return plain_clients_address(setup->plain_clients, request->id);
    if (request->client >= CLIENTS_MAX)
        return parents_endpoint(setup->parents, request->client);
    return clients_address(setup->clients, request->client);
}

/* The dispatcher knows the kernels of joined workers only. */
static void fill_kernels(const struct setup *setup, struct status_reply *reply)
{
    memcpy(reply->kernel, setup->join.kernel, sizeof reply->kernel);
    for (uint32_t i = 0; i < reply->workers_listed; i++)
        if (reply->workers[i].state == WORKER_STATUS_THREAD)
            memcpy(reply->workers[i].kernel, setup->join.kernel, sizeof reply->kernel);
}

static void fill_owners(const struct setup *setup, struct status_reply *reply)
{
    for (uint32_t i = 0; i < reply->requests_listed; i++) {
        struct request_status *request = &reply->requests[i];
        snprintf(request->owner, sizeof request->owner, "%s", owner_of(setup, request));
        make_printable(request->owner);
    }
}

/* Requests of plain clients and of parents belong to no key. */
static bool shows(const void *context, uint32_t client)
{
    const struct status_viewer *viewer = context;
    const struct clients *clients = viewer->setup->clients;

    return clients_may_see_all(clients, viewer->client) ||
           (client < CLIENTS_MAX && clients_may_see(clients, viewer->client, client));
}

void status_reply_fill(const struct setup *setup, int64_t now_ns,
                       const struct status_request *request, const struct status_viewer *viewer,
                       struct status_reply *reply)
{
    const struct status_filter filter = {shows, viewer};

    dispatcher_status(setup->dispatcher, now_ns, request, viewer ? &filter : NULL, reply);
    reply->counters.refused += setup->clients ? clients_refused(setup->clients) : 0;
    reply->counters.bad_messages = setup->log.bad_messages;
    memcpy(reply->name, setup->join.name, sizeof reply->name);
    reply->up_ms = (uint64_t)((now_ns - setup->began_at_ns) / NS_PER_MS);
    fill_kernels(setup, reply);
    fill_owners(setup, reply);
}
