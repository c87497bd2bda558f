/* Connections as libzmq makes them: each direction in order; what is unread when a connection ends
 * is lost from some message on; each end learns of the end in its own time, and what is sent before
 * vanishes. The dialler's end is a DEALER, the listener's one of a server's two ROUTER sockets. */
#ifndef MEANTIME_TESTS_SIM_POOL_NETWORK_H
#define MEANTIME_TESTS_SIM_POOL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

#define WIRES_MAX 256

/* A worker that claims to have a million cores is given WORKER_CREDIT_MAX spans, and then as many
 * cancels; and so is each server between it and the front. */
#define LETTERS_MAX 32768

#define NOWHERE UINT32_MAX

struct world;

enum wire_end {
    END_DIALLER,
    END_LISTENER,
    ENDS,
};

enum dialler_type {
    DIALLER_PARENT, /* dialler: a server; slot: which of its parents */
    DIALLER_CLIENT,
    DIALLER_HOSTILE,
};

enum wire_state {
    WIRE_FREE,
    WIRE_DIALLING,
    WIRE_UP,
    WIRE_BROKEN,
};

struct letter {
    uint16_t wire;
    uint8_t to; /* enum wire_end */
    bool lost;
    uint16_t next; /* of the same direction, or of the free list */
    struct message message;
};

/* open: the end has not been told that the connection has ended, and has not ended it itself.
 * first, last: what is on the way to it. clear_at_ns: nothing more comes before this, for something
 * else does. full_until_ns: what it sends waits. */
struct end {
    bool open;
    uint16_t first;
    uint16_t last;
    int64_t clear_at_ns;
    int64_t full_until_ns;
};

/* number: of the client or worker that the listener takes the dialler for, or NOWHERE.
 * ignored: the listener has another connection of that routing id. */
struct wire {
    enum wire_state state;
    uint32_t stamp;
    enum dialler_type type;
    uint32_t dialler;
    uint32_t slot;
    uint32_t listener;
    bool workers;
    bool ignored;
    uint32_t number;
    uint32_t letters;
    int64_t cut_until_ns;
    struct end ends[ENDS];
};

struct network {
    struct wire wires[WIRES_MAX];
    struct letter letters[LETTERS_MAX];
    uint32_t wires_used;
    uint32_t letters_used;
    uint16_t free_letters;
    int64_t latency_ns;
    int64_t jitter_ns;
    uint32_t spike_one_in;
    int64_t dial_retry_ns;
    int64_t patience_ns; /* the other end may take so long to learn that this one has ended */
    bool ignore_next;    /* the next connection has a routing id that is taken */
};

void network_init(struct world *world);

/* A new connection to a server's socket for clients or workers. It is tried until it is there. */
uint32_t wire_dial(struct world *world, enum dialler_type type, uint32_t dialler, uint32_t slot,
                   uint32_t listener, bool workers);

/* False where the sender finds that nobody is there. */
bool wire_send(struct world *world, struct wire *wire, enum wire_end from,
               const struct message *message);

/* One end ends it; or the wire does, and the ends learn of it within `patience_ns`. */
void wire_close(struct world *world, struct wire *wire, enum wire_end end);
void wire_break(struct world *world, struct wire *wire, int64_t patience_ns);

/* The listener's process is no more. */
void wire_end_listener(struct world *world, struct wire *wire);

/* The listener no longer has a number for the dialler. */
void wire_forget(struct world *world, struct wire *wire);

void network_letter(struct world *world, uint16_t letter);
void network_dial(struct world *world, uint16_t wire, uint32_t stamp);
void network_disconnected(struct world *world, uint16_t wire, uint32_t stamp, enum wire_end end);

/* Copies what is used of a message. */
void message_copy(struct message *to, const struct message *from);

#endif
