/* Simulated servers. They compute on virtual time. Each one has a bad habit, which it follows for
 * some requests. */
#ifndef MEANTIME_TESTS_SIM_SESSION_MODEL_SERVERS_H
#define MEANTIME_TESTS_SIM_SESSION_MODEL_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "tests/sim/session/wires.h"

#define TASKS_MAX 512

struct session_scene;
struct wire;

enum habit {
    HABIT_NONE,
    HABIT_QUIET, /* computes, but sends no progress, as REP servers do */
    HABIT_BUSY,
    HABIT_STOPPING,
    HABIT_REFUSES,
    HABIT_INVALID, /* sends frames that are no messages */
    HABIT_MISCOUNTS,
    HABIT_DISCONNECTS,
    HABIT_MUTE,       /* reads requests, and does nothing */
    HABIT_MISDIRECTS, /* sends messages about requests of other servers */
    HABITS,
};

struct model_server {
    bool alive, frozen;
    bool absent;   /* no server ever runs at this endpoint */
    bool stubborn; /* its habit stays when all faults have healed */
    enum habit habit;
    uint32_t stamp; /* differs after each fault, so that older events have no effect */
    int64_t frozen_until_at_ns;
    int64_t isolated_until_at_ns;
    int64_t disturbed_until_at_ns; /* it was dead, frozen, isolated or disconnecting until then */
    int64_t good_since_at_ns; /* it answers each request that came since then; NEVER: unknown */
};

struct model_task {
    bool used, quiet, misdirect;
    uint32_t stamp; /* differs for each use of this struct */
    size_t server;
    struct wire *wire;
    struct sum_request asked;
    int64_t began_at_ns;
    int64_t ends_at_ns; /* NEVER: the server forgets this task */
    int64_t deadline_at_ns;
    uint8_t copies; /* how often the answer is sent */
};

struct model_servers {
    struct model_server all[SERVERS_MAX];
    size_t count;
    struct model_task tasks[TASKS_MAX];
    uint32_t tasks_used;
    int64_t compute_ns_max;
};

void model_servers_init(struct session_scene *scene);

/* Endpoint "a" is server 0. */
size_t model_server_named(const char *endpoint);
const char *model_servers_names(const struct session_scene *scene);

/* Whether a handshake succeeds now. */
bool model_server_reachable(const struct session_scene *scene, size_t server);

/* Notes that a fault disturbs the server from now on, for ns. */
void model_server_disturb(struct session_scene *scene, size_t server, int64_t ns);

void model_server_receive(struct session_scene *scene, struct wire *wire,
                          const struct message *message);

/* Ends all tasks of this wire. */
void model_servers_forget(struct session_scene *scene, struct wire *wire);

/* Whether the server computes the request with this id. */
bool model_servers_work_for(const struct session_scene *scene, size_t server, uint64_t id);

void model_server_kill(struct session_scene *scene, size_t server, int64_t pause_ns);
void model_server_freeze(struct session_scene *scene, size_t server, int64_t pause_ns);
void model_server_isolate(struct session_scene *scene, size_t server, int64_t pause_ns);
void model_servers_heal(struct session_scene *scene);

void model_server_start(struct session_scene *scene, size_t server, uint32_t stamp);
void model_server_resume(struct session_scene *scene, size_t server, uint32_t stamp);
void model_task_due(struct session_scene *scene, size_t task, uint32_t stamp);

#endif
