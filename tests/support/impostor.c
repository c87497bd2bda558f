/* Fake servers: see impostor.h. */
#include "tests/support/impostor.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <czmq.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "tests/support/process.h"

#define ROUTING_ID_BYTES_MAX 255

struct impostor {
    struct decode_arena arena; /* of the last message */
    zsock_t *router;
    uint8_t client[ROUTING_ID_BYTES_MAX]; /* routing id of the client of the last message */
    size_t client_size;                   /* bytes of `client` */
    bool delimited;                       /* the last message had a delimiter */
    LIST_ENTRY(impostor) link;
};

static LIST_HEAD(, impostor) impostors = LIST_HEAD_INITIALIZER(impostors);

struct impostor *impostor_new(void)
{
    struct impostor *impostor = calloc(1, sizeof *impostor);

    impostor->router = zsock_new(ZMQ_ROUTER);
    zsock_set_linger(impostor->router, 0);
    zsock_set_rcvtimeo(impostor->router, PROCESS_PATIENCE_MS);
    cr_assert(zsock_bind(impostor->router, "tcp://127.0.0.1:*") != -1);
    LIST_INSERT_HEAD(&impostors, impostor, link);
    return impostor;
}

static void impostor_destroy(struct impostor *impostor)
{
    LIST_REMOVE(impostor, link);
    zsock_destroy(&impostor->router);
    free(impostor);
}

void impostors_end(void)
{
    while (!LIST_EMPTY(&impostors))
        impostor_destroy(LIST_FIRST(&impostors));
}

const char *impostor_endpoint(const struct impostor *impostor)
{
    return zsock_endpoint(impostor->router);
}

bool impostor_wait(struct impostor *impostor, int patience_ms)
{
    zmq_pollitem_t item = {zsock_resolve(impostor->router), 0, ZMQ_POLLIN, 0};

    return zmq_poll(&item, 1, patience_ms) == 1;
}

/* Our client sends a delimiter, because a REP server needs one. A worker sends none. */
struct message impostor_recv(struct impostor *impostor)
{
    void *router = zsock_resolve(impostor->router);
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct message message;
    struct message_error error;

    int id = zmq_recv(router, impostor->client, sizeof impostor->client, 0);
    cr_assert(id > 0, "no message from the client: %s", zmq_strerror(errno));
    impostor->client_size = (size_t)id;
    int size = zmq_recv(router, bytes, sizeof bytes, 0);
    impostor->delimited = size == 0 && zsock_rcvmore(router);
    if (impostor->delimited)
        size = zmq_recv(router, bytes, sizeof bytes, 0);
    cr_assert(size > 0 && !zsock_rcvmore(router),
              "the message has no body, or frames behind the body");
    cr_assert(message_decode(&impostor->arena, bytes, (size_t)size, &message, &error), "%s",
              error.reason);
    return message;
}

void impostor_send_bytes(struct impostor *impostor, const void *bytes, size_t size)
{
    void *router = zsock_resolve(impostor->router);

    zmq_send(router, impostor->client, impostor->client_size, ZMQ_SNDMORE);
    if (impostor->delimited)
        zmq_send(router, NULL, 0, ZMQ_SNDMORE);
    zmq_send(router, bytes, size, 0);
}

void impostor_send(struct impostor *impostor, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    impostor_send_bytes(impostor, bytes, message_encode(message, bytes));
}

/* ---- TCP ports without ZeroMQ ------------------------------------------------------------ */

int refuser_open(char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(bind(file, (struct sockaddr *)&address, size) == 0);
    getsockname(file, (struct sockaddr *)&address, &size);
    snprintf(endpoint, ENDPOINT_BYTES, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return file;
}

int listener_open(char *endpoint)
{
    int file = refuser_open(endpoint);

    listen(file, SOMAXCONN);
    return file;
}
