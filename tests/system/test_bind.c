/* System tests of the endpoints that a server binds: host names, missing ports, files at ipc://
 * endpoints.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/story.h"

TestSuite(bind, .fini = story_end);

static const char *const options[] = {"--bind", "--workers", "--plain"};

#define OPTIONS (sizeof options / sizeof *options)

/* A server with --workers alone would also listen at the default endpoint, where a server of
 * another test may listen. */
static struct process *start_at(const char *option, const char *endpoint)
{
    if (strcmp(option, "--workers") == 0)
        return process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--insecure", option,
                                   endpoint, "--bind", server_any_port()));
    return process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--insecure", option, endpoint));
}

static void expect_end(struct process *server, int status, const char *sentence)
{
    cr_assert_eq(process_wait(server), status);
    cr_assert(lines_include(process_text(server, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(server, PROCESS_ERR));
}

static void expect_sum(const char *endpoint)
{
    struct process *client = process_start(
        WORDS(MEANTIME, "sum", "1000", "--seed", "1", "--connect", endpoint, "--timeout", "60s"));

    cr_assert(process_wait(client) == 0, "%s", process_text(client, PROCESS_ERR));
}

/* ---- names ------------------------------------------------------------------------------- */

static const char *endpoint_of(struct process *server)
{
    static char endpoint[128];
    const char *line = process_line(server, PROCESS_OUT, "Listening on *");

    cr_assert(sscanf(line, "Listening on %127s", endpoint) == 1);
    return endpoint;
}

Test(bind, the_name_localhost_is_resolved)
{
    struct process *server = start_at("--bind", "tcp://localhost:*");
    const char *endpoint = endpoint_of(server);

    cr_assert(strncmp(endpoint, "tcp://127.", 10) == 0 ||
                  strncmp(endpoint, "tcp://[::1]:", 12) == 0,
              "%s", endpoint);
    expect_sum(endpoint);
}

Test(bind, workers_and_plain_clients_can_use_a_name)
{
    struct process *server =
        process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--workers", "tcp://localhost:*",
                            "--plain", "tcp://localhost:*"));

    process_line(server, PROCESS_OUT, "Workers join at tcp://[1[]*");
    process_line(server, PROCESS_OUT, "Plain TCP at tcp://[1[]*");
}

Test(bind, the_name_of_an_interface_is_its_address)
{
    const char *endpoint = endpoint_of(start_at("--bind", "tcp://lo:*"));
    char numeric[64];

    snprintf(numeric, sizeof numeric, "tcp://127.0.0.1%s", strrchr(endpoint, ':'));
    expect_sum(numeric);
}

/* The top-level domain "invalid" never exists (RFC 2606). */
Test(bind, a_name_that_does_not_exist_is_the_reason_of_the_error)
{
    for (size_t i = 0; i < OPTIONS; i++)
        expect_end(start_at(options[i], "tcp://nowhere.invalid:8197"), 1,
                   "*cannot listen on tcp://nowhere.invalid:8197: *ame*");
}

Test(bind, an_address_of_another_machine_is_the_reason_of_the_error)
{
    for (size_t i = 0; i < OPTIONS; i++)
        expect_end(start_at(options[i], "tcp://192.0.2.1:8197"), 1,
                   "*cannot listen on tcp://192.0.2.1:8197: Cannot assign requested address; *");
}

Test(bind, a_missing_port_is_the_reason_of_the_error)
{
    static const char *const endpoints[] = {"tcp://host",  "tcp://host:", "tcp://127.0.0.1",
                                            "tcp://[::1]", "tcp://*",     "tcp://[::1]:"};

    for (size_t i = 0; i < OPTIONS; i++)
        for (size_t k = 0; k < sizeof endpoints / sizeof *endpoints; k++)
            expect_end(start_at(options[i], endpoints[k]), 2,
                       "meantime-server: --*: the port is missing; expected tcp://host:port");
}

/* ---- files ------------------------------------------------------------------------------- */

struct ipc_place {
    char folder[32];
    char path[64];
    char endpoint[80];
};

static struct ipc_place ipc_place_new(void)
{
    struct ipc_place place = {.folder = "/tmp/meantime-bind-XXXXXX"};

    cr_assert(mkdtemp(place.folder));
    snprintf(place.path, sizeof place.path, "%s/socket", place.folder);
    snprintf(place.endpoint, sizeof place.endpoint, "ipc://%s", place.path);
    return place;
}

static void ipc_place_remove(const struct ipc_place *place)
{
    remove(place->path);
    cr_assert(rmdir(place->folder) == 0);
}

static void expect_refused(const struct ipc_place *place, const char *why)
{
    char sentence[128];
    struct stat before, after;

    cr_assert(lstat(place->path, &before) == 0);
    snprintf(sentence, sizeof sentence, "*cannot listen on ipc://*: %s; *", why);
    for (size_t i = 0; i < 2; i++)
        expect_end(start_at(options[i], place->endpoint), 1, sentence);
    cr_assert(lstat(place->path, &after) == 0);
    cr_assert(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
}

#define NO_SOCKET "a file that is not a socket is there already"

Test(bind, an_ipc_endpoint_does_not_replace_a_file)
{
    struct ipc_place place = ipc_place_new();

    fclose(fopen(place.path, "w"));
    expect_refused(&place, NO_SOCKET);
    ipc_place_remove(&place);
}

Test(bind, an_ipc_endpoint_does_not_replace_a_link_a_pipe_or_a_folder)
{
    struct ipc_place place = ipc_place_new();

    cr_assert(symlink("nowhere", place.path) == 0);
    expect_refused(&place, NO_SOCKET);
    cr_assert(remove(place.path) == 0 && mkfifo(place.path, 0600) == 0);
    expect_refused(&place, NO_SOCKET);
    cr_assert(remove(place.path) == 0 && mkdir(place.path, 0700) == 0);
    expect_refused(&place, NO_SOCKET);
    ipc_place_remove(&place);
}

static int socket_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    cr_assert(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

#define IN_USE "another process listens there"

Test(bind, an_ipc_endpoint_does_not_replace_the_socket_of_another_server)
{
    struct ipc_place place = ipc_place_new();
    struct process *first = start_at("--bind", place.endpoint);

    process_line(first, PROCESS_OUT, "Listening on *");
    expect_refused(&place, IN_USE);
    process_signal(first, SIGSTOP);
    expect_refused(&place, IN_USE);
    process_signal(first, SIGCONT);
    expect_sum(place.endpoint);
    process_signal(first, SIGTERM);
    cr_assert(process_wait(first) == 0);
    ipc_place_remove(&place);
}

Test(bind, an_ipc_endpoint_does_not_replace_a_datagram_socket_in_use)
{
    struct ipc_place place = ipc_place_new();
    int fd = socket_at(place.path, SOCK_DGRAM);

    expect_refused(&place, IN_USE);
    close(fd);
    ipc_place_remove(&place);
}

Test(bind, an_ipc_endpoint_replaces_the_socket_of_a_server_that_was_killed)
{
    struct ipc_place place = ipc_place_new();
    struct process *first = start_at("--bind", place.endpoint);

    process_line(first, PROCESS_OUT, "Listening on *");
    process_signal(first, SIGKILL);
    process_wait(first);
    cr_assert(access(place.path, F_OK) == 0);
    process_line(start_at("--bind", place.endpoint), PROCESS_OUT, "Listening on *");
    expect_sum(place.endpoint);
    processes_end();
    ipc_place_remove(&place);
}

/* ---- other machines ---------------------------------------------------------------------- */

Test(bind, endpoints_of_this_machine_need_no_keys)
{
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "tcp://127.9.8.7:*",
                                            "tcp://localhost:*", "tcp://lo:*", "ipc://@meantime-*"};

    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        process_line(
            process_start(WORDS(MEANTIME_SERVER, "--threads", "1", "--bind", endpoints[i])),
            PROCESS_OUT, "Listening on *");
}

Test(bind, insecure_opens_endpoints_to_other_machines_and_warns)
{
    struct process *server = start_at("--bind", "tcp://*:*");

    process_line(server, PROCESS_ERR,
                 "*warning: --insecure: everybody who reaches this server can use it at tcp://*");
    process_line(server, PROCESS_OUT, "Listening on *");
    server = start_at("--join", "tcp://nowhere.invalid:9");
    process_line(server, PROCESS_ERR, "*warning: --insecure: everybody between can read and *");
}
