/* What a client, or a worker, may take for a server: a socket that says what it is told to, and
 * listeners that speak no ZeroMQ. One thread. */
#ifndef MEANTIME_TESTS_SUPPORT_IMPOSTOR_H
#define MEANTIME_TESTS_SUPPORT_IMPOSTOR_H

#include <stddef.h>

#include "proto/message.h"

#define ENDPOINT_BYTES 64

struct impostor;

/* A ROUTER for one client or worker. Never NULL. Destroyed by impostors_end() at the latest. */
struct impostor *impostor_new(void);
void impostors_end(void);

const char *impostor_endpoint(const struct impostor *impostor);

/* Waits for the client's next message. */
struct message impostor_recv(struct impostor *impostor);

/* To the client of the message that came last. */
void impostor_send(struct impostor *impostor, const struct message *message);
void impostor_send_bytes(struct impostor *impostor, const void *bytes, size_t size);

/* A TCP socket on a free port, whose endpoint is written into `endpoint` (ENDPOINT_BYTES): it
 * refuses all connections, or accepts them and is silent. A file descriptor, for close(). */
int refuser_open(char *endpoint);
int listener_open(char *endpoint);

#endif
