/* meantime-server: checks what the process may use, and runs the server. */
#include <argp.h>
#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "cli/patient_stream.h"
#include "keys/identity.h"
#include "proto/standard_files.h"
#include "server/access/access.h"
#include "server/compute_threads.h"
#include "server/log.h"
#include "server/net/io_threads.h"
#include "server/net/parent_link.h"
#include "server/net/plain_listener.h"
#include "server/options.h"
#include "server/server.h"
#include "server/stop_signal.h"
#include "summand/check.h"
#include "summand/helper_program.h"
#include "sums/kernel.h"

/* File descriptors for the rest of the server, about 20, and for the first clients. */
#define FILES_BESIDE_THREADS 64

/* Seconds that libzmq may take to end, after the answers had their time to leave. */
#define SHUTDOWN_S 4

/* libzmq's own threads: the I/O threads and the reaper. */
#define LIBRARY_THREADS (IO_THREADS + 1)

/* Threads that dial a parent: one of this round, and one of the round before may still wait for a
 * name server. */
#define DIAL_THREADS 2

/* Milliseconds that the reader of the log may take to read the last lines. */
#define LOG_PATIENCE_MS 200

static void print_version(FILE *out, struct argp_state *state)
{
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    fprintf(out, "meantime-server %s (kernel %s, libzmq %d.%d.%d, czmq %d.%d.%d)\n",
            MEANTIME_VERSION, kernel_best()->name, major, minor, patch, CZMQ_VERSION_MAJOR,
            CZMQ_VERSION_MINOR, CZMQ_VERSION_PATCH);
}

/* Blocks the signals that the event loop handles. Called first and before any thread starts,
 * because threads inherit the signal mask: no SIGHUP may end the server at any time. */
static void signals_block(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGUSR1);
    sigaddset(signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* the server runs on if the reader of its log exits */
    signal(SIGCHLD, SIG_DFL); /* otherwise the ends of helper processes would be lost */
}

/* Returns a file descriptor that reads the signals, or -1 after a message. */
static int signals_open(const sigset_t *signals)
{
    int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);

    if (fd == -1)
        log_error("cannot receive signals: signalfd: %s; does a seccomp filter or "
                  "\"ulimit -n\" forbid it?",
                  strerror(errno));
    return fd;
}

static rlim_t files_of_thread(const struct server_options *options)
{
    return COMPUTE_THREAD_FILES + (options->summand_count ? HELPERS_FILES : 0);
}

/* If no file descriptor is left for a connection, libzmq's I/O thread calls accept() in a busy
 * loop. If none is left for a socket, libzmq aborts. So the limit is raised and checked first. */
static bool prepare_files(const struct server_options *options)
{
    uint32_t threads = options->threads;
    rlim_t needed = FILES_BESIDE_THREADS + (rlim_t)threads * files_of_thread(options) +
                    (rlim_t)options->parent_count * PARENT_LINK_FILES +
                    (options->plain_endpoint ? PLAIN_FILES : 0);
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1)
        return true;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max >= needed)
        return true;
    log_error("%" PRIu32 " compute thread%s and the first clients take %ju file "
              "descriptors, but this process may have %ju; raise \"ulimit -n\"%s",
              threads, threads == 1 ? "" : "s", (uintmax_t)needed, (uintmax_t)files.rlim_max,
              threads > 1 ? ", or take fewer with --threads" : "");
    return false;
}

/* libzmq aborts if it cannot start its threads, so all threads are tried first, together with those
 * of the log and of the dials. */
static bool prepare_threads(const struct server_options *options)
{
    uint32_t threads = options->threads;
    uint32_t others = LIBRARY_THREADS + LOG_THREADS + DIAL_THREADS * options->parent_count +
                      (options->keys_folder ? ACCESS_THREADS : 0);

    if (compute_threads_rehearse(threads + others) && log_open())
        return true;
    log_error("cannot start %" PRIu32 " compute thread%s and %" PRIu32 " threads for input and "
              "output: %s; raise \"ulimit -u\", \"ulimit -v\" or pids.max of the control group%s",
              threads, threads == 1 ? "" : "s", others, strerror(errno),
              threads > 1 ? ", or take fewer with --threads" : "");
    return false;
}

static void set_up_czmq(void)
{
    zsys_handler_set(NULL); /* see signals_open() */
    zsys_set_max_sockets(0);
    zsys_set_io_threads(IO_THREADS);
    zsys_init();
    log_take_czmq(); /* after zsys_init(), which reads variables of the environment */
}

/* --check. Signals end it, unlike a server. */
static int check_summand(const struct server_options *options, const sigset_t *signals)
{
    char error[SENTENCE_BYTES];
    const struct helper_settings settings = {
        .program = helper_program_open(error),
        .kernel = options->kernel,
        .memory_bytes = options->summand_memory,
        .call_timeout_ns = options->summand_timeout_ns,
    };

    if (settings.program == -1) {
        fprintf(stderr, "meantime-server: %s\n", error);
        return EXIT_FAILURE;
    }
    sigprocmask(SIG_UNBLOCK, signals, NULL);
    return summand_check(options->check, options->parameters, &settings) ? EXIT_SUCCESS
                                                                         : EXIT_FAILURE;
}

static volatile sig_atomic_t status = EXIT_FAILURE;

static void exit_now(int signal)
{
    (void)signal;
    _exit(status);
}

/* libzmq waits until its host name lookups end. If no name server answers, that takes minutes, so
 * an alarm ends the process. The answers have left before. */
static void shut_down(void)
{
    signal(SIGALRM, exit_now);
    alarm(SHUTDOWN_S);
    zsys_shutdown();
}

int main(int argc, char **argv)
{
    struct server_options options;
    struct server *server;
    sigset_t signal_set;

    standard_files_open();
    patient_stderr_open();
    patient_stdout_open(NULL);
    signals_block(&signal_set);
    argp_program_version_hook = print_version;
    server_options_parse(&options, argc, argv);
    if (options.check)
        return check_summand(&options, &signal_set);
    log_set_level(options.log_level);
    if (options.keys_folder || options.key_file)
        identity_forbid_dumps();
    if (!prepare_files(&options) || !prepare_threads(&options))
        return EXIT_FAILURE;
    int signals = signals_open(&signal_set);
    if (signals == -1) {
        log_close(LOG_PATIENCE_MS);
        return EXIT_FAILURE;
    }
    set_up_czmq();
    server = server_new(&options, signals);
    if (server) {
        status = server_run(server) ? EXIT_SUCCESS : EXIT_FAILURE;
        server_destroy(&server);
    } else if (stop_signal_is_pending()) {
        status = EXIT_SUCCESS;
    }
    shut_down();
    log_close(LOG_PATIENCE_MS);
    close(signals);
    return status;
}
