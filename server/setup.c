/* Everything that a server owns: starting it, and ending it in reverse order. */
#include "server/setup.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/printable.h"
#include "server/log.h"
#include "server/net/loopback.h"
#include "server/net/parent_link.h"
#include "server/stop_signal.h"
#include "sums/digest.h"

/* The process number distinguishes servers on one machine. */
static void set_up_join(struct setup *setup, const struct server_options *options)
{
    struct join *join = &setup->join;
    char host[NAME_BYTES_MAX - 20] = "";

    gethostname(host, sizeof host - 1);
    make_printable(host);
    snprintf(join->name, sizeof join->name, "%s:%d", host, (int)getpid());
    snprintf(join->kernel, sizeof join->kernel, "%s", options->kernel->name);
    join->capacity = options->threads;
    join->digest = sums_digest(options->kernel);
}

static bool set_up_summands(struct setup *setup, const struct server_options *options)
{
    struct helper_settings settings = {
        .kernel = options->kernel,
        .memory_bytes = options->summand_memory,
        .call_timeout_ns = options->summand_timeout_ns,
        .is_stopped = stop_signal_is_pending,
    };

    return summands_init(&setup->summands, options->summands, options->summand_count, &settings,
                         options->threads);
}

static bool set_up_dispatcher(struct setup *setup, const struct server_options *options)
{
    struct dispatcher_settings settings = {
        .requests_max = REQUESTS_MAX,
        .client_requests_max = CLIENT_REQUESTS_MAX,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .threads = options->threads,
        .joined_max = options->workers_endpoint ? JOINED_MAX : 0,
        .digest = setup->join.digest,
        .span_ns = options->span_ns,
        .heartbeat_ns = options->heartbeat_ns,
        .top = options->parent_count == 0,
        .offers = {.count = setup->summands.count, .list = setup->summands.offers},
    };

    setup->dispatcher = dispatcher_new(&settings);
    if (!setup->dispatcher)
        log_error(
            "cannot make room for %d requests: %s; raise \"ulimit -v\", or end other programs",
            REQUESTS_MAX, strerror(errno));
    return setup->dispatcher;
}

static bool set_up_threads(struct setup *setup, const struct server_options *options)
{
    uint32_t count = options->threads;

    setup->threads = threads_new(count, options->kernel, &setup->summands);
    if (!setup->threads)
        log_error("cannot start %" PRIu32 " compute thread%s: %s; try fewer with --threads", count,
                  count == 1 ? "" : "s", strerror(errno));
    return setup->threads;
}

static bool set_up_access(struct setup *setup, const struct server_options *options)
{
    if (options->keys_folder)
        setup->access = access_new(options->keys_folder, &setup->log);
    return setup->access || !options->keys_folder;
}

/* A gate that lets strangers in must not stay open. */
static bool prove(struct setup *setup, const char *endpoint)
{
    return !setup->access || access_prove(setup->access, endpoint);
}

static void log_cannot_listen(const char *endpoint, const char *why, const char *option)
{
    log_error("cannot listen on %s: %s; name another endpoint with %s", endpoint, why, option);
}

static bool set_up_joined_workers(struct setup *setup, const struct server_options *options)
{
    struct joined_workers_settings settings = {
        .endpoint = options->workers_endpoint,
        .first_number = options->threads,
        .quiet = options->quiet,
        .dispatcher = setup->dispatcher,
        .log = &setup->log,
        .access = setup->access,
    };

    const char *why;

    if (!settings.endpoint)
        return true;
    setup->joined_workers = joined_workers_new(&settings, &why);
    if (!setup->joined_workers) {
        log_cannot_listen(settings.endpoint, why, "--workers");
        return false;
    }
    return prove(setup, joined_workers_endpoint(setup->joined_workers));
}

static bool set_up_clients(struct setup *setup, const struct server_options *options)
{
    const struct listener_settings settings = {
        .type = options->listener_type,
        .endpoint = options->endpoint,
        .log = &setup->log,
        .access = setup->access,
        .gate = GATE_CLIENTS,
    };
    const char *why;

    if (!options->endpoint)
        return true;
    setup->clients = clients_new(&settings, &why);
    if (!setup->clients) {
        log_cannot_listen(options->endpoint, why, "--bind");
        return false;
    }
    return prove(setup, clients_endpoint(setup->clients));
}

static bool set_up_plain_clients(struct setup *setup, const struct server_options *options)
{
    const char *endpoint = options->plain_endpoint;
    const char *why;

    if (!endpoint)
        return true;
    setup->plain_clients = plain_clients_new(endpoint, &setup->log, &why);
    if (!setup->plain_clients)
        log_cannot_listen(endpoint, why, "--plain");
    return setup->plain_clients;
}

static bool set_up_parent(struct setup *setup, const char *endpoint, int64_t now_ns)
{
    if (parents_add(setup->parents, endpoint, now_ns))
        return true;
    log_error("cannot join %s: %s; an endpoint looks like tcp://host:8198", endpoint,
              zmq_strerror(errno));
    return false;
}

static bool set_up_identity(struct setup *setup, const struct server_options *options)
{
    struct key_problem problem;

    if (!options->key_file)
        return true;
    setup->identity = identity_load(options->key_file, options->server_key, &problem);
    if (!setup->identity)
        log_error("%s", problem.text);
    parent_links_use(setup->identity);
    return setup->identity;
}

static bool set_up_parents(struct setup *setup, const struct server_options *options,
                           int64_t now_ns)
{
    struct parents_settings settings = {
        .join = &setup->join, .dispatcher = setup->dispatcher, .log = &setup->log};

    setup->parents = parents_new(&settings);
    for (uint32_t i = 0; setup->parents && i < options->parent_count; i++)
        if (!set_up_parent(setup, options->parents[i], now_ns))
            return false;
    return setup->parents;
}

static void warn_insecure(const char *endpoint, const char *what)
{
    if (endpoint && !endpoint_is_loopback(endpoint))
        log_warning("--insecure: %s %s, without keys", what, endpoint);
}

static void warn_all_insecure(const struct server_options *options)
{
    static const char open[] = "everybody who reaches this server can use it at";

    if (!options->insecure)
        return;
    if (!options->keys_folder) {
        warn_insecure(options->endpoint, open);
        warn_insecure(options->workers_endpoint, open);
    }
    warn_insecure(options->plain_endpoint, open);
    for (uint32_t i = 0; i < options->parent_count && !options->key_file; i++)
        warn_insecure(options->parents[i], "everybody between can read and falsify the sums for");
}

bool setup_init(struct setup *setup, const struct server_options *options, int64_t now_ns)
{
    *setup = (struct setup){.began_at_ns = now_ns};
    set_up_join(setup, options);
    warn_all_insecure(options);
    return set_up_summands(setup, options) && set_up_dispatcher(setup, options) &&
           set_up_threads(setup, options) && set_up_access(setup, options) &&
           set_up_clients(setup, options) && set_up_joined_workers(setup, options) &&
           set_up_plain_clients(setup, options) && set_up_identity(setup, options) &&
           set_up_parents(setup, options, now_ns);
}

void setup_clear(struct setup *setup, int patience_ms)
{
    parents_destroy(&setup->parents, patience_ms);
    identity_destroy(&setup->identity);
    plain_clients_destroy(&setup->plain_clients, patience_ms);
    joined_workers_destroy(&setup->joined_workers, patience_ms);
    clients_destroy(&setup->clients, patience_ms);
    access_destroy(&setup->access);
    threads_destroy(&setup->threads);
    dispatcher_destroy(&setup->dispatcher);
    summands_clear(&setup->summands);
}

/* Such as "2 threads: one for each CPU". */
static const char *threads_text(const struct server_options *options)
{
    static char text[CPU_LIMIT_REASON_BYTES + 32];
    const char *reason = options->cpu_limit.reason;

    snprintf(text, sizeof text, "%" PRIu32 " thread%s%s%s", options->threads,
             options->threads == 1 ? "" : "s", *reason ? ": " : "", reason);
    return text;
}

void setup_print(const struct setup *setup, const struct server_options *options)
{
    const char *threads = threads_text(options);

    if (setup->clients)
        log_print("Listening on %s (%s, %s).", clients_endpoint(setup->clients),
                  options->listener_type == LISTENER_REP ? "REP" : "ROUTER", threads);
    if (setup->joined_workers)
        log_print("Workers join at %s.", joined_workers_endpoint(setup->joined_workers));
    if (setup->plain_clients)
        log_print("Plain TCP at %s (%s).", plain_clients_endpoint(setup->plain_clients), threads);
    for (uint32_t i = 0; i < options->parent_count; i++)
        log_print("Joining %s (%s).", options->parents[i], threads);
    for (uint32_t i = 0; i < setup->summands.count; i++)
        log_print("Summand %s, build %016" PRIx64 ", %.3g ns per term.",
                  setup->summands.offers[i].name, setup->summands.offers[i].build,
                  setup->summands.offers[i].ns_per_term);
}
