/* The roles of this program as its own child process:
 *     --as answer ENDPOINT CAPACITY   a worker that answers each span at once
 *     --as hold ENDPOINT CAPACITY     a worker that never answers, and prints `FIRST COUNT` of each
 * span
 *     --as plain [nice]               sums on request from stdin: tests/bench/contest.h; nice: at
 *                                     the priority of a server's compute threads
 *     --as plain-terms SUMMAND        sums terms of the shared object on request, in its own
 * engine, at the priority of a compute thread
 *     --as echo                       a bare ROUTER that returns each message; prints its endpoint
 *     --as broker CREDIT              a bare ROUTER-ROUTER broker; prints both endpoints
 *     --as relay CREDIT               a bare ROUTER that answers each reply with the next request,
 *                                     for as many ms as each line of stdin says; prints replies per
 *                                     second
 *     --as reply ENDPOINT             a bare worker of broker or relay
 *     --as flood ENDPOINT KIND        sends messages of KIND (flood.c), as many as it can
 *     --as idle ENDPOINT              opens idle connections and prints their number
 *     --as pause PID                  stops the process for 50 ms, and continues it for 50 ms, on
 *                                     and on
 *     --as visit CLIENTS WORKERS      joins and disconnects, and sends a bad message, 100 times
 *                                     per second */
#ifndef MEANTIME_BENCH_POOL_ROLES_H
#define MEANTIME_BENCH_POOL_ROLES_H

/* Message sizes of broker, relay and reply: as large as a span and its total. */
#define BARE_REQUEST_BYTES 40
#define BARE_REPLY_BYTES   40

/* Workers of a broker or a relay. */
#define BARE_WORKERS 2

/* arguments: the words after --as, then NULL. Returns the exit code. */
int roles_play(char **arguments);

/* In bare.c. */
int bare_echo(char **arguments);
int bare_broker(char **arguments);
int bare_relay(char **arguments);
int bare_reply(char **arguments);

/* In flood.c. */
int flood_play(char **arguments);

/* In idle.c. */
int idle_play(char **arguments);

/* In quota.c. */
int quota_pause(char **arguments);

/* In log.c. */
int log_visit(char **arguments);

#endif
