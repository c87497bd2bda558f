/* Stores the requests of a session in slots, so that a number leads to its request at once. */
#include "client/lib/requests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* A number is 1 + slot + round * 2^SLOT_BITS. The round counts how often the slot was used. */
#define SLOT_BITS  16
#define ROUND_BITS 24
#define SLOT_MASK  ((UINT64_C(1) << SLOT_BITS) - 1)
#define ROUND_ONE  (UINT64_C(1) << SLOT_BITS)
#define ROUNDS_END (UINT64_C(1) << (SLOT_BITS + ROUND_BITS))

#define SLOTS_MIN 16

_Static_assert(MEANTIME_REQUESTS_MAX <= SLOT_MASK + 1, "each slot has a number");
_Static_assert(ROUNDS_END <= ATTEMPT_STRIDE, "numbers are valid ids");

void requests_init(struct requests *requests)
{
    *requests = (struct requests){.slots = NULL};
    TAILQ_INIT(&requests->in_flight);
    TAILQ_INIT(&requests->ended);
    TAILQ_INIT(&requests->unused);
}

static void release(struct session_request *request)
{
    free(request->texts);
    free(request->outputs);
    request->texts = NULL;
    request->outputs = NULL;
}

void requests_clear(struct requests *requests)
{
    for (size_t i = 0; i < requests->slot_count; i++) {
        release(requests->slots[i]);
        free(requests->slots[i]);
    }
    free(requests->slots);
}

static bool make_room(struct requests *requests)
{
    size_t room = requests->slot_room ? 2 * requests->slot_room : SLOTS_MIN;

    if (requests->slot_count < requests->slot_room)
        return true;
    struct session_request **slots = realloc(requests->slots, room * sizeof *slots);
    if (!slots)
        return false;
    requests->slots = slots;
    requests->slot_room = room;
    return true;
}

static struct session_request *slot_new(struct requests *requests)
{
    if (requests->slot_count == MEANTIME_REQUESTS_MAX) {
        errno = EAGAIN;
        return NULL;
    }
    if (!make_room(requests))
        return NULL;
    struct session_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    requests->slots[requests->slot_count++] = request;
    request->number = requests->slot_count;
    return request;
}

/* After the last round, a slot begins again with its first number. In the last slot, the next
 * number would otherwise be ATTEMPT_STRIDE, which is no valid id. */
static uint64_t next_number(uint64_t number)
{
    uint64_t next = number + ROUND_ONE;

    return next < ROUNDS_END ? next : (number - 1) % ROUND_ONE + 1;
}

/* Takes the slot that has been unused longest, so that numbers are used again late. */
struct session_request *requests_add(struct requests *requests)
{
    struct session_request *request = TAILQ_FIRST(&requests->unused);

    if (request)
        TAILQ_REMOVE(&requests->unused, request, link);
    else
        request = slot_new(requests);
    if (!request)
        return NULL;
    *request = (struct session_request){.number = request->number, .used = true};
    TAILQ_INSERT_TAIL(&requests->in_flight, request, link);
    return request;
}

void requests_end(struct requests *requests, struct session_request *request)
{
    assert(!request->ended);
    TAILQ_REMOVE(&requests->in_flight, request, link);
    TAILQ_INSERT_TAIL(&requests->ended, request, link);
    request->ended = true;
    requests->ended_count++;
}

void requests_forget(struct requests *requests, struct session_request *request)
{
    if (request->ended) {
        TAILQ_REMOVE(&requests->ended, request, link);
        requests->ended_count--;
    } else
        TAILQ_REMOVE(&requests->in_flight, request, link);
    release(request);
    request->used = request->ended = false;
    request->number = next_number(request->number);
    TAILQ_INSERT_TAIL(&requests->unused, request, link);
}

struct session_request *requests_find(const struct requests *requests, uint64_t number)
{
    uint64_t slot = (number - 1) & SLOT_MASK;

    if (slot >= requests->slot_count || requests->slots[slot]->number != number)
        return NULL;
    return requests->slots[slot]->used ? requests->slots[slot] : NULL;
}
