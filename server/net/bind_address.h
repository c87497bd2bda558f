/* Where a ZeroMQ listener binds: resolves host names, and protects the files at ipc:// endpoints.
 * libzmq resolves no names when it binds, and it removes any file at the path of an ipc://
 * endpoint. For the start of the server, because resolving a name may take seconds. One thread. */
#ifndef MEANTIME_SERVER_NET_BIND_ADDRESS_H
#define MEANTIME_SERVER_NET_BIND_ADDRESS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Addresses of one name that are tried. */
#define BIND_ADDRESSES_MAX 8

/* Room for tcp://, an IPv6 address with its zone in brackets, and a port. */
#define BIND_ENDPOINT_BYTES 96

struct bind_addresses {
    size_t count;
    char endpoints[BIND_ADDRESSES_MAX][BIND_ENDPOINT_BYTES];
};

/* Resolves the host name of a tcp:// endpoint to numeric endpoints, IPv4 first, because clients
 * without IPv6 can connect to them. count is 0 if nothing is to be resolved: the host is numeric,
 * "*" or an interface, or the endpoint is not tcp://.
 * False if the name cannot be resolved; `why` says why and lives until the next call. */
bool bind_resolve(const char *endpoint, struct bind_addresses *addresses, const char **why);

/* Writes the numeric address of the network interface `name`, as libzmq does for its endpoints: the
 * first IPv4 address, or an IPv6 address if there is no other. False if no interface with an
 * address has this name. */
#define BIND_HOST_BYTES (INET6_ADDRSTRLEN + IF_NAMESIZE)
bool bind_interface_host(const char *name, char host[BIND_HOST_BYTES]);

/* Protects the path of an ipc:// endpoint while the caller binds. Refuses a file that is no socket,
 * and a socket that has a listening process. A socket that no process listens to is the rest of a
 * server that was killed; libzmq may replace it. Other endpoints are always accepted.
 * False if refused; `why` says why and lives until the next call.
 * lock: for ipc_path_unlock(), which is due after true. */
bool ipc_path_lock(const char *endpoint, int *lock, const char **why);
void ipc_path_unlock(int lock);

#endif
