/* Model servers: they compute in virtual time, and each has a bad habit, which it follows for some
 * of the requests. */
#ifndef MEANTIME_TESTS_SIM_SESSION_SERVERS_H
#define MEANTIME_TESTS_SIM_SESSION_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "tests/sim/session/cables.h"

#define TASKS_MAX 512

struct scene;
struct connection;

enum habit {
    HABIT_NONE,
    HABIT_QUIET, /* computes, but tells of no progress, as REP servers do */
    HABIT_BUSY,
    HABIT_STOPPING,
    HABIT_REFUSES,
    HABIT_GREEK,
    HABIT_MISCOUNTS,
    HABIT_HANGS_UP,
    HABIT_MUTE, /* takes requests, and does nothing */
    HABIT_GOSSIPS,
    HABITS,
};

/* absent: nobody is there, ever. stubborn: its habit stays when all else heals.
 * troubled_until_ns: it has been dead, frozen, out of reach or hung up on somebody until then.
 * good_since_ns: whoever asked it since then got an answer, or will; NEVER: nobody knows. */
struct server {
    bool alive, frozen, absent, stubborn;
    enum habit habit;
    uint32_t stamp;
    int64_t frozen_until_ns;
    int64_t cut_until_ns;
    int64_t troubled_until_ns;
    int64_t good_since_ns;
};

/* ends_at_ns: NEVER for those that it forgets. */
struct task {
    bool used, quiet, gossip;
    uint32_t stamp;
    size_t server;
    struct connection *connection;
    struct sum_request asked;
    int64_t began_at_ns;
    int64_t ends_at_ns;
    int64_t deadline_at_ns;
    uint8_t copies;
};

struct servers {
    struct server all[SERVERS_MAX];
    size_t count;
    struct task tasks[TASKS_MAX];
    uint32_t tasks_used;
    int64_t compute_ns_max;
};

void servers_init(struct scene *scene);

/* "a" is the first. */
size_t server_named(const char *endpoint);
const char *servers_names(const struct scene *scene);

/* Now, a handshake succeeds. */
bool server_reachable(const struct scene *scene, size_t server);

/* It is known to be troubled for so long. */
void server_trouble(struct scene *scene, size_t server, int64_t ns);

void server_hear(struct scene *scene, struct connection *connection, const struct message *message);

/* What it was asked over this connection. */
void servers_forget(struct scene *scene, struct connection *connection);

/* Whether it works for a request, or has answered it. */
bool servers_work_for(const struct scene *scene, size_t server, uint64_t id);

void server_kill(struct scene *scene, size_t server, int64_t pause_ns);
void server_freeze(struct scene *scene, size_t server, int64_t pause_ns);
void server_cut(struct scene *scene, size_t server, int64_t pause_ns);
void servers_heal(struct scene *scene);

void server_start(struct scene *scene, size_t server, uint32_t stamp);
void server_thaw(struct scene *scene, size_t server, uint32_t stamp);
void task_due(struct scene *scene, size_t task, uint32_t stamp);

#endif
