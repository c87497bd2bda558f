/* libmeantime: overlaps the wait for a server's sums with the caller's own work.
 *
 *     struct meantime *m = meantime_new();
 *     meantime_connect(m, "tcp://127.0.0.1:8197");
 *     meantime_ask(m, &question, &request);
 *     meantime_overlap(m, request, my_slice, &my_work, 0);
 *     meantime_take(m, request, &result);
 *     meantime_close(&m);
 *
 * A session asks servers for exact sums of samples. Servers may crash, freeze, restart and
 * reconnect. The session sends a request again, to the next server or to the same one, until it has
 * one right answer or a reason to stop.
 *
 * Threads: only one thread at a time may use a session. Several sessions are independent of each
 * other. The library has no global variables. Its only threads are those of each session's libzmq
 * context, and one helper thread for each endpoint that is being dialled. If a name server does not
 * respond, such a thread may outlive its session. It installs no signal handlers and prints
 * nothing. A session does not survive fork().
 *
 * Looks: a session works only inside meantime_ask(), _look(), _wait(), _overlap() and _cancel(). If
 * the caller calls none of them for a while, messages wait. No message is lost, and an answer that
 * came in time counts as in time.
 *
 * Arguments: times are in nanoseconds of CLOCK_MONOTONIC. The library copies its arguments unless a
 * comment says otherwise. Set a struct to zero before you set its fields, because later versions
 * may add fields. If a version adds fields, its shared library has a new soname: compile your
 * program again.
 * A NULL pointer where a value is needed, or a closed session, crashes the program.
 *
 * Stack: each call needs at most 16 KiB (meantime_samples() 20 KiB), so that threads with 32 KiB of
 * stack can use sessions. The caller's slice of work is not included. */
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

/* The largest number of endpoints of one session. */
#define MEANTIME_ENDPOINTS_MAX 16

/* The largest number of requests of one session that are in flight or not yet taken. One server
 * accepts 1,024 requests of one session at a time. It refuses further requests as busy. The session
 * retries those once a second, until the server accepts them or until they fail. So do not ask for
 * more at once than the servers accept. */
#define MEANTIME_REQUESTS_MAX 65536

/* The size of meantime_result.text, with its final NUL. */
#define MEANTIME_TEXT_BYTES 1088

/* Any request, for meantime_take() and meantime_wait(). No request has this number. */
#define MEANTIME_ANY 0

enum meantime_error {
    MEANTIME_OK = 0,

    /* Errors of calls. The call has changed nothing. */
    MEANTIME_INVALID = -1,       /* an argument is out of its range */
    MEANTIME_BAD_ENDPOINT = -2,  /* not a valid endpoint; zmq_strerror(errno) says why */
    MEANTIME_NO_RESOURCES = -3,  /* no memory, file descriptor or socket is left; see errno */
    MEANTIME_TOO_MANY = -4,      /* too many endpoints or requests */
    MEANTIME_NOT_CONNECTED = -5, /* the session has no endpoint; call meantime_connect() first */
    MEANTIME_UNKNOWN = -6,       /* no request has this number, or its result was taken already */
    MEANTIME_INTERRUPTED = -7,   /* a signal interrupted the call; call again to continue */
    MEANTIME_BAD_KEY = -8,       /* a key cannot be used; see meantime_key_problem() */

    /* Errors of requests: why there is no sum. MEANTIME_NO_RESOURCES is one of them as well. */
    MEANTIME_NO_SERVER = -16,   /* no connection to any endpoint was established */
    MEANTIME_SERVER_LOST = -17, /* the server disconnected, stopped or sent no message for too long,
                                 * and no other server took over */
    MEANTIME_SERVER_BUSY = -18, /* all servers were busy for a minute */
    MEANTIME_REFUSED = -19,     /* the server refused, and would refuse again */
    MEANTIME_NONSENSE = -20,    /* the server sent an invalid message; it may be another program */
    MEANTIME_TIMED_OUT = -21,   /* no answer came within timeout_ns */
    MEANTIME_CANCELLED = -22,   /* by meantime_cancel() */
    MEANTIME_NO_SUMMAND = -23,  /* no server has the summand, or not with this build */
    MEANTIME_NO_ACCESS = -24    /* a server was reached, but refused this key, needs a key, uses no
                                 * keys, or has another server key. No connection was established */
};

/* The distribution of the samples. */
enum meantime_kind {
    MEANTIME_GAUSSIAN = 1, /* mean 0 and variance 1 */
    MEANTIME_UNIFORM = 2   /* in [0, 1) */
};

/* Bytes of the longest total. A sum has at most 272; usual totals have 8 to 26. */
#define MEANTIME_UNITS_BYTES_MAX 536

/* The exact sum of doubles, or of their exact squares: units * 2^unit_log2, where `units` is an
 * integer in two's complement. In Python:
 *     Fraction(int.from_bytes(units, "little", signed=True)) * Fraction(2) ** unit_log2
 * Each value has one form: `units` is as short as possible, and its lowest byte is not 0.
 * {0} is 0, the total of nothing. sums/EXACT.md in the sources specifies it. */
struct meantime_total {
    int32_t unit_log2;                       /* a multiple of 8; 0 if the total is 0 */
    uint32_t length;                         /* bytes of `units`; 0 if the total is 0 */
    uint8_t units[MEANTIME_UNITS_BYTES_MAX]; /* lowest byte first */
};

/* What n numbers with the sum S and the sum of squares Q say about their mean. Each field but the
 * interval is computed in integers and rounded once. The interval contains the expected value in
 * 95 % of all cases, if the numbers are independent and many: mean -+ 1.959964 standard errors. */
struct meantime_estimate {
    double mean;           /* S / n */
    double variance;       /* of the numbers: (n Q - S^2) / n^2 */
    double standard_error; /* of the mean: sqrt((n Q - S^2) / (n^2 (n - 1))); infinity if n = 1 */
    double low, high;      /* the interval */
};

/* Bytes of the name of an output, with its final NUL. */
#define MEANTIME_OUTPUT_NAME_BYTES 32

/* One output of a summand: what is summed, exactly, and the estimate of its mean. */
struct meantime_output {
    char name[MEANTIME_OUTPUT_NAME_BYTES];
    struct meantime_total sum;     /* of the output over all terms */
    struct meantime_total squares; /* of its squares; only if has_squares */
    int has_squares;               /* 0: the summand does not want them, so there is only a mean */
    struct meantime_estimate estimate;
};

/* A request asks for the sum of samples first to first + count - 1 of the stream (seed, kind), or
 * of these terms of a summand: a function of the user's, which the servers were started with. See
 * meantime_summand.h. */
struct meantime_question {
    uint64_t seed;           /* any */
    enum meantime_kind kind; /* 0 with a summand */
    uint64_t first;          /* number of the first sample or term, from 0 */
    uint64_t count;          /* samples or terms, 1 or more; first + count <= 2^63 */
    int64_t timeout_ns;      /* from meantime_ask() to the answer, 0 or more; 0: no timeout */
    unsigned server; /* the endpoint that is asked first, modulo their number; 0: the first */
    void *user;      /* the caller's pointer, returned with the result */

    /* For sums of a summand. */
    const char *summand;    /* its name; NULL: a sum of samples */
    const char *parameters; /* up to 512 bytes of printable ASCII; NULL: none */
    uint64_t build;         /* 0: any; to continue an earlier sum, the build of its result */
};

/* The sum of samples is exactly (sum_high * 2^64 + sum_low) * 2^unit_log2. A summand has the sums
 * of its outputs instead. */
struct meantime_result {
    uint64_t request;          /* the number of the request */
    void *user;                /* as in the question */
    enum meantime_error error; /* MEANTIME_OK: there is a sum. Otherwise an error of requests; then
                                * the fields of the sum are 0 */
    int32_t unit_log2;         /* -49 for Gaussian samples, -53 for uniform ones, 0 for terms */
    int64_t sum_high;
    uint64_t sum_low;
    double sum;          /* the double nearest to the sum */
    uint64_t count;      /* samples or terms summed */
    uint64_t compute_ns; /* compute time of all cores of the server together */
    int64_t elapsed_ns;  /* from meantime_ask() to the end of the request */
    uint64_t attempts;   /* how often the request was sent; 1: without a retry */
    unsigned server;     /* the endpoint that answered, or was tried last; 0: the first */
    char text[MEANTIME_TEXT_BYTES]; /* the error as a sentence without a full stop; else empty */

    /* Of a summand; otherwise 0 and NULL. */
    uint64_t build; /* says which function was summed. Terms of different builds do not belong
                     * together: give it to the questions that continue this sum */
    uint64_t grain; /* if a sum is cut after multiples of this many terms, no sample is made twice.
                     * 0: not known */
    uint64_t output_count;
    const struct meantime_output *outputs; /* owner: the session, until the next meantime_take() or
                                            * meantime_close() */
};

/* The progress of a request. An outage begins when the session loses the server that works on the
 * request. */
struct meantime_progress {
    uint64_t done;     /* samples or terms summed, as the server reports twice a second */
    uint64_t count;    /* samples or terms in the request */
    uint64_t attempts; /* how often the request was sent */
    uint64_t outages;
    const char *left_endpoint; /* the server that was lost at the last outage; NULL: none so far */
    const char *left_because;  /* why, such as "disconnected"; NULL: no outage so far.
                                * Both strings live as long as the session */
};

struct meantime;

/* Returns a session without endpoints, or NULL. Then errno says what is missing: EAGAIN (or EPERM):
 * threads, see RLIMIT_NPROC and pids.max; EMFILE or ENFILE: file descriptors; ENOMEM: memory.
 * Starts and joins as many threads, opens as many descriptors and allocates as much memory as
 * libzmq is about to need, because libzmq aborts the process if it cannot get them. If they run out
 * later, libzmq may still abort: keep some in reserve. Owner: the caller, until meantime_close().
 */
MEANTIME_API struct meantime *meantime_new(void);

/* Adds endpoints: one, such as "tcp://127.0.0.1:8197", or a list with commas. Adds all or none.
 * Requests go to the first endpoint. They go to the next one if the server cannot be connected,
 * disconnects, stops responding, is busy or stops. Never waits, and does not check whether a server
 * listens there: the first request does.
 * IPv6 addresses are written in brackets, as in "tcp://[::1]:8197". A helper thread looks a host
 * name up before each dial. All addresses of the name are dialled, IPv4 and IPv6, a quarter of a
 * second apart, and the first one that completes its handshake is used. A connection that completes
 * no handshake within about a second is dropped, and the endpoint is dialled again. Returns
 * MEANTIME_OK, _INVALID (a name is empty), _BAD_ENDPOINT, _TOO_MANY or _NO_RESOURCES. */
MEANTIME_API int meantime_connect(struct meantime *m, const char *endpoints);

/* Encrypts all later connections with CURVE, and proves who both sides are. Servers that were
 * started with keys accept no other connections. Call it before the first request.
 * key_file: the caller's secret certificate, or the public one with the secret one beside it, in
 * czmq's format, as "meantime keys new" writes it. A secret file that others can access or that the
 * group can write is refused.
 * server_key: the public key of the servers, as a file or as 40 characters of Z85. All servers of
 * the session have this key.
 * The session keeps its copy of the secret key out of core dumps, and wipes it in the end. libzmq
 * keeps copies for its sockets: to keep those out of core dumps as well, forbid core dumps with
 * prctl(PR_SET_DUMPABLE, 0). Returns MEANTIME_OK, _BAD_KEY or _NO_RESOURCES. */
MEANTIME_API int meantime_set_keys(struct meantime *m, const char *key_file,
                                   const char *server_key);

/* Why the last meantime_set_keys() returned MEANTIME_BAD_KEY, as a sentence without a full stop;
 * "" if it did not. Contains no secret. Valid until the next call or meantime_close(). */
MEANTIME_API const char *meantime_key_problem(const struct meantime *m);

/* Sets how long an outage of a request may last, from the loss of its server until another server,
 * or the same one, works on it. Also limits how long the first connection may take; but if the last
 * dial of every endpoint has failed definitely, such as with "connection refused", the request
 * fails after 3 s, or 1 s for each endpoint if that is longer. Each request has its own patience,
 * which begins anew after each sign of life of a server. If a
 * request has a timeout_ns and was connected to a server, it retries until the timeout instead.
 * Applies to later requests. patience_ns: 0 or more; 0: for ever; the
 * default is 10 s. Returns MEANTIME_OK or _INVALID. */
MEANTIME_API int meantime_set_patience(struct meantime *m, int64_t patience_ns);

/* Begins a request. Sets `request` to its number, which is never 0 and which no other request of
 * the session uses. Never waits. If no connection is established yet, a later look sends the
 * request. Returns MEANTIME_OK, _INVALID, _NOT_CONNECTED, _TOO_MANY or _NO_RESOURCES. */
MEANTIME_API int meantime_ask(struct meantime *m, const struct meantime_question *question,
                              uint64_t *request);

/* Reads the messages that have come, without waiting. Returns how many requests have ended and can
 * be taken.
 * Cost: if no message has come, one system call (below 0.6 us) and no allocation. Otherwise a few
 * microseconds for each message, and at most about 30 us for each endpoint. If a request is due,
 * for a timeout or a retry, or if a connection changes, the look steps through all requests in
 * flight: 0.2 us for each. */
MEANTIME_API int meantime_look(struct meantime *m);

/* Waits until the request, or any request (MEANTIME_ANY), has ended, and looks meanwhile.
 * timeout_ns: how long to wait at most; negative: no limit. Returns at once if no request is in
 * flight.
 * Returns 1: it has ended; 0: it has not ended; MEANTIME_UNKNOWN; MEANTIME_INTERRUPTED. */
MEANTIME_API int meantime_wait(struct meantime *m, uint64_t request, int64_t timeout_ns);

/* Takes the result of a request that has ended, and forgets the request. MEANTIME_ANY takes the
 * request that ended first. Does not look.
 * Returns 1: taken; 0: the request, or every request, is still in flight, and `result` is
 * unchanged; MEANTIME_UNKNOWN. */
MEANTIME_API int meantime_take(struct meantime *m, uint64_t request,
                               struct meantime_result *result);

/* Reports the progress of a request as of the last look. Also works for a request that has ended
 * but is not taken. Returns MEANTIME_OK or _UNKNOWN. */
MEANTIME_API int meantime_progress(const struct meantime *m, uint64_t request,
                                   struct meantime_progress *progress);

/* Cancels a request, and sends a cancel to its server. The request ends at once with
 * MEANTIME_CANCELLED; take its result like any other. A request that has ended is unchanged.
 * Returns MEANTIME_OK or _UNKNOWN. */
MEANTIME_API int meantime_cancel(struct meantime *m, uint64_t request);

/* Returns a descriptor for poll, epoll, libuv or glib. When it is readable, call meantime_look(),
 * and then meantime_take() until no result is left: the descriptor reports each result only once.
 * meantime_wait() and meantime_overlap() look as well. The descriptor stays the same for the life
 * of the session. Owner: the session; the caller must not read from it or close it. */
MEANTIME_API int meantime_fd(const struct meantime *m);

/* Does about `units` units of the caller's work, and returns how many it did. 0: no work is left.
 * state: as given to meantime_overlap(). units: 1 or more.
 * The caller decides what a unit is. All units should take about the same time. If a unit takes
 * much longer than a slice should, looks are rarer and replies wait for them. */
typedef uint64_t meantime_slice(void *state, uint64_t units);

/* Works in slices, with a look between two slices. Returns when the work is done and the request
 * has ended; then take its result. Other requests of the session continue meanwhile. request: 0:
 * return when the work is done. slice_ns: how long a slice should take, 0 or more; 0: one
 * millisecond. The first slice is one unit. Later slices follow from the measured speed. If looks
 * that find nothing would take more than 0.05 % of the time, slices are made longer, up to 15 ms.
 * Until the request is sent, slices are shorter, and in the first milliseconds the thread yields
 * its core after each look. Returns MEANTIME_OK; _INVALID; _UNKNOWN, before any work; _INTERRUPTED:
 * a signal came after the work was done, during the wait for the request. `slice` may use the
 * session, but not close it. */
MEANTIME_API int meantime_overlap(struct meantime *m, uint64_t request, meantime_slice *slice,
                                  void *state, int64_t slice_ns);

/* Cancels all requests in flight, forgets all results, and closes all connections. Takes up to
 * 0.2 s if cancels cannot be sent at once. Does not wait for name servers.
 * Sets the pointer to NULL; accepts NULL. */
MEANTIME_API void meantime_close(struct meantime **m);

/* Writes samples first to first + count - 1 of the stream (seed, kind) to out[0] to
 * out[count - 1]. These are the samples that servers sum: each is a whole number of units of 2^-49
 * (Gaussian) or 2^-53 (uniform), and the double is exact. sums/SAMPLER.md in the sources specifies
 * them. Needs no session and no server; any thread; no allocation; 20 KiB of stack.
 * first + count <= 2^63; count may be 0.
 * Cost: the same at every position. Samples are made in blocks of 65,536, which start at multiples
 * of this number. A part of a Gaussian block takes as long as the whole block, so ask for whole
 * blocks if you need many samples. Fastest if `out` is aligned to 64 bytes.
 * Returns MEANTIME_OK or _INVALID; then `out` is unchanged. */
MEANTIME_API int meantime_samples(uint64_t seed, enum meantime_kind kind, uint64_t first,
                                  uint64_t count, double *out);

/* Adds `part` to `into`: totals of disjoint ranges, both of sums or both of squares. Exact: order
 * and grouping do not matter. Any thread.
 * Returns MEANTIME_OK, or MEANTIME_INVALID: a total is not in its form, or exceeds that of 2^63
 * numbers; then `into` is unchanged. */
MEANTIME_API int meantime_total_add(struct meantime_total *into, const struct meantime_total *part);

/* Returns the double nearest to a total; infinity if it is too large; 0 if the total is not in its
 * form. Any thread. */
MEANTIME_API double meantime_total_value(const struct meantime_total *total);

/* Computes an estimate from exact totals. Any thread.
 * count: n, 1 to 2^63. squares: NULL if there are none; then all fields but the mean are 0.
 * Returns MEANTIME_OK, or MEANTIME_INVALID: no `count` numbers have these totals; then `estimate`
 * is unchanged. */
MEANTIME_API int meantime_estimate(uint64_t count, const struct meantime_total *sum,
                                   const struct meantime_total *squares,
                                   struct meantime_estimate *estimate);

/* Returns an error as text, such as "the request timed out". Never NULL. Static storage. Any
 * thread.
 */
MEANTIME_API const char *meantime_error_text(int error);

#ifdef __cplusplus
}
#endif

#endif
