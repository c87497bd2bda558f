/* Connections as libzmq makes them, and as client/lib/server_link.h shows them: this is what the
 * session has in place of client/lib/server_link.c. Each direction is in order; what is on its way
 * when a connection ends is lost. The descriptor tells of something only where a look has found
 * nothing before. */
#ifndef MEANTIME_TESTS_SIM_SESSION_CABLES_H
#define MEANTIME_TESTS_SIM_SESSION_CABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

#define SERVERS_MAX     4
#define CONNECTIONS_MAX 128
#define LETTERS_MAX     4096
#define NO_LETTER       UINT16_MAX

struct scene;

enum side {
    SIDE_CLIENT,
    SIDE_SERVER,
    SIDES,
};

/* nonsense: no message. connection, stamp: dropped where that has ended. */
struct letter {
    struct message message;
    bool nonsense;
    int64_t came_at_ns;
    uint8_t to; /* enum side */
    uint16_t connection;
    uint16_t next;
    uint32_t stamp;
};

/* One of the two sockets that a line has, as the descriptor knows it. asleep: it tells of the next
 * thing that comes. */
struct bell {
    bool asleep;
    bool rung;
};

/* open: the client has it. up, ended: in the client's process; `served` in the server's.
 * told_*: server_link_watch() has said so. deaf: all is lost from now on, until TCP has had enough.
 * cut: somebody has given it up for all. mad: nonsense was heard. first, last: letters that the
 * client has not taken. */
struct connection {
    bool open, up, ended, served, deaf, cut, mad;
    bool told_up, told_end;
    size_t server;
    uint32_t stamp;
    uint16_t first, last;
    struct bell monitor, dealer;
    int64_t clear_at_ns[SIDES];
    int64_t retry_ns;
};

/* taken: what is being heard; speaker: the server that said it. spoken_over: the connection
 * to each server that something was sent over last. */
struct cables {
    struct connection connections[CONNECTIONS_MAX];
    struct letter letters[LETTERS_MAX];
    uint32_t connections_used;
    uint32_t letters_used;
    uint16_t free_letters;
    int64_t latency_ns;
    int64_t jitter_ns;
    int64_t starved_until_ns; /* there are no sockets */
    struct letter taken;
    size_t speaker;
    struct connection *spoken_over[SERVERS_MAX];
};

void cables_init(struct scene *scene);

/* Whether the session's descriptor is readable for one of them. */
bool cables_ring(const struct scene *scene);

/* NULL, or what the client will never learn of: nobody rings. */
const char *cables_missed(const struct scene *scene);

/* Whether that server's answer to attempt `id` lies there to be taken since `by_ns` or before. */
bool cables_have_reply(const struct scene *scene, size_t server, uint64_t id, int64_t by_ns);

/* How many the client has. */
unsigned cables_open(const struct scene *scene);

/* A server's word. NULL: nonsense. */
void cable_say(struct scene *scene, struct connection *connection, const struct message *message);

/* The wire or the server ends it; the client learns of it in its time. */
void cable_break(struct scene *scene, struct connection *connection);

/* From now on it loses everything. */
void cable_deafen(struct scene *scene, struct connection *connection);

/* The server's process is no more. */
void cables_orphan(struct scene *scene, size_t server);

/* One that is up, or NULL. */
struct connection *cables_some(struct scene *scene);

void cable_call(struct scene *scene, size_t number, uint32_t stamp);
void cable_gone(struct scene *scene, size_t number, uint32_t stamp);
void cable_unheard(struct scene *scene, size_t number, uint32_t stamp);
void cable_arrival(struct scene *scene, size_t letter);

#endif
