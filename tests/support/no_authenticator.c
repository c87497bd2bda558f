/* For LD_PRELOAD: after SIGHUP has reached the server, the authenticator's socket fails. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

static bool failing;

/* The server reads its signals from a signalfd. */
ssize_t read(int fd, void *bytes, size_t size)
{
    static ssize_t (*next)(int, void *, size_t);

    if (!next)
        next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    ssize_t result = next(fd, bytes, size);
    if (result == sizeof(struct signalfd_siginfo))
        failing = true;
    return result;
}

/* Only the authenticator is a REP socket. */
int zmq_recv(void *socket, void *bytes, size_t size, int flags)
{
    static int (*next)(void *, void *, size_t, int);
    int type = 0;

    if (!next)
        next = (int (*)(void *, void *, size_t, int))dlsym(RTLD_NEXT, "zmq_recv");
    zmq_getsockopt(socket, ZMQ_TYPE, &type, &(size_t){sizeof type});
    if (failing && type == ZMQ_REP) {
        errno = ETERM;
        return -1;
    }
    return next(socket, bytes, size, flags);
}
