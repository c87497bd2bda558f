/* The TCP connections of a server under test: see tcp_table.h. */
#include "tests/support/tcp_table.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/support/server.h"

/* Numbers in the table. */
#define STATE_ESTABLISHED 1
#define STATE_LISTEN      10
#define TIMER_KEEPALIVE   2

/* One line of the table: "N: ADDRESS:PORT REMOTE:PORT STATE TX:RX TIMER:...", all hexadecimal. */
static void add_line(const char *line, uint16_t port, struct tcp_table *table)
{
    unsigned address, local, state, unread, timer;

    if (sscanf(line, "%*d: %x:%x %*x:%*x %x %*x:%x %x:", &address, &local, &state, &unread,
               &timer) != 5)
        return; /* the headline */
    if (local != port || address != inet_addr(server_address()) || state == STATE_LISTEN)
        return;
    table->connections++;
    table->keepalives += state == STATE_ESTABLISHED && timer == TIMER_KEEPALIVE;
    table->unread += unread;
}

struct tcp_table tcp_table_read(uint16_t port)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    struct tcp_table table = {0};
    char line[256];

    cr_assert(file, "no /proc/net/tcp");
    while (fgets(line, sizeof line, file))
        add_line(line, port, &table);
    fclose(file);
    return table;
}
