/* The senders behind a listener: by envelope and by number, waiting messages, lost senders. */
#include "server/net/senders.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The connection whose member `held` is the largest of the ranking. */
#define LARGEST(ranking, held)                                                                     \
    ((struct connection *)((char *)ranking_largest(ranking) - offsetof(struct connection, held)))

/* The connection's descriptor, then the frames. */
static struct sender_bucket *bucket_of(struct senders *senders, const struct envelope *envelope)
{
    uint8_t bytes[sizeof envelope->fd + ENVELOPE_BYTES_MAX];

    memcpy(bytes, &envelope->fd, sizeof envelope->fd);
    memcpy(bytes + sizeof envelope->fd, envelope->bytes, envelope->size);
    return &senders->buckets[siphash(senders->key, bytes, sizeof envelope->fd + envelope->size) %
                             SENDERS_MAX];
}

static bool envelopes_equal(const struct envelope *a, const struct envelope *b)
{
    return a->fd == b->fd && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

void senders_init(struct senders *senders, const uint8_t key[SIPHASH_KEY_BYTES])
{
    memcpy(senders->key, key, SIPHASH_KEY_BYTES);
    for (uint32_t i = 0; i < SENDERS_MAX; i++)
        LIST_INIT(&senders->buckets[i]);
    ranking_init(&senders->by_senders);
    ranking_init(&senders->by_kept);
    TAILQ_INIT(&senders->lost);
    TAILQ_INIT(&senders->slow);
    senders->count = senders->kept_bytes = senders->free_count = 0;
    for (uint32_t i = CLIENTS_MAX; i > 0; i--)
        senders->free_numbers[senders->free_count++] = i - 1;
}

void senders_clear(struct senders *senders)
{
    uint32_t number;
    char peer[PEER_BYTES];

    while (senders_take_lost(senders, &number, peer))
        ;
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

static struct sender *sender_find(struct senders *senders, const struct envelope *envelope)
{
    struct sender *sender;

    LIST_FOREACH (sender, bucket_of(senders, envelope), in_bucket)
        if (envelopes_equal(&sender->envelope, envelope))
            return sender;
    return NULL;
}

static void sender_count_set(struct senders *senders, struct connection *connection, int change)
{
    struct holder *held = &connection->senders_held;

    senders->count += (uint32_t)change;
    ranking_set(&senders->by_senders, held, held->count + (uint32_t)change);
}

static void sender_attach(struct senders *senders, struct sender *sender)
{
    TAILQ_INSERT_TAIL(&sender->connection->senders, sender, link);
    LIST_INSERT_HEAD(bucket_of(senders, &sender->envelope), sender, in_bucket);
    sender_count_set(senders, sender->connection, 1);
}

/* Removes the sender from its connection and from the table. */
static void sender_detach(struct senders *senders, struct sender *sender)
{
    TAILQ_REMOVE(&sender->connection->senders, sender, link);
    LIST_REMOVE(sender, in_bucket);
    sender_count_set(senders, sender->connection, -1);
    sender->connection = NULL;
}

struct connection *senders_crowding(const struct senders *senders)
{
    if (senders->count < SENDERS_MAX)
        return NULL;
    return LARGEST(&senders->by_senders, senders_held);
}

struct sender *senders_get(struct senders *senders, struct connection *connection,
                           const struct envelope *envelope)
{
    struct sender *sender = sender_find(senders, envelope);

    if (sender || senders->count == SENDERS_MAX)
        return sender;
    sender = sender_new(connection, envelope);
    if (sender)
        sender_attach(senders, sender);
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

/* malloc() adds some bytes to each block. */
#define BLOCK_BYTES 16

/* sign: 1 to add the message, -1 to remove it. */
static void kept_count(struct senders *senders, const struct kept *kept, int sign)
{
    uint32_t bytes = (uint32_t)sign * (uint32_t)(sizeof *kept + BLOCK_BYTES + kept->size);
    struct holder *held = &kept->sender->connection->kept_held;

    kept->sender->kept_count += (uint32_t)sign;
    senders->kept_bytes += bytes;
    ranking_set(&senders->by_kept, held, held->count + bytes);
}

static void kept_add(struct senders *senders, struct kept *kept)
{
    struct connection *connection = kept->sender->connection;

    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_INSERT_TAIL(&senders->slow, connection, in_slow);
    TAILQ_INSERT_TAIL(&connection->kept, kept, link);
    kept_count(senders, kept, 1);
}

static struct sender *kept_drop(struct senders *senders, struct connection *connection)
{
    struct kept *kept = TAILQ_FIRST(&connection->kept);
    struct sender *sender = kept->sender;

    TAILQ_REMOVE(&connection->kept, kept, link);
    if (TAILQ_EMPTY(&connection->kept))
        TAILQ_REMOVE(&senders->slow, connection, in_slow);
    kept_count(senders, kept, -1);
    free(kept);
    return sender;
}

static struct connection *slowest(const struct senders *senders)
{
    return LARGEST(&senders->by_kept, kept_held);
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
    kept_add(senders, kept);
    return senders->kept_bytes > KEPT_BYTES_MAX ? slowest(senders) : NULL;
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
