/* A model of a front with workers that have CPU quotas, in virtual time: the shipped dispatcher,
 * and a client that keeps some requests in flight as `meantime sum` does. */
#ifndef MEANTIME_TESTS_UNIT_SERVER_POOL_MODEL_H
#define MEANTIME_TESTS_UNIT_SERVER_POOL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct model_worker {
    uint32_t capacity;  /* cores by its Join */
    double cpus;        /* cores that it can use at once */
    int64_t period_ns;  /* of its quota; 0: no quota */
    int64_t quota_ns;   /* time of all its cores together in each period */
    int64_t latency_ns; /* of a message in one direction */
    bool in_order;      /* a CPU ends one span before it begins the next; else all spans share it */
};

/* The time until the workers have summed `blocks` blocks for the client, from the moment on at
 * which all workers join. block_ns: of one core. */
int64_t model_run(const struct model_worker *workers, uint32_t count, uint64_t blocks,
                  int64_t block_ns);

#endif
