/* One request's life, from asking to the answer, while servers die, freeze, restart and come back.
 * A pure core: news and the time come in, orders come out. No socket, no clock, no allocation.
 *
 * A server loses nothing that cannot be computed again, to the same bits. So a request that has no
 * answer is asked again, of the next endpoint or of the same one, until there is one right answer,
 * or a reason to stop. */
#ifndef MEANTIME_CLIENT_LIB_EXCHANGE_H
#define MEANTIME_CLIENT_LIB_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "proto/message.h"

/* More than anybody types. */
#define ENDPOINTS_MAX MEANTIME_ENDPOINTS_MAX

/* A server that is being started at the same moment gets this long to appear. */
#define CONNECT_NS INT64_C(3000000000)

/* One of several endpoints gets this long to connect, and then the next: TCP and ZMTP shake hands
 * in four round trips, of 0.2 s to the other side of the world. */
#define TURN_NS INT64_C(1000000000)

/* No sign of life for so long, six times what there should be between two, and there is doubt... */
#define SILENCE_NS INT64_C(3000000000)

/* ... which lasts so long: time to hear what came while nobody looked, and to shake hands. */
#define DOUBT_NS INT64_C(2000000000)

/* Servers that were there are waited for: restarting one takes seconds, mending one takes longer.
 */
#define RETURN_NS INT64_C(10000000000)

/* Servers whose queues have been full for so long will not be free soon. */
#define BUSY_NS INT64_C(60000000000)

/* A server that has gone is not dialled again at once, lest one that hangs up on us whenever it is
 * asked be asked a thousand times a second; and one that stops may take a while to be gone. */
#define REST_NS     INT64_C(100000000)
#define STOPPING_NS INT64_C(1000000000)

/* As many as there are rests in RETURN_NS. A lost attempt's work is lost whole: a request that has
 * outlived so many servers is not likely to find one that outlives it. */
#define LOSSES_MAX 100

/* Ids of one exchange's attempts are so far apart: those between are other exchanges'. */
#define ATTEMPT_STRIDE (UINT64_C(1) << 40)

struct endpoints {
    const char *names[ENDPOINTS_MAX];
    size_t count; /* 1 or more */
};

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_DIALING,  /* not connected yet */
    EXCHANGE_ASKED,    /* connected, and asked */
    EXCHANGE_DOUBTING, /* the same, but it has been silent for long */
    EXCHANGE_RESTING,  /* until an endpoint may be dialled again */
    EXCHANGE_DONE,     /* `reply` is the answer */
    EXCHANGE_FAILED,   /* `trouble` says why */
    EXCHANGE_STATES,
};

enum news_type {
    NEWS_BEGIN,
    NEWS_UP,       /* the connection that was dialled, or was there already */
    NEWS_DOWN,     /* it is no more; what came before has been told */
    NEWS_CANNOT,   /* be dialled: `reason` says why */
    NEWS_ALIVE,    /* the server was at `alive_at_ns`: it shook hands, or spoke of something else */
    NEWS_MESSAGE,  /* `message` came */
    NEWS_NONSENSE, /* came, and `reason` says why it is no message */
    NEWS_TIME,
    NEWS_CANCEL, /* nobody waits any more */
    NEWS_TYPES,
};

struct news {
    enum news_type type;
    const struct message *message;
    const char *reason;
    int64_t alive_at_ns;
};

/* Exchanges share connections: each has at most one, and is told of that one alone. */
enum order_type {
    ORDER_DIAL,   /* `endpoint`, in place of the connection that there is; one that is up will do */
    ORDER_ASK,    /* send `sum_request` on it; only while it is up */
    ORDER_CANCEL, /* the same with `cancel` */
    ORDER_PROBE,  /* does a second connection to `endpoint` come about? */
    ORDER_CUT,    /* the connection is dead: nobody is to use it any more */
    ORDER_HANG_UP, /* this exchange needs neither any more */
};

struct order {
    enum order_type type;
    size_t endpoint;
    union {
        struct sum_request sum_request;
        struct cancel cancel;
    };
};

/* Most orders of one step: cancel, cut, then dial. */
#define ORDERS_MAX 3

/* For reading, up to `trouble`. An attempt is a request sent: each has an id of its own, the
 * first that of `asked`. An outage begins when a server is left, and ends with the next one's first
 * sign of life; what it began with is `left_endpoint` and `left_because`, such as "went away". */
struct exchange {
    enum exchange_state state;
    struct sum_request asked;
    uint64_t samples_done; /* as far as the server has told */
    uint64_t attempts;
    uint64_t outages;
    const char *left_endpoint;
    const char *left_because;
    struct sum_reply reply;
    enum meantime_error error; /* of one that has failed */
    int64_t began_at_ns;
    int64_t ended_at_ns;
    char trouble[TEXT_BYTES_MAX + 512]; /* a sentence: the server's text and what is around it */

    const struct endpoints *endpoints;
    int64_t ready_at_ns[ENDPOINTS_MAX]; /* not dialled before that */
    size_t at;                          /* the endpoint that it is about */
    int64_t timeout_ns;
    int64_t deadline_at_ns;
    int64_t now_ns;
    int64_t due_at_ns;      /* of the state */
    int64_t alone_since_ns; /* without a server that works for us */
    int64_t patience_ns;    /* how long to be alone */
    unsigned losses;
    bool met;                /* a server, at some time */
    bool spoken;             /* this server, in this attempt */
    const struct news *news; /* of this step */
    struct order orders[ORDERS_MAX];
    size_t orders_given;
    size_t orders_taken;
};

/* endpoints: kept, not copied; more may be added. first: the one that is asked first.
 * timeout_ns: from asking to the answer, 0 for none. */
void exchange_init(struct exchange *exchange, const struct endpoints *endpoints, size_t first,
                   const struct sum_request *asked, int64_t timeout_ns);

/* now_ns: 0 or more, never less than before. All orders of the step before have been taken. */
void exchange_step(struct exchange *exchange, int64_t now_ns, const struct news *news);

/* The next order to obey; NULL: none is left. Lives until the next step. */
const struct order *exchange_next(struct exchange *exchange);

/* When to step with NEWS_TIME at the latest; INT64_MAX: no need to. Earlier does no harm. */
int64_t exchange_due_at(const struct exchange *exchange);

static inline bool exchange_over(const struct exchange *exchange)
{
    return exchange->state >= EXCHANGE_DONE;
}

#endif
