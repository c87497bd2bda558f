/* A plain server receives no requests: it sends one sum as text to each TCP connection, and closes
 * the connection. Examples are meantime-server --plain and the server of the teaching example.
 *
 * One connection at a time. One thread. Only plain_server_new() may block. */
#ifndef MEANTIME_CLIENT_LESSON_PLAIN_SERVER_H
#define MEANTIME_CLIENT_LESSON_PLAIN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "proto/instant.h"

#define PLAIN_SCHEME "plain://"

/* If an address of the server does not accept the connection within this time, the client tries the
 * next address. */
#define PLAIN_CONNECT_NS (5 * NS_PER_S)

struct plain_server;

/* True for an endpoint such as plain://host:8197 or plain://[::1]:8197. */
bool plain_server_is_endpoint(const char *endpoint);

/* Resolves the host's name, which may block until DNS answers. If the name cannot be resolved,
 * plain_server_ask() reports that.
 * endpoint: must pass plain_server_is_endpoint(); kept, not copied.
 * Returns NULL and sets errno if there is no memory or no descriptor. */
struct plain_server *plain_server_new(const char *endpoint);
void plain_server_destroy(struct plain_server **plain);

/* Connects; closes the previous connection. timeout_ns: from now to the answer; 0: none. */
void plain_server_ask(struct plain_server *plain, int64_t timeout_ns);

/* Becomes readable when plain_server_look() has something to do. Always the same descriptor. */
int plain_server_fd(const struct plain_server *plain);

/* Processes what has arrived. Returns true once there is an answer or an error, and sets `result`.
 * For a sum, only `sum`, `attempts` and `elapsed_ns` are set: the server sends no count. */
bool plain_server_look(struct plain_server *plain, struct meantime_result *result);

/* Closes the connection. If there is no answer yet, the result is MEANTIME_CANCELLED. */
void plain_server_cancel(struct plain_server *plain);

#endif
