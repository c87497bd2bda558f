/* Tests of proto/address.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proto/address.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

Test(address, host_and_port_are_parsed)
{
    static const struct {
        const char *text, *host, *port;
    } rows[] = {
        {"tcp://127.0.0.1:8197", "127.0.0.1", "8197"},
        {"tcp://host.example:1", "host.example", "1"},
        {"tcp://[::1]:65535", "::1", "65535"},
        {"tcp://[fe80::1%eth0]:080", "fe80::1%eth0", "080"},
        {"tcp://*:8197", "*", "8197"},
        {"tcp://127.0.0.1:*", "127.0.0.1", "*"},
    };
    struct address address;

    for (size_t i = 0; i < LENGTH(rows); i++) {
        cr_assert(address_parse(rows[i].text, "tcp://", &address), "%s", rows[i].text);
        cr_assert_str_eq(address.host, rows[i].host);
        cr_assert_str_eq(address.port, rows[i].port);
    }
}

Test(address, text_that_is_no_address_is_rejected)
{
    static const char *const rows[] = {
        "",
        "tcp://",
        "tcp://:",
        "tcp://a",
        "tcp://a:",
        "tcp://:1",
        "tcp://a:0",
        "tcp://a:65536",
        "tcp://a:123456",
        "tcp://a:-1",
        "tcp://a:1x",
        "tcp://a:http",
        "tcp://::1:8197",
        "tcp://[]:1",
        "tcp://[::1]",
        "tcp://[::1:1",
        "tcp://a/b:1",
        "tcp://a b:1",
        "udp://a:1",
        "a:1",
    };
    struct address address;

    for (size_t i = 0; i < LENGTH(rows); i++)
        cr_assert(!address_parse(rows[i], "tcp://", &address), "%s", rows[i]);
}

Test(address, host_has_at_most_255_bytes)
{
    char text[ADDRESS_HOST_BYTES + 16];
    struct address address;

    snprintf(text, sizeof text, "tcp://%0255d:1", 0);
    cr_assert(address_parse(text, "tcp://", &address));
    cr_assert(strlen(address.host) == ADDRESS_HOST_BYTES - 1);
    snprintf(text, sizeof text, "tcp://%0256d:1", 0);
    cr_assert(!address_parse(text, "tcp://", &address));
}
