/* Connections like those of libzmq. Each direction keeps its order. When a connection ends, unread
 * messages are lost from some message on. Each end notices the disconnect at its own time, and
 * messages that it sends before then are lost. The dialler's end is a DEALER; the listener's end is
 * one of a server's two ROUTER sockets. */
#ifndef MEANTIME_TESTS_SIM_POOL_NETWORK_H
#define MEANTIME_TESTS_SIM_POOL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "tests/sim/pool/summands.h"

#define CABLES_MAX 256

/* A worker that claims a million cores gets WORKER_CREDIT_MAX spans and then the same number of
 * cancels. The same holds for each server between this worker and the front. */
#define LETTERS_MAX 32768

#define NOWHERE UINT32_MAX

struct world;

enum cable_end {
    END_DIALLER,
    END_LISTENER,
    ENDS,
};

enum dialler_type {
    DIALLER_PARENT, /* dialler: a server; slot: which of its parents */
    DIALLER_CLIENT,
    DIALLER_HOSTILE,
};

enum cable_state {
    CABLE_FREE,
    CABLE_DIALLING,
    CABLE_UP,
    CABLE_BROKEN,
};

/* A message on its way. */
struct letter {
    uint16_t cable;
    uint8_t to;    /* enum cable_end */
    bool lost;     /* it will not arrive */
    uint16_t next; /* the next letter of the same direction, or of the free list */
    struct message message;
    struct sim_totals totals;      /* of the message */
    struct offer offers[SUMMANDS]; /* of the message */
};

struct end {
    bool open;      /* this end has neither closed the connection nor noticed its end */
    uint16_t first; /* the letters on the way to this end */
    uint16_t last;
    int64_t clear_at_ns;   /* when the last letter arrives; the next one arrives then or later */
    int64_t full_until_ns; /* the pipe is full: messages from this end wait until then */
};

/* A connection. */
struct cable {
    enum cable_state state;
    uint32_t stamp; /* changes at each reuse */
    enum dialler_type type;
    uint32_t dialler;
    uint32_t slot; /* of a server: which of its parents */
    uint32_t listener;
    bool workers;         /* it leads to the listener's socket for workers, not for clients */
    bool ignored;         /* the listener has another connection with this routing id */
    uint32_t number;      /* the listener's number for this client or worker, or NOWHERE */
    uint32_t letters;     /* on their way, in both directions */
    int64_t cut_until_ns; /* it carries nothing until then */
    struct end ends[ENDS];
};

struct network {
    struct cable cables[CABLES_MAX];
    struct letter letters[LETTERS_MAX];
    uint32_t cables_used;
    uint32_t letters_used;
    uint16_t free_letters;
    int64_t latency_ns;
    int64_t jitter_ns;
    uint32_t spike_one_in;
    int64_t dial_retry_ns;
    int64_t patience_ns; /* the longest time until the other end notices a close */
    bool ignore_next;    /* the next connection uses a routing id that is in use */
};

void network_init(struct world *world);

/* Dials a server's socket for clients or workers, again and again until it is connected. */
uint32_t cable_dial(struct world *world, enum dialler_type type, uint32_t dialler, uint32_t slot,
                    uint32_t listener, bool workers);

/* False if the sender finds the other end unreachable. */
bool cable_send(struct world *world, struct cable *cable, enum cable_end from,
                const struct message *message);

/* One end closes the connection; or the connection breaks, and both ends notice the disconnect
 * within `patience_ns`. */
void cable_close(struct world *world, struct cable *cable, enum cable_end end);
void cable_break(struct world *world, struct cable *cable, int64_t patience_ns);

/* The listener's process has ended. */
void cable_end_listener(struct world *world, struct cable *cable);

/* The listener frees its number for the dialler. */
void cable_forget(struct world *world, struct cable *cable);

/* The occasions of the agenda. */
void network_letter(struct world *world, uint16_t letter);
void network_dial(struct world *world, uint16_t cable, uint32_t stamp);
void network_disconnected(struct world *world, uint16_t cable, uint32_t stamp, enum cable_end end);

#endif
