/* The senders behind a listener: by envelope and by number, waiting messages, lost senders. */
#include "server/net/senders.h"

#include <assert.h>
#include <czmq.h>
#include <stdlib.h>
#include <string.h>

#include "sums/fnv.h"

static size_t envelope_hash(const void *key)
{
    const struct envelope *envelope = key;

    return fnv_add_bytes(FNV_OFFSET + (uint64_t)envelope->fd, envelope->bytes, envelope->size);
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

void senders_init(struct senders *senders)
{
    TAILQ_INIT(&senders->lost);
    TAILQ_INIT(&senders->slow);
    senders->kept_count = senders->free_count = 0;
    for (uint32_t i = CLIENTS_MAX; i > 0; i--)
        senders->free_numbers[senders->free_count++] = i - 1;
    senders->by_envelope = zhashx_new();
    zhashx_set_key_hasher(senders->by_envelope, envelope_hash);
    zhashx_set_key_comparator(senders->by_envelope, envelope_compare);
    zhashx_set_key_duplicator(senders->by_envelope, NULL);
    zhashx_set_key_destructor(senders->by_envelope, NULL);
}

void senders_clear(struct senders *senders)
{
    uint32_t number;
    char peer[PEER_BYTES];

    while (senders_take_lost(senders, &number, peer))
        ;
    zhashx_destroy((zhashx_t **)&senders->by_envelope);
}

/* ---- a sender and its number ------------------------------------------------------------- */

static struct sender *sender_new(struct connection *connection, const struct envelope *envelope)
{
    struct sender *sender = calloc(1, offsetof(struct sender, envelope.bytes) + envelope->size);

    if (!sender)
        return NULL;
    sender->connection = connection;
    sender->envelope.fd = envelope->fd;
    sender->envelope.size = envelope->size;
    memcpy(sender->envelope.bytes, envelope->bytes, envelope->size);
    return sender;
}

struct sender *senders_get(struct senders *senders, struct connection *connection,
                           const struct envelope *envelope)
{
    struct sender *sender = zhashx_lookup(senders->by_envelope, envelope);

    if (sender)
        return sender;
    sender = sender_new(connection, envelope);
    if (!sender)
        return NULL;
    TAILQ_INSERT_TAIL(&connection->senders, sender, link);
    zhashx_insert(senders->by_envelope, &sender->envelope, sender);
    return sender;
}

static bool has_number(const struct sender *sender)
{
    return sender->holds > 0 || sender->keeps_number;
}

static void number_take(struct senders *senders, struct sender *sender)
{
    assert(senders->free_count > 0);
    sender->number = senders->free_numbers[--senders->free_count];
    senders->by_number[sender->number] = sender;
}

static void number_give(struct senders *senders, const struct sender *sender)
{
    senders->by_number[sender->number] = NULL;
    senders->free_numbers[senders->free_count++] = sender->number;
}

/* Removes the sender from its connection and from the table. */
static void sender_detach(struct senders *senders, struct sender *sender)
{
    TAILQ_REMOVE(&sender->connection->senders, sender, link);
    zhashx_delete(senders->by_envelope, &sender->envelope);
    sender->connection = NULL;
}

static void sender_forget_if_done(struct senders *senders, struct sender *sender)
{
    if (has_number(sender) || sender->kept_count > 0)
        return;
    if (sender->connection)
        sender_detach(senders, sender);
    else
        TAILQ_REMOVE(&senders->lost, sender, link);
    free(sender);
}

static void sender_free_number(struct senders *senders, struct sender *sender)
{
    number_give(senders, sender);
    sender_forget_if_done(senders, sender);
}

void senders_hold(struct senders *senders, struct sender *sender)
{
    if (!has_number(sender))
        number_take(senders, sender);
    sender->holds++;
    sender->connection->holds++;
}

void senders_release(struct senders *senders, struct sender *sender)
{
    assert(sender->holds > 0);
    sender->holds--;
    if (sender->connection)
        sender->connection->holds--;
    if (!has_number(sender))
        sender_free_number(senders, sender);
}

void senders_keep_number(struct senders *senders, struct sender *sender, bool keep)
{
    assert(has_number(sender));
    sender->keeps_number = keep;
    if (!has_number(sender))
        sender_free_number(senders, sender);
}

/* ---- waiting messages -------------------------------------------------------------------- */

static void kept_add(struct senders *senders, struct sender *sender, struct kept *kept)
{
    struct connection *connection = sender->connection;

    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_INSERT_TAIL(&senders->slow, connection, in_slow);
    TAILQ_INSERT_TAIL(&connection->kept, kept, link);
    sender->kept_count++;
    connection->kept_count++;
    senders->kept_count++;
}

static struct sender *kept_drop(struct senders *senders, struct connection *connection)
{
    struct kept *kept = TAILQ_FIRST(&connection->kept);
    struct sender *sender = kept->sender;

    TAILQ_REMOVE(&connection->kept, kept, link);
    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_REMOVE(&senders->slow, connection, in_slow);
    sender->kept_count--;
    connection->kept_count--;
    senders->kept_count--;
    free(kept);
    return sender;
}

/* The search costs little: the connection that is found loses all its waiting messages, and its
 * peer has to reconnect before the connection can be found again. */
static struct connection *slowest(const struct senders *senders)
{
    struct connection *found = TAILQ_FIRST(&senders->slow);
    struct connection *connection;

    TAILQ_FOREACH (connection, &senders->slow, in_slow)
        if (connection->kept_count > found->kept_count)
            found = connection;
    return found;
}

struct connection *senders_keep(struct senders *senders, struct sender *sender, const void *bytes,
                                size_t size)
{
    struct kept *kept = malloc(sizeof *kept + size);

    if (!kept)
        return sender->connection;
    kept->sender = sender;
    kept->size = size;
    memcpy(kept->bytes, bytes, size);
    kept_add(senders, sender, kept);
    return senders->kept_count > KEPT_MAX ? slowest(senders) : NULL;
}

void senders_unkeep(struct senders *senders, struct connection *connection)
{
    sender_forget_if_done(senders, kept_drop(senders, connection));
}

/* ---- lost senders ------------------------------------------------------------------------ */

static void sender_lose(struct senders *senders, struct sender *sender)
{
    memcpy(sender->lost_peer, sender->connection->peer, PEER_BYTES);
    sender_detach(senders, sender);
    if (has_number(sender))
        TAILQ_INSERT_TAIL(&senders->lost, sender, link);
    else
        free(sender);
}

void senders_lose(struct senders *senders, struct connection *connection)
{
    while (!TAILQ_EMPTY(&connection->kept))
        kept_drop(senders, connection);
    while (!TAILQ_EMPTY(&connection->senders))
        sender_lose(senders, TAILQ_FIRST(&connection->senders));
    connection->holds = 0;
}

bool senders_take_lost(struct senders *senders, uint32_t *number, char peer[PEER_BYTES])
{
    struct sender *sender = TAILQ_FIRST(&senders->lost);

    if (!sender)
        return false;
    *number = sender->number;
    memcpy(peer, sender->lost_peer, PEER_BYTES);
    number_give(senders, sender);
    TAILQ_REMOVE(&senders->lost, sender, link);
    free(sender);
    return true;
}
