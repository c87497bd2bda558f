/* Raw bits of a stream for other test programs, such as PractRand and dieharder. */
#ifndef MEANTIME_TESTS_QUALITY_RAW_H
#define MEANTIME_TESTS_QUALITY_RAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RAW_STREAMS "bits, gaussian-bits, uniform, gaussian"

/* Whether `name` is one of RAW_STREAMS:
 *
 *     bits             64-bit outputs of the uniform stream's generators, in sample order
 *     gaussian-bits    the same of the gaussian stream
 *     uniform          the 32 highest bits of uniform samples
 *     gaussian         32 bits of gaussian samples, made uniform by the normal distribution */
bool raw_known(const char *name);

/* Writes a known stream, whole blocks from block 0 on, until `bytes` are out (0: for ever), in the
 * machine's byte order. False if the file takes no more. */
bool raw_write(const char *name, uint64_t seed, uint64_t bytes, FILE *file);

#endif
