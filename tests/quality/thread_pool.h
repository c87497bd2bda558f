/* Runs numbered items of work on several threads. */
#ifndef MEANTIME_TESTS_QUALITY_THREAD_POOL_H
#define MEANTIME_TESTS_QUALITY_THREAD_POOL_H

#include <stdbool.h>
#include <stdint.h>

/* Does one item. thread: 0 to threads - 1, never in two calls at once. If it returns false, the
 * pool starts no more items. */
typedef bool pool_work(void *context, unsigned thread, uint64_t item);

/* The pool calls it about once a second, and whenever a thread ends, on the caller's thread. */
typedef void pool_progress(uint64_t done, uint64_t items);

/* Does items 0 to items - 1, each once, in any order. threads: 1 or more. Returns false if an item
 * failed or if no thread could be started. */
bool thread_pool_run(unsigned threads, uint64_t items, pool_work *work, void *context,
                     pool_progress *progress);

#endif
