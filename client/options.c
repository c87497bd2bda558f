/* Parses and checks the command line of meantime. */
#include "client/options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cli/command_line.h"
#include "cli/kernel_option.h"
#include "cli/quantity.h"
#include "client/common/number.h"
#include "client/lesson/plain_server.h"
#include "proto/address.h"
#include "proto/bounds.h"
#include "proto/instant.h"
#include "proto/outputs.h"

#define DEFAULT_ENDPOINT    "tcp://127.0.0.1:8197"
#define DEFAULT_GAUSSIAN    UINT64_C(10000000)
#define DEFAULT_UNIFORM     UINT64_C(120000000)
#define DEFAULT_SLICE_NS    NS_PER_MS
#define DEFAULT_PATIENCE_NS (10 * NS_PER_S)
#define DEFAULT_NARRATE_NS  NS_PER_S

#define SUMMAND_NAME_ACCEPTED "a name of a-z, 0-9 and -, at most 31 bytes, such as asian"

/* Keys of options without a letter. */
enum {
    OPTION_GAUSSIAN = 256,
    OPTION_UNIFORM,
    OPTION_FIRST,
    OPTION_KIND,
    OPTION_CHECKPOINT,
    OPTION_FOR,
    OPTION_SUMMAND,
    OPTION_PARAMETERS,
    OPTION_UNTIL_ERROR,
    OPTION_OUTPUT,
    OPTION_SLICE,
    OPTION_NARRATE,
    OPTION_KERNEL,
    OPTION_TIMELINE,
    OPTION_TRACE,
    OPTION_JSON,
    OPTION_PATIENCE,
    OPTION_KEYS,
    OPTION_ROLE,
    OPTION_KEY,
    OPTION_SERVER_KEY,
};

/* Groups of options, in the order of --help, after GROUP_ALL. */
enum {
    GROUP_LESSON = GROUP_ALL + 1, /* for serial, async and compare */
    GROUP_SUM,
    GROUP_KEYS
};

#define TAKES_LESSON (GROUP_BIT(GROUP_ALL) | GROUP_BIT(GROUP_LESSON))
#define TAKES_SUM    (GROUP_BIT(GROUP_ALL) | GROUP_BIT(GROUP_SUM))
#define TAKES_ALL    GROUP_BIT(GROUP_ALL)
#define TAKES_KEYS   GROUP_BIT(GROUP_KEYS)
#define TAKES_NONE   0

static const struct argp_option option_table[] = {
    {"connect", 'c', "ENDPOINT,...", 0,
     "Where the servers are (default " DEFAULT_ENDPOINT
     "). If a server is unreachable, busy or lost, the client asks the next one. plain://host:port "
     "is a server that gives each TCP connection one sum as text",
     GROUP_ALL},
    {"seed", 's', "SEED", 0, "Seed of the samples (default: a random seed, which is printed)",
     GROUP_ALL},
    {"timeout", 't', "TIME", 0, "How long to wait for the answer (default: without limit)",
     GROUP_ALL},
    {"patience", OPTION_PATIENCE, "TIME", 0,
     "How long to retry without a server: after a server is lost, or before the first connection "
     "(default 10s; 0: for ever). The time starts again after each answer",
     GROUP_ALL},
    {"key", OPTION_KEY, "FILE", 0,
     "Encrypt the connections to the servers with this secret certificate, as \"meantime keys "
     "new\" "
     "writes it",
     GROUP_ALL},
    {"server-key", OPTION_SERVER_KEY, "FILE", 0,
     "The public key of the servers: a certificate, or 40 characters", GROUP_ALL},
    {"json", OPTION_JSON, 0, 0, "Print only one JSON object on stdout", GROUP_ALL},
    {"quiet", 'q', 0, 0, "Print only results", GROUP_ALL},
    {0, 0, 0, 0, "For serial, async and compare:", GROUP_LESSON},
    {"gaussian", OPTION_GAUSSIAN, "COUNT", 0,
     "Gaussian samples that the server sums in server_request (10M)", GROUP_LESSON},
    {"uniform", OPTION_UNIFORM, "COUNT", 0,
     "Uniform samples that the client sums in uniform_sum (120M)", GROUP_LESSON},
    {"slice", OPTION_SLICE, "TIME", 0,
     "Length of a slice of uniform_sum, between two looks for the answer (default: 1ms; longer if "
     "looks would take more than 0.05 % of the time)",
     GROUP_LESSON},
    {"narrate", OPTION_NARRATE, "TIME", 0,
     "Print at most one Pausing/Resuming pair per TIME (default 1s; 0: all)", GROUP_LESSON},
    {"kernel", OPTION_KERNEL, "NAME", 0,
     "Kernel for uniform_sum (default: the fastest that this machine can run)", GROUP_LESSON},
    {"timeline", OPTION_TIMELINE, "FILE.svg", 0,
     "Draw when server_request and uniform_sum were busy", GROUP_LESSON},
    {"trace", OPTION_TRACE, "FILE.json", 0,
     "Write every slice and look, for chrome://tracing or ui.perfetto.dev", GROUP_LESSON},
    {0, 0, 0, 0, "For sum:", GROUP_SUM},
    {"summand", OPTION_SUMMAND, "NAME", 0,
     "Sum the terms of a function of yours, which a server has loaded, instead of samples",
     GROUP_SUM},
    {"parameters", OPTION_PARAMETERS, "TEXT", 0, "Parameters of the summand, as in strike=1.1",
     GROUP_SUM},
    {"until-error", OPTION_UNTIL_ERROR, "ERROR", 0,
     "Sum terms until the standard error of the mean is at most ERROR, but at most COUNT. The "
     "result does not depend on the servers",
     GROUP_SUM},
    {"output", OPTION_OUTPUT, "NAME", 0,
     "The output of the summand that --until-error is about (default: the first)", GROUP_SUM},
    {"first", OPTION_FIRST, "N", 0, "Number of the first sample or term (0)", GROUP_SUM},
    {"kind", OPTION_KIND, "gaussian|uniform", 0, "Kind of the samples (gaussian)", GROUP_SUM},
    {"checkpoint", OPTION_CHECKPOINT, "FILE", 0,
     "Save the progress in FILE. After an interrupt, a crash or a kill, the same command resumes "
     "the sum from FILE",
     GROUP_SUM},
    {"for", OPTION_FOR, "TIME", 0,
     "Sum for TIME: as many samples or terms as possible, but at most COUNT", GROUP_SUM},
    {0, 0, 0, 0, "For keys:", GROUP_KEYS},
    {"keys", OPTION_KEYS, "DIR", 0,
     "The folder with the keys (default: meantime/keys in $XDG_CONFIG_HOME or ~/.config)",
     GROUP_KEYS},
    {"role", OPTION_ROLE, "client|worker|admin", 0,
     "What the owner of the key may do. A client asks for sums; a worker joins servers; an admin "
     "is a client who sees the requests of all clients in the status (default: client)",
     GROUP_KEYS},
    {0},
};

/* [mode] */
static const struct command commands[] = {
    [MODE_SERIAL] = {"serial", "serial",
                     "send server_request, wait for its answer, run uniform_sum",
                     "Sends server_request to a server, waits for the answer, and then computes "
                     "uniform_sum.",
                     TAKES_LESSON},
    [MODE_ASYNC] = {"async", "async", "run uniform_sum while the server computes",
                    "Sends server_request to a server, and computes uniform_sum in slices while it "
                    "waits. Between two slices it looks for the answer.",
                    TAKES_LESSON},
    [MODE_COMPARE] =
        {"compare", "compare", "run both with one seed, and show the difference",
         "Runs serial, then async, with one seed. Checks that both have the same sums, "
         "and draws a chart.",
         TAKES_LESSON},
    [MODE_SUM] = {"sum", "sum COUNT\nsum --for TIME\nsum COUNT --summand NAME",
                  "ask for one sum of COUNT samples or terms",
                  "Asks for one sum of COUNT samples, in pieces of about a second. --for TIME: as "
                  "many samples as possible in that time. --summand NAME: sums the terms of a "
                  "function of yours, and estimates their mean.",
                  TAKES_SUM},
    [MODE_STATUS] = {"status", "status", "print the workers and requests of servers",
                     "Prints the workers, the requests and the counters of each server.",
                     TAKES_ALL},
    [MODE_NEW_SUMMAND] = {"new-summand", "new-summand NAME",
                          "write a starter file for a function of yours",
                          "Writes NAME.c, a small summand. Its first lines say how to build it, "
                          "how to check it and how to sum it.",
                          TAKES_NONE},
    [MODE_KEYS] = {"keys",
                   "keys new NAME\nkeys list\nkeys allow NAME|FILE\nkeys revoke NAME\n"
                   "keys show NAME|FILE",
                   "make keys, and say which keys a server accepts",
                   "Makes keys in a folder, and says which keys the servers accept that use this "
                   "folder. new: makes a key pair; the name `server` is for the server's own key. "
                   "allow: accepts a key. revoke: accepts it no longer. list, show: print public "
                   "keys. Secret keys are never printed.",
                   TAKES_KEYS},
    {0},
};

static uint64_t parse_count(const struct command_line *line, const char *text)
{
    uint64_t count = 0;

    if (!count_parse(text, &count))
        command_line_refuse(line, text, "expected " COUNT_ACCEPTED);
    return count;
}

static int64_t parse_duration(const struct command_line *line, const char *text)
{
    int64_t ns = 0;

    if (!duration_parse(text, &ns))
        command_line_refuse(line, text, "expected " DURATION_ACCEPTED);
    return ns;
}

static const char *parse_file(const struct command_line *line, const char *text)
{
    if (!*text)
        command_line_refuse(line, text, "expected the name of a file");
    return text;
}

static uint64_t parse_seed(const struct command_line *line, const char *text)
{
    uint64_t seed = 0;

    if (!seed_parse(text, &seed))
        command_line_refuse(line, text, "expected " SEED_ACCEPTED);
    return seed;
}

/* Checks endpoints of TCP; libzmq checks the others. */
static void check_endpoint(const struct command_line *line, const char *name)
{
    const char *fault = address_fault(name);

    if (fault)
        command_line_refuse(line, name, "%s", fault);
}

/* Splits `text` at commas. Writes into it. */
static void parse_endpoints(struct command_line *line, char *text)
{
    struct client_options *options = line->input;
    struct endpoints *endpoints = &options->endpoints;
    char *name;

    options->plain_endpoint = NULL;
    endpoints->count = 0;
    while ((name = strsep(&text, ","))) {
        if (!*name)
            command_line_refuse(line, "", "expected endpoints, separated by commas");
        if (endpoints->count == MEANTIME_ENDPOINTS_MAX)
            command_line_refuse(line, name, "expected at most %d endpoints",
                                MEANTIME_ENDPOINTS_MAX);
        check_endpoint(line, name);
        endpoints->names[endpoints->count++] = name;
        if (strncmp(name, PLAIN_SCHEME, strlen(PLAIN_SCHEME)) == 0)
            options->plain_endpoint = name;
    }
}

static enum meantime_kind parse_kind(const struct command_line *line, const char *text)
{
    if (strcmp(text, "uniform") == 0)
        return MEANTIME_UNIFORM;
    if (strcmp(text, "gaussian") != 0)
        command_line_refuse(line, text, "expected gaussian or uniform");
    return MEANTIME_GAUSSIAN;
}

static const char *parse_summand(const struct command_line *line, const char *text)
{
    if (!summand_name_valid(text))
        command_line_refuse(line, text, "expected " SUMMAND_NAME_ACCEPTED);
    return text;
}

static const char *parse_output(const struct command_line *line, const char *text)
{
    if (!output_name_valid(text))
        command_line_refuse(line, text, "expected the name of an output, such as mean");
    return text;
}

static const char *parse_parameters(const struct command_line *line, const char *text)
{
    if (!parameters_valid(text))
        command_line_refuse(line, text, "expected at most %d bytes of printable ASCII",
                            PARAMETERS_BYTES_MAX);
    return text;
}

static double parse_error(const struct command_line *line, const char *text)
{
    double error = 0;

    if (!number_parse(text, strlen(text), &error) || error <= 0)
        command_line_refuse(line, text, "expected a number above 0 such as 1e-6");
    return error;
}

static void parse_sum_count(struct command_line *line, const char *text)
{
    struct client_options *options = line->input;

    if (!count_parse(text, &options->question.count))
        command_line_fail(line, "sum %s: expected " COUNT_ACCEPTED, text);
    options->count_given = true;
}

static void parse_new_summand(struct command_line *line, const char *text)
{
    struct client_options *options = line->input;

    if (!summand_name_valid(text))
        command_line_fail(line, "new-summand %s: expected " SUMMAND_NAME_ACCEPTED, text);
    options->new_summand = text;
}

static void parse_keys_action(struct command_line *line, const char *text)
{
    static const char *const names[] = {
        [KEYS_NEW] = "new",       [KEYS_LIST] = "list", [KEYS_ALLOW] = "allow",
        [KEYS_REVOKE] = "revoke", [KEYS_SHOW] = "show",
    };
    struct client_options *options = line->input;
    enum keys_action action = 0;

    while (action < KEYS_ACTIONS && strcmp(names[action], text) != 0)
        action++;
    if (action == KEYS_ACTIONS)
        command_line_fail(line, "keys %s: expected new, list, allow, revoke or show", text);
    options->keys_action = action;
}

static void parse_keys(struct command_line *line, const char *text)
{
    struct client_options *options = line->input;

    if (options->keys_action == KEYS_ACTIONS)
        parse_keys_action(line, text);
    else if (options->keys_target || options->keys_action == KEYS_LIST)
        command_line_fail(line, "unexpected argument: %s", text);
    else
        options->keys_target = text;
}

static enum key_role parse_role(const struct command_line *line, const char *text)
{
    enum key_role role = KEY_ROLE_NONE;

    if (!key_role_parse(text, &role))
        command_line_refuse(line, text, "expected client, worker or admin");
    return role;
}

static void parse_argument(struct command_line *line, char *text)
{
    const struct client_options *options = line->input;

    if (line->command == &commands[MODE_SUM] && !options->count_given)
        parse_sum_count(line, text);
    else if (line->command == &commands[MODE_NEW_SUMMAND] && !options->new_summand)
        parse_new_summand(line, text);
    else if (line->command == &commands[MODE_KEYS])
        parse_keys(line, text);
    else
        command_line_fail(line, "unexpected argument: %s", text);
}

/* Sets the fields that depend on which options the user gave. */
static void complete(const struct command_line *line)
{
    struct client_options *options = line->input;
    bool sum = options->mode == MODE_SUM;
    bool has_end = options->for_ns > 0 || options->until_error > 0;

    options->seed_given = command_line_has(line, 's');
    options->slice_given = command_line_has(line, OPTION_SLICE);
    if (sum)
        options->uniform = 0;
    if (sum && has_end && !options->count_given) /* up to the end of the stream */
        options->question.count = SAMPLE_END_MAX - options->question.first;
    if (options->question.summand)
        options->question.kind = (enum meantime_kind)0;
}

/* A plain server receives no request: it chooses the samples itself. */
static void check_plain(const struct command_line *line)
{
    const struct client_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX];

    command_line_origin(line, 'c', origin);
    if (!plain_server_is_endpoint(options->plain_endpoint))
        command_line_fail(line, "%s %s: expected plain://host:port", origin,
                          options->plain_endpoint);
    if (options->endpoints.count > 1)
        command_line_fail(line, "%s: a plain:// endpoint must be the only one", origin);
    if (options->mode == MODE_SUM)
        command_line_fail(line, "sum is not for plain servers: they accept no seed and no count");
    if (options->mode == MODE_STATUS)
        command_line_fail(line, "status is not for plain servers: they send only sums");
    if (options->key_file)
        command_line_fail(line, "%s is not for plain servers: they use no keys",
                          command_line_origin(line, OPTION_KEY, origin));
    if (command_line_given(line, OPTION_GAUSSIAN))
        command_line_fail(line, "--gaussian is not for plain servers: they choose the count");
}

/* Options of summands need a summand, and exclude those of samples. */
static void check_summand(const struct command_line *line)
{
    static const int keys[] = {OPTION_PARAMETERS, OPTION_UNTIL_ERROR, OPTION_OUTPUT};
    const struct client_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX], other[VARIABLE_BYTES_MAX];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (command_line_has(line, keys[i]) && !options->question.summand)
            command_line_fail(line, "%s needs --summand NAME",
                              command_line_origin(line, keys[i], origin));
    if (options->question.summand && command_line_has(line, OPTION_KIND))
        command_line_fail(line, "%s and %s exclude each other: a summand has the samples it needs",
                          command_line_origin(line, OPTION_SUMMAND, origin),
                          command_line_origin(line, OPTION_KIND, other));
    if (options->output && options->until_error == 0)
        command_line_fail(line, "%s needs --until-error ERROR",
                          command_line_origin(line, OPTION_OUTPUT, origin));
}

/* A key alone would leave open which server gets the request. */
static void check_key(const struct command_line *line)
{
    const struct client_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX];

    if (options->key_file && !options->server_key)
        command_line_fail(line, "%s needs --server-key, the public key of the servers",
                          command_line_origin(line, OPTION_KEY, origin));
    if (options->server_key && !options->key_file)
        command_line_fail(line, "%s needs --key, your own secret certificate",
                          command_line_origin(line, OPTION_SERVER_KEY, origin));
}

static void check_keys(const struct command_line *line)
{
    const struct client_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX];

    if (options->keys_action == KEYS_ACTIONS)
        command_line_fail(line, "keys needs an action: new, list, allow, revoke or show");
    if (options->keys_action != KEYS_LIST && !options->keys_target)
        command_line_fail(line, "name a key, such as alice");
    if (command_line_given(line, OPTION_ROLE) && options->keys_action != KEYS_NEW &&
        options->keys_action != KEYS_ALLOW)
        command_line_fail(line, "%s is only for new and allow",
                          command_line_origin(line, OPTION_ROLE, origin));
}

static bool lacks_count(const struct client_options *options)
{
    bool has_end = options->count_given || options->for_ns > 0 || options->until_error > 0;

    return options->mode == MODE_SUM && !has_end;
}

static void check(const struct command_line *line)
{
    const struct client_options *options = line->input;
    char origin[VARIABLE_BYTES_MAX], other[VARIABLE_BYTES_MAX];

    if (lacks_count(options))
        command_line_fail(line, "sum needs a count of samples or terms, such as: sum 10M");
    if (options->mode == MODE_NEW_SUMMAND && !options->new_summand)
        command_line_fail(line, "new-summand needs a name, such as: new-summand pi");
    if (options->mode == MODE_KEYS)
        check_keys(line);
    check_summand(line);
    if (options->timeline && options->trace && strcmp(options->timeline, options->trace) == 0)
        command_line_fail(line, "%s and %s need two different files",
                          command_line_origin(line, OPTION_TIMELINE, origin),
                          command_line_origin(line, OPTION_TRACE, other));
    if (options->question.count == 0)
        command_line_fail(line, "the server cannot sum 0 samples");
    if (options->question.first > SAMPLE_END_MAX - options->question.count)
        command_line_fail(line, "the stream ends at sample 2^63: %s plus COUNT is beyond it",
                          command_line_origin(line, OPTION_FIRST, origin));
    if (options->plain_endpoint)
        check_plain(line);
    check_key(line);
}

static uint64_t parse_gaussian(const struct command_line *line, const char *text)
{
    uint64_t count = parse_count(line, text);

    if (count == 0)
        command_line_refuse(line, text, "the server cannot sum 0 samples");
    return count;
}

static int64_t parse_for(const struct command_line *line, const char *text)
{
    int64_t ns = parse_duration(line, text);

    if (ns == 0)
        command_line_refuse(line, text, "expected more than 0");
    return ns;
}

static void parse_option(struct command_line *line, int key, char *text)
{
    struct client_options *options = line->input;
    struct meantime_question *question = &options->question;

    switch (key) {
    case 'c': parse_endpoints(line, text); break;
    case 's': question->seed = parse_seed(line, text); break;
    case 't': question->timeout_ns = parse_duration(line, text); break;
    case 'q': options->quiet = true; break;
    case OPTION_PATIENCE: options->patience_ns = parse_duration(line, text); break;
    case OPTION_JSON: options->json = true; break;
    case OPTION_GAUSSIAN: question->count = parse_gaussian(line, text); break;
    case OPTION_UNIFORM: options->uniform = parse_count(line, text); break;
    case OPTION_SLICE: options->slice_ns = parse_duration(line, text); break;
    case OPTION_NARRATE: options->narrate_every_ns = parse_duration(line, text); break;
    case OPTION_KERNEL: options->kernel = kernel_option(line, text); break;
    case OPTION_TIMELINE: options->timeline = parse_file(line, text); break;
    case OPTION_TRACE: options->trace = parse_file(line, text); break;
    case OPTION_FIRST: question->first = parse_count(line, text); break;
    case OPTION_KIND: question->kind = parse_kind(line, text); break;
    case OPTION_CHECKPOINT: options->checkpoint = parse_file(line, text); break;
    case OPTION_FOR: options->for_ns = parse_for(line, text); break;
    case OPTION_SUMMAND: question->summand = parse_summand(line, text); break;
    case OPTION_PARAMETERS: question->parameters = parse_parameters(line, text); break;
    case OPTION_UNTIL_ERROR: options->until_error = parse_error(line, text); break;
    case OPTION_OUTPUT: options->output = parse_output(line, text); break;
    case OPTION_KEYS: options->keys_folder = parse_file(line, text); break;
    case OPTION_KEY: options->key_file = parse_file(line, text); break;
    case OPTION_SERVER_KEY: options->server_key = parse_file(line, text); break;
    case OPTION_ROLE: options->keys_role = parse_role(line, text); break;
    }
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        abort(); /* Linux never returns fewer than 8 bytes; it waits instead */
    return seed;
}

void client_options_parse(struct client_options *options, int argc, char **argv)
{
    static const struct program_line program = {
        .options = option_table,
        .commands = commands,
        .summary = "Asks a server for the sum of many Gaussian samples (server_request), and sums "
                   "uniform samples itself (uniform_sum).",
        .details = "Write counts as 10M, 1.2e8 or 120_000_000, and times as 250us, 1ms or 1.5s.",
        .option = parse_option,
        .argument = parse_argument,
    };
    struct command_line line;

    *options = (struct client_options){
        .endpoints = {{DEFAULT_ENDPOINT}, 1},
        .question = {.seed = random_seed(), .kind = MEANTIME_GAUSSIAN, .count = DEFAULT_GAUSSIAN},
        .patience_ns = DEFAULT_PATIENCE_NS,
        .uniform = DEFAULT_UNIFORM,
        .kernel = kernel_best(),
        .slice_ns = DEFAULT_SLICE_NS,
        .narrate_every_ns = DEFAULT_NARRATE_NS,
        .keys_action = KEYS_ACTIONS,
    };
    command_line_read(&line, &program, argc, argv, options);
    options->mode = (enum mode)(line.command - commands);
    complete(&line);
    check(&line);
}
