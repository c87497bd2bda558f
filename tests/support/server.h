/* A meantime-server under test, on a port of its own. */
#ifndef MEANTIME_TESTS_SUPPORT_SERVER_H
#define MEANTIME_TESTS_SUPPORT_SERVER_H

#include <stdint.h>

#include "tests/support/process.h"

struct server {
    struct process *process;
    char endpoint[64];
    uint16_t port;
    char workers_endpoint[64]; /* where others join; of a front */
};

/* 127.a.b.c, of this test alone: where one of its servers has ended, nobody else's comes up. */
const char *server_address(void);

/* tcp://, that address and any free port, for --bind. */
const char *server_any_port(void);

/* Starts one with `options` (NULL: none) at server_any_port(), and waits until it listens. */
struct server server_start(const char *const *options);

/* The same on that very port, which may be one that is just free again. */
struct server server_start_at(const char *endpoint, const char *const *options);

/* The same with a port for workers: where `workers_endpoint` is NULL, a free one. No threads. */
struct server front_start(const char *workers_endpoint, const char *const *options);

/* Starts one that joins there and has one thread, with `options` (NULL: none), and waits until it
 * has joined. */
struct process *worker_start(const char *workers_endpoint, const char *const *options);

/* Tells it to stop, and fails unless it then drains and ends with 0, which it does only when
 * nothing is in flight. What it said last, such as "Done: 3 requests answered, 0 refused.". */
const char *server_drain(struct server *server);

#endif
