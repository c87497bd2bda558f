/* The text of a checkpoint. A sum of samples has version 1, a sum of a summand version 2:
 *
 *     meantime checkpoint 2
 *     seed 42
 *     summand asian
 *     parameters strike=1.1
 *     build 0x0123456789abcdef
 *     first 0
 *     count 1000000
 *     output call -48 9a3b06 -96 00f1...      (one line for each output)
 *     sha1 ...                                (of all lines before)
 *
 * An output has its name, and unit_log2 and units of its sum and of its squares: the bytes of
 * struct meantime_total in hexadecimal digits, lowest byte first. No bytes are written as -. An
 * output without squares has no second pair. */
#ifndef MEANTIME_CLIENT_SUM_CHECKPOINT_TEXT_H
#define MEANTIME_CLIENT_SUM_CHECKPOINT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "client/sum/tally.h"
#include "proto/bounds.h"

/* Longer than any checkpoint: 64 outputs, each with the longest totals. */
#define CHECKPOINT_BYTES_MAX 131072

/* What a checkpoint contains. */
struct checkpoint {
    uint64_t seed;
    enum meantime_kind kind; /* 0 with a summand */
    uint64_t first;          /* number of the first sample or term */
    struct tally tally;      /* of samples or terms first to first + tally.count - 1 */

    /* Only of a sum of a summand. */
    char summand[SUMMAND_NAME_BYTES_MAX + 1]; /* its name; empty: a sum of samples */
    char parameters[PARAMETERS_BYTES_MAX + 1];
    uint64_t build; /* 0: no terms are summed yet */
};

/* Returns the text. Owner: the caller, who frees it. */
char *checkpoint_print(const struct checkpoint *checkpoint);

/* True if these `size` bytes are the start of a checkpoint, or may be: a truncated file may have a
 * part of the first line. */
bool checkpoint_begins(const char *text, size_t size);

/* Reads a text. Returns false if it is truncated or corrupt; then the checkpoint is empty. Owner of
 * the tally: the caller, who clears it. */
bool checkpoint_parse(const char *text, struct checkpoint *checkpoint);

#endif
