/* A connection to an endpoint, or the try to make one, of a session. Each is a fresh socket, so
 * that nothing of an earlier one is left in it, in either direction. One thread. */
#ifndef MEANTIME_CLIENT_LIB_SERVER_LINK_H
#define MEANTIME_CLIENT_LIB_SERVER_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "proto/message.h"

/* What all lines of a session share. epoll: becomes readable when there may be something to take,
 * or to watch, in one of them, and stays so until that is done. */
struct switchboard {
    void *context;
    int epoll;
    unsigned monitors; /* so far: no two have the same name */
};

/* {0} is none. users: requests that want it. up: it has come about; down: and has ended since. */
struct server_link {
    struct switchboard *board;
    void *dealer, *monitor;
    bool up, down;
    bool greeted; /* its users know that it is up */
    unsigned users;
    int64_t heard_at_ns; /* the last sign of life */
};

/* Before the first line. False, and errno says why: no descriptors are left. */
bool server_link_prepare(struct switchboard *board);

/* Whether an endpoint makes sense, which is for libzmq to say: nobody is called. False, and errno
 * says why not. */
bool server_link_could_open(const struct switchboard *board, const char *endpoint);

/* Dials. False, and errno says why. It is to be watched at once: what comes first is told by
 * `epoll` only after a look that has found nothing. */
bool server_link_open(struct server_link *line, struct switchboard *board, const char *endpoint);

/* What was sent, but has not left, gets LINGER_MS. Its users stay. Tolerates one that is not open.
 */
void server_link_close(struct server_link *line);

/* Sets `up` and `down` from what has happened to it. */
void server_link_watch(struct server_link *line);

/* What cannot be sent is as lost as the line: `down` tells. Returns whether something has come that
 * is to be taken although `epoll` does not tell of it. */
bool server_link_send(struct server_link *line, const struct message *message);

/* The next frame that is a message and no envelope, or false. left: frames that may still be taken,
 * which this counts down; 0: there may be more. */
bool server_link_take(struct server_link *line, zmq_msg_t *frame, int *left);

#endif
