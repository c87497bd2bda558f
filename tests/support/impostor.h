/* Fake servers for tests of clients and workers: a ROUTER that sends what the test chooses, and TCP
 * ports that speak no ZeroMQ. Use from one thread. */
#ifndef MEANTIME_TESTS_SUPPORT_IMPOSTOR_H
#define MEANTIME_TESTS_SUPPORT_IMPOSTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/message.h"

#define ENDPOINT_BYTES 64

struct impostor;

/* A ROUTER for one client or worker at a time, on a free port. Never NULL. impostors_end() destroys
 * all of them. */
struct impostor *impostor_new(void);
void impostors_end(void);

const char *impostor_endpoint(const struct impostor *impostor);

/* Returns whether a message comes within `patience_ms`. */
bool impostor_wait(struct impostor *impostor, int patience_ms);

/* Waits for the next message of any client. Its pointers are valid until the next call. */
struct message impostor_recv(struct impostor *impostor);

/* Sends to the client whose message impostor_recv() returned last. */
void impostor_send(struct impostor *impostor, const struct message *message);
void impostor_send_bytes(struct impostor *impostor, const void *bytes, size_t size);

/* Both open a TCP socket on a free port, write its endpoint into `endpoint` (ENDPOINT_BYTES) and
 * return its file descriptor, for close(). The refuser refuses all connections. The listener
 * accepts connections and sends nothing. */
int refuser_open(char *endpoint);
int listener_open(char *endpoint);

#endif
