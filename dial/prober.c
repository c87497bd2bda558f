/* A helper thread that looks a name up and probes its addresses: see prober.h. */
#include "dial/prober.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dial/plan.h"
#include "dial/self_connection.h"
#include "dial/thread.h"
#include "proto/instant.h"

/* getaddrinfo() and the modules that it loads fit into this stack, whatever stack the caller of the
 * library has. */
#define STACK_BYTES (1024 * 1024)

/* One for each address, and the two at the end. */
#define OUTCOMES_MAX (DIAL_ADDRESSES_MAX + 2)

struct prober {
    char endpoint[DIAL_ENDPOINT_BYTES];
    unsigned round; /* of the dialer */
    int64_t pause_ns;
    int readable; /* an eventfd: outcomes are left */
    int stop;     /* an eventfd: the owner has left */

    pthread_mutex_t lock; /* of the fields below */
    int users;            /* the owner and the thread: 0 to 2 */
    size_t count, taken;  /* outcomes so far */
    struct probe outcomes[OUTCOMES_MAX];
};

/* What the thread alone uses. */
struct probing {
    struct prober *prober;
    struct dial_addresses addresses;
    struct dial_plan plan;
    int sockets[DIAL_ADDRESSES_MAX]; /* running, or connected and held; -1: none */
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void prober_release(struct prober *prober)
{
    pthread_mutex_lock(&prober->lock);
    bool last = --prober->users == 0;
    pthread_mutex_unlock(&prober->lock);
    if (!last)
        return;
    close(prober->readable);
    close(prober->stop);
    pthread_mutex_destroy(&prober->lock);
    free(prober);
}

/* ---- outcomes ---------------------------------------------------------------------------- */

static void report(struct prober *prober, const struct probe *probe)
{
    pthread_mutex_lock(&prober->lock);
    prober->outcomes[prober->count++] = *probe;
    pthread_mutex_unlock(&prober->lock);
    eventfd_write(prober->readable, 1);
}

static void report_failure(struct probing *probing, size_t i, bool definite, const char *text)
{
    struct probe probe = {.type = PROBE_FAILED, .failure.definite = definite};

    strcpy(probe.endpoint, probing->addresses.all[i].endpoint);
    snprintf(probe.failure.text, sizeof probe.failure.text, "%s", text);
    report(probing->prober, &probe);
}

static void report_reached(struct probing *probing, size_t i)
{
    struct probe probe = {.type = PROBE_REACHED};

    strcpy(probe.endpoint, probing->addresses.all[i].endpoint);
    report(probing->prober, &probe);
}

/* ---- one probe --------------------------------------------------------------------------- */

static void close_probe(struct probing *probing, size_t i)
{
    if (probing->sockets[i] != -1)
        close(probing->sockets[i]);
    probing->sockets[i] = -1;
}

static const char *error_text(int error)
{
    switch (error) {
    case ECONNREFUSED: return "connection refused";
    case ETIMEDOUT: return "timed out";
    default: return strerror(error);
    }
}

/* error: of connect(); 0: it has connected. A timeout is not definite, and
 * neither is a lack of descriptors, buffers or ports, which may soon end. Other errors are. */
static void end_probe(struct probing *probing, size_t i, int error)
{
    bool passing = error == ETIMEDOUT || error == EMFILE || error == ENFILE || error == ENOBUFS ||
                   error == ENOMEM || error == EAGAIN || error == EADDRNOTAVAIL;

    if (error == 0 && self_connection_found(probing->sockets[i]))
        error = ECONNREFUSED;
    if (error)
        close_probe(probing, i);
    dial_plan_end(&probing->plan, i, error != 0, now_ns());
    if (error)
        report_failure(probing, i, !passing, error_text(error));
    else
        report_reached(probing, i);
}

/* A transport without an address for a probe counts as reached. */
static void begin_probe(struct probing *probing, size_t i)
{
    const struct dial_address *address = &probing->addresses.all[i];
    int family = address->socket.ss_family;

    if (address->socket_size == 0) {
        end_probe(probing, i, 0);
        return;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    probing->sockets[i] = fd;
    if (fd == -1 ||
        connect(fd, (const struct sockaddr *)&address->socket, address->socket_size) == -1) {
        if (errno != EINPROGRESS)
            end_probe(probing, i, errno);
    } else
        end_probe(probing, i, 0);
}

static void finish_probe(struct probing *probing, size_t i)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(probing->sockets[i], SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        error = errno;
    end_probe(probing, i, error);
}

static void expire_probe(struct probing *probing, size_t i)
{
    close_probe(probing, i);
    report_failure(probing, i, false, "timed out");
}

/* ---- the thread -------------------------------------------------------------------------- */

static bool is_stopped(struct prober *prober, int64_t wait_ns)
{
    struct pollfd stop = {.fd = prober->stop, .events = POLLIN};
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};

    return ppoll(&stop, 1, &wait, NULL) > 0;
}

/* Waits for an outcome, the next time of the plan, or the owner. Returns false if the owner has
 * left. */
static bool wait_for_outcome(struct probing *probing)
{
    struct pollfd polled[DIAL_ADDRESSES_MAX + 1];
    int64_t due_at_ns = dial_plan_due_at(&probing->plan);
    int64_t wait_ns = later(due_at_ns - now_ns(), 0);
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};

    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        polled[i] = (struct pollfd){
            .fd = dial_plan_runs(&probing->plan, i) ? probing->sockets[i] : -1, .events = POLLOUT};
    polled[DIAL_ADDRESSES_MAX] = (struct pollfd){.fd = probing->prober->stop, .events = POLLIN};
    if (ppoll(polled, DIAL_ADDRESSES_MAX + 1, due_at_ns == NEVER ? NULL : &wait, NULL) == -1)
        return errno == EINTR;
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        if (polled[i].fd != -1 && polled[i].revents)
            finish_probe(probing, i);
    return !polled[DIAL_ADDRESSES_MAX].revents;
}

/* A probe that has connected stays open until libzmq has connected as well: a busy REP server
 * refuses a connection whose descriptor belonged to another connection a moment ago. */
#define HOLD_NS NS_PER_S

static bool is_probe_open(const struct probing *probing)
{
    for (size_t i = 0; i < DIAL_ADDRESSES_MAX; i++)
        if (probing->sockets[i] != -1)
            return true;
    return false;
}

static void probe_all(struct probing *probing)
{
    struct dial_plan *plan = &probing->plan;
    bool wanted = true;
    size_t i;

    dial_plan_init(plan, probing->addresses.count, now_ns());
    for (i = 0; i < DIAL_ADDRESSES_MAX; i++)
        probing->sockets[i] = -1;
    while (wanted && !dial_plan_over(plan)) {
        while ((i = dial_plan_expire(plan, now_ns())) != DIAL_NO_ADDRESS)
            expire_probe(probing, i);
        while ((i = dial_plan_begin(plan, now_ns())) != DIAL_NO_ADDRESS)
            begin_probe(probing, i);
        if (!dial_plan_over(plan))
            wanted = wait_for_outcome(probing);
    }
    if (wanted && is_probe_open(probing))
        is_stopped(probing->prober, HOLD_NS);
    for (i = 0; i < DIAL_ADDRESSES_MAX; i++)
        close_probe(probing, i);
}

static void *run(void *argument)
{
    struct probing probing = {.prober = argument};
    struct prober *prober = probing.prober;
    struct probe name = {.type = PROBE_FAILED}, over = {.type = PROBE_OVER};

    if (!is_stopped(prober, prober->pause_ns)) {
        if (dial_addresses_find(prober->endpoint, prober->round, &probing.addresses, &name.failure))
            probe_all(&probing);
        else
            report(prober, &name);
        over.rounds = probing.addresses.rounds;
        report(prober, &over);
        if (!is_stopped(prober, PROBER_EXPIRY_NS))
            report(prober, &(struct probe){.type = PROBE_EXPIRED});
    }
    prober_release(prober);
    return NULL;
}

/* ---- the owner --------------------------------------------------------------------------- */

static void free_unstarted(struct prober *prober)
{
    if (prober->readable != -1)
        close(prober->readable);
    if (prober->stop != -1)
        close(prober->stop);
    free(prober);
}

struct prober *prober_new(const char *endpoint, unsigned round, int64_t pause_ns)
{
    struct prober *prober = calloc(1, sizeof *prober);
    int error = 0;

    if (!prober)
        return NULL;
    snprintf(prober->endpoint, sizeof prober->endpoint, "%s", endpoint);
    prober->round = round;
    prober->pause_ns = pause_ns;
    prober->users = 2;
    pthread_mutex_init(&prober->lock, NULL);
    prober->readable = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    prober->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (prober->readable == -1 || prober->stop == -1)
        error = errno;
    else
        error = thread_detached(run, prober, STACK_BYTES);
    if (!error)
        return prober;
    free_unstarted(prober);
    errno = error;
    return NULL;
}

void prober_destroy(struct prober **prober_p)
{
    struct prober *prober = *prober_p;

    if (!prober)
        return;
    eventfd_write(prober->stop, 1);
    prober_release(prober);
    *prober_p = NULL;
}

int prober_fd(const struct prober *prober)
{
    return prober->readable;
}

bool prober_next(struct prober *prober, struct probe *probe)
{
    eventfd_t one;

    if (eventfd_read(prober->readable, &one) == -1)
        return false;
    pthread_mutex_lock(&prober->lock);
    *probe = prober->outcomes[prober->taken++];
    pthread_mutex_unlock(&prober->lock);
    return true;
}
