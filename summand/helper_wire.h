/* Messages between a server and its helper process, and the memory that both share. Both are the
 * same program, so structs are messages. The server trusts no byte that the helper sends. */
#ifndef MEANTIME_SUMMAND_HELPER_WIRE_H
#define MEANTIME_SUMMAND_HELPER_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "summand/helper_process.h"

/* The first argument of a helper. The others: the pid of the server, the name of the kernel, the
 * bytes of memory, and the number of known terms. */
#define HELPER_ARGUMENT  "--helper-process"
#define HELPER_ARGUMENTS 6

/* Descriptors of a helper. 0 is /dev/null, 1 and 2 are a pipe to the server. */
enum {
    HELPER_SOCKET = 3, /* of type SOCK_SEQPACKET */
    HELPER_FILE,       /* the shared object */
    HELPER_STATE,      /* struct helper_state */
    HELPER_DESCRIPTORS,
};

/* Exit status of a helper that cannot use its socket: the function has closed it. */
#define HELPER_EXIT_SOCKET 83

/* One page that both processes map. The function may destroy it; then its request ends with a
 * timeout or a wrong progress, but its totals do not change. */
struct helper_state {
    _Atomic uint64_t calls; /* grows before each call of user code */
    _Atomic uint64_t first; /* term of that call */
    _Atomic uint32_t count; /* terms of that call; 0: begin(), or the file is loaded */
    _Atomic uint32_t cancelled;
};

enum helper_request_type {
    HELPER_REQUEST_SUM = 1,
    HELPER_REQUEST_EXAMINE, /* known answers and times */
};

struct helper_request {
    uint64_t nonce; /* the reply repeats it */
    enum helper_request_type type;
    uint64_t first, count;
    struct helper_question question;
};

struct helper_reply {
    uint64_t nonce;
    enum helper_end end;
    uint64_t known_digest; /* of the terms that the helper has repeated */
    uint64_t count;
    uint64_t fill_ns, value_ns;
    uint64_t grain;
    uint32_t outputs; /* that follow, packed; or an examination follows */
    char text[SENTENCE_BYTES];
};

/* Bytes of one packed output: name, sum and squares with their lengths and units. */
#define PACKED_OUTPUT_BYTES_MAX                                                                    \
    (MEANTIME_NAME_MAX + 2 + 2 * (sizeof(int32_t) + sizeof(uint16_t)) +                            \
     8 * (EXACT_SUM_WORDS + EXACT_SQUARES_WORDS))

#define HELPER_MESSAGE_BYTES_MAX                                                                   \
    (sizeof(struct helper_reply) + MEANTIME_OUTPUTS_MAX * PACKED_OUTPUT_BYTES_MAX)

/* Packs an output. Returns the number of bytes, at most PACKED_OUTPUT_BYTES_MAX. */
size_t output_pack(const struct helper_output *output, uint8_t *bytes);

/* Unpacks one output of a span of `count` terms. Returns its number of bytes, or 0 if they are
 * wrong. */
size_t output_unpack(struct helper_output *output, uint64_t count, const uint8_t *bytes,
                     size_t size);

#endif
