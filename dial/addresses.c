/* The numeric addresses of an endpoint: looks names up with getaddrinfo(). */
#include "dial/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "proto/address.h"

#define TCP "tcp://"
#define IPC "ipc://"

/* The parts of "tcp://[source;]host:port". libzmq connects from `source` if that is given. */
struct tcp_endpoint {
    char prefix[DIAL_ENDPOINT_BYTES]; /* "tcp://" or "tcp://source;" */
    struct address address;
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool tcp_parse(const char *endpoint, struct tcp_endpoint *tcp)
{
    const char *semicolon = strrchr(endpoint, ';');
    const char *host = semicolon ? semicolon + 1 : endpoint + strlen(TCP);

    if (strlen(endpoint) >= DIAL_ENDPOINT_BYTES)
        return false;
    snprintf(tcp->prefix, sizeof tcp->prefix, "%.*s", (int)(host - endpoint), endpoint);
    return address_parse(host, "", &tcp->address) && strcmp(tcp->address.port, "*") != 0 &&
           strcmp(tcp->address.host, "*") != 0;
}

/* ---- the order --------------------------------------------------------------------------- */

static const struct addrinfo *next_of_family(const struct addrinfo *info, int family, bool same)
{
    while (info && (info->ai_family == family) != same)
        info = info->ai_next;
    return info;
}

static void add_tcp(struct dial_addresses *addresses, const struct tcp_endpoint *tcp,
                    const struct addrinfo *info)
{
    struct dial_address *address = &addresses->all[addresses->count];
    char host[NI_MAXHOST];
    bool ipv6 = info->ai_family == AF_INET6;

    if (getnameinfo(info->ai_addr, info->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST))
        return;
    if (snprintf(address->endpoint, sizeof address->endpoint, ipv6 ? "%s[%s]:%s" : "%s%s:%s",
                 tcp->prefix, host, tcp->address.port) >= DIAL_ENDPOINT_BYTES)
        return;
    memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    address->socket_size = info->ai_addrlen;
    addresses->count++;
}

static size_t count_of(const struct addrinfo *infos)
{
    size_t count = 0;

    for (; infos; infos = infos->ai_next)
        count++;
    return count;
}

/* Takes one address of the first family, then one of the other, and so on. */
static void add_all(struct dial_addresses *addresses, const struct tcp_endpoint *tcp,
                    const struct addrinfo *infos, size_t skipped)
{
    int family = infos->ai_family;
    const struct addrinfo *next[] = {infos, next_of_family(infos, family, false)};

    for (int turn = 0; (next[0] || next[1]) && addresses->count < DIAL_ADDRESSES_MAX; turn ^= 1) {
        if (!next[turn])
            continue;
        if (skipped > 0)
            skipped--;
        else
            add_tcp(addresses, tcp, next[turn]);
        next[turn] = next_of_family(next[turn]->ai_next, family, turn == 0);
    }
}

/* Takes the addresses of a round. */
static void add_round(struct dial_addresses *addresses, const struct tcp_endpoint *tcp,
                      const struct addrinfo *infos, unsigned round)
{
    addresses->rounds = (unsigned)((count_of(infos) + DIAL_ADDRESSES_MAX - 1) / DIAL_ADDRESSES_MAX);
    add_all(addresses, tcp, infos, (size_t)(round % addresses->rounds) * DIAL_ADDRESSES_MAX);
}

/* ---- names ------------------------------------------------------------------------------- */

static bool fail(struct dial_failure *failure, bool definite, const char *text, const char *detail)
{
    snprintf(failure->text, sizeof failure->text, "%s%s", text, detail);
    failure->definite = definite;
    return false;
}

static bool fail_name(struct dial_failure *failure, int error)
{
    bool unknown = error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY;

    if (unknown)
        return fail(failure, true, "name not found", "");
    return fail(failure, error == EAI_FAIL, "cannot look the name up: ",
                error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
}

static bool find_tcp(const char *endpoint, unsigned round, struct dial_addresses *addresses,
                     struct dial_failure *failure)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *infos = NULL;
    struct tcp_endpoint tcp;

    if (!tcp_parse(endpoint, &tcp))
        return fail(failure, true, "the endpoint is invalid", "");
    int error = getaddrinfo(tcp.address.host, tcp.address.port, &hints, &infos);
    if (error)
        return fail_name(failure, error);
    add_round(addresses, &tcp, infos, round);
    freeaddrinfo(infos);
    return addresses->count > 0 || fail(failure, true, "name not found", "");
}

/* "ipc://@name" is a name in the abstract namespace, which begins with a NUL byte. */
static void add_ipc(struct dial_address *address, const char *path)
{
    struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof unix_address.sun_path)
        return;
    memcpy(unix_address.sun_path, path, size);
    if (path[0] == '@')
        unix_address.sun_path[0] = '\0';
    memcpy(&address->socket, &unix_address, sizeof unix_address);
    address->socket_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (path[0] != '@'));
}

bool dial_addresses_find(const char *endpoint, unsigned round, struct dial_addresses *addresses,
                         struct dial_failure *failure)
{
    struct dial_address *first = &addresses->all[0];

    addresses->count = 0;
    addresses->rounds = 1;
    if (starts_with(endpoint, TCP))
        return find_tcp(endpoint, round, addresses, failure);
    if (snprintf(first->endpoint, sizeof first->endpoint, "%s", endpoint) >= DIAL_ENDPOINT_BYTES)
        return fail(failure, true, "the endpoint is too long", "");
    first->socket_size = 0;
    if (starts_with(endpoint, IPC))
        add_ipc(first, endpoint + strlen(IPC));
    addresses->count = 1;
    return true;
}

/* ---- the form ---------------------------------------------------------------------------- */

/* Like libzmq, refuses the placeholder "*". */
static bool ipc_is_valid(const char *endpoint)
{
    size_t size = strlen(endpoint) - strlen(IPC);

    return size > 0 && size < sizeof((struct sockaddr_un *)0)->sun_path &&
           strcmp(endpoint + strlen(IPC), "*") != 0;
}

bool dial_endpoint_check(const char *endpoint, char *checkable)
{
    struct tcp_endpoint tcp;
    bool is_tcp = starts_with(endpoint, TCP);

    errno = EINVAL;
    if (strlen(endpoint) >= DIAL_ENDPOINT_BYTES || (is_tcp && !tcp_parse(endpoint, &tcp)) ||
        (starts_with(endpoint, IPC) && !ipc_is_valid(endpoint)))
        return false;
    if (is_tcp)
        snprintf(checkable, DIAL_ENDPOINT_BYTES, "tcp://127.0.0.1:%s", tcp.address.port);
    else
        strcpy(checkable, endpoint);
    return true;
}
