/* A meantime-server under test, on a port of its own. */
#ifndef MEANTIME_TESTS_SUPPORT_SERVER_H
#define MEANTIME_TESTS_SUPPORT_SERVER_H

#include <stdint.h>

#include "tests/support/process.h"

struct test_server {
    struct process *process;
    char endpoint[64];         /* where clients send requests */
    uint16_t port;             /* the port of `endpoint` */
    char workers_endpoint[64]; /* where workers join; of a front only */
};

/* An address 127.a.b.c that only this test uses. If a server of this test has ended, no server of
 * another test can take its port. */
const char *server_address(void);

/* tcp:// with that address and any free port, for --bind. */
const char *server_any_port(void);

/* Starts a server with `options` (NULL: none) at server_any_port() and waits until it listens. */
struct test_server server_start(const char *const *options);

/* The same at `endpoint`, for example at the port of a server that has ended. */
struct test_server server_start_at(const char *endpoint, const char *const *options);

/* Starts a front without compute threads. Workers join at `workers_endpoint` (NULL: a free port).
 */
struct test_server front_start(const char *workers_endpoint, const char *const *options);

/* Starts a worker of one thread with `options` (NULL: none) and waits until it has joined. */
struct process *worker_start(const char *workers_endpoint, const char *const *options);

/* Sends SIGTERM. Fails unless the server drains and ends with 0, which happens only if no request
 * remains in flight. Returns its last line, for example "Done: 3 requests answered, 0 refused.". */
const char *server_drain(struct test_server *server);

#endif
