/* Those who connect to the plain endpoint: they say nothing, so a server asks for them. To the
 * dispatcher they are one client, PLAIN_CLIENT. */
#ifndef MEANTIME_SERVER_PEERS_PLAIN_CLIENTS_H
#define MEANTIME_SERVER_PEERS_PLAIN_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct server;

/* Takes what they do, up to some number. False where there was nothing, or no such endpoint. */
bool plain_clients_take(struct server *server);

/* Obeys EFFECT_ANSWER for one of them. */
void plain_clients_answer(struct server *server, const struct message *message);

/* Where the one is whose request has this id. Lives until the next take. */
const char *plain_clients_owner(const struct server *server, uint64_t id);

#endif
