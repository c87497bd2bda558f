/* The requests of all clients, and the order in which they take turns: see queue.h. */
#include "server/core/queue.h"

#include <assert.h>
#include <stdlib.h>

/* Each numbered client has a request in flight. One more number is for the client whose message the
 * server is handling. The FIXED_CLIENTS follow. */
static uint32_t numbered_clients(const struct queue *queue)
{
    return queue->requests_max + 1;
}

bool queue_init(struct queue *queue, uint32_t requests_max)
{
    *queue = (struct queue){
        .requests = calloc(requests_max, sizeof *queue->requests),
        .clients = calloc(requests_max + 1 + FIXED_CLIENTS, sizeof *queue->clients),
        .requests_max = requests_max,
    };
    TAILQ_INIT(&queue->free);
    TAILQ_INIT(&queue->open);
    TAILQ_INIT(&queue->outbox);
    TAILQ_INIT(&queue->runnable);
    if (!queue->requests || !queue->clients)
        return false;
    for (uint32_t i = 0; i < numbered_clients(queue) + FIXED_CLIENTS; i++) {
        struct client *client = &queue->clients[i];
        client->in_order =
            i >= numbered_clients(queue) && i < numbered_clients(queue) + PARENTS_MAX;
        TAILQ_INIT(&client->requests);
        TAILQ_INIT(&client->runnable);
    }
    return true;
}

void queue_clear(struct queue *queue)
{
    free(queue->requests);
    free(queue->clients);
}

bool queue_full(const struct queue *queue)
{
    return queue->requests_used == queue->requests_max && TAILQ_EMPTY(&queue->free);
}

struct client *queue_client(const struct queue *queue, uint32_t number)
{
    uint32_t index = number < CLIENTS_MAX ? number : number - CLIENTS_MAX + numbered_clients(queue);

    assert(number >= CLIENTS_MAX || number < numbered_clients(queue));
    assert(number < CLIENTS_MAX + FIXED_CLIENTS);
    return &queue->clients[index];
}

uint32_t queue_client_number(const struct queue *queue, const struct client *client)
{
    uint32_t index = (uint32_t)(client - queue->clients);

    return index < numbered_clients(queue) ? index : index - numbered_clients(queue) + CLIENTS_MAX;
}

struct request *client_request(const struct client *client, uint64_t id)
{
    struct request *request;

    TAILQ_FOREACH (request, &client->requests, in_client)
        if (request->asked.id == id)
            return request;
    return NULL;
}

/* ---- turns ------------------------------------------------------------------------------- */

static void runnable_add(struct queue *queue, struct request *request)
{
    struct client *client = request->client;

    if (TAILQ_EMPTY(&client->runnable))
        TAILQ_INSERT_TAIL(&queue->runnable, client, in_runnable);
    TAILQ_INSERT_TAIL(&client->runnable, request, in_runnable);
}

static void runnable_remove(struct queue *queue, struct request *request)
{
    struct client *client = request->client;

    TAILQ_REMOVE(&client->runnable, request, in_runnable);
    if (TAILQ_EMPTY(&client->runnable))
        TAILQ_REMOVE(&queue->runnable, client, in_runnable);
}

struct request *queue_next(const struct queue *queue)
{
    const struct client *client = TAILQ_FIRST(&queue->runnable);

    return client ? TAILQ_FIRST(&client->runnable) : NULL;
}

/* The next turn goes to another client. This client's next turn goes to another of its requests,
 * unless its requests are computed in order. */
void queue_assigned(struct queue *queue, struct request *request, uint64_t count)
{
    struct client *client = request->client;

    request->assigned += count;
    if (request_left(request) == 0) {
        runnable_remove(queue, request);
    } else if (!client->in_order) {
        TAILQ_REMOVE(&client->runnable, request, in_runnable);
        TAILQ_INSERT_TAIL(&client->runnable, request, in_runnable);
    }
    if (!TAILQ_EMPTY(&client->runnable)) {
        TAILQ_REMOVE(&queue->runnable, client, in_runnable);
        TAILQ_INSERT_TAIL(&queue->runnable, client, in_runnable);
    }
}

/* ---- life of a request ------------------------------------------------------------------- */

struct request *queue_open(struct queue *queue, struct client *client,
                           const struct sum_request *asked)
{
    struct request *request = TAILQ_FIRST(&queue->free);

    assert(!queue_full(queue));
    if (request)
        TAILQ_REMOVE(&queue->free, request, in_state);
    else
        request = &queue->requests[queue->requests_used++];
    *request = (struct request){.state = REQUEST_OPEN, .client = client, .asked = *asked};
    TAILQ_INIT(&request->spans);
    TAILQ_INSERT_TAIL(&client->requests, request, in_client);
    client->request_count++;
    TAILQ_INSERT_TAIL(&queue->open, request, in_state);
    queue->open_count++;
    runnable_add(queue, request);
    return request;
}

void queue_end(struct queue *queue, struct request *request, enum status ending)
{
    assert(request->state == REQUEST_OPEN);
    assert(TAILQ_EMPTY(&request->spans));
    if (request_left(request) > 0)
        runnable_remove(queue, request);
    TAILQ_REMOVE(&queue->open, request, in_state);
    queue->open_count--;
    request->state = REQUEST_ENDED;
    request->ending = ending;
    TAILQ_INSERT_TAIL(&queue->outbox, request, in_state);
}

void queue_detach(struct request *request)
{
    TAILQ_REMOVE(&request->client->requests, request, in_client);
    request->client->request_count--;
    request->client = NULL;
}

void queue_release(struct queue *queue, struct request *request)
{
    assert(request->state == REQUEST_ENDED);
    assert(!request->client);
    TAILQ_REMOVE(&queue->outbox, request, in_state);
    request->state = REQUEST_FREE;
    TAILQ_INSERT_TAIL(&queue->free, request, in_state);
}
