/* What this program does as a child of itself:
 *     --as answer ENDPOINT CAPACITY   a worker that answers each span at once
 *     --as hold ENDPOINT CAPACITY     one that never answers, and prints `FIRST COUNT` of each span
 *     --as plain [nice]               sums as it is asked on stdin: tests/bench/contest.h; nice: at
 *                                     the priority of a server's compute threads
 *     --as echo                       a bare ROUTER that sends back what it gets; prints its
 * endpoint
 *     --as broker CREDIT              a bare ROUTER-ROUTER broker; prints both endpoints
 *     --as relay CREDIT               a bare ROUTER that answers each reply with the next request,
 *                                     for as many ms as each line of stdin says; prints how many a
 *                                     second
 *     --as reply ENDPOINT             a bare worker of broker or relay
 *     --as flood ENDPOINT KIND        sends what flood.c calls so, as much as it can */
#ifndef MEANTIME_BENCH_POOL_ROLES_H
#define MEANTIME_BENCH_POOL_ROLES_H

/* Sizes of the messages of broker, relay and reply: of a span, and of its total. */
#define BARE_REQUEST_BYTES 40
#define BARE_REPLY_BYTES   40

/* Workers of a broker or a relay. */
#define BARE_WORKERS 2

/* arguments: what follows --as, then NULL. Returns the exit code. */
int roles_play(char **arguments);

/* Of bare.c. */
int bare_echo(char **arguments);
int bare_broker(char **arguments);
int bare_relay(char **arguments);
int bare_reply(char **arguments);

/* Of flood.c. */
int flood_play(char **arguments);

#endif
