/* The client with plain servers: servers that send one sum, or other text, to each connection. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/impostor.h"
#include "tests/support/story.h"

TestSuite(plain_client, .fini = story_end);

#define SMALL "--uniform", "196608", "--seed", "0"

#define UNIFORM_DONE  "====== Done uniform_sum. total: 98112.59 ======"
#define GAUSSIAN_DONE "====== Done server_request. total: *. Ran for: *s. ======"

/* A plain server on a port of its own that sends what a test wants. */
struct scripted_server {
    int file;
    char tcp[ENDPOINT_BYTES];
    char endpoint[ENDPOINT_BYTES + 8]; /* plain:// */
};

static struct scripted_server scripted_server_open(int (*open)(char *))
{
    struct scripted_server server;

    server.file = open(server.tcp);
    snprintf(server.endpoint, sizeof server.endpoint, "plain%s", strchr(server.tcp, ':'));
    return server;
}

static struct process *client_start(const char *mode, const char *endpoint)
{
    return process_start(WORDS(MEANTIME, mode, "--connect", endpoint, SMALL, "--narrate", "1h"));
}

static void plain_listener_endpoint(struct process *server, char *endpoint)
{
    const char *line = process_line(server, PROCESS_OUT, "Plain TCP at *");

    cr_assert(sscanf(line, "Plain TCP at tcp%63s", endpoint + strlen("plain")) == 1, "%s", line);
    memcpy(endpoint, "plain", strlen("plain"));
}

static struct process *server_start_plain(char *endpoint)
{
    struct process *server =
        process_start(WORDS(MEANTIME_SERVER, "--plain", "tcp://127.0.0.1:*", "--threads", "1"));

    plain_listener_endpoint(server, endpoint);
    return server;
}

static const char *expect_success(struct process *client)
{
    int status = process_wait(client);

    cr_assert(status == 0, "exit status %d: %s", status, process_text(client, PROCESS_ERR));
    cr_assert_str_eq(process_text(client, PROCESS_ERR), "");
    return process_text(client, PROCESS_OUT);
}

/* The client still computes and prints uniform_sum. */
static void expect_failure(struct process *client, const char *sentence)
{
    int status = process_wait(client);
    const char *err = process_text(client, PROCESS_ERR);

    cr_assert(status == 1, "exit status %d: %s", status, err);
    cr_assert(lines_are(err, WORDS(sentence)), "%s\nexpected %s", err, sentence);
    cr_assert(lines_include(process_text(client, PROCESS_OUT), WORDS(UNIFORM_DONE)), "%s",
              process_text(client, PROCESS_OUT));
}

/* ---- good servers ------------------------------------------------------------------------ */

Test(plain_client, serial_and_async_print_the_same_lines_as_with_other_servers)
{
    char endpoint[80];
    struct process *server = server_start_plain(endpoint);
    const char *text = expect_success(client_start("serial", endpoint));

    cr_assert(
        lines_are(text, WORDS("Seed 0.", "Beginning server_request.", GAUSSIAN_DONE,
                              "Beginning uniform_sum.", UNIFORM_DONE, "Total time elapsed: *s.")),
        "%s", text);
    text = expect_success(client_start("async", endpoint));
    cr_assert(lines_include(text, WORDS("Beginning server_request.", "Beginning uniform_sum.",
                                        UNIFORM_DONE, "Total time elapsed: *s.")),
              "%s", text);
    cr_assert(lines_include(text, WORDS("Beginning uniform_sum.", GAUSSIAN_DONE)), "%s", text);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

Test(plain_client, compare_compares_only_the_uniform_sums)
{
    char endpoint[80];
    struct process *server = server_start_plain(endpoint);
    const char *text = expect_success(client_start("compare", endpoint));

    cr_assert(lines_include(text, WORDS("Serial: *", GAUSSIAN_DONE, "Async: *", GAUSSIAN_DONE,
                                        "The same uniform sums, to the bit: *Speed-up: *.",
                                        "The server's sums cannot be compared: *")),
              "%s", text);
    process_signal(server, SIGTERM);
    cr_assert(process_wait(server) == 0);
}

/* Accepts a connection. */
static int scripted_server_accept(const struct scripted_server *server)
{
    struct timeval patience = {.tv_sec = PROCESS_PATIENCE_MS / 1000};

    setsockopt(server->file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int file = accept(server->file, NULL, NULL);
    cr_assert(file != -1, "no client connects: %s", strerror(errno));
    return file;
}

Test(plain_client, json_has_a_sum_and_no_exact_units)
{
    struct scripted_server server = scripted_server_open(listener_open);
    struct process *client =
        process_start(WORDS(MEANTIME, "async", "--json", "--connect", server.endpoint, SMALL));
    int file = scripted_server_accept(&server);

    cr_assert(write(file, "-139.03", 7) == 7);
    cr_assert(write(file, "7734\r\n", 6) == 6);
    close(file);
    json_t *object = json_loads(expect_success(client), JSON_REJECT_DUPLICATES, NULL);
    json_t *gaussian = json_object_get(object, "gaussian");
    cr_assert(json_real_value(json_object_get(gaussian, "sum")) == -139.037734);
    cr_assert(json_is_real(json_object_get(gaussian, "seconds")));
    cr_assert(json_object_size(gaussian) == 2);
    cr_assert(json_object_get(json_object_get(object, "uniform"), "units"));
    json_decref(object);
    close(server.file);
}

Test(plain_client, a_host_may_be_given_by_name)
{
    struct scripted_server server = scripted_server_open(listener_open);
    char endpoint[80];

    snprintf(endpoint, sizeof endpoint, "plain://localhost%s", strrchr(server.tcp, ':'));
    struct process *client = client_start("async", endpoint);
    int file = scripted_server_accept(&server);
    cr_assert(write(file, "1e3", 3) == 3);
    close(file);
    cr_assert(lines_include(expect_success(client), WORDS("====== Done *. total: 1000.00. *")));
    close(server.file);
}

/* ---- bad servers ------------------------------------------------------------------------- */

#define END_CLOSE 0
#define END_RESET 1

struct bad_text {
    const char *text;     /* what the server sends */
    int end;              /* how it ends the connection */
    const char *sentence; /* what the client prints */
};

static void send_text(int file, const struct bad_text *row)
{
    struct linger linger = {.l_onoff = row->end == END_RESET};
    size_t size = strlen(row->text);

    cr_assert(write(file, row->text, size) == (ssize_t)size);
    setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(file);
}

Test(plain_client, a_text_that_is_not_a_number_is_reported)
{
    static const struct bad_text rows[] = {
        {"", END_CLOSE, "meantime: plain://* closed the connection without a sum; *"},
        {"", END_RESET, "meantime: plain://* disconnected *: Connection reset by peer"},
        {"12", END_RESET, "meantime: plain://* disconnected *: Connection reset by peer"},
        {"hello", END_CLOSE, "meantime: plain://* sent text that is not a number: \"hello\"; *"},
        {"nan", END_CLOSE, "meantime: plain://* sent text that is not a number: \"nan\"; *"},
        {"1e999", END_CLOSE, "meantime: plain://* sent text that is not a number: \"1e999\"; *"},
        {"1 2", END_CLOSE, "meantime: plain://* sent text that is not a number: \"1 2\"; *"},
        {"\033[1m5", END_CLOSE,
         "meantime: plain://* sent text that is not a number: \"[?][[]1m5\"; *"},
    };
    static const char *const modes[] = {"async", "serial"};
    struct scripted_server server = scripted_server_open(listener_open);

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct process *client = client_start(modes[i % 2], server.endpoint);
        send_text(scripted_server_accept(&server), &rows[i / 2]);
        expect_failure(client, rows[i / 2].sentence);
    }
    close(server.file);
}

/* The client does not read a longer text than any number. */
Test(plain_client, an_endless_text_is_reported)
{
    struct scripted_server server = scripted_server_open(listener_open);
    struct process *client = client_start("async", server.endpoint);
    int file = scripted_server_accept(&server);
    char digits[4096];

    memset(digits, '1', sizeof digits);
    while (send(file, digits, sizeof digits, MSG_NOSIGNAL) > 0)
        continue;
    expect_failure(client,
                   "meantime: plain://* sent text that is not a number: \"1111*1\" and more; *");
    close(file);
    close(server.file);
}

Test(plain_client, an_unreachable_server_is_reported)
{
    struct scripted_server server = scripted_server_open(refuser_open);

    expect_failure(client_start("async", server.endpoint),
                   "meantime: cannot connect to plain://127.0.0.1:*: Connection refused; *");
    expect_failure(client_start("serial", server.endpoint),
                   "meantime: cannot connect to plain://127.0.0.1:*: Connection refused; *");
    expect_failure(client_start("async", "plain://nowhere.invalid:8197"),
                   "meantime: cannot find plain://nowhere.invalid:8197: *; *--connect");
    close(server.file);
}

Test(plain_client, a_silent_server_is_reported_after_the_timeout)
{
    struct scripted_server server = scripted_server_open(listener_open);
    struct process *client = process_start(
        WORDS(MEANTIME, "async", "--connect", server.endpoint, "--timeout", "200ms", SMALL));

    expect_failure(client, "meantime: no answer from plain://127.0.0.1:* within 0.2 s");
    close(server.file);
}

Test(plain_client, an_interrupt_ends_the_wait)
{
    struct scripted_server server = scripted_server_open(listener_open);
    struct process *client =
        process_start(WORDS(MEANTIME, "serial", "--json", "--connect", server.endpoint, SMALL));
    int file = scripted_server_accept(&server);

    process_signal(client, SIGINT);
    cr_assert(process_wait(client) == 130);
    cr_assert(lines_are(process_text(client, PROCESS_OUT),
                        WORDS("*\"error\":\"interrupted\"*\"interrupted\":true*")),
              "%s", process_text(client, PROCESS_OUT));
    close(file);
    close(server.file);
}
