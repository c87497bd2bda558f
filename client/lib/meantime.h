/* libmeantime: hides the wait for a server's sums behind work of one's own.
 *
 *     struct meantime *m = meantime_new();
 *     meantime_connect(m, "tcp://127.0.0.1:8197");
 *     meantime_ask(m, &question, &request);
 *     meantime_overlap(m, request, my_slice, &my_work, 0);
 *     meantime_take(m, request, &result);
 *     meantime_close(&m);
 *
 * A session asks servers for exact sums of samples. They may die, freeze, restart and come back: it
 * asks again, the next one or the same, until there is one right answer or a reason to stop.
 *
 * Threads: a session belongs to one thread at a time; several sessions know nothing of each other.
 * The library has no globals and no threads but those of each session's libzmq, takes no signals,
 * and prints nothing. A session does not survive fork().
 * Work is done in meantime_ask(), _look(), _wait(), _overlap() and _cancel() alone: whoever does
 * none of these for long hears nothing, but loses nothing either: what had come in time is in time.
 * Times are in nanoseconds, by CLOCK_MONOTONIC. What is passed in is copied, unless it says so.
 * Structs are to be set to zero before fields are, for the sake of fields to come; with a version
 * that has them, programs are to be compiled anew: the shared library has another soname then.
 * NULL where something is needed, and a closed session, are mistakes that end the program. */
#ifndef MEANTIME_H
#define MEANTIME_H

#include <stdint.h>

#if defined(__GNUC__)
#define MEANTIME_API __attribute__((visibility("default")))
#else
#define MEANTIME_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Endpoints of one session, and requests that are in flight or not yet taken. One server takes
 * 1,024 of one session at a time: what is beyond is asked again and again until it is less busy, or
 * fails. Whoever asks for more at once than that does better to hold some back. */
#define MEANTIME_ENDPOINTS_MAX 16
#define MEANTIME_REQUESTS_MAX  65536

/* What meantime_result.text has room for, its final NUL included. */
#define MEANTIME_TEXT_BYTES 1088

/* Any request, for meantime_take(). No request has this number. */
#define MEANTIME_ANY 0

enum meantime_error {
    MEANTIME_OK = 0,

    /* Of calls. Nothing has happened. */
    MEANTIME_INVALID = -1,      /* an argument is out of its range */
    MEANTIME_BAD_ENDPOINT = -2, /* no server could ever be there; zmq_strerror(errno) says why */
    MEANTIME_NO_RESOURCES = -3, /* no memory, file descriptor or socket is left; errno says which */
    MEANTIME_TOO_MANY = -4,     /* endpoints or requests */
    MEANTIME_NOT_CONNECTED = -5, /* meantime_connect() comes first */
    MEANTIME_UNKNOWN = -6,       /* no request of that number, or its result is taken already */
    MEANTIME_INTERRUPTED = -7,   /* a signal has come; call again to go on */

    /* Of requests: why there is no sum. MEANTIME_NO_RESOURCES is one of them as well. */
    MEANTIME_NO_SERVER = -16,   /* nobody answered the call at any endpoint */
    MEANTIME_SERVER_LOST = -17, /* it went away, fell silent or stopped, and none took over */
    MEANTIME_SERVER_BUSY = -18, /* all of them, for a minute */
    MEANTIME_REFUSED = -19,     /* for a reason that asking again would not change */
    MEANTIME_NONSENSE = -20,    /* what came is no answer: a server of another kind */
    MEANTIME_TIMED_OUT = -21,   /* no answer within timeout_ns */
    MEANTIME_CANCELLED = -22    /* as you asked */
};

/* Which samples: mean 0 and variance 1, or in [0, 1). */
enum meantime_kind { MEANTIME_GAUSSIAN = 1, MEANTIME_UNIFORM = 2 };

/* The sum of samples first, ..., first + count - 1 of the stream (seed, kind). */
struct meantime_question {
    uint64_t seed; /* any */
    enum meantime_kind kind;
    uint64_t first;
    uint64_t count;     /* 1 or more; first + count <= 2^63 */
    int64_t timeout_ns; /* from asking to the answer; 0: none */
    unsigned server;    /* which endpoint is asked first, modulo their number: 0 is the first */
    void *user;         /* comes back with the result */
};

/* error: MEANTIME_OK, and there is a sum, or one of the errors of requests, and `text` tells it in
 * a sentence without its full stop.
 * The sum is (sum_high * 2^64 + sum_low) * 2^unit_log2, exactly, and `sum` is the nearest double.
 */
struct meantime_result {
    uint64_t request;
    void *user;
    enum meantime_error error;
    int32_t unit_log2; /* -49 for Gaussian samples, -53 for uniform ones */
    int64_t sum_high;
    uint64_t sum_low;
    double sum;
    uint64_t count;      /* samples summed */
    uint64_t compute_ns; /* of the server's cores together */
    int64_t elapsed_ns;  /* from asking to the end */
    uint64_t attempts;   /* servers asked: 1 where all went well */
    unsigned server;     /* the endpoint that answered, or was tried last: 0 is the first */
    char text[MEANTIME_TEXT_BYTES];
};

/* How far a request is. An outage begins when a server is left: `left_endpoint` is the last one
 * that was, and `left_because` tells why, such as "went away". Both live as long as the session,
 * and are NULL before the first outage. */
struct meantime_progress {
    uint64_t done; /* samples, as far as the server has told: twice a second */
    uint64_t count;
    uint64_t attempts; /* servers asked */
    uint64_t outages;
    const char *left_endpoint;
    const char *left_because;
};

struct meantime;

/* A session that is connected to nothing. NULL, and errno says why: no memory, no descriptor.
 * Owner: the caller, until meantime_close(). */
MEANTIME_API struct meantime *meantime_new(void);

/* Adds endpoints, such as "tcp://127.0.0.1:8197" or a list with commas: requests ask the first
 * one, and the next when that is not there, goes away, falls silent, is busy or stops.
 * Never waits: whether anybody is there is found out by asking. Adds all of them or none.
 * Hosts may be given by name, which means an address of IPv4; one of IPv6 goes in brackets, such as
 * "tcp://[::1]:8197". libzmq looks names up one after the other, before each call: while the
 * service for names is silent, no connection of the session comes about, to numbers neither.
 * MEANTIME_OK, _INVALID (a name is empty), _BAD_ENDPOINT, _TOO_MANY, _NO_RESOURCES. */
MEANTIME_API int meantime_connect(struct meantime *m, const char *endpoints);

/* Asks. Sets `request` to a number that is never 0 and in use by no other request of the session.
 * Never waits: where there is no connection yet, the question leaves at a later look.
 * MEANTIME_OK, _INVALID, _NOT_CONNECTED, _TOO_MANY, _NO_RESOURCES. */
MEANTIME_API int meantime_ask(struct meantime *m, const struct meantime_question *question,
                              uint64_t *request);

/* Looks what has come, without waiting. Returns how many requests have ended and can be taken.
 * With nothing there it costs one system call (below 0.6 us) and no allocation; otherwise a few
 * microseconds for each message, and at most some 30 at once. When the time has come for some
 * request, as for one that is late or to be asked again, or a connection comes or goes, all that
 * are in flight are gone through: 0.2 us for each. */
MEANTIME_API int meantime_look(struct meantime *m);

/* Waits until that request has ended, or any (MEANTIME_ANY), and looks meanwhile: up to timeout_ns,
 * or as long as it takes where that is negative. Returns at once where nothing is in flight.
 * 1; 0: it has not ended; MEANTIME_UNKNOWN, _INTERRUPTED. */
MEANTIME_API int meantime_wait(struct meantime *m, uint64_t request, int64_t timeout_ns);

/* Takes the result of a request that has ended, or of the one that ended first (MEANTIME_ANY), and
 * forgets the request. Does not look.
 * 1; 0: it has not ended, or none has, and `result` is as it was; MEANTIME_UNKNOWN. */
MEANTIME_API int meantime_take(struct meantime *m, uint64_t request,
                               struct meantime_result *result);

/* How far it is, as of the last look; also when it has ended but is not taken.
 * MEANTIME_OK, _UNKNOWN. */
MEANTIME_API int meantime_progress(const struct meantime *m, uint64_t request,
                                   struct meantime_progress *progress);

/* Nobody waits for it any more: its server is told, and it ends with MEANTIME_CANCELLED, to be
 * taken as every other. One that has ended stays as it is. MEANTIME_OK, _UNKNOWN. */
MEANTIME_API int meantime_cancel(struct meantime *m, uint64_t request);

/* For poll, epoll, libuv or glib: becomes readable when there is something to look for, and stays
 * so until a meantime_look(), after which all results are to be taken: it tells of each once, and
 * _wait() and _overlap() look as well. The same one for the life of the session, whatever becomes
 * of connections. Owner: the session; not to be read or closed. */
MEANTIME_API int meantime_fd(const struct meantime *m);

/* Does about `units` of somebody's work and returns how many it did; 0: there is nothing left.
 * units: 1 or more. What a unit is, the work decides: all of them take about as long. One that
 * takes much longer than a slice should makes looks rarer, and replies wait for them. */
typedef uint64_t meantime_slice(void *state, uint64_t units);

/* Works in slices that take about slice_ns (0: one millisecond), looks between them, and returns
 * when the work is done and the request has ended; take its result then. Other requests of the
 * session go on meanwhile. The first slice is one unit; the next ones are paced by the measured
 * speed, and made longer, up to 15 ms, where looks that find nothing would take more than 0.05 % of
 * the time. Until the request has left, they are shorter, and in the first milliseconds the thread
 * yields its core after each look.
 * request: 0 for none: returns when the work is done. slice_ns: 0 or more.
 * MEANTIME_OK; _INVALID; _UNKNOWN, before any work; _INTERRUPTED: a signal came while it waited,
 * with the work done. From within `slice` the session may be used, but for closing it. */
MEANTIME_API int meantime_overlap(struct meantime *m, uint64_t request, meantime_slice *slice,
                                  void *state, int64_t slice_ns);

/* Cancels what is in flight, forgets what is not taken, and closes all connections. Takes up to
 * 0.2 s where cancels cannot leave at once, and as long as the look-up of a name that is under way.
 * Tolerates NULL, leaves NULL. */
MEANTIME_API void meantime_close(struct meantime **m);

/* An error in words, such as "no server answered". Never NULL. Static storage; any thread. */
MEANTIME_API const char *meantime_error_text(int error);

#ifdef __cplusplus
}
#endif

#endif
