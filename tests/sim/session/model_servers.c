/* Simulates servers: they compute, answer, refuse and misbehave. */
#include "tests/sim/session/model_servers.h"

#include "client/lib/exchange.h"
#include "tests/sim/oracle.h"
#include "tests/sim/session/scene.h"

#define PROGRESS_NS (500 * MS)

/* More messages than the session reads in one look. */
#define FLOOD         200
#define FLOODS_ONE_IN 3

/* No request has this many attempts. */
#define FAR_ATTEMPTS 100000

void model_servers_init(struct session_scene *scene)
{
    struct model_servers *servers = &scene->servers;
    struct chance *chance = &scene->chance;

    servers->count = 1 + chance_below(chance, SERVERS_MAX);
    servers->tasks_used = 0;
    servers->compute_ns_max = chance_spread(chance, 2 * MS, 15 * S);
    for (size_t i = 0; i < servers->count; i++) {
        struct model_server *server = &servers->all[i];
        *server = (struct model_server){.alive = true, .good_since_at_ns = NEVER};
        if (chance_one_in(chance, 2))
            server->habit = (enum habit)chance_below(chance, HABITS);
        if (server->habit <= HABIT_QUIET)
            server->good_since_at_ns = 0;
        else
            server->stubborn = server->habit != HABIT_MUTE && chance_one_in(chance, 4);
        if (chance_one_in(chance, 8))
            *server = (struct model_server){.absent = true, .good_since_at_ns = NEVER};
    }
}

size_t model_server_named(const char *endpoint)
{
    return (size_t)(endpoint[0] - 'a');
}

const char *model_servers_names(const struct session_scene *scene)
{
    static const char *const lists[] = {"a", "a,b", "a,b,c", "a,b,c,d"};

    return lists[scene->servers.count - 1];
}

bool model_server_reachable(const struct session_scene *scene, size_t number)
{
    const struct model_server *server = &scene->servers.all[number];

    return server->alive && !server->frozen && server->isolated_until_at_ns <= scene->now_ns;
}

void model_server_disturb(struct session_scene *scene, size_t number, int64_t ns)
{
    struct model_server *server = &scene->servers.all[number];

    if (scene->now_ns + ns > server->disturbed_until_at_ns)
        server->disturbed_until_at_ns = scene->now_ns + ns;
    if (server->good_since_at_ns <= server->disturbed_until_at_ns)
        server->good_since_at_ns = server->disturbed_until_at_ns;
}

/* ---- work -------------------------------------------------------------------------------- */

static void task_end(struct model_task *task)
{
    task->used = false;
    task->stamp++;
}

static struct model_task *task_new(struct session_scene *scene)
{
    struct model_servers *servers = &scene->servers;

    for (uint32_t i = 0; i < servers->tasks_used; i++)
        if (!servers->tasks[i].used)
            return &servers->tasks[i];
    if (servers->tasks_used == TASKS_MAX) {
        scene_violation(scene, "servers have %d requests", TASKS_MAX);
        return &servers->tasks[0];
    }
    servers->tasks[servers->tasks_used].stamp = 0;
    return &servers->tasks[servers->tasks_used++];
}

/* Schedules the next message of a task: progress, the answer or a refusal. */
static void task_schedule(struct session_scene *scene, const struct model_task *task)
{
    int64_t at_ns =
        task->ends_at_ns < task->deadline_at_ns ? task->ends_at_ns : task->deadline_at_ns;

    if (!task->quiet && at_ns > scene->now_ns + PROGRESS_NS)
        at_ns = scene->now_ns + PROGRESS_NS;
    if (at_ns != NEVER)
        scene_schedule(scene, at_ns - scene->now_ns, SCENE_TASK,
                       (size_t)(task - scene->servers.tasks), task->stamp);
}

static struct model_task *work(struct session_scene *scene, struct wire *wire,
                               const struct sum_request *asked)
{
    struct model_task *task = task_new(scene);

    *task = (struct model_task){
        .used = true,
        .stamp = task->stamp + 1,
        .server = wire->server,
        .wire = wire,
        .asked = *asked,
        .began_at_ns = scene->now_ns,
        .ends_at_ns =
            scene->now_ns + chance_spread(&scene->chance, MS, scene->servers.compute_ns_max),
        .deadline_at_ns = asked->deadline_ms ? scene->now_ns + asked->deadline_ms * MS : NEVER,
        .copies = chance_one_in(&scene->chance, 10) ? 2 : 1,
    };
    return task;
}

static struct message refusal(uint64_t id, enum refusal_code code, uint32_t retry_after_ms)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .code = code, .retry_after_ms = retry_after_ms, .text = "No"},
    };
}

static struct message answer(const struct sum_request *asked)
{
    return (struct message){
        .type = MESSAGE_SUM_REPLY,
        .sum_reply = {.id = asked->id,
                      .count = asked->count,
                      .units = oracle_units(asked->seed, asked->kind, asked->first, asked->count),
                      .unit_log2 = stream_unit_log2((enum stream_kind)asked->kind),
                      .compute_ns = 1},
    };
}

static struct message progress(const struct model_task *task, int64_t now_ns)
{
    uint64_t seconds = (uint64_t)((now_ns - task->began_at_ns) / S);
    uint64_t done = seconds < task->asked.count ? seconds : task->asked.count;

    return (struct message){
        .type = MESSAGE_PROGRESS,
        .progress = {.id = task->asked.id, .done = done, .count = task->asked.count},
    };
}

static void send(struct session_scene *scene, struct wire *wire, struct message message)
{
    wire_send(scene, wire, &message);
}

/* Sends a message about a request that this server did not get. */
static void misdirect(struct session_scene *scene, struct wire *wire,
                      const struct sum_request *asked)
{
    struct chance *chance = &scene->chance;
    struct sum_request other = *asked;

    if (chance_one_in(chance, 2)) {
        other.id += FAR_ATTEMPTS * ATTEMPT_STRIDE;
        other.seed++;
        scene_count(scene, COUNTER_UNKNOWN_ID);
    } else {
        other.id = observer_some_id(scene);
        scene_count(scene, COUNTER_MISDIRECTED);
    }
    struct message wrong = answer(&other);
    wrong.sum_reply.count = asked->count + 1;
    const struct message messages[] = {
        refusal(other.id, (enum refusal_code)(1 + chance_below(chance, REFUSAL_END - 1)), 0),
        {.type = MESSAGE_PROGRESS, .progress = {.id = other.id, .count = asked->count}},
        wrong,
        {.type = MESSAGE_WELCOME, .welcome = {.heartbeat_ms = 500}},
    };
    send(scene, wire, messages[chance_below(chance, sizeof messages / sizeof *messages)]);
}

static void flood(struct session_scene *scene, struct wire *wire, const struct sum_request *asked)
{
    scene_count(scene, COUNTER_FLOOD);
    for (int i = 0; i < FLOOD; i++)
        misdirect(scene, wire, asked);
}

static void finish(struct session_scene *scene, struct model_task *task)
{
    struct message message = answer(&task->asked);

    scene_count(scene, COUNTER_ANSWER);
    if (task->copies > 1)
        scene_count(scene, COUNTER_TWICE);
    if (task->misdirect && chance_one_in(&scene->chance, FLOODS_ONE_IN))
        flood(scene, task->wire, &task->asked);
    for (int i = 0; i < task->copies; i++)
        send(scene, task->wire, message);
    task_end(task);
}

static void exceed(struct session_scene *scene, struct model_task *task)
{
    scene_count(scene, COUNTER_DEADLINE);
    send(scene, task->wire, refusal(task->asked.id, REFUSAL_DEADLINE_EXCEEDED, 0));
    task_end(task);
}

static void report(struct session_scene *scene, struct model_task *task)
{
    scene_count(scene, COUNTER_PROGRESS);
    send(scene, task->wire, progress(task, scene->now_ns));
    if (task->misdirect)
        misdirect(scene, task->wire, &task->asked);
    task_schedule(scene, task);
}

void model_task_due(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct model_task *task = &scene->servers.tasks[number];

    if (!task->used || task->stamp != stamp)
        return;
    const struct model_server *server = &scene->servers.all[task->server];
    if (server->frozen)
        scene_schedule(scene, server->frozen_until_at_ns - scene->now_ns, SCENE_TASK, number,
                       stamp);
    else if (scene->now_ns >= task->ends_at_ns)
        finish(scene, task);
    else if (scene->now_ns >= task->deadline_at_ns)
        exceed(scene, task);
    else
        report(scene, task);
}

bool model_servers_work_for(const struct session_scene *scene, size_t server, uint64_t id)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++) {
        const struct model_task *task = &scene->servers.tasks[i];
        if (task->used && task->server == server && task->asked.id == id &&
            task->ends_at_ns != NEVER)
            return true;
    }
    return false;
}

void model_servers_forget(struct session_scene *scene, struct wire *wire)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++)
        if (scene->servers.tasks[i].used && scene->servers.tasks[i].wire == wire)
            task_end(&scene->servers.tasks[i]);
}

/* ---- habits ------------------------------------------------------------------------------ */

static void act_well(struct session_scene *scene, struct wire *wire,
                     const struct sum_request *asked)
{
    task_schedule(scene, work(scene, wire, asked));
}

static void act_quiet(struct session_scene *scene, struct wire *wire,
                      const struct sum_request *asked)
{
    struct model_task *task = work(scene, wire, asked);

    scene_count(scene, COUNTER_QUIET);
    task->quiet = true;
    task_schedule(scene, task);
}

static void relent(struct session_scene *scene, struct wire *wire, const struct sum_request *asked)
{
    if (!chance_one_in(&scene->chance, 3))
        return;
    scene_count(scene, COUNTER_RELENT);
    act_well(scene, wire, asked);
}

static void act_busy(struct session_scene *scene, struct wire *wire,
                     const struct sum_request *asked)
{
    static const uint32_t some_ms[] = {0, 1, 150, 150, 400, 400, 1500, 5000, 62000};
    size_t some = sizeof some_ms / sizeof *some_ms;

    scene_count(scene, COUNTER_BUSY);
    send(scene, wire,
         refusal(asked->id, REFUSAL_BUSY, some_ms[chance_below(&scene->chance, some)]));
    relent(scene, wire, asked);
}

static void act_stopping(struct session_scene *scene, struct wire *wire,
                         const struct sum_request *asked)
{
    scene_count(scene, COUNTER_STOPPING);
    send(scene, wire, refusal(asked->id, REFUSAL_STOPPING, 0));
    relent(scene, wire, asked);
}

static void act_refusing(struct session_scene *scene, struct wire *wire,
                         const struct sum_request *asked)
{
    static const enum refusal_code some[] = {
        REFUSAL_MALFORMED, REFUSAL_WRONG_VERSION,     REFUSAL_OUT_OF_RANGE, REFUSAL_DUPLICATE_ID,
        REFUSAL_CANCELLED, REFUSAL_DEADLINE_EXCEEDED, REFUSAL_WORKERS_LOST,
    };
    bool all = chance_one_in(&scene->chance, 3);

    scene_count(scene, all ? COUNTER_REFUSE_ALL : COUNTER_REFUSE);
    send(scene, wire,
         refusal(all ? 0 : asked->id,
                 some[chance_below(&scene->chance, sizeof some / sizeof *some)], 0));
}

static void act_invalid(struct session_scene *scene, struct wire *wire,
                        const struct sum_request *asked)
{
    (void)asked;
    scene_count(scene, COUNTER_INVALID);
    wire_send(scene, wire, NULL);
}

static void act_miscounting(struct session_scene *scene, struct wire *wire,
                            const struct sum_request *asked)
{
    struct message message = answer(asked);

    message.sum_reply.units++;
    if (chance_one_in(&scene->chance, 2)) {
        message.sum_reply.count = asked->count % 2 ? asked->count + 1 : asked->count - 1;
        scene_count(scene, COUNTER_WRONG_COUNT);
    } else {
        message.sum_reply.unit_log2 = asked->kind == MESSAGE_KIND_GAUSSIAN ? -53 : -49;
        scene_count(scene, COUNTER_WRONG_UNIT);
    }
    send(scene, wire, message);
}

static void act_disconnecting(struct session_scene *scene, struct wire *wire,
                              const struct sum_request *asked)
{
    (void)asked;
    scene_count(scene, COUNTER_DISCONNECT);
    model_server_disturb(scene, wire->server, 0);
    wire_break(scene, wire);
}

static void act_mute(struct session_scene *scene, struct wire *wire,
                     const struct sum_request *asked)
{
    struct model_task *task = work(scene, wire, asked);

    scene_count(scene, COUNTER_MUTE);
    task->quiet = true;
    task->ends_at_ns = task->deadline_at_ns = NEVER;
}

static void act_misdirecting(struct session_scene *scene, struct wire *wire,
                             const struct sum_request *asked)
{
    struct model_task *task = work(scene, wire, asked);

    if (chance_one_in(&scene->chance, FLOODS_ONE_IN))
        flood(scene, wire, asked);
    task->misdirect = true;
    task_schedule(scene, task);
}

static void take_request(struct session_scene *scene, struct wire *wire,
                         const struct sum_request *asked)
{
    static void (*const act[HABITS])(struct session_scene *, struct wire *,
                                     const struct sum_request *) = {
        [HABIT_NONE] = act_well,
        [HABIT_QUIET] = act_quiet,
        [HABIT_BUSY] = act_busy,
        [HABIT_STOPPING] = act_stopping,
        [HABIT_REFUSES] = act_refusing,
        [HABIT_INVALID] = act_invalid,
        [HABIT_MISCOUNTS] = act_miscounting,
        [HABIT_DISCONNECTS] = act_disconnecting,
        [HABIT_MUTE] = act_mute,
        [HABIT_MISDIRECTS] = act_misdirecting,
    };
    const struct model_server *server = &scene->servers.all[wire->server];
    bool follows = server->stubborn || chance_one_in(&scene->chance, 2);

    act[follows ? server->habit : HABIT_NONE](scene, wire, asked);
}

static void take_cancel(struct session_scene *scene, struct wire *wire, uint64_t id)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++) {
        struct model_task *task = &scene->servers.tasks[i];
        if (!task->used || task->wire != wire || task->asked.id != id)
            continue;
        send(scene, wire, refusal(id, REFUSAL_CANCELLED, 0));
        task_end(task);
    }
}

void model_server_receive(struct session_scene *scene, struct wire *wire,
                          const struct message *message)
{
    if (message->type == MESSAGE_SUM_REQUEST)
        take_request(scene, wire, &message->sum_request);
    else if (message->type == MESSAGE_CANCEL)
        take_cancel(scene, wire, message->cancel.id);
    else
        scene_violation(scene, "sends a message that clients never send");
}

/* ---- faults ------------------------------------------------------------------------------ */

void model_server_kill(struct session_scene *scene, size_t number, int64_t pause_ns)
{
    struct model_server *server = &scene->servers.all[number];

    if (!server->alive)
        return;
    scene_count(scene, COUNTER_KILL);
    trace_note(&scene->trace, scene->now_ns, "server killed", (uint32_t)number, 0);
    wires_end_server(scene, number);
    server->alive = server->frozen = false;
    server->stamp++;
    model_server_disturb(scene, number, pause_ns);
    scene_schedule(scene, pause_ns, SCENE_START, number, server->stamp);
}

void model_server_start(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct model_server *server = &scene->servers.all[number];

    if (server->stamp != stamp || server->alive)
        return;
    trace_note(&scene->trace, scene->now_ns, "server started", (uint32_t)number, 0);
    server->alive = true;
}

void model_server_freeze(struct session_scene *scene, size_t number, int64_t pause_ns)
{
    struct model_server *server = &scene->servers.all[number];

    if (!server->alive || server->frozen)
        return;
    scene_count(scene, COUNTER_FREEZE);
    trace_note(&scene->trace, scene->now_ns, "server frozen", (uint32_t)number, 0);
    server->frozen = true;
    server->frozen_until_at_ns = scene->now_ns + pause_ns;
    server->stamp++;
    model_server_disturb(scene, number, pause_ns);
    scene_schedule(scene, pause_ns, SCENE_RESUME, number, server->stamp);
}

void model_server_resume(struct session_scene *scene, size_t number, uint32_t stamp)
{
    struct model_server *server = &scene->servers.all[number];

    if (server->stamp == stamp)
        server->frozen = false;
}

void model_server_isolate(struct session_scene *scene, size_t number, int64_t pause_ns)
{
    struct model_server *server = &scene->servers.all[number];

    if (server->absent)
        return;
    scene_count(scene, COUNTER_ISOLATE);
    trace_note(&scene->trace, scene->now_ns, "server cut off", (uint32_t)number, 0);
    server->isolated_until_at_ns = scene->now_ns + pause_ns;
    model_server_disturb(scene, number, pause_ns);
}

static void heal(struct session_scene *scene, size_t number)
{
    struct model_server *server = &scene->servers.all[number];

    if (server->absent)
        return;
    if (server->habit == HABIT_MUTE)
        model_server_kill(scene, number, 0);
    server->alive = true;
    server->frozen = false;
    server->isolated_until_at_ns = scene->now_ns;
    server->stamp++;
    if (server->stubborn)
        return;
    if (server->habit > HABIT_QUIET)
        server->habit = HABIT_NONE;
    server->good_since_at_ns = scene->now_ns;
    if (server->good_since_at_ns < server->disturbed_until_at_ns)
        server->good_since_at_ns =
            server->disturbed_until_at_ns; /* packets that were held up arrive then */
}

void model_servers_heal(struct session_scene *scene)
{
    for (size_t i = 0; i < scene->servers.count; i++)
        heal(scene, i);
}
