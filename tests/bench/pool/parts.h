/* The parts of the benchmark. Each part starts its processes, prints its rows of the table, and
 * ends its processes. */
#ifndef MEANTIME_BENCH_POOL_PARTS_H
#define MEANTIME_BENCH_POOL_PARTS_H

/* server: path of meantime-server. */
struct bench {
    const char *server;
    void *context;
};

void part_spans(const struct bench *bench);
void part_efficiency(const struct bench *bench);
void part_terms(const struct bench *bench);
void part_kill(const struct bench *bench);
void part_freeze(const struct bench *bench);
void part_restart(const struct bench *bench);
void part_cancel(const struct bench *bench);
void part_status(const struct bench *bench);
void part_busy(const struct bench *bench);
void part_flood(const struct bench *bench);
void part_memory(const struct bench *bench);
void part_quota(const struct bench *bench);
void part_pauses(const struct bench *bench);
void part_idle(const struct bench *bench);
void part_log(const struct bench *bench);

#endif
