/* Bare TCP connections to a server under test: see tcp_client.h. */
#include "tests/support/tcp_client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

int tcp_client_try(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = inet_addr(server_address())};
    struct timeval timeout = {.tv_sec = PROCESS_PATIENCE_MS / 1000};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    ERRNO_SAVED(close(connection));
    return -1;
}

int tcp_client_new(uint16_t port)
{
    int connection = tcp_client_try(port);

    cr_assert(connection != -1, "cannot connect: %s", strerror(errno));
    return connection;
}

void tcp_client_reset(int connection)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection);
}

void tcp_client_await_acknowledged(int connection)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int left;

    while (ioctl(connection, SIOCOUTQ, &left) == 0 && left > 0)
        process_pause(limit_at_ms, "TCP does not acknowledge everything");
}

size_t tcp_client_send_until_disconnect(int connection, const void *bytes, size_t size,
                                        int pause_ms)
{
    int64_t limit_at_ms = process_limit_at_ms();
    size_t sent = 0;
    ssize_t more;

    while ((more = send(connection, bytes, size, MSG_NOSIGNAL)) > 0) {
        sent += (size_t)more;
        poll(NULL, 0, pause_ms);
        cr_assert(process_now_ms() < limit_at_ms, "still connected after %zu bytes", sent);
    }
    cr_assert(errno == EPIPE || errno == ECONNRESET, "%s", strerror(errno));
    return sent;
}
