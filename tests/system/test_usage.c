/* Command lines: a bad one ends the program with status 2 and a sentence, before the program does
 * anything else. Also: the priority of compute threads. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/story.h"

TestSuite(usage, .fini = story_end);

#define WORDS_MAX 7

struct usage_row {
    const char *words[WORDS_MAX];
    const char *sentence; /* a pattern for a line on stderr */
};

static struct process *start_row(const char *program, const struct usage_row *row)
{
    const char *words[WORDS_MAX + 2] = {program};

    for (size_t i = 0; i < WORDS_MAX; i++)
        words[i + 1] = row->words[i];
    return process_start(words);
}

static void expect_usage_errors(const char *program, const struct usage_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct process *process = start_row(program, &rows[i]);
        int status = process_wait(process);
        const char *err = process_text(process, PROCESS_ERR);
        cr_assert(status == 2, "row %zu: exit status %d: %s", i, status, err);
        cr_assert(lines_include(err, WORDS(rows[i].sentence)), "row %zu: %s", i, err);
        cr_assert_str_eq(process_text(process, PROCESS_OUT), "");
    }
}

static const struct usage_row client_rows[] = {
    {{NULL}, "*: name a command: serial, async, compare, sum, status, new-summand or keys"},
    {{"idle"}, "*: idle: expected serial, async, compare, sum, status, new-summand or keys"},
    {{"sum"}, "*: sum needs a count of samples or terms, such as: sum 10M"},
    {{"sum", "0"}, "*: the server cannot sum 0 samples"},
    {{"sum", "many"}, "*: sum many: expected a count *"},
    {{"sum", "-5"}, "meantime: unknown option -5"},
    {{"sum", "1.5"}, "*: sum 1.5: expected a count *"},
    {{"sum", "1", "2"}, "*: unexpected argument: 2"},
    {{"sum", "9223372036854775809"}, "*: expected a count *"},
    {{"sum", "9223372036854775808", "--first", "1"}, "*: the stream ends at sample 2^63: *"},
    {{"sum", "1", "--for", "0"}, "*: --for 0: expected more than 0"},
    {{"sum", "1", "--for", "1"}, "*: --for 1: expected a time *"},
    {{"async", "--for", "1s"}, "*: --for is not for async"},
    {{"serial", "--checkpoint", "f"}, "*: --checkpoint is not for serial"},
    {{"sum", "1", "--checkpoint", ""}, "*: --checkpoint: expected the name of a file"},
    {{"async", "--trace", ""}, "*: --trace: expected the name of a file"},
    {{"sum", "1", "--kind", "normal"}, "*: --kind normal: expected gaussian or uniform"},
    {{"sum", "1", "--gaussian", "1"}, "*: --gaussian is not for sum"},
    {{"sum", "1", "--summand", "Asian"}, "*: --summand Asian: expected a name of a-z, *"},
    {{"sum", "1", "--summand", ""}, "*: --summand: expected a name of a-z, *"},
    {{"sum", "--summand", "f"}, "*: sum needs a count of samples or terms, *"},
    {{"sum", "1", "--parameters", "a=1"}, "*: --parameters needs --summand NAME"},
    {{"sum", "1", "--until-error", "1"}, "*: --until-error needs --summand NAME"},
    {{"sum", "1", "--output", "y"}, "*: --output needs --summand NAME"},
    {{"sum", "1", "--summand", "f", "--output", "y"}, "*: --output needs --until-error ERROR"},
    {{"sum", "1", "--summand", "f", "--output", "Y"}, "*: --output Y: expected the name *"},
    {{"sum", "1", "--summand", "f", "--until-error", "0"}, "*: expected a number above 0 *"},
    {{"sum", "1", "--summand", "f", "--until-error", "nan"}, "*: expected a number above 0 *"},
    {{"sum", "1", "--summand", "f", "--parameters", "a\tb"}, "*: expected at most 512 bytes *"},
    {{"sum", "1", "--summand", "f", "--kind", "uniform"},
     "*: --summand and --kind exclude each other: *"},
    {{"compare", "--summand", "f"}, "*: --summand is not for compare"},
    {{"new-summand"}, "*: new-summand needs a name, such as: new-summand pi"},
    {{"new-summand", "../pi"}, "*: new-summand ../pi: expected a name of a-z, *"},
    {{"new-summand", "pi", "tau"}, "*: unexpected argument: tau"},
    {{"new-summand", "pi", "--seed", "1"}, "*: --seed is not for new-summand"},
    {{"sum", "1", "--key", "k"}, "*: --key needs --server-key, the public key of the servers"},
    {{"status", "--server-key", "k"}, "*: --server-key needs --key, your own secret certificate"},
    {{"async", "--connect", "plain://a:1", "--key", "k", "--server-key", "k"},
     "*: --key is not for plain servers: they use no keys"},
    {{"keys"}, "*: keys needs an action: new, list, allow, revoke or show"},
    {{"keys", "make"}, "*: keys make: expected new, list, allow, revoke or show"},
    {{"keys", "new"}, "*: name a key, such as alice"},
    {{"keys", "list", "alice"}, "*: unexpected argument: alice"},
    {{"keys", "show", "alice", "bob"}, "*: unexpected argument: bob"},
    {{"keys", "new", "alice", "--role", "root"}, "*: --role root: expected client, *"},
    {{"keys", "revoke", "alice", "--role", "admin"}, "*: --role is only for new and allow"},
    {{"keys", "list", "--seed", "1"}, "*: --seed is not for keys"},
    {{"sum", "1", "--role", "admin"}, "*: --role is not for sum"},
    {{"sum", "1", "--uniform", "1"}, "*: --uniform is not for sum"},
    {{"sum", "1", "--slice", "1ms"}, "*: --slice is not for sum"},
    {{"sum", "1", "--timeline", "a.svg"}, "*: --timeline is not for sum"},
    {{"status", "--trace", "a.json"}, "*: --trace is not for status"},
    {{"async", "--trace", "a", "--timeline", "a"},
     "*: --timeline and --trace need two different files"},
    {{"status", "--uniform", "1"}, "*: --uniform is not for status"},
    {{"status", "--first", "1"}, "*: --first is not for status"},
    {{"status", "1"}, "*: unexpected argument: 1"},
    {{"async", "--first", "1"}, "*: --first is not for async"},
    {{"serial", "--kind", "uniform"}, "*: --kind is not for serial"},
    {{"async", "--gaussian", "0"}, "*: the server cannot sum 0 samples"},
    {{"async", "--uniform", "1e-1"}, "*: --uniform 1e-1: expected a count *"},
    {{"async", "--slice", "1"}, "*: --slice 1: expected a time *"},
    {{"async", "--narrate", "soon"}, "*: --narrate soon: expected a time *"},
    {{"async", "--timeout", "-1s"}, "*: --timeout -1s: expected a time *"},
    {{"async", "--seed", "18446744073709551616"}, "*: --seed *: expected a number *"},
    {{"async", "10M"}, "*: unexpected argument: 10M"},
    {{"async", "--connect", "plain://a"}, "*: --connect plain://a: expected plain://host:port"},
    {{"async", "--connect", "plain://::1:1"}, "*: expected plain://host:port"},
    {{"async", "--connect", "plain://*:1"}, "*: expected plain://host:port"},
    {{"async", "--connect", "plain://a:1,tcp://b:1"},
     "*: a plain:// endpoint must be the only one"},
    {{"async", "--connect", "tcp://b:1,plain://a:1"},
     "*: a plain:// endpoint must be the only one"},
    {{"async", "--connect", "plain://a:1", "--gaussian", "1"}, "*: --gaussian is not for *"},
    {{"sum", "1", "--connect", "plain://a:1"}, "*: sum is not for plain servers: *"},
    {{"status", "--connect", "plain://a:1"}, "*: status is not for plain servers: *"},
    {{"async", "--connect", "tcp://"}, "*: --connect tcp://: expected tcp://host:port, *"},
    {{"async", "--connect", "tcp://a:1,tcp://b"},
     "*: --connect tcp://b: the port is missing; expected tcp://host:port"},
    {{"async", "--connect", "tcp://[::1]"}, "*: --connect *: the port is missing; *"},
    {{"async", "--connect", "tcp://a:"}, "*: --connect tcp://a:: the port is missing; *"},
    {{"async", "--connect", "tcp://a:http"}, "*: expected *, with a port from 1 to 65535 *"},
    {{"async", "--connect", "tcp://::1:8197"}, "*: expected *an IPv6 address in brackets"},
    {{"async", "--connect"}, "*: --connect needs a value: ENDPOINT,..."},
    {{"async", "--fast"}, "*: unknown option --fast"},
};

Test(usage, a_bad_command_line_of_the_client_ends_with_2_and_a_sentence)
{
    expect_usage_errors(MEANTIME, client_rows, sizeof client_rows / sizeof *client_rows);
}

Test(usage, a_bad_command_line_of_the_server_ends_with_2_and_a_sentence)
{
    static const struct usage_row rows[] = {
        {{"now"}, "*: unexpected argument: now"},
        {{"--key", "k", "--join", "tcp://127.0.0.1:9"},
         "*: --key needs --server-key, the public key of the fronts"},
        {{"--server-key", "k"}, "*: --server-key needs --key, the secret certificate to join with"},
        {{"--key", "k", "--server-key", "k"}, "*: --key without --join: *"},
        {{"--bind", "tcp://*:8197"}, "*: --bind tcp://[*]:8197: other machines can reach *"},
        {{"--bind", "tcp://0.0.0.0:8197"}, "    meantime keys new server --keys DIR"},
        {{"--bind", "tcp://[::]:8197"}, "    meantime keys new NAME --keys DIR"},
        {{"--bind", "tcp://192.0.2.1:8197"},
         "and start the server with --keys DIR. Or *--insecure"},
        {{"--bind", "tcp://[::ffff:192.0.2.1]:8197"}, "*other machines can reach *"},
        {{"--bind", "tcp://nowhere.invalid:8197"}, "*other machines can reach *"},
        {{"--workers", "tcp://*:8198"}, "*: --workers tcp://[*]:8198: other machines can reach *"},
        {{"--join", "tcp://127.0.0.1:1,tcp://a:1"}, "*: --join tcp://a:1: this may be another *"},
        {{"--join", "tcp://192.0.2.2:9;127.0.0.1:1"}, "*: --join *: this may be another *"},
        {{"--join", "tcp://a:1", "--keys", "k"}, "    meantime keys new NAME --role worker"},
        {{"--plain", "tcp://*:8199"}, "*: --plain *plain clients have no keys*--insecure"},
        {{"--plain", "tcp://*:8199", "--keys", "k"}, "*: --plain *plain clients have no keys*"},
        {{"--keys", ""}, "*: --keys: expected the name of a file or folder"},
        {{"--threads", "0"},
         "*: --threads 0 without --workers: no thread and no worker would compute"},
        {{"--threads", "8193"}, "*: --threads 8193: expected a number from 0 to 8192"},
        {{"--threads", "-1"}, "*: --threads -1: expected a number *"},
        {{"--threads", "two"}, "*: --threads two: expected a number *"},
        {{"--threads", "2x"}, "*: --threads 2x: expected a number *"},
        {{"--threads", ""}, "*: --threads: expected a number *"},
        {{"--socket", "pub"}, "*: --socket pub: expected router or rep"},
        {{"--bind"}, "*: --bind needs a value: ENDPOINT"},
        {{"--heartbeat-ms", "9"}, "*: --heartbeat-ms 9: expected a number from 10 to 60000"},
        {{"--span-us", "0"}, "*: --span-us 0: expected a number from 1 to 60000000"},
        {{"--join", "tcp://a:1,tcp://a:2,tcp://a:3,tcp://a:4,tcp://a:5,tcp://a:6,tcp://a:7,"
                    "tcp://a:8,tcp://a:9,tcp://b:1,tcp://b:2,tcp://b:3,tcp://b:4,tcp://b:5,"
                    "tcp://b:6,tcp://b:7,tcp://b:8"},
         "*: --join tcp://b:8: at most 16 servers *"},
        {{"--join", ""}, "*: --join: expected an endpoint such as tcp://host:port"},
        {{"--join", "tcp://a:1,"}, "*: --join: expected an endpoint such as tcp://host:port"},
        {{"--join", "tcp://a:1,tcp://a:1"}, "*: --join tcp://a:1: given twice"},
        {{"--join", "tcp://::1:8198"}, "*: --join tcp://::1:8198: expected tcp://host:port*"},
        {{"--join", "tcp://*:8198"}, "*: --join tcp://[*]:8198: expected tcp://host:port"},
        {{"--bind", "8197"}, "*: --bind 8197: expected an endpoint such as tcp://host:port"},
        {{"--bind", "tcp://127.0.0.1:0"}, "*: --bind tcp://127.0.0.1:0: expected tcp://host:port*"},
        {{"--bind", "tcp://127.0.0.1:99999"},
         "*: --bind tcp://*:99999: expected *, with a port from 1 to *"},
        {{"--plain", "8197"}, "*: --plain 8197: expected tcp://host:port"},
        {{"--plain", "ipc://x"}, "*: --plain ipc://x: expected tcp://host:port"},
        {{"--plain", "tcp://a:65536"}, "*: --plain tcp://a:65536: expected tcp://host:port*"},
        {{"--workers", "inproc://x"},
         "*: --workers inproc://x: no other process can reach this endpoint"},
        {{"--loud"}, "*: unknown option --loud"},
        {{"--parameters", "a=1"}, "*: --parameters without --check: *"},
        {{"--check", "x.so", "--parameters", "a\tb"},
         "*: --parameters a*: expected printable ASCII"},
        {{"--summand-timeout", "99ms"},
         "*: --summand-timeout 99ms: expected a time from 100ms to 24h"},
        {{"--summand-memory", "1M"},
         "*: --summand-memory 1M: expected a number of bytes from 16M on*"},
    };

    expect_usage_errors(MEANTIME_SERVER, rows, sizeof rows / sizeof *rows);
}

static void expect_words(const char *program, const char *option, const char *pattern)
{
    struct process *process = process_start(WORDS(program, option));

    cr_assert(process_wait(process) == 0);
    cr_assert(lines_include(process_text(process, PROCESS_OUT), WORDS(pattern)), "%s",
              process_text(process, PROCESS_OUT));
    cr_assert_str_eq(process_text(process, PROCESS_ERR), "");
}

Test(usage, help_and_version_end_with_0)
{
    expect_words(MEANTIME, "--help", "Usage: meantime *");
    expect_words(MEANTIME, "--version", "meantime [0-9]*.[0-9]* (kernel *, libzmq *, czmq *)");
    expect_words(MEANTIME_SERVER, "--help", "Usage: meantime-server *");
    expect_words(MEANTIME_SERVER, "--version",
                 "meantime-server [0-9]*.[0-9]* (kernel *, libzmq *)");
}

/* ---- endpoints --------------------------------------------------------------------------- */

Test(usage, an_invalid_endpoint_is_reported)
{
    static const struct usage_row rows[] = {
        {{"sum", "1", "--connect", "here"}, "meantime: cannot connect to here: *"},
        {{"sum", "1", "--connect", "ipc://"}, "meantime: cannot connect to ipc://: *"},
        {{"async", "--connect", "mail://a:1"}, "meantime: cannot connect to mail://a:1: *"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct process *client = start_row(MEANTIME, &rows[i]);
        cr_assert(process_wait(client) == 2, "row %zu", i);
        cr_assert(lines_are(process_text(client, PROCESS_ERR), WORDS(rows[i].sentence)), "%s",
                  process_text(client, PROCESS_ERR));
    }
}

Test(usage, a_port_in_use_is_reported)
{
    struct test_server server = server_start(NULL);
    struct process *second = process_start(WORDS(MEANTIME_SERVER, "--bind", server.endpoint));

    cr_assert(process_wait(second) == 1);
    cr_assert(lines_are(process_text(second, PROCESS_ERR),
                        WORDS("*cannot listen on tcp://*: Address already in use; *")),
              "%s", process_text(second, PROCESS_ERR));
    cr_assert_str_eq(process_text(second, PROCESS_OUT), "");
    server_drain(&server);
}

/* A quiet server answers, but prints nothing. An abstract socket needs no free port. */
Test(usage, a_quiet_server_prints_nothing)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "ipc://@meantime-test-%d", getpid());
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--bind", endpoint, "--quiet"));
    struct process *client = process_start(WORDS(MEANTIME, "sum", "1", "--connect", endpoint));

    cr_assert(process_wait(client) == 0);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
    cr_assert_str_eq(process_text(server, PROCESS_OUT), "");
    cr_assert_str_eq(process_text(server, PROCESS_ERR), "");
}

/* ---- priorities -------------------------------------------------------------------------- */

/* Returns how many threads of the server have that nice value. */
static int threads_of_nice(const struct test_server *server, int nice)
{
    char path[sizeof "/proc/4194304/task"];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)process_pid(server->process));
    DIR *tasks = opendir(path);
    cr_assert(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        count +=
            task->d_name[0] != '.' && getpriority(PRIO_PROCESS, (id_t)atoi(task->d_name)) == nice;
    closedir(tasks);
    return count;
}

/* Returns how many threads of a server have that nice value. A compute thread sets its nice value
 * before its first span, so a request has been answered before. */
static int compute_threads_of_nice(int nice)
{
    struct test_server server = server_start(WORDS("--threads", "1"));
    struct peer *peer = peer_new(PEER_REQ, server.endpoint);
    struct sum_request request = {.id = 1, .kind = MESSAGE_KIND_GAUSSIAN, .count = 1};

    peer_ask(peer, &request);
    peer_expect_sum(peer, &request);
    int count = threads_of_nice(&server, nice);
    server_drain(&server);
    return count;
}

Test(usage, compute_threads_are_nice_unless_the_server_is_nicer)
{
    if (setpriority(PRIO_PROCESS, 0, 9) == 0) /* fails if the tests are nicer already */
        cr_assert(compute_threads_of_nice(10) == 1);
    cr_assert(setpriority(PRIO_PROCESS, 0, 15) == 0);
    cr_assert(compute_threads_of_nice(10) == 0);
}
