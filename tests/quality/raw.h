/* Raw bits of a stream for other test programs, such as PractRand and dieharder. */
#ifndef MEANTIME_TESTS_QUALITY_RAW_H
#define MEANTIME_TESTS_QUALITY_RAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RAW_STREAMS "bits, gaussian-bits, uniform, gaussian"

/* Returns true if `name` is one of RAW_STREAMS:
 *
 *     bits             64-bit outputs of the uniform stream's generators, in sample order
 *     gaussian-bits    64-bit outputs of the gaussian stream's generators, in sample order
 *     uniform          the 32 highest bits of uniform samples
 *     gaussian         32 bits of gaussian samples, made uniform by the normal distribution */
bool raw_known(const char *name);

/* Writes whole blocks of a known stream, from block 0 on, in the machine's byte order. Stops after
 * `bytes` bytes or more; 0: never. Returns false if a write fails. */
bool raw_write(const char *name, uint64_t seed, uint64_t bytes, FILE *file);

#endif
