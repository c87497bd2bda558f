/* The event loop: takes the next event of each peer, steps the dispatcher, carries out its effects.
 */
#include "server/server.h"

#include <assert.h>
#include <czmq.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/instant.h"
#include "proto/status.h"
#include "server/log.h"
#include "server/setup.h"
#include "server/status_reply.h"

/* How long the last answers of each peer may take to leave: after a drain, and after a stop. */
#define DRAIN_MS 1000
#define STOP_MS  100

/* What zmq_poll() waits for: signals, threads, plain clients, two listeners, the authenticator with
 * its allow-list, and the parents' sockets and monitors. */
#define POLL_ITEMS_MAX (3 + 2 * LISTENER_POLL_ITEMS + ACCESS_POLL_ITEMS + 2 * PARENTS_MAX)

/* The peers in the order of their turns. */
enum peer_kind {
    PEER_THREADS,
    PEER_JOINED_WORKERS,
    PEER_CLIENTS,
    PEER_PLAIN_CLIENTS,
    PEER_PARENTS,
    PEERS,
};

struct server {
    struct server_options options;
    struct setup setup;
    int signals;    /* the caller's */
    int64_t now_ns; /* read at the start of each round, and again after each event */
    bool draining;  /* after the first SIGTERM or SIGINT */
    bool stopped;   /* after the second one */
    bool timed_out; /* the drain has taken too long, so the last requests were refused */
    int64_t drain_began_at_ns;
    int64_t drain_until_ns; /* NEVER: not draining, or timed out */
};

static int64_t clock_ns(void)
{
    return zclock_usecs() * NS_PER_US;
}

/* ---- effects ----------------------------------------------------------------------------- */

static void obey_as_client(struct setup *setup, const struct effect *effect)
{
    if (effect->client < CLIENTS_MAX)
        clients_obey(setup->clients, effect);
    else if (effect->client < PLAIN_CLIENT)
        parents_obey(setup->parents, effect);
    else
        plain_clients_obey(setup->plain_clients, effect);
}

static void obey_as_worker(struct setup *setup, const struct effect *effect, uint32_t threads)
{
    if (effect->worker < threads)
        threads_obey(setup->threads, effect);
    else
        joined_workers_obey(setup->joined_workers, effect);
}

static void obey_all(struct server *server)
{
    struct effect effect;

    while (dispatcher_next(server->setup.dispatcher, &effect))
        if (effect.type == EFFECT_ANSWER || effect.type == EFFECT_PROGRESS)
            obey_as_client(&server->setup, &effect);
        else
            obey_as_worker(&server->setup, &effect, server->options.threads);
}

/* ---- events ------------------------------------------------------------------------------ */

static bool is_status_request(const struct event *event)
{
    return event->type == EVENT_CLIENT_MESSAGE && event->message->type == MESSAGE_STATUS_REQUEST;
}

/* The loop answers a status request itself, because only the loop knows all peers. */
static void send_status(struct setup *setup, const struct event *event, int64_t now_ns)
{
    const struct status_viewer viewer = {setup, event->client};
    static struct status_reply reply; /* too large for the stack; only one thread runs a server */
    static uint8_t bytes[FRAME_BYTES_MAX];

    status_reply_fill(setup, now_ns, &event->message->status_request, &viewer, &reply);
    clients_send_status(setup->clients, event->client, bytes, status_encode(&reply, bytes));
}

/* After each step, because the table of losses is small. */
static void log_losses(const struct setup *setup)
{
    struct skill_loss loss;

    while (dispatcher_next_loss(setup->dispatcher, &loss))
        if (loss.worker >= setup->join.capacity)
            joined_workers_log_loss(setup->joined_workers, &loss);
        else
            log_warning("compute thread %" PRIu32 " gets no more terms of the summand %s, build "
                        "%016" PRIx64 ": their totals have other bits than those of the majority",
                        loss.worker, loss.summand, loss.build);
}

static bool peer_next(struct setup *setup, enum peer_kind peer, int64_t now_ns, struct event *event)
{
    switch (peer) {
    case PEER_THREADS: return threads_next(setup->threads, now_ns, event);
    case PEER_JOINED_WORKERS:
        return setup->joined_workers && joined_workers_next(setup->joined_workers, now_ns, event);
    case PEER_CLIENTS: return setup->clients && clients_next(setup->clients, now_ns, event);
    case PEER_PLAIN_CLIENTS:
        return setup->plain_clients && plain_clients_next(setup->plain_clients, now_ns, event);
    case PEER_PARENTS: return parents_next(setup->parents, now_ns, event);
    case PEERS: break;
    }
    return false;
}

/* Takes the events of one turn of a peer. False if there were none. Several lost workers, which end
 * a turn, are reported to the dispatcher before it gives out their spans again: otherwise one of
 * them could get the spans of another. */
static bool serve_peer(struct server *server, enum peer_kind peer)
{
    struct setup *setup = &server->setup;
    struct event event;
    bool served = false, obey_due = false;

    while (peer_next(setup, peer, server->now_ns, &event)) {
        served = true;
        obey_due = event.type == EVENT_WORKER_LOST;
        if (is_status_request(&event))
            send_status(setup, &event, server->now_ns);
        else
            dispatcher_step(setup->dispatcher, server->now_ns, &event);
        log_losses(setup);
        if (!obey_due)
            obey_all(server);
        server->now_ns = clock_ns();
    }
    if (obey_due)
        obey_all(server);
    return served;
}

static void step(struct server *server, enum event_type type)
{
    const struct event event = {.type = type};

    dispatcher_step(server->setup.dispatcher, clock_ns(), &event);
    obey_all(server);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void drain(struct server *server)
{
    server->draining = true;
    server->drain_began_at_ns = clock_ns();
    server->drain_until_ns = server->drain_began_at_ns + server->options.drain_ns;
    log_info("draining: new requests are refused, and those in flight have %g s",
             (double)server->options.drain_ns / NS_PER_S);
    step(server, EVENT_DRAIN);
    if (server->setup.plain_clients)
        plain_clients_drain(server->setup.plain_clients);
    parents_drain(server->setup.parents, clock_ns());
}

static void stop(struct server *server)
{
    server->stopped = true;
    step(server, EVENT_STOP);
}

/* Refuses the requests that are still in flight. */
static void run_drain_timeout(struct server *server)
{
    if (clock_ns() < server->drain_until_ns || !dispatcher_busy(server->setup.dispatcher))
        return;
    log_warning("the drain has taken %g s: the requests in flight are refused",
                (double)server->options.drain_ns / NS_PER_S);
    server->drain_until_ns = NEVER;
    server->timed_out = true;
    step(server, EVENT_STOP);
}

static void on_end_signal(struct server *server, const struct signalfd_siginfo *signal)
{
    log_info("SIG%s from process %" PRIu32, sigabbrev_np((int)signal->ssi_signo), signal->ssi_pid);
    if (server->draining)
        stop(server);
    else
        drain(server);
}

static void on_hang_up(struct server *server, const struct signalfd_siginfo *signal)
{
    log_info("SIGHUP from process %" PRIu32 ": reading the keys again", signal->ssi_pid);
    access_reload(server->setup.access);
}

/* No other signal ends the server. */
static void on_other_signal(const struct signalfd_siginfo *signal)
{
    log_info("SIG%s from process %" PRIu32 ": nothing to reload",
             sigabbrev_np((int)signal->ssi_signo), signal->ssi_pid);
}

static void serve_signals(struct server *server)
{
    struct signalfd_siginfo signal;

    while (read(server->signals, &signal, sizeof signal) == sizeof signal)
        if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
            on_end_signal(server, &signal);
        else if (signal.ssi_signo == SIGHUP && server->setup.access)
            on_hang_up(server, &signal);
        else
            on_other_signal(&signal);
}

/* ---- keys -------------------------------------------------------------------------------- */

static void check_keys(struct setup *setup)
{
    if (setup->clients)
        clients_check_keys(setup->clients);
    if (setup->joined_workers)
        joined_workers_check_keys(setup->joined_workers);
}

/* If the authenticator fails, libzmq refuses all peers, so the server ends. */
static void serve_access(struct server *server)
{
    struct access *access = server->setup.access;

    if (!access)
        return;
    if (!access_run(access))
        stop(server);
    else if (access_take_loss(access))
        check_keys(&server->setup);
}

/* The time comes last: the server reads what peers have sent before it finds them silent. */
static bool serve_all(struct server *server)
{
    bool served = false;

    server->now_ns = clock_ns();
    serve_access(server);
    for (enum peer_kind peer = 0; peer < PEERS; peer++)
        served = serve_peer(server, peer) || served;
    serve_signals(server);
    run_drain_timeout(server);
    log_limit_run_due(&server->setup.log, server->now_ns);
    if (clock_ns() >= dispatcher_due_at(server->setup.dispatcher))
        step(server, EVENT_TIME);
    return served;
}

/* ---- the loop ---------------------------------------------------------------------------- */

static int64_t due_at_ns(const struct setup *setup)
{
    int64_t due_at_ns =
        earlier(dispatcher_due_at(setup->dispatcher), parents_due_at(setup->parents));

    due_at_ns = earlier(due_at_ns, log_limit_due_at(&setup->log));
    if (setup->clients)
        due_at_ns = earlier(due_at_ns, clients_due_at(setup->clients));
    if (setup->joined_workers)
        due_at_ns = earlier(due_at_ns, joined_workers_due_at(setup->joined_workers));
    if (setup->plain_clients)
        due_at_ns = earlier(due_at_ns, plain_clients_due_at(setup->plain_clients));
    return due_at_ns;
}

/* Milliseconds until something is due, rounded up; -1: without limit. */
static long wait_ms(const struct server *server)
{
    int64_t at_ns = earlier(due_at_ns(&server->setup), server->drain_until_ns);

    if (at_ns == NEVER)
        return -1;
    int64_t wait_ns = at_ns - clock_ns();
    return wait_ns > 0 ? (long)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static void wait_for_event(const struct server *server)
{
    const struct setup *setup = &server->setup;
    zmq_pollitem_t items[POLL_ITEMS_MAX] = {{.fd = server->signals, .events = ZMQ_POLLIN}};
    int count = 1;

    count += threads_poll_items(setup->threads, items + count);
    if (setup->plain_clients)
        count += plain_clients_poll_items(setup->plain_clients, items + count);
    if (setup->clients)
        count += clients_poll_items(setup->clients, items + count);
    if (setup->joined_workers)
        count += joined_workers_poll_items(setup->joined_workers, items + count);
    if (setup->access)
        count += access_poll_items(setup->access, items + count);
    count += parents_poll_items(setup->parents, items + count);
    assert(count <= POLL_ITEMS_MAX);
    zmq_poll(items, count, wait_ms(server));
}

/* Waits only after no peer had an event, because a wait costs more than another round. */
static void serve(struct server *server)
{
    bool served = false;

    while (!server->stopped && (!server->draining || dispatcher_busy(server->setup.dispatcher))) {
        if (!served)
            wait_for_event(server);
        served = serve_all(server);
    }
}

/* ---- life -------------------------------------------------------------------------------- */

struct server *server_new(const struct server_options *options, int signals)
{
    struct server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->options = *options;
    server->signals = signals;
    server->drain_until_ns = NEVER;
    if (!setup_init(&server->setup, options, clock_ns()))
        server_destroy(&server);
    return server;
}

void server_destroy(struct server **server_p)
{
    struct server *server = *server_p;

    if (!server)
        return;
    setup_clear(&server->setup, server->stopped ? STOP_MS : DRAIN_MS);
    free(server);
    *server_p = NULL;
}

static void log_drained(const struct server *server)
{
    double seconds = (double)(clock_ns() - server->drain_began_at_ns) / NS_PER_S;

    if (!server->stopped && !server->timed_out)
        log_info("drained in %.3f s: no request is in flight", seconds);
}

static void print_done(const struct server *server)
{
    static struct status_reply reply;

    status_reply_fill(&server->setup, clock_ns(), &(struct status_request){0, 0}, NULL, &reply);
    log_info("%s: %" PRIu64 " requests answered, %" PRIu64 " refused, %" PRIu64
             " bad messages, %" PRIu64 " workers lost",
             server->stopped ? "stopped" : "done", reply.counters.answered, reply.counters.refused,
             reply.counters.bad_messages, reply.counters.workers_lost);
    if (!server->options.quiet)
        log_print("%s: %" PRIu64 " requests answered, %" PRIu64 " refused.",
                  server->stopped ? "Stopped" : "Done", reply.counters.answered,
                  reply.counters.refused);
}

bool server_run(struct server *server)
{
    if (!server->options.quiet)
        setup_print(&server->setup, &server->options);
    serve(server);
    log_drained(server);
    log_limit_flush(&server->setup.log);
    print_done(server);
    return !server->stopped && !server->timed_out;
}
