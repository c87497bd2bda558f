#include <argp.h>
#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "server/options.h"
#include "server/server.h"
#include "sums/kernel.h"

static void print_version(FILE *out, struct argp_state *state)
{
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    fprintf(out, "meantime-server %s (kernel %s, libzmq %d.%d.%d, czmq %d.%d.%d)\n",
            MEANTIME_VERSION, kernel_best()->name, major, minor, patch, CZMQ_VERSION_MAJOR,
            CZMQ_VERSION_MINOR, CZMQ_VERSION_PATCH);
}

/* SIGTERM and SIGINT as a file descriptor. Before any thread starts, for all inherit the mask. */
static int signals_open(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* a log that nobody reads any more is no reason to end */
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* A connection is a file descriptor: without one libzmq's I/O thread spins on accept(). */
static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void set_up_czmq(void)
{
    zsys_handler_set(NULL); /* signals are ours */
    zsys_set_max_sockets(0);
    zsys_set_logident("meantime-server");
    zsys_set_logstream(stderr);
    zsys_init();
}

int main(int argc, char **argv)
{
    struct options options;
    struct server *server;
    int status = EXIT_FAILURE;

    argp_program_version_hook = print_version;
    options_parse(&options, argc, argv);
    raise_file_limit();
    int signals = signals_open();
    set_up_czmq();
    server = server_new(&options, signals);
    if (server) {
        status = server_run(server) ? EXIT_SUCCESS : EXIT_FAILURE;
        server_destroy(&server);
    }
    zsys_shutdown();
    close(signals);
    return status;
}
