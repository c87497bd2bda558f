/* How many clients, workers and requests one server has room for, how it numbers them, and default
 * values of options. For the dispatcher, the peers and the network code. */
#ifndef MEANTIME_SERVER_LIMITS_H
#define MEANTIME_SERVER_LIMITS_H

#include <stdint.h>

#include "proto/instant.h"

/* Requests in flight of all clients together: 3 MiB of state. At 10 ms each, this is a queue of
 * more than a minute. */
#define REQUESTS_MAX 10000

/* Requests in flight of one client, so that one client cannot fill the queue. */
#define CLIENT_REQUESTS_MAX 1024

/* The shell numbers the clients from 0. Each number belongs to a client that has a request in
 * flight. One more number is for the client whose message the server is handling. */
#define CLIENTS_MAX (REQUESTS_MAX + 1)

/* Parents of this server. They are the clients CLIENTS_MAX, CLIENTS_MAX + 1, ... */
#define PARENTS_MAX 16

/* The number of all plain clients together. They count as one client, so that many connections to
 * the plain endpoint get one client's share of the round-robin. */
#define PLAIN_CLIENT (CLIENTS_MAX + PARENTS_MAX)

/* Compute threads. Linux for x86-64 can be built for this many CPUs, and for no more. */
#define THREADS_MAX 8192

/* Joined workers. For more workers, build a tree: the servers in its middle share the load. */
#define JOINED_MAX 4096

/* If the server refuses a client as busy, the client retries after this time. If ten thousand
 * clients retry after this time, they take a few per cent of one core of the server. */
#define BUSY_RETRY_MS 1000

/* Spans that a worker holds for each of its cores: one that the core computes and one that waits.
 * With the second one, the core stays busy while a total and the next span cross the network. */
#define WORKER_CREDIT 2

/* Spans that one worker holds at most: as many as a server accepts from one client. */
#define WORKER_CREDIT_MAX CLIENT_REQUESTS_MAX

/* The time that one core of the worker needs for a span, about. To hand over a span costs 10 us, so
 * the span of a compute thread takes much longer than that. A new request waits for WORKER_CREDIT
 * spans to end, so spans must also be short. The span of a joined worker crosses a network, and the
 * joined worker cuts it further. */
#define THREAD_SPAN_NS (10 * NS_PER_MS)
#define JOINED_SPAN_NS (50 * NS_PER_MS)

/* Time between two heartbeats, in each direction, if no option sets it. If a worker misses
 * HEARTBEATS_MISSED heartbeats, the server requeues its spans. */
#define HEARTBEAT_NS (500 * NS_PER_MS)

/* Runs at a time: the credit of 32,768 cores. The low RUN_INDEX_BITS of a span's id are the index
 * of its run. */
#define RUN_INDEX_BITS 16
#define RUNS_MAX       (UINT32_C(1) << RUN_INDEX_BITS)

/* Outputs of summands, of all requests in flight together. If more are needed, the server is busy.
 * Each takes 1.2 KiB, and only those that are ever used take memory. */
#define OUTPUTS_IN_FLIGHT_MAX 32768

#endif
