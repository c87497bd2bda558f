/* How many clients, workers and requests one server has room for, the numbers that it gives them,
 * and the defaults that options change. For the scheduler, the peers and the network code. */
#ifndef MEANTIME_SERVER_LIMITS_H
#define MEANTIME_SERVER_LIMITS_H

#include <stdint.h>

/* Requests in flight, of all clients: 3 MiB of state, and at 10 ms each a queue of minutes. */
#define REQUESTS_MAX 10000

/* Requests in flight of one client, so that one cannot fill the queue for all. */
#define CLIENT_REQUESTS_MAX 1024

/* Clients are numbered by the shell from 0. Each has a request in flight or is being heard now. */
#define CLIENTS_MAX (REQUESTS_MAX + 1)

/* Servers that this one has joined. They are the clients CLIENTS_MAX, CLIENTS_MAX + 1, ... */
#define PARENTS_MAX 16

/* Whoever is connected to the plain endpoint: together they are one client, lest a crowd of them
 * have a crowd's share of the turns. */
#define PLAIN_CLIENT (CLIENTS_MAX + PARENTS_MAX)

/* Compute threads: more than any machine of today has cores. */
#define THREADS_MAX 1024

/* Servers that have joined this one. Beyond that a tree serves better: its middle takes the load.
 */
#define JOINED_MAX 4096

/* What a refused client is told to wait. A crowd of ten thousand that does so costs the server a
 * few per cent of one core. */
#define BUSY_RETRY_MS 1000

/* Spans that a worker holds for each of its cores: one that it computes and one that waits, so that
 * it is never idle while a total is on its way here and the next span is on its way there. */
#define WORKER_CREDIT 2

/* And in all, which is what it takes from one client. */
#define WORKER_CREDIT_MAX CLIENT_REQUESTS_MAX

/* What a span takes about, on a core of the worker that gets it. A thread's: long beside the 10 us
 * that handing it over costs, short for a newcomer who waits for WORKER_CREDIT spans to end. That
 * of a worker that has joined crosses a network, and is cut further there. */
#define THREAD_SPAN_NS INT64_C(10000000)
#define JOINED_SPAN_NS INT64_C(50000000)

/* Time between two heartbeats of each side, where nobody says otherwise: a frozen worker's spans
 * are elsewhere after HEARTBEATS_MISSED of them. */
#define HEARTBEAT_NS INT64_C(500000000)

/* Spans with workers at a time: the credit of 32,768 cores. */
#define RUN_INDEX_BITS 16
#define RUNS_MAX       (UINT32_C(1) << RUN_INDEX_BITS)

#endif
