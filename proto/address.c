/* Parses the address of a TCP peer. */
#include "proto/address.h"

#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

static bool port_parse(const char *text, char *port)
{
    size_t size = strlen(text);

    if (size == 0 || size >= ADDRESS_PORT_BYTES)
        return false;
    strcpy(port, text);
    if (strcmp(text, "*") == 0)
        return true;
    return strspn(text, "0123456789") == size && atoi(text) >= 1 && atoi(text) <= PORT_MAX;
}

/* size: bytes of the host, with its brackets. A host with colons must stand in brackets; otherwise
 * the text is ambiguous. */
static bool host_parse(const char *text, size_t size, char *host)
{
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';

    text += brackets;
    size -= brackets ? 2 : 0;
    if (size == 0 || size >= ADDRESS_HOST_BYTES)
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    return !strpbrk(host, "[]/ ") && (brackets || !strchr(host, ':'));
}

bool address_parse(const char *text, const char *scheme, struct address *address)
{
    size_t skip = strlen(scheme);

    if (strncmp(text, scheme, skip) != 0)
        return false;
    text += skip;
    const char *colon = strrchr(text, ':');
    return colon && host_parse(text, (size_t)(colon - text), address->host) &&
           port_parse(colon + 1, address->port);
}

/* address: what follows the scheme, not empty. */
static bool port_is_missing(const char *address)
{
    char last = address[strlen(address) - 1];

    return last == ':' || last == ']' || !strchr(address, ':');
}

/* libzmq also takes "tcp://source;host:port", and checks it. */
const char *address_fault(const char *endpoint)
{
    const char *address = endpoint + strlen("tcp://");
    struct address parsed;

    if (strncmp(endpoint, "tcp://", strlen("tcp://")) != 0 || strchr(address, ';') ||
        address_parse(endpoint, "tcp://", &parsed))
        return NULL;
    if (*address && port_is_missing(address))
        return "the port is missing; expected tcp://host:port";
    return "expected tcp://host:port, with a port from 1 to 65535 and an IPv6 address in brackets";
}

bool address_is_ipv6(const char *endpoint)
{
    return strstr(endpoint, "://[") != NULL;
}
