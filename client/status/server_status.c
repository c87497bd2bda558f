/* Asks a server for its status, and prints the status as text or JSON. */
#include "client/status/server_status.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "cli/quantity.h"
#include "client/common/interrupt.h"
#include "client/common/json_output.h"
#include "client/common/shortage.h"
#include "client/lib/clock.h"
#include "client/lib/rehearsal.h"
#include "dial/dialer.h"
#include "proto/instant.h"

/* The default timeout of a page. Even a busy server answers at once. */
#define PAGE_TIMEOUT_NS (5 * NS_PER_S)

/* If every dial is refused, this long after the first dial there is no server. */
#define REFUSED_NS (500 * NS_PER_MS)

/* The longest pause between two dials. */
#define DIAL_PAUSE_NS_MAX (100 * NS_PER_MS)

/* Twice the pages of a server with the largest number of workers and requests. The limit protects
 * against a server that never ends its list. */
#define PAGES_MAX 400

/* ---- asking ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static bool fail(struct server_status *status,
                                                       const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    vsnprintf(status->error_text, sizeof status->error_text, text, arguments);
    va_end(arguments);
    return false;
}

static void page_ask(void *dealer, const struct server_status *status)
{
    uint8_t bytes[REQUEST_BYTES_MAX];
    struct message message = {
        .type = MESSAGE_STATUS_REQUEST,
        .status_request = {.first_worker = status->worker_count,
                           .first_request = status->request_count},
    };

    zmq_send(dealer, NULL, 0, ZMQ_SNDMORE); /* a REP socket needs an empty delimiter frame */
    zmq_send(dealer, bytes, message_encode(&message, bytes), 0);
}

/* Receives all frames of a message. `frame` then has the last one, which is the status. */
static bool page_wait(void *dealer, int64_t timeout_ns, zmq_msg_t *frame)
{
    zmq_pollitem_t item = {dealer, 0, ZMQ_POLLIN, 0};

    if (zmq_poll(&item, 1, (long)(timeout_ns / NS_PER_MS)) <= 0)
        return false;
    do {
        if (zmq_msg_recv(frame, item.socket, ZMQ_DONTWAIT) == -1)
            return false;
    } while (zmq_msg_more(frame));
    return true;
}

/* Makes room for `more` entries after the first `count`. */
static void *grow(void *entries, uint32_t count, uint32_t more, size_t size)
{
    void *grown = realloc(entries, (count + more + 1) * size);

    if (!grown)
        abort(); /* a list takes a few megabytes at most, so this hardly ever happens */
    return grown;
}

static void page_add(struct server_status *status, const struct status_reply *page)
{
    uint32_t workers = page->workers_listed, requests = page->requests_listed;

    status->workers = grow(status->workers, status->worker_count, workers, sizeof *status->workers);
    memcpy(status->workers + status->worker_count, page->workers,
           workers * sizeof *status->workers);
    status->worker_count += workers;
    status->requests =
        grow(status->requests, status->request_count, requests, sizeof *status->requests);
    memcpy(status->requests + status->request_count, page->requests,
           requests * sizeof *status->requests);
    status->request_count += requests;
}

/* Asks for the next page. If it is the last one, sets `whole`. */
static bool page_take(struct server_status *status, void *dealer, int64_t timeout_ns,
                      zmq_msg_t *frame, bool *whole)
{
    bool first = status->worker_count == 0 && status->request_count == 0;
    struct status_reply page;
    const char *reason;

    page_ask(dealer, status);
    if (!page_wait(dealer, timeout_ns, frame))
        return fail(status, "no answer from %s%s", status->endpoint,
                    interrupted()
                        ? ": interrupted"
                        : "; is the server down, or does it use --socket rep and compute now?");
    if (!status_decode(zmq_msg_data(frame), zmq_msg_size(frame), &page, &reason))
        return fail(status, "the server at %s sent an invalid status: %s", status->endpoint,
                    reason);
    if (first)
        status->head = page;
    page_add(status, &page);
    *whole = page.workers_listed < STATUS_ENTRIES_MAX && page.requests_listed < STATUS_ENTRIES_MAX;
    return true;
}

static bool pages_take(struct server_status *status, void *dealer, int64_t timeout_ns)
{
    zmq_msg_t frame;
    bool whole = false, good = true;

    zmq_msg_init(&frame);
    for (int pages = 0; good && !whole && pages < PAGES_MAX; pages++)
        good = page_take(status, dealer, timeout_ns, &frame, &whole);
    zmq_msg_close(&frame);
    return good;
}

/* ---- connecting -------------------------------------------------------------------------- */

static bool set_options(void *dealer)
{
    return zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &(int64_t){FRAME_BYTES_MAX}, sizeof(int64_t)) ==
           0;
}

static bool wait_for_dial(const struct dialer *dialer, int64_t until_ns)
{
    struct pollfd fd = {.fd = dialer_fd(dialer), .events = POLLIN};
    int64_t left_ns = later(until_ns - clock_ns(), 0);

    return poll(&fd, 1, (int)earlier(left_ns / NS_PER_MS + 1, INT_MAX)) > 0;
}

/* A server may be started at the same time, so this repeats dials that are refused for
 * REFUSED_NS. */
static bool dial(struct server_status *status, struct dialer *dialer, int64_t timeout_ns)
{
    int64_t began_at_ns = clock_ns();
    const struct dial_failure *failure = dialer_failure(dialer);

    for (;;) {
        enum dialer_event event = dialer_next(dialer);
        int64_t took_ns = clock_ns() - began_at_ns;
        if (event == DIALER_CONNECTED)
            return true;
        if (event == DIALER_REACHED)
            continue;
        if (event == DIALER_BROKEN)
            return fail(status, "cannot dial %s: %s", status->endpoint, zmq_strerror(errno));
        if (event == DIALER_FAILED && (!failure->definite || took_ns < REFUSED_NS))
            continue;
        if (event == DIALER_FAILED)
            return fail(status, "no %s %s (%s)", failure->denied ? "access to" : "server at",
                        status->endpoint, failure->text);
        if (!wait_for_dial(dialer, began_at_ns + timeout_ns))
            return fail(status, "no answer from %s%s%s%s%s", status->endpoint,
                        failure->text[0] ? " (" : "", failure->text, failure->text[0] ? ")" : "",
                        interrupted() ? ": interrupted" : "; is the server down?");
    }
}

static bool ask_over(struct server_status *status, struct dialer *dialer, int64_t timeout_ns)
{
    void *dealer, *monitor;

    if (!dial(status, dialer, timeout_ns))
        return false;
    dialer_take(dialer, &dealer, &monitor);
    bool good = pages_take(status, dealer, timeout_ns);
    zmq_socket_monitor(dealer, NULL, 0);
    zmq_close(monitor);
    zmq_close(dealer);
    return good;
}

static bool ask(struct server_status *status, void *context, const struct identity *identity,
                int64_t timeout_ns)
{
    unsigned monitors = 0;
    struct dialer_settings settings = {
        .zmq = context,
        .monitors = &monitors,
        .set_options = set_options,
        .identity = identity,
        .pause_ns_max = DIAL_PAUSE_NS_MAX,
    };

    if (!dialer_accepts(context, status->endpoint))
        return fail(status, "cannot connect to %s: %s; an endpoint is such as tcp://host:8197",
                    status->endpoint, zmq_strerror(errno));
    struct dialer *dialer = dialer_new(&settings, status->endpoint);
    if (!dialer)
        return fail(status, "cannot open a socket: %s", zmq_strerror(errno));
    bool good = ask_over(status, dialer, timeout_ns);
    dialer_destroy(&dialer);
    return good;
}

bool server_status_ask(struct server_status *status, const char *endpoint,
                       const struct identity *identity, int64_t timeout_ns)
{
    void *context = rehearse_context(DIALER_DESCRIPTORS) ? zmq_ctx_new() : NULL;

    *status = (struct server_status){.endpoint = endpoint};
    if (!context)
        return fail(status, "cannot open a socket: %s", shortage_text(errno));
    bool good = ask(status, context, identity, timeout_ns ? timeout_ns : PAGE_TIMEOUT_NS);
    zmq_ctx_term(context);
    return good;
}

void server_status_clear(struct server_status *status)
{
    free(status->workers);
    free(status->requests);
}

/* ---- as text ----------------------------------------------------------------------------- */

static const char *state_name(enum worker_status_state state)
{
    static const char *const names[] = {
        [WORKER_STATUS_THREAD] = "thread",
        [WORKER_STATUS_JOINED] = "joined",
        [WORKER_STATUS_LEAVING] = "leaving",
    };

    return names[state];
}

static uint32_t cores(const struct server_status *status)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < status->worker_count; i++)
        sum += status->workers[i].capacity;
    return sum;
}

static void print_counters(FILE *out, const struct counters *counters)
{
    char spans[COUNT_TEXT_BYTES];

    fprintf(out,
            "Requests: %" PRIu64 " answered, %" PRIu64 " refused. Workers lost: %" PRIu64
            ". Bad messages: %" PRIu64 ".\n"
            "Spans: %s summed, %" PRIu64 " requeued, %" PRIu64 " given twice, %" PRIu64
            " duplicates dropped.\n",
            counters->answered, counters->refused, counters->workers_lost, counters->bad_messages,
            count_print(counters->spans, spans), counters->requeued, counters->given_twice,
            counters->duplicates);
}

static void print_workers(FILE *out, const struct server_status *status)
{
    if (status->worker_count == 0)
        return;
    fprintf(out, "\n%6s  %-7s %-8s %5s %10s %10s %8s  %s\n", "worker", "state", "kernel", "cores",
            "spans held", "Gaussian/s", "silent", "name");
    for (uint32_t i = 0; i < status->worker_count; i++) {
        const struct worker_status *worker = &status->workers[i];
        char silent[24] = "";
        if (worker->state != WORKER_STATUS_THREAD)
            snprintf(silent, sizeof silent, "%" PRIu32 " ms", worker->silent_ms);
        fprintf(out,
                "%6" PRIu32 "  %-7s %-8s %5" PRIu32 " %5" PRIu32 "/%-4" PRIu32 " %8.2f G %8s  %s\n",
                worker->number, state_name(worker->state), worker->kernel, worker->capacity,
                worker->in_flight, worker->credit, worker->gaussian_rate / 1e9, silent,
                worker->name);
    }
}

static void print_summands(FILE *out, const struct status_reply *head)
{
    if (head->offer_count == 0)
        return;
    fprintf(out, "\n%-31s  %-18s  %5s  %s\n", "summand", "build", "cores", "ns per term");
    for (uint32_t i = 0; i < head->offer_count; i++) {
        const struct offer *offer = &head->offers[i];
        char ns_per_term[24] = "-";
        if (offer->ns_per_term > 0)
            snprintf(ns_per_term, sizeof ns_per_term, "%.3g", offer->ns_per_term);
        fprintf(out, "%-31s  0x%016" PRIx64 "  %5" PRIu32 "  %s\n", offer->name, offer->build,
                offer->capacity, ns_per_term);
    }
}

/* What a request sums. */
static const char *what(const struct request_status *request)
{
    if (request->summand[0])
        return request->summand;
    return request->kind == MESSAGE_KIND_UNIFORM ? "uniform" : "Gaussian";
}

static void print_requests(FILE *out, const struct server_status *status)
{
    if (status->request_count == 0)
        return;
    fprintf(out, "\n%-8s %25s %6s %5s %8s  %s\n", "sums", "count", "done", "spans", "age",
            "request, from");
    for (uint32_t i = 0; i < status->request_count; i++) {
        const struct request_status *request = &status->requests[i];
        char count[COUNT_TEXT_BYTES];
        fprintf(out, "%-8s %25s %5.1f%% %5" PRIu32 " %6.1f s  %" PRIu64 ", %s\n", what(request),
                count_print(request->count, count),
                100.0 * (double)request->done / (double)request->count, request->in_flight,
                (double)request->age_ms / 1e3, request->id, request->owner);
    }
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

void server_status_print(FILE *out, const struct server_status *status)
{
    const struct status_reply *head = &status->head;
    uint32_t workers = status->worker_count, requests = head->request_count;

    fprintf(out,
            "%s, up %.1f s%s: %" PRIu32 " worker%s with %" PRIu32 " core%s, %" PRIu32
            " request%s in flight.\n",
            head->name, (double)head->up_ms / 1e3, head->draining ? ", draining" : "", workers,
            plural(workers), cores(status), plural(cores(status)), requests, plural(requests));
    print_counters(out, &head->counters);
    print_workers(out, status);
    print_summands(out, head);
    print_requests(out, status);
}

/* ---- as JSON ----------------------------------------------------------------------------- */

static json_t *counters_object(const struct counters *counters)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "answered", (json_int_t)counters->answered,
        "refused", (json_int_t)counters->refused, "spans", (json_int_t)counters->spans, "requeued",
        (json_int_t)counters->requeued, "given_twice", (json_int_t)counters->given_twice,
        "duplicates", (json_int_t)counters->duplicates, "workers_lost",
        (json_int_t)counters->workers_lost, "bad_messages", (json_int_t)counters->bad_messages);
}

static json_t *worker_object(const struct worker_status *worker)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:I}", "number",
                     (json_int_t)worker->number, "state", state_name(worker->state), "name",
                     worker->name, "kernel", worker->kernel, "capacity",
                     (json_int_t)worker->capacity, "credit", (json_int_t)worker->credit,
                     "in_flight", (json_int_t)worker->in_flight, "gaussian_rate",
                     worker->gaussian_rate, "uniform_rate", worker->uniform_rate, "silent_seconds",
                     worker->silent_ms / 1e3, "samples", (json_int_t)worker->samples);
}

static json_t *offer_object(const struct offer *offer)
{
    char build[24];

    snprintf(build, sizeof build, "0x%016" PRIx64, offer->build);
    return json_pack("{s:s, s:s, s:I, s:f}", "name", offer->name, "build", build, "capacity",
                     (json_int_t)offer->capacity, "ns_per_term", offer->ns_per_term);
}

static json_t *offers_array(const struct status_reply *head)
{
    json_t *offers = json_array();

    for (uint32_t i = 0; i < head->offer_count; i++)
        json_array_append_new(offers, offer_object(&head->offers[i]));
    return offers;
}

/* A request for terms has a summand instead of a kind. */
static void set_what(json_t *object, const struct request_status *request)
{
    bool uniform = request->kind == MESSAGE_KIND_UNIFORM;

    if (request->summand[0])
        json_object_set_new(object, "summand", json_string(request->summand));
    else
        json_object_set_new(object, "kind", json_string(uniform ? "uniform" : "gaussian"));
}

static json_t *request_object(const struct request_status *request)
{
    json_t *object = json_pack(
        "{s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:f}", "id", json_output_exact(request->id),
        "client", (json_int_t)request->client, "owner", request->owner, "seed",
        json_output_exact(request->seed), "first", json_output_count(request->first), "count",
        json_output_count(request->count), "done", json_output_count(request->done), "in_flight",
        (json_int_t)request->in_flight, "age_seconds", (double)request->age_ms / 1e3);

    set_what(object, request);
    return object;
}

void server_status_report(FILE *out, const struct server_status *status)
{
    const struct status_reply *head = &status->head;
    json_t *workers = json_array(), *requests = json_array();

    for (uint32_t i = 0; i < status->worker_count; i++)
        json_array_append_new(workers, worker_object(&status->workers[i]));
    for (uint32_t i = 0; i < status->request_count; i++)
        json_array_append_new(requests, request_object(&status->requests[i]));
    json_t *object =
        json_pack("{s:o, s:s, s:s, s:f, s:b, s:o, s:o, s:o, s:o}", "endpoint",
                  json_output_text(status->endpoint), "name", head->name, "kernel", head->kernel,
                  "up_seconds", (double)head->up_ms / 1e3, "draining", head->draining, "counters",
                  counters_object(&head->counters), "workers", workers, "summands",
                  offers_array(head), "requests", requests);
    json_output_print(out, object);
}

void server_status_report_error(FILE *out, const struct server_status *status)
{
    json_output_print(out, json_pack("{s:o, s:o}", "endpoint", json_output_text(status->endpoint),
                                     "error", json_output_text(status->error_text)));
}
