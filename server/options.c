/* The command line of meantime-server. */
#include "server/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/command_line.h"
#include "cli/kernel_option.h"
#include "cli/quantity.h"
#include "proto/address.h"
#include "proto/bounds.h"
#include "proto/instant.h"
#include "proto/printable.h"
#include "server/compute_threads.h"
#include "server/net/loopback.h"
#include "summand/helper_process.h"

/* One minute: with longer spans a request would wait too long for a free core. */
#define SPAN_US_MAX 60000000

/* File descriptors that the default count of threads leaves free, for sockets, parents and clients.
 */
#define FILES_KEPT 256

/* Less than the 30 s that Kubernetes waits after SIGTERM before it kills a container. The rest is
 * for the last answers. */
#define DRAIN_NS (25 * NS_PER_S)

/* A year: with any longer time the sum of two points in time could overflow. */
#define DRAIN_NS_MAX (31536000 * NS_PER_S)

/* With a shorter limit, a call could time out only because the machine is busy. A day is longer
 * than any useful call. */
#define SUMMAND_TIMEOUT_NS_MIN (100 * NS_PER_MS)
#define SUMMAND_TIMEOUT_NS_MAX (86400 * NS_PER_S)

/* A helper process needs a few MB before it runs any function. */
#define SUMMAND_MEMORY_MIN UINT64_C(16000000)

#define DEFAULT_ENDPOINT "tcp://127.0.0.1:8197"

/* Options that have no letter. */
enum {
    OPTION_SPAN = 256,
    OPTION_HEARTBEAT,
    OPTION_PLAIN,
    OPTION_DRAIN,
    OPTION_LOG_LEVEL,
    OPTION_CHECK,
    OPTION_PARAMETERS,
    OPTION_SUMMAND_TIMEOUT,
    OPTION_SUMMAND_MEMORY,
    OPTION_KEYS,
    OPTION_KEY,
    OPTION_SERVER_KEY,
    OPTION_INSECURE,
};

static const struct argp_option option_table[] = {
    {"bind", 'b', "ENDPOINT", 0,
     "Where clients connect (default " DEFAULT_ENDPOINT
     "; no endpoint with --join or --plain; a port of * picks a free one)",
     GROUP_ALL},
    {"socket", 's', "router|rep", 0,
     "router: many requests at once (default); rep: one at a time, in lockstep", GROUP_ALL},
    {"plain", OPTION_PLAIN, "ENDPOINT", 0,
     "Where each TCP connection gets the sum of 10M fresh Gaussian samples as text, such as "
     "tcp://127.0.0.1:8197",
     GROUP_ALL},
    {"threads", 't', "N", 0,
     "Compute threads (default: one for each CPU that the CPU affinity and the CPU quota of the "
     "control group allow; 0: only joined workers compute)",
     GROUP_ALL},
    {"workers", 'w', "ENDPOINT", 0, "Where other servers join as workers, such as tcp://*:8198",
     GROUP_ALL},
    {"join", 'j', "ENDPOINT,...", 0,
     "Fronts to join as a worker, such as tcp://host:8198; may be given several times", GROUP_ALL},
    {"keys", OPTION_KEYS, "DIR", 0,
     "Encrypt all connections, and accept only the keys that \"meantime keys allow\" has put into "
     "this folder. Its key `server` is this server's own",
     GROUP_ALL},
    {"key", OPTION_KEY, "FILE", 0,
     "Join the fronts with this secret certificate, as \"meantime keys new\" writes it", GROUP_ALL},
    {"server-key", OPTION_SERVER_KEY, "FILE", 0,
     "The public key of these fronts: a certificate, or 40 characters", GROUP_ALL},
    {"insecure", OPTION_INSECURE, 0, 0,
     "Let other machines connect without keys, and join them without keys. Everybody who can reach "
     "this server can then use it, see the requests of others, and falsify sums",
     GROUP_ALL},
    {"span-us", OPTION_SPAN, "US", 0,
     "Size of a joined worker's spans, in us of computing time (default 50000)", GROUP_ALL},
    {"heartbeat-ms", OPTION_HEARTBEAT, "MS", 0,
     "Time between two heartbeats, in each direction, of a front and a joined worker (default "
     "500). If a worker sends nothing for three times as long, the front drops it",
     GROUP_ALL},
    {"drain-timeout", OPTION_DRAIN, "TIME", 0,
     "After SIGTERM, refuse the requests that are still in flight after this time, such as 500ms "
     "or 2min (default 25s)",
     GROUP_ALL},
    {"kernel", 'k', "NAME", 0,
     "Instructions to compute with (default: the fastest that this machine runs)", GROUP_ALL},
    {"summand", 'S', "FILE,...", 0,
     "Functions of users to sum, in shared objects such as ./darts.so; may be given several times",
     GROUP_ALL},
    {"check", OPTION_CHECK, "FILE", 0,
     "Check the function in a shared object, such as ./darts.so. Print how fast it is, and what is "
     "wrong with it. Exit with 0 if nothing is wrong",
     GROUP_ALL},
    {"parameters", OPTION_PARAMETERS, "TEXT", 0,
     "Parameters of the function for --check, such as \"strike=1.1\"", GROUP_ALL},
    {"summand-timeout", OPTION_SUMMAND_TIMEOUT, "TIME", 0,
     "How long one call of a user's function may take (default 60s)", GROUP_ALL},
    {"summand-memory", OPTION_SUMMAND_MEMORY, "BYTES", 0,
     "How much memory each process with a user's function may allocate (default 1G)", GROUP_ALL},
    {"log-level", OPTION_LOG_LEVEL, "LEVEL", 0,
     "The least serious lines to log: error, warning, info (default) or debug", GROUP_ALL},
    {"quiet", 'q', 0, 0, "Print only errors and warnings", GROUP_ALL},
    {0},
};

static void default_threads_max(struct cpu_limit *limit, uint64_t most, const char *reason)
{
    if (limit->threads <= most)
        return;
    limit->threads = (uint32_t)most;
    snprintf(limit->reason, sizeof limit->reason, "%s", reason);
}

/* The most threads whose file descriptors this process may open, 1 or more. */
static uint64_t threads_within_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1 || files.rlim_max <= FILES_KEPT)
        return 1;
    return (files.rlim_max - FILES_KEPT) / COMPUTE_THREAD_FILES;
}

static void default_threads(struct server_options *options)
{
    struct cpu_limit *limit = &options->cpu_limit;

    cpu_limit_find("", limit);
    default_threads_max(limit, THREADS_MAX, "the most that a server starts");
    default_threads_max(limit, threads_within_files(), "limit of file descriptors");
    options->threads = limit->threads;
}

static uint32_t parse_number(const struct command_line *line, const char *text, uint32_t least,
                             uint32_t most)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        command_line_refuse(line, text, "expected a number from %" PRIu32 " to %" PRIu32, least,
                            most);
    return (uint32_t)number;
}

static void parse_threads(const struct command_line *line, const char *text)
{
    struct server_options *options = line->input;

    options->threads = parse_number(line, text, 0, THREADS_MAX);
    options->cpu_limit.reason[0] = '\0';
}

static int64_t parse_time(const struct command_line *line, const char *text, int64_t most_ns)
{
    int64_t ns;

    if (!duration_parse(text, &ns) || ns > most_ns)
        command_line_refuse(line, text, "expected " DURATION_ACCEPTED);
    return ns;
}

static void parse_summand(const struct command_line *line, char *path)
{
    struct server_options *options = line->input;

    if (!*path)
        command_line_refuse(line, path, "expected a file such as ./darts.so");
    if (options->summand_count == OFFERS_MAX)
        command_line_refuse(line, path, "at most %d functions can be offered", OFFERS_MAX);
    options->summands[options->summand_count++] = path;
}

/* Splits the list in place. */
static void parse_summands(const struct command_line *line, char *text)
{
    char *one;

    while ((one = strsep(&text, ",")))
        parse_summand(line, one);
}

static int64_t parse_summand_timeout(const struct command_line *line, const char *text)
{
    int64_t ns = parse_time(line, text, SUMMAND_TIMEOUT_NS_MAX);

    if (ns < SUMMAND_TIMEOUT_NS_MIN)
        command_line_refuse(line, text, "expected a time from 100ms to 24h");
    return ns;
}

static uint64_t parse_memory(const struct command_line *line, const char *text)
{
    uint64_t bytes;

    if (!count_parse(text, &bytes) || bytes < SUMMAND_MEMORY_MIN)
        command_line_refuse(line, text, "expected a number of bytes from 16M on, such as 2G");
    return bytes;
}

static const char *parse_parameters(const struct command_line *line, char *text)
{
    if (strlen(text) > MEANTIME_PARAMETERS_MAX)
        command_line_refuse(line, text, "longer than %d bytes", MEANTIME_PARAMETERS_MAX);
    for (const char *byte = text; *byte; byte++)
        if (!is_printable(*byte))
            command_line_refuse(line, text, "expected printable ASCII");
    return text;
}

/* Checks TCP endpoints; libzmq checks the other transports. */
static char *parse_endpoint(const struct command_line *line, char *text)
{
    const char *fault = address_fault(text);

    if (fault)
        command_line_refuse(line, text, "%s", fault);
    if (!strstr(text, "://"))
        command_line_refuse(line, text, "expected an endpoint such as tcp://host:port");
    if (strncmp(text, "inproc://", 9) == 0)
        command_line_refuse(line, text, "no other process can reach this endpoint");
    return text;
}

static char *parse_plain_endpoint(const struct command_line *line, char *text)
{
    if (strncmp(text, "tcp://", 6) != 0)
        command_line_refuse(line, text, "expected tcp://host:port");
    return parse_endpoint(line, text);
}

static const char *parse_path(const struct command_line *line, const char *text)
{
    if (!*text)
        command_line_refuse(line, text, "expected the name of a file or folder");
    return text;
}

static enum log_level parse_log_level(const struct command_line *line, const char *text)
{
    enum log_level level = LEVEL_INFO;

    if (!log_level_parse(text, &level))
        command_line_refuse(line, text, "expected error, warning, info or debug");
    return level;
}

static void parse_parent(const struct command_line *line, char *text)
{
    struct server_options *options = line->input;

    if (options->parent_count == PARENTS_MAX)
        command_line_refuse(line, text, "at most %d servers can be joined", PARENTS_MAX);
    if (strchr(text, '*'))
        command_line_refuse(line, text, "expected tcp://host:port");
    for (uint32_t i = 0; i < options->parent_count; i++)
        if (strcmp(options->parents[i], text) == 0)
            command_line_refuse(line, text, "given twice");
    options->parents[options->parent_count++] = parse_endpoint(line, text);
}

/* Splits the list in place. */
static void parse_parents(const struct command_line *line, char *text)
{
    char *one;

    while ((one = strsep(&text, ",")))
        parse_parent(line, one);
}

static enum listener_type parse_socket(const struct command_line *line, const char *text)
{
    if (strcmp(text, "rep") == 0)
        return LISTENER_REP;
    if (strcmp(text, "router") != 0)
        command_line_refuse(line, text, "expected router or rep");
    return LISTENER_ROUTER;
}

/* Both keys are for the fronts that this server joins. */
static void check_key(const struct command_line *line)
{
    const struct server_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX];

    if (options->key_file && !options->server_key)
        command_line_fail(line, "%s needs --server-key, the public key of the fronts",
                          command_line_origin(line, OPTION_KEY, origin));
    if (options->server_key && !options->key_file)
        command_line_fail(line, "%s needs --key, the secret certificate to join with",
                          command_line_origin(line, OPTION_SERVER_KEY, origin));
    if (command_line_given(line, OPTION_KEY) && options->parent_count == 0)
        command_line_fail(line, "--key without --join: --keys names the folder with the key of a "
                                "listening server");
}

/* Two commands that make the keys of a server and of its first peer. */
#define MAKE_LISTENING_KEYS                                                                        \
    "\n    meantime keys new server --keys DIR\n    meantime keys new NAME --keys DIR\n"
#define MAKE_JOINING_KEYS                                                                          \
    "\n    meantime keys new NAME --role worker\n"                                                 \
    "    meantime keys allow FILE --role worker --keys DIR    (at the front)\n"

static bool is_exposed(const char *endpoint)
{
    return endpoint && !endpoint_is_loopback(endpoint);
}

static void refuse_listening(const struct command_line *line, int key, const char *endpoint)
{
    char origin[VARIABLE_BYTES_MAX];

    command_line_fail(line,
                      "%s %s: other machines can reach this endpoint, and without keys everybody "
                      "there could use this server. Make keys," MAKE_LISTENING_KEYS
                      "and start the server with --keys DIR. Or allow it with --insecure",
                      command_line_origin(line, key, origin), endpoint);
}

static void refuse_joining(const struct command_line *line, const char *endpoint)
{
    char origin[VARIABLE_BYTES_MAX];

    command_line_fail(line,
                      "%s %s: this may be another machine, and without keys anybody between could "
                      "read and falsify the sums. Make keys," MAKE_JOINING_KEYS
                      "and join with --key and --server-key. Or allow it with --insecure",
                      command_line_origin(line, 'j', origin), endpoint);
}

static void refuse_plain(const struct command_line *line, const char *endpoint)
{
    char origin[VARIABLE_BYTES_MAX];

    command_line_fail(line,
                      "%s %s: other machines can reach this endpoint, and plain clients have no "
                      "keys. Use it at tcp://127.0.0.1, or allow it with --insecure",
                      command_line_origin(line, OPTION_PLAIN, origin), endpoint);
}

/* Beyond this machine, nothing is open by accident. */
static void check_exposed(const struct command_line *line)
{
    const struct server_options *options = line->input;

    if (options->insecure)
        return;
    if (!options->keys_folder && is_exposed(options->endpoint))
        refuse_listening(line, 'b', options->endpoint);
    if (!options->keys_folder && is_exposed(options->workers_endpoint))
        refuse_listening(line, 'w', options->workers_endpoint);
    if (is_exposed(options->plain_endpoint))
        refuse_plain(line, options->plain_endpoint);
    for (uint32_t i = 0; i < options->parent_count && !options->key_file; i++)
        if (is_exposed(options->parents[i]))
            refuse_joining(line, options->parents[i]);
}

/* Checks that depend on several options. */
static void check(const struct command_line *line)
{
    struct server_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX];

    if (!options->endpoint && !options->plain_endpoint && options->parent_count == 0)
        options->endpoint = DEFAULT_ENDPOINT;
    if (options->quiet && options->log_level > LEVEL_WARNING)
        options->log_level = LEVEL_WARNING;
    if (!options->check && command_line_given(line, OPTION_PARAMETERS))
        command_line_fail(line, "--parameters without --check: the requests of clients have "
                                "parameters of their own");
    check_key(line);
    if (!options->check)
        check_exposed(line);
    if (options->threads == 0 && !options->workers_endpoint)
        command_line_fail(line, "%s 0 without --workers: no thread and no worker would compute",
                          command_line_origin(line, 't', origin));
}

static void parse_option(struct command_line *line, int key, char *text)
{
    struct server_options *options = line->input;

    switch (key) {
    case 'b': options->endpoint = parse_endpoint(line, text); break;
    case OPTION_PLAIN: options->plain_endpoint = parse_plain_endpoint(line, text); break;
    case 's': options->listener_type = parse_socket(line, text); break;
    case 't': parse_threads(line, text); break;
    case 'w': options->workers_endpoint = parse_endpoint(line, text); break;
    case 'j': parse_parents(line, text); break;
    case OPTION_SPAN:
        options->span_ns = parse_number(line, text, 1, SPAN_US_MAX) * NS_PER_US;
        break;
    case OPTION_HEARTBEAT:
        options->heartbeat_ns =
            parse_number(line, text, HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX) * NS_PER_MS;
        break;
    case OPTION_DRAIN: options->drain_ns = parse_time(line, text, DRAIN_NS_MAX); break;
    case 'S': parse_summands(line, text); break;
    case OPTION_CHECK: options->check = text; break;
    case OPTION_PARAMETERS: options->parameters = parse_parameters(line, text); break;
    case OPTION_SUMMAND_TIMEOUT:
        options->summand_timeout_ns = parse_summand_timeout(line, text);
        break;
    case OPTION_SUMMAND_MEMORY: options->summand_memory = parse_memory(line, text); break;
    case 'k': options->kernel = kernel_option(line, text); break;
    case OPTION_KEYS: options->keys_folder = parse_path(line, text); break;
    case OPTION_KEY: options->key_file = parse_path(line, text); break;
    case OPTION_SERVER_KEY: options->server_key = parse_path(line, text); break;
    case OPTION_INSECURE: options->insecure = true; break;
    case OPTION_LOG_LEVEL: options->log_level = parse_log_level(line, text); break;
    case 'q': options->quiet = true; break;
    }
}

static void refuse_argument(struct command_line *line, char *text)
{
    command_line_fail(line, "unexpected argument: %s", text);
}

void server_options_parse(struct server_options *options, int argc, char **argv)
{
    static const struct program_line program = {
        .options = option_table,
        .summary = "Sums Gaussian and uniform samples for meantime clients, exactly, on every "
                   "core.",
        .details = "SIGTERM or SIGINT: refuses new requests, finishes those in flight, and exits "
                   "with 0. A second signal stops the server at once. SIGHUP: reads the keys "
                   "again. SIGUSR1 and SIGUSR2 change nothing.",
        .repeatable = "jS",
        .option = parse_option,
        .argument = refuse_argument,
    };
    struct command_line line;

    *options = (struct server_options){
        .kernel = kernel_best(),
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
        .drain_ns = DRAIN_NS,
        .parameters = "",
        .summand_timeout_ns = HELPER_CALL_TIMEOUT_NS,
        .summand_memory = HELPER_MEMORY_BYTES,
        .log_level = LEVEL_INFO,
    };
    default_threads(options);
    command_line_read(&line, &program, argc, argv, options);
    check(&line);
}
