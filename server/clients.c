#include "server/clients.h"

#include <assert.h>
#include <czmq.h>
#include <stdlib.h>
#include <string.h>

static size_t envelope_hash(const void *key)
{
    const struct envelope *envelope = key;
    size_t hash = 14695981039346656037u + (size_t)envelope->fd; /* FNV-1a */

    for (size_t i = 0; i < envelope->size; i++)
        hash = (hash ^ envelope->bytes[i]) * 1099511628211u;
    return hash;
}

static int envelope_compare(const void *left, const void *right)
{
    const struct envelope *a = left, *b = right;

    if (a->fd != b->fd)
        return a->fd < b->fd ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->size);
}

void clients_init(struct clients *clients)
{
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

void clients_clear(struct clients *clients)
{
    uint32_t number;

    while (clients_take_lost(clients, &number))
        ;
    zhashx_destroy((zhashx_t **)&clients->by_envelope);
}

/* ---- a client and its number ------------------------------------------------------------- */

static struct client *client_new(struct connection *connection, const struct envelope *envelope)
{
    struct client *client = calloc(1, offsetof(struct client, envelope.bytes) + envelope->size);

    if (!client)
        return NULL;
    client->connection = connection;
    client->envelope.fd = envelope->fd;
    client->envelope.size = envelope->size;
    memcpy(client->envelope.bytes, envelope->bytes, envelope->size);
    return client;
}

struct client *clients_get(struct clients *clients, struct connection *connection,
                           const struct envelope *envelope)
{
    struct client *client = zhashx_lookup(clients->by_envelope, envelope);

    if (client)
        return client;
    client = client_new(connection, envelope);
    if (!client)
        return NULL;
    TAILQ_INSERT_TAIL(&connection->clients, client, link);
    zhashx_insert(clients->by_envelope, &client->envelope, client);
    return client;
}

static bool has_number(const struct client *client)
{
    return client->holds > 0 || client->staying;
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

/* Out of its connection's list and out of sight. */
static void client_detach(struct clients *clients, struct client *client)
{
    TAILQ_REMOVE(&client->connection->clients, client, link);
    zhashx_delete(clients->by_envelope, &client->envelope);
    client->connection = NULL;
}

static void client_forget_if_done(struct clients *clients, struct client *client)
{
    if (has_number(client) || client->kept_count > 0)
        return;
    if (client->connection)
        client_detach(clients, client);
    else
        TAILQ_REMOVE(&clients->lost, client, link);
    free(client);
}

static void client_without_number(struct clients *clients, struct client *client)
{
    number_give(clients, client);
    client_forget_if_done(clients, client);
}

void clients_hold(struct clients *clients, struct client *client)
{
    if (!has_number(client))
        number_take(clients, client);
    client->holds++;
    client->connection->holds++;
}

void clients_release(struct clients *clients, struct client *client)
{
    assert(client->holds > 0);
    client->holds--;
    if (client->connection)
        client->connection->holds--;
    if (!has_number(client))
        client_without_number(clients, client);
}

void clients_stay(struct clients *clients, struct client *client, bool stay)
{
    assert(has_number(client));
    client->staying = stay;
    if (!has_number(client))
        client_without_number(clients, client);
}

/* ---- what is kept ------------------------------------------------------------------------ */

static void kept_add(struct clients *clients, struct client *client, struct kept *kept)
{
    struct connection *connection = client->connection;

    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_INSERT_TAIL(&clients->slow, connection, in_slow);
    TAILQ_INSERT_TAIL(&connection->kept, kept, link);
    client->kept_count++;
    connection->kept_count++;
    clients->kept_count++;
}

static struct client *kept_drop(struct clients *clients, struct connection *connection)
{
    struct kept *kept = TAILQ_FIRST(&connection->kept);
    struct client *client = kept->client;

    TAILQ_REMOVE(&connection->kept, kept, link);
    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_REMOVE(&clients->slow, connection, in_slow);
    client->kept_count--;
    connection->kept_count--;
    clients->kept_count--;
    free(kept);
    return client;
}

/* A look at every slow connection costs little: whoever is found lets go of all that is kept for
 * it, and has to connect anew before it is looked at again. */
static struct connection *slowest(const struct clients *clients)
{
    struct connection *found = TAILQ_FIRST(&clients->slow);
    struct connection *connection;

    TAILQ_FOREACH(connection, &clients->slow, in_slow)
    if (connection->kept_count > found->kept_count)
        found = connection;
    return found;
}

struct connection *clients_keep(struct clients *clients, struct client *client, const void *bytes,
                                size_t size)
{
    struct kept *kept = malloc(sizeof *kept + size);

    if (!kept)
        return client->connection;
    kept->client = client;
    kept->size = size;
    memcpy(kept->bytes, bytes, size);
    kept_add(clients, client, kept);
    return clients->kept_count > KEPT_MAX ? slowest(clients) : NULL;
}

void clients_unkeep(struct clients *clients, struct connection *connection)
{
    client_forget_if_done(clients, kept_drop(clients, connection));
}

/* ---- those that have gone ---------------------------------------------------------------- */

static void client_lose(struct clients *clients, struct client *client)
{
    client_detach(clients, client);
    if (has_number(client))
        TAILQ_INSERT_TAIL(&clients->lost, client, link);
    else
        free(client);
}

void clients_lose(struct clients *clients, struct connection *connection)
{
    while (!TAILQ_EMPTY(&connection->kept))
        kept_drop(clients, connection);
    while (!TAILQ_EMPTY(&connection->clients))
        client_lose(clients, TAILQ_FIRST(&connection->clients));
    connection->holds = 0;
}

bool clients_take_lost(struct clients *clients, uint32_t *number)
{
    struct client *client = TAILQ_FIRST(&clients->lost);

    if (!client)
        return false;
    *number = client->number;
    number_give(clients, client);
    TAILQ_REMOVE(&clients->lost, client, link);
    free(client);
    return true;
}
