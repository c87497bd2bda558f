/* The life of one request, from the call of meantime_ask() to its answer, while servers crash,
 * freeze, restart and reconnect.
 *
 * A pure core: events and the time come in, effects go out. No socket, clock or allocation.
 *
 *     exchange_init(&exchange, &endpoints, first, &request, &setting);
 *     exchange_step(&exchange, now_ns, &event);
 *     while ((effect = exchange_next(&exchange)))
 *         carry out the effect
 *
 * A server stores nothing that cannot be computed again with the same bits. If a request has no
 * answer, the exchange sends the request again, to the next endpoint or to the same one. It ends
 * with one right answer, or with an error. */
#ifndef MEANTIME_CLIENT_LIB_EXCHANGE_H
#define MEANTIME_CLIENT_LIB_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/endpoints.h"
#include "client/lib/meantime.h"
#include "proto/instant.h"
#include "proto/message.h"

/* The session's first connection: if the last dial of every endpoint has failed definitely, and no
 * handshake is under way, the client waits this long since the request began. A server may be
 * started at the same time as the client and needs this long to listen. */
#define CONNECT_NS (3 * NS_PER_S)

/* If there are several endpoints, each one gets this long to connect before the client dials the
 * next one. TCP and ZMTP need four round trips for their handshakes. A round trip to the other side
 * of the world takes 0.2 s. */
#define TURN_NS NS_PER_S

/* A server that sends no message for this long may be frozen. A server sends progress twice a
 * second, so this is six times the expected pause. */
#define SILENCE_NS (3 * NS_PER_S)

/* After SILENCE_NS, the client waits this long before it gives the server up. In this time the
 * client reads messages that came while its caller did not look, and a probe can connect. */
#define PROBE_NS (2 * NS_PER_S)

/* The default patience: how long the client waits for a lost server, or for a first connection. A
 * restart takes seconds. A repair takes longer. */
#define PATIENCE_NS (10 * NS_PER_S)

/* How long the client waits for busy servers. If the queues have been full for this long, they will
 * not be empty soon. */
#define BUSY_NS (60 * NS_PER_S)

/* The client waits this long before it dials a lost server again. Without this pause, a server that
 * closes the connection at every request would be asked a thousand times a second. */
#define REDIAL_NS (100 * NS_PER_MS)

/* The same pause for a server that is stopping: it may take a while to end. */
#define STOPPING_NS NS_PER_S

/* After this many losses the request fails: PATIENCE_NS divided by REDIAL_NS. A lost attempt loses
 * all of its work. After 100 lost servers, one more server is unlikely to finish the request. */
#define LOSSES_MAX 100

/* The ids of one exchange's attempts are this far apart. Ids in between belong to other exchanges.
 */
#define ATTEMPT_STRIDE (UINT64_C(1) << 40)

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_DIALING, /* not connected yet */
    EXCHANGE_WAITING, /* the request is sent */
    EXCHANGE_PROBING, /* the request is sent, but the server has been silent for SILENCE_NS */
    EXCHANGE_PAUSING, /* no endpoint may be dialled yet */
    EXCHANGE_DONE,    /* `reply` is the answer */
    EXCHANGE_FAILED,  /* `error` and `error_text` say why */
    EXCHANGE_STATES,
};

enum exchange_event_type {
    EXCHANGE_EVENT_BEGIN,
    EXCHANGE_EVENT_CONNECTED,    /* the link that was dialled is up, or was up already */
    EXCHANGE_EVENT_DISCONNECTED, /* the link has ended; all messages before its end have been passed
                                    in */
    EXCHANGE_EVENT_CANNOT_DIAL,  /* this machine lacks a resource; `reason` says which */
    EXCHANGE_EVENT_REACHED, /* an address of the endpoint accepts connections; after the handshake
                               the link is up */
    EXCHANGE_EVENT_CANNOT_CONNECT, /* a dial has failed, and the next one begins; `reason` */
    EXCHANGE_EVENT_ALIVE,          /* the server showed a sign of life at `alive_at_ns` */
    EXCHANGE_EVENT_MESSAGE,        /* `message` came */
    EXCHANGE_EVENT_INVALID,        /* an invalid message came; `reason` says why */
    EXCHANGE_EVENT_TIME,           /* time has passed */
    EXCHANGE_EVENT_CANCEL,         /* the caller cancels the request */
    EXCHANGE_EVENT_TYPES,
};

struct exchange_event {
    enum exchange_event_type type;
    const struct message *message; /* only for EXCHANGE_EVENT_MESSAGE */
    const char *reason;            /* a clause without a full stop. That of CANNOT_CONNECT lives as
                                    * long as the exchange */
    bool definite, denied;         /* only for CANNOT_CONNECT: see struct dial_failure */
    int64_t alive_at_ns; /* the time of a probe's handshake or of any message; at most now */
};

/* Exchanges share links. Each exchange uses at most one link at a time, and gets the events of only
 * this link. */
enum exchange_effect_type {
    EXCHANGE_EFFECT_DIAL,         /* use the link to `endpoint`, dial it if it is not up */
    EXCHANGE_EFFECT_SEND_REQUEST, /* send `sum_request`; only while the link is up */
    EXCHANGE_EFFECT_SEND_CANCEL,  /* send `cancel`; only while the link is up */
    EXCHANGE_EFFECT_PROBE,        /* dial a second link to `endpoint`, to see whether it connects */
    EXCHANGE_EFFECT_DROP_LINK,    /* the link is dead: no exchange may use it any more */
    EXCHANGE_EFFECT_DETACH,       /* this exchange needs neither its link nor its probe any more */
};

struct exchange_effect {
    enum exchange_effect_type type;
    size_t endpoint; /* its place in struct endpoints */
    union {
        struct sum_request sum_request;
        struct cancel cancel;
    };
};

/* One step has at most these effects: send cancel, drop link, then dial. */
#define EXCHANGE_EFFECTS_MAX 3

/* How long an exchange may take. */
struct exchange_setting {
    int64_t timeout_ns;  /* from the first step to the answer; 0: none */
    int64_t patience_ns; /* how long an outage, or the first connection, may last; 0: for ever */
    bool connected;      /* the session was connected to a server before */
};

/* The last dial of an endpoint. */
struct dial_result {
    const char *reason; /* why the dial has failed; NULL: it has not failed */
    bool denied;        /* the keys do not fit */
    bool definite; /* it has failed definitely, and the dial after it has reached no address yet */
};

/* Other modules may read the fields up to `error_text`. */
struct exchange {
    enum exchange_state state;
    struct sum_request request; /* as in the first attempt, except its deadline */
    uint64_t samples_done;      /* from the server's last report in this attempt */
    uint64_t attempts;          /* requests sent; each one has its own id */
    uint64_t outages;           /* from losing a server to the next server's first message */
    const char *left_endpoint;  /* the server that was lost at the last outage; NULL: none */
    const char *left_because;   /* why, such as "disconnected"; NULL: no outage so far */
    struct sum_reply reply;     /* only in EXCHANGE_DONE. Its outputs are those of the message, and
                                 * valid as long as the message */
    enum meantime_error error;  /* only in EXCHANGE_FAILED */
    int64_t began_at_ns;
    int64_t ended_at_ns;
    char error_text[TEXT_BYTES_MAX + 512]; /* a sentence: the server's text and words around it */

    const struct endpoints *endpoints;
    size_t endpoint;                   /* the index of the current endpoint in `endpoints` */
    int64_t dial_at_ns[ENDPOINTS_MAX]; /* an endpoint is not dialled before this time */
    struct dial_result dials[ENDPOINTS_MAX];
    struct exchange_setting setting;
    int64_t deadline_at_ns; /* the end of the timeout; NEVER: none */
    int64_t now_ns;         /* the time of this step */
    int64_t
        turn_ends_at_ns;    /* while dialling: then the next endpoint is dialled; NEVER: no other */
    int64_t due_at_ns;      /* the end of the state; NEVER: the state does not end by time */
    int64_t unserved_at_ns; /* since when no server works on the request; NEVER: a server does */
    int64_t patience_ns;    /* the request fails after this long without a server */
    unsigned losses;        /* servers lost so far; busy servers do not count */
    bool was_connected;     /* any server was connected at any time */
    bool sent_progress;     /* the current server has sent progress in this attempt */
    const struct exchange_event *event; /* of this step */
    struct exchange_effect effects[EXCHANGE_EFFECTS_MAX];
    size_t effect_count;
    size_t effects_taken;
};

/* Sets up an exchange in EXCHANGE_NEW. The first step must be EXCHANGE_EVENT_BEGIN.
 * endpoints: kept, not copied; endpoints may be added later.
 * first: the place of the endpoint that is dialled first.
 * request: copied; its id is 1 or more and below ATTEMPT_STRIDE. Its texts must outlive the
 * exchange.
 * setting: copied. */
void exchange_init(struct exchange *exchange, const struct endpoints *endpoints, size_t first,
                   const struct sum_request *request, const struct exchange_setting *setting);

/* Handles one event. The caller must have taken all effects of the step before.
 * now_ns: 0 or more, never less than at the step before. */
void exchange_step(struct exchange *exchange, int64_t now_ns, const struct exchange_event *event);

/* Turns the answer of the last step into the error MEANTIME_NO_RESOURCES: the caller has no memory
 * to keep the outputs. */
void exchange_drop_answer(struct exchange *exchange);

/* Returns the next effect of the last step, or NULL if none is left. The effect lives until the
 * next step. */
const struct exchange_effect *exchange_next(struct exchange *exchange);

/* Returns when to step with EXCHANGE_EVENT_TIME at the latest, or NEVER. An earlier step does no
 * harm. */
int64_t exchange_due_at(const struct exchange *exchange);

static inline bool exchange_over(const struct exchange *exchange)
{
    return exchange->state >= EXCHANGE_DONE;
}

#endif
