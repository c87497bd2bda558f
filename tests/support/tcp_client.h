/* Bare TCP connections to a server under test. */
#ifndef MEANTIME_TESTS_SUPPORT_TCP_CLIENT_H
#define MEANTIME_TESTS_SUPPORT_TCP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* Connects to `port` at server_address(). Returns a descriptor, for close(). send() and recv() on
 * it fail after PROCESS_PATIENCE_MS. tcp_client_try() returns -1 with errno set if it cannot
 * connect; tcp_client_new() fails the test. */
int tcp_client_new(uint16_t port);
int tcp_client_try(uint16_t port);

/* Closes the connection with a RST instead of a FIN. */
void tcp_client_reset(int connection);

/* Waits until the other side's TCP has acknowledged everything. */
void tcp_client_await_acknowledged(int connection);

/* Sends the same bytes, with pauses between, until the server disconnects. Returns the number of
 * bytes that were sent. */
size_t tcp_client_send_until_disconnect(int connection, const void *bytes, size_t size,
                                        int pause_ms);

#endif
