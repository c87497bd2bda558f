/* Messages between a server and its helper process, and the memory that both share. Both are of one
 * build, so structs are messages. The server trusts no byte that the helper sends. */
#ifndef MEANTIME_SUMMAND_HELPER_WIRE_H
#define MEANTIME_SUMMAND_HELPER_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "summand/helper_process.h"

/* Arguments of a helper. The build stays the first one in all versions, and a helper that gets
 * another one than its own ends with HELPER_EXIT_BUILD. */
enum {
    HELPER_ARGUMENT_BUILD = 1, /* helper_build of the server */
    HELPER_ARGUMENT_PARENT,    /* the pid of the server */
    HELPER_ARGUMENT_KERNEL,    /* the name of the kernel */
    HELPER_ARGUMENT_MEMORY,    /* bytes */
    HELPER_ARGUMENT_KNOWN,     /* the number of known terms */
    HELPER_ARGUMENTS,
};

/* Descriptors of a helper. 0 is /dev/null, 1 and 2 are a pipe to the server. */
enum {
    HELPER_SOCKET = 3, /* of type SOCK_SEQPACKET */
    HELPER_FILE,       /* the shared object */
    HELPER_STATE,      /* struct helper_state */
    HELPER_PROGRAM,    /* the helper program itself, which closes it */
    HELPER_DESCRIPTORS,
};

/* Exit status of a helper that cannot use its socket: the function has closed it. */
#define HELPER_EXIT_SOCKET 83

/* Exit status of a helper of another build than its server. */
#define HELPER_EXIT_BUILD 84

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

/* Moves a descriptor of the server above those of a helper, so that the helper's can be put into
 * their places. Closes `file`. Returns -1 with errno set if there is no descriptor left or `file`
 * is -1. */
int helper_descriptor_move(int file);

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
