/* The program meantime-summand-helper, as the server finds it. */
#ifndef MEANTIME_SUMMAND_HELPER_PROGRAM_H
#define MEANTIME_SUMMAND_HELPER_PROGRAM_H

#include "summand/sentence.h"

/* A digest of the sources, the compiler and its options. A server and its helper program have the
 * same one. */
extern const char helper_build[];

/* Opens the helper program at its place relative to the program that runs, so that an installation
 * may be moved. The descriptor refers to this file even if an upgrade deletes or replaces it.
 * Returns -1 after a sentence in `error`. */
int helper_program_open(char error[SENTENCE_BYTES]);

#endif
