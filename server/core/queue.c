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
        .turn_storage = calloc(requests_max, sizeof *queue->turn_storage),
        .requests_max = requests_max,
    };
    TAILQ_INIT(&queue->free);
    TAILQ_INIT(&queue->open);
    TAILQ_INIT(&queue->outbox);
    TAILQ_INIT(&queue->free_turns);
    for (uint32_t skill = 0; skill < SKILLS_MAX; skill++)
        TAILQ_INIT(&queue->turns[skill]);
    if (!queue->requests || !queue->clients || !queue->turn_storage)
        return false;
    for (uint32_t i = 0; i < numbered_clients(queue) + FIXED_CLIENTS; i++) {
        struct client *client = &queue->clients[i];
        client->in_order =
            i >= numbered_clients(queue) && i < numbered_clients(queue) + PARENTS_MAX;
        TAILQ_INIT(&client->requests);
        TAILQ_INIT(&client->turns);
    }
    return true;
}

void queue_clear(struct queue *queue)
{
    free(queue->requests);
    free(queue->clients);
    free(queue->turn_storage);
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

/* Moves a turn behind all others. */
static void turn_enter(struct queue *queue, struct turn *turn)
{
    turn->number = ++queue->last_turn;
    TAILQ_INSERT_TAIL(&queue->turns[turn->skill], turn, in_skill);
    queue->wanted |= skill_bit(turn->skill);
}

static void turn_leave(struct queue *queue, struct turn *turn)
{
    TAILQ_REMOVE(&queue->turns[turn->skill], turn, in_skill);
    if (TAILQ_EMPTY(&queue->turns[turn->skill]))
        queue->wanted &= ~skill_bit(turn->skill);
}

static struct turn *turn_new(struct queue *queue, struct client *client, uint32_t skill)
{
    struct turn *turn = TAILQ_FIRST(&queue->free_turns);

    if (turn)
        TAILQ_REMOVE(&queue->free_turns, turn, in_skill);
    else
        turn = &queue->turn_storage[queue->turns_used++];
    *turn = (struct turn){.client = client, .skill = skill};
    TAILQ_INIT(&turn->runnable);
    TAILQ_INSERT_TAIL(&client->turns, turn, in_client);
    turn_enter(queue, turn);
    return turn;
}

static void turn_free(struct queue *queue, struct turn *turn)
{
    turn_leave(queue, turn);
    TAILQ_REMOVE(&turn->client->turns, turn, in_client);
    TAILQ_INSERT_TAIL(&queue->free_turns, turn, in_skill);
}

static struct turn *client_turn(const struct client *client, uint32_t skill)
{
    struct turn *turn;

    TAILQ_FOREACH (turn, &client->turns, in_client)
        if (turn->skill == skill)
            return turn;
    return NULL;
}

static void runnable_add(struct queue *queue, struct request *request)
{
    struct turn *turn = client_turn(request->client, request->skill);

    request->turn = turn ? turn : turn_new(queue, request->client, request->skill);
    TAILQ_INSERT_TAIL(&request->turn->runnable, request, in_turn);
}

static void runnable_remove(struct queue *queue, struct request *request)
{
    struct turn *turn = request->turn;

    TAILQ_REMOVE(&turn->runnable, request, in_turn);
    request->turn = NULL;
    if (TAILQ_EMPTY(&turn->runnable))
        turn_free(queue, turn);
}

struct request *queue_next(const struct queue *queue, skill_set skills)
{
    const struct turn *next = NULL;

    for (skills &= queue->wanted; skills; skills &= skills - 1) {
        const struct turn *turn = TAILQ_FIRST(&queue->turns[skill_lowest(skills)]);
        if (!next || turn->number < next->number)
            next = turn;
    }
    return next ? TAILQ_FIRST(&next->runnable) : NULL;
}

/* The next turn goes to another client, whatever skill it needs. */
static void client_pass(struct queue *queue, struct client *client)
{
    struct turn *turn;

    TAILQ_FOREACH (turn, &client->turns, in_client) {
        turn_leave(queue, turn);
        turn_enter(queue, turn);
    }
}

/* This client's next turn goes to another of its requests, unless its requests are computed in
 * order. */
void queue_assigned(struct queue *queue, struct request *request, uint64_t count)
{
    struct client *client = request->client;

    request->assigned += count;
    if (request_left(request) == 0) {
        runnable_remove(queue, request);
    } else if (!client->in_order) {
        TAILQ_REMOVE(&request->turn->runnable, request, in_turn);
        TAILQ_INSERT_TAIL(&request->turn->runnable, request, in_turn);
    }
    client_pass(queue, client);
}

void queue_restart(struct queue *queue, struct request *request)
{
    assert(TAILQ_EMPTY(&request->spans));
    request->assigned = 0;
    if (!request->turn)
        runnable_add(queue, request);
}

/* ---- life of a request ------------------------------------------------------------------- */

struct request *queue_open(struct queue *queue, struct client *client,
                           const struct sum_request *asked, uint32_t skill)
{
    struct request *request = TAILQ_FIRST(&queue->free);

    assert(!queue_full(queue));
    if (request)
        TAILQ_REMOVE(&queue->free, request, in_state);
    else
        request = &queue->requests[queue->requests_used++];
    *request =
        (struct request){.state = REQUEST_OPEN, .client = client, .asked = *asked, .skill = skill};
    TAILQ_INIT(&request->spans);
    TAILQ_INSERT_TAIL(&client->requests, request, in_client);
    client->request_count++;
    TAILQ_INSERT_TAIL(&queue->open, request, in_state);
    queue->open_count++;
    queue->open_of[skill]++;
    queue->needed |= skill_bit(skill);
    runnable_add(queue, request);
    return request;
}

void queue_end(struct queue *queue, struct request *request, enum refusal_code ending)
{
    assert(request->state == REQUEST_OPEN);
    assert(TAILQ_EMPTY(&request->spans));
    if (request->turn)
        runnable_remove(queue, request);
    TAILQ_REMOVE(&queue->open, request, in_state);
    queue->open_count--;
    if (--queue->open_of[request->skill] == 0)
        queue->needed &= ~skill_bit(request->skill);
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
