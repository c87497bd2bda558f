#include "server/peers/plain_clients.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "server/server_state.h"

/* What each is given the sum of: as many as in the teaching example. */
#define PLAIN_SAMPLES UINT64_C(10000000)

static_assert(PLAIN_MAX <= CLIENT_REQUESTS_MAX, "all plain peers are one client");

/* Each plain peer has one request, whose id is the peer's number and 1: an id is not 0. */
static uint64_t plain_id(uint32_t number)
{
    return (uint64_t)number + 1;
}

static uint32_t plain_number(uint64_t id)
{
    return (uint32_t)(id - 1);
}

const char *plain_clients_owner(const struct server *server, uint64_t id)
{
    return plain_listener_peer(server->plain, plain_number(id));
}

/* One that is refused is not told why: a sentence is no number. One whose request was cancelled has
 * gone before. */
void plain_clients_answer(struct server *server, const struct message *message)
{
    const struct sum_reply *reply = &message->sum_reply;
    const struct refusal *refusal = &message->refusal;

    if (message->type == MESSAGE_SUM_REPLY)
        plain_listener_answer(server->plain, plain_number(reply->id), now_ns(),
                              total_value(reply->units, reply->unit_log2));
    else if (refusal->status != STATUS_CANCELLED)
        plain_listener_drop(server->plain, plain_number(refusal->id), now_ns());
}

static void say_for_plain(struct server *server, const struct message *message)
{
    struct event event = {.type = EVENT_CLIENT_MESSAGE, .client = PLAIN_CLIENT, .message = message};

    server_step(server, &event);
}

/* Asks for them: they cannot. Each has one request, of samples that nobody has seen before. */
static void ask_for_plain(struct server *server, uint32_t number)
{
    struct message message = {
        .type = MESSAGE_SUM_REQUEST,
        .sum_request = {.id = plain_id(number),
                        .kind = MESSAGE_KIND_GAUSSIAN,
                        .count = PLAIN_SAMPLES},
    };
    uint64_t *seed = &message.sum_request.seed;

    if (getrandom(seed, sizeof *seed, 0) != sizeof *seed)
        abort(); /* Linux gives 8 bytes whole or waits for them */
    say_for_plain(server, &message);
}

/* The other plain peers are the same client, which is not lost. */
static void lose_plain(struct server *server, uint32_t number)
{
    struct message message = {.type = MESSAGE_CANCEL, .cancel = {.id = plain_id(number)}};

    say_for_plain(server, &message);
}

static void lose_flooding(struct server *server, uint32_t number)
{
    complain(&server->complaints, COMPLAINT_FLOOD, "a plain client sends without end");
    lose_plain(server, number);
}

static void tell_plain_crowd(struct server *server, int type, const char *why)
{
    if (complaints_due(&server->complaints, type) > 0)
        zsys_warning("clients wait to be accepted at %s: %s",
                     plain_listener_endpoint(server->plain), why);
}

/* False where there was nothing. */
static bool on_plain_news(struct server *server)
{
    uint32_t number;

    switch (plain_listener_next(server->plain, now_ns(), &number)) {
    case PLAIN_EVENT_NOTHING: return false;
    case PLAIN_EVENT_HEARD: break;
    case PLAIN_EVENT_ASKED: ask_for_plain(server, number); break;
    case PLAIN_EVENT_LOST: lose_plain(server, number); break;
    case PLAIN_EVENT_FLOODED: lose_flooding(server, number); break;
    case PLAIN_EVENT_FULL: tell_plain_crowd(server, NEWS_FULL, "all places are taken"); break;
    case PLAIN_EVENT_SHORT: tell_plain_crowd(server, NEWS_SHORT, "no descriptor is left"); break;
    }
    return true;
}

bool plain_clients_take(struct server *server)
{
    int taken = 0;

    while (server->plain && taken < MESSAGES_AT_ONCE && on_plain_news(server))
        taken++;
    return taken > 0;
}
