/* Resolves host names for listeners, and protects the files at ipc:// endpoints. */
#include "server/net/bind_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <libgen.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/address.h"

#define WHY_BYTES 512

static char why_text[WHY_BYTES];

/* ---- names ------------------------------------------------------------------------------- */

static bool is_numeric(const char *host)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

static void add(struct bind_addresses *addresses, const struct addrinfo *found, const char *port)
{
    char host[BIND_HOST_BYTES];

    if (addresses->count == BIND_ADDRESSES_MAX ||
        getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0,
                    NI_NUMERICHOST) != 0)
        return;
    snprintf(addresses->endpoints[addresses->count++], BIND_ENDPOINT_BYTES,
             found->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
}

static void add_family(struct bind_addresses *addresses, const struct addrinfo *found, int family,
                       const char *port)
{
    for (; found; found = found->ai_next)
        if (found->ai_family == family)
            add(addresses, found, port);
}

bool bind_resolve(const char *endpoint, struct bind_addresses *addresses, const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct address address;
    struct addrinfo *found;

    addresses->count = 0;
    if (!address_parse(endpoint, "tcp://", &address) || strcmp(address.host, "*") == 0 ||
        is_numeric(address.host) || if_nametoindex(address.host) != 0)
        return true;
    int error = getaddrinfo(address.host, NULL, &hints, &found);
    if (error != 0) {
        snprintf(why_text, sizeof why_text, "the name %s cannot be resolved: %s", address.host,
                 error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        *why = why_text;
        return false;
    }
    add_family(addresses, found, AF_INET, address.port);
    add_family(addresses, found, AF_INET6, address.port);
    freeaddrinfo(found);
    return true;
}

/* ---- interfaces -------------------------------------------------------------------------- */

static bool interface_host(const struct ifaddrs *found, const char *name, int family,
                           char host[BIND_HOST_BYTES])
{
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

    for (; found; found = found->ifa_next)
        if (found->ifa_addr && found->ifa_addr->sa_family == family &&
            strcmp(found->ifa_name, name) == 0)
            return getnameinfo(found->ifa_addr, size, host, BIND_HOST_BYTES, NULL, 0,
                               NI_NUMERICHOST) == 0;
    return false;
}

bool bind_interface_host(const char *name, char host[BIND_HOST_BYTES])
{
    struct ifaddrs *all;

    if (if_nametoindex(name) == 0 || getifaddrs(&all) == -1)
        return false;
    bool found =
        interface_host(all, name, AF_INET, host) || interface_host(all, name, AF_INET6, host);
    freeifaddrs(all);
    return found;
}

/* ---- files ------------------------------------------------------------------------------- */

/* The path of an ipc:// endpoint, or NULL: an abstract name, which has no file, or a * for a path
 * that libzmq chooses. */
static const char *ipc_path(const char *endpoint)
{
    static const char scheme[] = "ipc://";
    const char *path = endpoint + sizeof scheme - 1;

    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0)
        return NULL;
    return path[0] == '@' || strcmp(path, "*") == 0 ? NULL : path;
}

/* Connects without waiting. Returns 0 or an errno value. */
static int try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return errno;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int error = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    return error;
}

/* EAGAIN: the queue of the listening process is full. EPROTOTYPE: a socket of another type. */
static const char *socket_in_use(const char *path)
{
    int error = try_connect(path);

    switch (error) {
    case ECONNREFUSED:
    case ENOENT: return NULL;
    case 0:
    case EAGAIN:
    case EINPROGRESS:
    case EPROTOTYPE: return "another process listens there";
    default:
        snprintf(why_text, sizeof why_text,
                 "a socket is there already, and this server cannot find out whether a process "
                 "listens to it: %s",
                 strerror(error));
        return why_text;
    }
}

/* Why libzmq must not bind there, or NULL. */
static const char *path_problem(const char *path)
{
    struct sockaddr_un address;
    struct stat file;

    if (strlen(path) >= sizeof address.sun_path)
        return strerror(ENAMETOOLONG);
    if (lstat(path, &file) == -1)
        return errno == ENOENT ? NULL : strerror(errno);
    return S_ISSOCK(file.st_mode) ? socket_in_use(path)
                                  : "a file that is not a socket is there already";
}

/* Two servers that start at once at one path lock its folder. If the folder cannot be locked, only
 * their order in time protects them. Returns a descriptor, or -1. */
static int lock_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];

    snprintf(folder, sizeof folder, "%s", path);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd != -1 && flock(fd, LOCK_EX) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

bool ipc_path_lock(const char *endpoint, int *lock, const char **why)
{
    const char *path = ipc_path(endpoint);

    *lock = -1;
    if (!path)
        return true;
    *lock = lock_folder(path);
    *why = path_problem(path);
    if (*why)
        ipc_path_unlock(*lock);
    return !*why;
}

void ipc_path_unlock(int lock)
{
    if (lock != -1)
        close(lock);
}
