/* Child processes of a benchmark, such as servers. They die with the benchmark or when it ends
 * them. */
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

/* More samples than a machine sums during a benchmark. */
#define COUNT_ENDLESS (UINT64_C(1) << 62)

struct child {
    pid_t pid;
    FILE *to;   /* its stdin */
    FILE *from; /* its stdout */
};

/* Prints `what` and the text of errno, and ends this process. */
_Noreturn void bench_fail(const char *what);

/* verbose: children keep their stderr. Otherwise it goes to /dev/null. */
void children_verbose(bool verbose);

/* Children that start from now on write stderr to `fd`. -1: as children_verbose() says. */
void children_stderr(int fd);

/* arguments: the program, its arguments, NULL. */
void child_start(struct child *child, const char *const *arguments);

/* Starts this program in a role of roles.h. */
void child_start_role(struct child *child, const char *role, const char *argument,
                      const char *other_argument);

/* Starts the role plain. nice: "nice" or NULL. After child_plain_ask(), the child prints a line
 * with the sum. */
void child_start_plain(struct child *plain, const char *nice);
void child_plain_ask(struct child *plain, uint64_t samples);

/* The same for the role plain-terms: child_plain_ask() then takes a number of terms.
 * summand: path of a shared object. */
void child_start_plain_terms(struct child *plain, const char *summand);

/* Starts up to LOADS_MAX endless sums, a_core of them per core. Returns how many. */
#define LOADS_MAX 256
uint32_t loads_start(struct child *loads, uint32_t a_core);
void loads_end(struct child *loads, uint32_t count);

/* Returns the CPU time of all its threads until now. */
int64_t child_cpu_ns(const struct child *child);

/* The same with the CPU time of its own children, dead or alive, such as helper processes. The unit
 * of this clock is 10 ms. */
int64_t child_family_cpu_ns(const struct child *child);

/* Prints a row with a field of /proc/PID/status, such as VmRSS. */
void child_print_memory(const char *what, const struct child *child, const char *field,
                        const struct wanted *wanted);

/* Reads its next line as sscanf() does. Ends this process if it finds fewer than `fields`. */
__attribute__((format(scanf, 3, 4))) void child_scan(struct child *child, int fields,
                                                     const char *format, ...);

/* Kills it, if it still runs, and waits for its end. */
void child_end(struct child *child);

/* A server and its endpoints; "" for an endpoint that its options do not open. */
struct bench_server {
    struct child child;
    char clients[ENDPOINT_BYTES];
    char workers[ENDPOINT_BYTES];
};

/* options: at most 12, then NULL. */
void bench_server_start(struct bench_server *server, const char *program,
                        const char *const *options);

/* Writes tcp://127.0.0.1:PORT. The port is free, and the kernel gives it to no outgoing connection.
 */
void endpoint_pick(char *endpoint);

#endif
