/* Processes that a benchmark starts, servers among them. They die with it, or when it ends them. */
#ifndef MEANTIME_BENCH_POOL_CHILD_H
#define MEANTIME_BENCH_POOL_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/bench/pool/figures.h"

#define ENDPOINT_BYTES 128

/* Any free port. */
#define ENDPOINT_ANY "tcp://127.0.0.1:*"

/* More samples than any machine sums while a benchmark runs. */
#define COUNT_ENDLESS (UINT64_C(1) << 62)

/* to: its stdin. from: its stdout. */
struct child {
    pid_t pid;
    FILE *to;
    FILE *from;
};

/* Prints what went wrong, and why, and ends this process. */
_Noreturn void die(const char *what);

/* What children say on stderr is thrown away unless `verbose`. */
void children_verbose(bool verbose);

/* arguments: the program, what it is told, NULL. */
void child_start(struct child *child, const char *const *arguments);

/* This program again, as what roles.h has. */
void child_start_role(struct child *child, const char *role, const char *argument,
                      const char *other_argument);

/* Of role plain, which is `nice` or NULL. Asked for the sum of so many samples, it answers with a
 * line when it has it. */
void child_start_plain(struct child *plain, const char *nice);
void child_plain_ask(struct child *plain, uint64_t samples);

/* So many of them on every core, each with a sum that does not end; at most LOADS_MAX. How many. */
#define LOADS_MAX 256
uint32_t loads_start(struct child *loads, uint32_t a_core);
void loads_end(struct child *loads, uint32_t count);

/* CPU time that it has taken so far, on all its threads. */
int64_t child_cpu_ns(const struct child *child);

/* A row of the table with what the kernel says of it, a field of /proc/PID/status such as VmRSS. */
void child_print_memory(const char *what, const struct child *child, const char *field,
                        const struct wanted *wanted);

/* Its next line, which is scanned as by sscanf(); fewer than `fields` are the end of us. */
__attribute__((format(scanf, 3, 4))) void child_scan(struct child *child, int fields,
                                                     const char *format, ...);

/* Kills it, if that has not been done, and waits until it is gone. */
void child_end(struct child *child);

/* A server that says where it can be found; "" for what it was not told to offer. */
struct server {
    struct child child;
    char clients[ENDPOINT_BYTES];
    char workers[ENDPOINT_BYTES];
};

/* options: up to 12, then NULL. */
void server_start(struct server *server, const char *program, const char *const *options);

/* tcp://127.0.0.1:PORT, of a port that is free now and that nobody is given unasked. */
void endpoint_free(char *endpoint);

#endif
