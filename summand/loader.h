/* Loads the shared object of a summand. The server copies the file into memory; a helper process
 * loads the copy. */
#ifndef MEANTIME_SUMMAND_LOADER_H
#define MEANTIME_SUMMAND_LOADER_H

#include <stdbool.h>

#include "summand/include/meantime_summand.h"
#include "summand/sentence.h"

/* Copies a file into memory whose bytes no process can change. Returns the descriptor of the copy,
 * close-on-exec. Its number is above those that a helper uses itself. Runs no code of the file.
 * Returns -1 after a sentence in `error`. Any thread. */
int loader_copy(const char *path, char error[SENTENCE_BYTES]);

/* Loads the copy and runs the code that the file runs at its start. Checks the struct
 * meantime_summand. Call it in a helper process only, once. Returns NULL after a sentence in
 * `error`. */
const struct meantime_summand *loader_open(int file, char error[SENTENCE_BYTES]);

/* The functions of libm that the file calls and whose bits depend on the processor or on the
 * version of libm: "exp, pow". "" if there are none. libm's sqrt(), fabs(), floor() and others that
 * do not round, or round correctly, are not listed.
 * file: a descriptor from loader_copy(). Call it in a helper process only, after loader_open(). */
void loader_libm_calls(int file, char *names, size_t bytes);

#endif
