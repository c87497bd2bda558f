/* What messages say of summands: the totals of their outputs, and which summands a server offers.
 * A leaf like proto/message.h. The structs only point to names and totals, because a message with
 * all outputs would take 70 KiB: see struct message for their owner. */
#ifndef MEANTIME_PROTO_OUTPUTS_H
#define MEANTIME_PROTO_OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "sums/exact_total.h"

/* A total as in struct exact_total. The bytes have another owner. {0} is the total of nothing. */
struct units {
    int32_t unit_log2;
    uint16_t length;      /* bytes */
    const uint8_t *bytes; /* NULL is valid only if length is 0 */
};

/* One output of a summand. */
struct output_total {
    const char *name;     /* 1 to SUMMAND_NAME_BYTES_MAX bytes of a-z 0-9 - _ */
    struct units sum;     /* of the terms; valid as EXACT_SUM for their count */
    struct units squares; /* of the terms; valid as EXACT_SQUARES for their count */
    bool has_squares;     /* false: the squares of this output are not summed */
};

struct outputs {
    uint32_t count; /* 0 to OUTPUTS_MAX; 0: the message is not of a summand */
    const struct output_total *list;
};

/* A summand that a server offers, alone or together with its workers. */
struct offer {
    char name[SUMMAND_NAME_BYTES_MAX + 1]; /* 1 byte or more of a-z 0-9 - */
    uint64_t build;                        /* digest of known answers, not 0 */
    uint32_t capacity;                     /* cores that compute it, 0 to CAPACITY_MAX */
    double ns_per_term; /* on one core with empty parameters; 0 or more, finite; 0: not known */
};

struct offers {
    uint32_t count; /* 0 to OFFERS_MAX */
    const struct offer *list;
};

/* A view of `total`, which must outlive it. */
struct units units_view(const struct exact_total *total);

/* Copies a valid total. */
void units_copy(struct exact_total *total, const struct units *units);

/* True if both lists have the same entries in the same order. */
bool offers_equal(const struct offers *a, const struct offers *b);

/* True if the text is a valid name of a summand, or of an output. */
bool summand_name_valid(const char *name);
bool output_name_valid(const char *name);

/* True if the text is at most PARAMETERS_BYTES_MAX bytes of printable ASCII. */
bool parameters_valid(const char *parameters);

#endif
