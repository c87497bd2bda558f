/* A hostile peer: ZMTP over bare TCP, without the rules that libzmq would keep. */
#ifndef MEANTIME_TESTS_HOSTILE_ATTACKER_H
#define MEANTIME_TESTS_HOSTILE_ATTACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/message.h"
#include "tests/support/server.h"

/* Connects as a DEALER with that routing id and shakes hands. Returns a descriptor, or -1 if the
 * server refuses the connection. */
int attacker_try(uint16_t port, const void *id, uint8_t id_size);

/* Appends a frame to `bytes`, with MORE or without. size: below 256. Returns the end. */
uint8_t *attacker_put_frame(uint8_t *bytes, const void *body, size_t size, bool more);

/* Appends a message in one frame. */
uint8_t *attacker_put_message(uint8_t *bytes, const struct message *message);

/* Sends all bytes. False if the connection has ended. */
bool attacker_send(int connection, const uint8_t *bytes, size_t size);

/* Waits for an answer of that type; skips other messages. False if the connection has ended. */
bool attacker_await(int connection, enum message_type type);

/* Whether the server still has the connection open. Reads nothing. */
bool attacker_connected(int connection);

/* The highest amount of memory that the server has used so far, in MiB. */
long server_peak_mib(const struct test_server *server);

/* Fails if the server has used more memory than `limit_mib`. Sanitizers keep freed memory, so their
 * builds check nothing. */
void expect_peak_below(const struct test_server *server, long limit_mib);

/* A new client gets a right sum. */
void expect_good_client(const struct test_server *server);

/* Raises the limit of descriptors of this process and of its children to the maximum. */
void raise_descriptor_limit(void);

#endif
