#include "server/clients.h"

#include <assert.h>
#include <czmq.h>
#include <stdlib.h>
#include <string.h>

static size_t envelope_hash(const void *key)
{
    const struct envelope *envelope = key;
    size_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < envelope->size; i++)
        hash = (hash ^ envelope->bytes[i]) * 1099511628211u;
    return hash;
}

static int envelope_compare(const void *left, const void *right)
{
    const struct envelope *a = left, *b = right;

    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->size);
}

void clients_init(struct clients *clients)
{
    TAILQ_INIT(&clients->present);
    TAILQ_INIT(&clients->lost);
    TAILQ_INIT(&clients->slow);
    clients->kept_count = clients->free_count = 0;
    for (uint32_t i = CLIENTS_MAX; i > 0; i--)
        clients->free_numbers[clients->free_count++] = i - 1;
    clients->by_envelope = zhashx_new();
    zhashx_set_key_hasher(clients->by_envelope, envelope_hash);
    zhashx_set_key_comparator(clients->by_envelope, envelope_compare);
    zhashx_set_key_duplicator(clients->by_envelope, NULL);
    zhashx_set_key_destructor(clients->by_envelope, NULL);
}

struct client *clients_find(const struct clients *clients, const struct envelope *envelope)
{
    return zhashx_lookup(clients->by_envelope, envelope);
}

struct client *clients_add(struct clients *clients, const struct envelope *envelope, int fd)
{
    struct client *client = malloc(sizeof *client);

    if (!client)
        return NULL;
    *client = (struct client){.envelope = *envelope, .fd = fd};
    TAILQ_INIT(&client->kept);
    TAILQ_INSERT_TAIL(&clients->present, client, link);
    zhashx_insert(clients->by_envelope, &client->envelope, client);
    return client;
}

static void number_take(struct clients *clients, struct client *client)
{
    assert(clients->free_count > 0);
    client->number = clients->free_numbers[--clients->free_count];
    clients->by_number[client->number] = client;
}

static void number_give(struct clients *clients, const struct client *client)
{
    clients->by_number[client->number] = NULL;
    clients->free_numbers[clients->free_count++] = client->number;
}

static void kept_drop(struct clients *clients, struct client *client)
{
    struct kept *kept = TAILQ_FIRST(&client->kept);

    TAILQ_REMOVE(&client->kept, kept, link);
    if (TAILQ_EMPTY(&client->kept))
        TAILQ_REMOVE(&clients->slow, client, in_slow);
    client->kept_count--;
    clients->kept_count--;
    free(kept);
}

static void kept_drop_all(struct clients *clients, struct client *client)
{
    while (!TAILQ_EMPTY(&client->kept))
        kept_drop(clients, client);
}

static void client_forget(struct clients *clients, struct client *client)
{
    kept_drop_all(clients, client);
    if (client->holds > 0)
        number_give(clients, client);
    TAILQ_REMOVE(client->lost ? &clients->lost : &clients->present, client, link);
    zhashx_delete(clients->by_envelope, &client->envelope);
    free(client);
}

void clients_clear(struct clients *clients)
{
    while (!TAILQ_EMPTY(&clients->present))
        client_forget(clients, TAILQ_FIRST(&clients->present));
    while (!TAILQ_EMPTY(&clients->lost))
        client_forget(clients, TAILQ_FIRST(&clients->lost));
    zhashx_destroy((zhashx_t **)&clients->by_envelope);
}

void clients_hold(struct clients *clients, struct client *client)
{
    if (client->holds++ == 0)
        number_take(clients, client);
}

void clients_release(struct clients *clients, struct client *client)
{
    assert(client->holds > 0);
    if (--client->holds > 0)
        return;
    number_give(clients, client);
    if (TAILQ_EMPTY(&client->kept))
        client_forget(clients, client);
}

static void kept_add(struct clients *clients, struct client *client, struct kept *kept)
{
    if (TAILQ_EMPTY(&client->kept))
        TAILQ_INSERT_TAIL(&clients->slow, client, in_slow);
    TAILQ_INSERT_TAIL(&client->kept, kept, link);
    client->kept_count++;
    clients->kept_count++;
}

static struct client *clients_slowest(const struct clients *clients)
{
    struct client *slowest = TAILQ_FIRST(&clients->slow);
    struct client *client;

    TAILQ_FOREACH(client, &clients->slow, in_slow)
    if (client->kept_count > slowest->kept_count)
        slowest = client;
    return slowest;
}

const struct client *clients_keep(struct clients *clients, struct client *client, const void *bytes,
                                  size_t size)
{
    struct kept *kept = malloc(sizeof *kept + size);
    struct client *given_up = NULL;

    if (kept) {
        kept->size = size;
        memcpy(kept->bytes, bytes, size);
        kept_add(clients, client, kept);
    }
    if (!kept)
        given_up = client;
    else if (clients->kept_count > KEPT_MAX)
        given_up = clients_slowest(clients);
    if (given_up) {
        kept_drop_all(clients, given_up);
        clients_lose(clients, given_up);
    }
    return given_up;
}

void clients_unkeep(struct clients *clients, struct client *client)
{
    kept_drop(clients, client);
    if (client->holds == 0 && TAILQ_EMPTY(&client->kept))
        client_forget(clients, client);
}

void clients_lose(struct clients *clients, struct client *client)
{
    if (client->lost)
        return;
    client->lost = true;
    TAILQ_REMOVE(&clients->present, client, link);
    TAILQ_INSERT_TAIL(&clients->lost, client, link);
}

void clients_lose_connection(struct clients *clients, int fd)
{
    struct client *client = TAILQ_FIRST(&clients->present);

    while (client) {
        struct client *next = TAILQ_NEXT(client, link);
        if (client->fd == fd)
            clients_lose(clients, client);
        client = next;
    }
}

bool clients_take_lost(struct clients *clients, uint32_t *number)
{
    struct client *client;
    bool held = false;

    while (!held && (client = TAILQ_FIRST(&clients->lost))) {
        held = client->holds > 0;
        *number = client->number;
        client_forget(clients, client);
    }
    return held;
}
