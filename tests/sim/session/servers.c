#include "tests/sim/session/servers.h"

#include "client/lib/exchange.h"
#include "tests/sim/oracle.h"
#include "tests/sim/session/scene.h"

#define PROGRESS_NS (500 * MS)

/* More than the session takes at a look. */
#define FLOOD         200
#define FLOODS_ONE_IN 3

/* An attempt that nobody gets to. */
#define FAR_ATTEMPTS 100000

void servers_init(struct scene *scene)
{
    struct servers *servers = &scene->servers;
    struct chance *chance = &scene->chance;

    servers->count = 1 + chance_below(chance, SERVERS_MAX);
    servers->tasks_used = 0;
    servers->compute_ns_max = chance_spread(chance, 2 * MS, 15 * S);
    for (size_t i = 0; i < servers->count; i++) {
        struct server *server = &servers->all[i];
        *server = (struct server){.alive = true, .good_since_ns = NEVER};
        if (chance_one_in(chance, 2))
            server->habit = (enum habit)chance_below(chance, HABITS);
        if (server->habit <= HABIT_QUIET)
            server->good_since_ns = 0;
        else
            server->stubborn = server->habit != HABIT_MUTE && chance_one_in(chance, 4);
        if (chance_one_in(chance, 8))
            *server = (struct server){.absent = true, .good_since_ns = NEVER};
    }
}

size_t server_named(const char *endpoint)
{
    return (size_t)(endpoint[0] - 'a');
}

const char *servers_names(const struct scene *scene)
{
    static const char *const lists[] = {"a", "a,b", "a,b,c", "a,b,c,d"};

    return lists[scene->servers.count - 1];
}

bool server_reachable(const struct scene *scene, size_t number)
{
    const struct server *server = &scene->servers.all[number];

    return server->alive && !server->frozen && server->cut_until_ns <= scene->now_ns;
}

void server_trouble(struct scene *scene, size_t number, int64_t ns)
{
    struct server *server = &scene->servers.all[number];

    if (scene->now_ns + ns > server->troubled_until_ns)
        server->troubled_until_ns = scene->now_ns + ns;
    if (server->good_since_ns <= server->troubled_until_ns)
        server->good_since_ns = server->troubled_until_ns;
}

/* ---- work -------------------------------------------------------------------------------- */

static void task_end(struct task *task)
{
    task->used = false;
    task->stamp++;
}

static struct task *task_new(struct scene *scene)
{
    struct servers *servers = &scene->servers;

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

/* When there is something to say next. */
static void task_later(struct scene *scene, const struct task *task)
{
    int64_t at_ns =
        task->ends_at_ns < task->deadline_at_ns ? task->ends_at_ns : task->deadline_at_ns;

    if (!task->quiet && at_ns > scene->now_ns + PROGRESS_NS)
        at_ns = scene->now_ns + PROGRESS_NS;
    if (at_ns != NEVER)
        scene_later(scene, at_ns - scene->now_ns, SCENE_TASK, (size_t)(task - scene->servers.tasks),
                    task->stamp);
}

static struct task *work(struct scene *scene, struct connection *connection,
                         const struct sum_request *asked)
{
    struct task *task = task_new(scene);

    *task = (struct task){
        .used = true,
        .stamp = task->stamp + 1,
        .server = connection->server,
        .connection = connection,
        .asked = *asked,
        .began_at_ns = scene->now_ns,
        .ends_at_ns =
            scene->now_ns + chance_spread(&scene->chance, MS, scene->servers.compute_ns_max),
        .deadline_at_ns = asked->deadline_ms ? scene->now_ns + asked->deadline_ms * MS : NEVER,
        .copies = chance_one_in(&scene->chance, 10) ? 2 : 1,
    };
    return task;
}

static struct message refusal(uint64_t id, enum status status, uint32_t retry_after_ms)
{
    return (struct message){
        .type = MESSAGE_REFUSAL,
        .refusal = {.id = id, .status = status, .retry_after_ms = retry_after_ms, .text = "No"},
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

static struct message progress(const struct task *task, int64_t now_ns)
{
    uint64_t seconds = (uint64_t)((now_ns - task->began_at_ns) / S);
    uint64_t done = seconds < task->asked.count ? seconds : task->asked.count;

    return (struct message){
        .type = MESSAGE_PROGRESS,
        .progress = {.id = task->asked.id, .done = done, .count = task->asked.count},
    };
}

static void say(struct scene *scene, struct connection *connection, struct message message)
{
    cable_say(scene, connection, &message);
}

/* About what this server was not asked. */
static void gossip(struct scene *scene, struct connection *connection,
                   const struct sum_request *asked)
{
    struct chance *chance = &scene->chance;
    struct sum_request other = *asked;

    if (chance_one_in(chance, 2)) {
        other.id += FAR_ATTEMPTS * ATTEMPT_STRIDE;
        other.seed++;
        scene_happened(scene, EVENT_UNKNOWN_ID);
    } else {
        other.id = witness_some_id(scene);
        scene_happened(scene, EVENT_GOSSIP);
    }
    struct message wrong = answer(&other);
    wrong.sum_reply.count = asked->count + 1;
    const struct message words[] = {
        refusal(other.id, (enum status)(1 + chance_below(chance, STATUS_END - 1)), 0),
        {.type = MESSAGE_PROGRESS, .progress = {.id = other.id, .count = asked->count}},
        wrong,
        {.type = MESSAGE_WELCOME, .welcome = {.heartbeat_ms = 500}},
    };
    say(scene, connection, words[chance_below(chance, sizeof words / sizeof *words)]);
}

static void flood(struct scene *scene, struct connection *connection,
                  const struct sum_request *asked)
{
    scene_happened(scene, EVENT_FLOOD);
    for (int i = 0; i < FLOOD; i++)
        gossip(scene, connection, asked);
}

static void finish(struct scene *scene, struct task *task)
{
    struct message message = answer(&task->asked);

    scene_happened(scene, EVENT_ANSWER);
    if (task->copies > 1)
        scene_happened(scene, EVENT_TWICE);
    if (task->gossip && chance_one_in(&scene->chance, FLOODS_ONE_IN))
        flood(scene, task->connection, &task->asked);
    for (int i = 0; i < task->copies; i++)
        say(scene, task->connection, message);
    task_end(task);
}

static void exceed(struct scene *scene, struct task *task)
{
    scene_happened(scene, EVENT_DEADLINE);
    say(scene, task->connection, refusal(task->asked.id, STATUS_DEADLINE_EXCEEDED, 0));
    task_end(task);
}

static void go_on(struct scene *scene, struct task *task)
{
    scene_happened(scene, EVENT_PROGRESS);
    say(scene, task->connection, progress(task, scene->now_ns));
    if (task->gossip)
        gossip(scene, task->connection, &task->asked);
    task_later(scene, task);
}

void task_due(struct scene *scene, size_t number, uint32_t stamp)
{
    struct task *task = &scene->servers.tasks[number];

    if (!task->used || task->stamp != stamp)
        return;
    const struct server *server = &scene->servers.all[task->server];
    if (server->frozen)
        scene_later(scene, server->frozen_until_ns - scene->now_ns, SCENE_TASK, number, stamp);
    else if (scene->now_ns >= task->ends_at_ns)
        finish(scene, task);
    else if (scene->now_ns >= task->deadline_at_ns)
        exceed(scene, task);
    else
        go_on(scene, task);
}

bool servers_work_for(const struct scene *scene, size_t server, uint64_t id)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++) {
        const struct task *task = &scene->servers.tasks[i];
        if (task->used && task->server == server && task->asked.id == id &&
            task->ends_at_ns != NEVER)
            return true;
    }
    return false;
}

void servers_forget(struct scene *scene, struct connection *connection)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++)
        if (scene->servers.tasks[i].used && scene->servers.tasks[i].connection == connection)
            task_end(&scene->servers.tasks[i]);
}

/* ---- habits ------------------------------------------------------------------------------ */

static void act_well(struct scene *scene, struct connection *connection,
                     const struct sum_request *asked)
{
    task_later(scene, work(scene, connection, asked));
}

static void act_quiet(struct scene *scene, struct connection *connection,
                      const struct sum_request *asked)
{
    struct task *task = work(scene, connection, asked);

    scene_happened(scene, EVENT_QUIET);
    task->quiet = true;
    task_later(scene, task);
}

static void relent(struct scene *scene, struct connection *connection,
                   const struct sum_request *asked)
{
    if (!chance_one_in(&scene->chance, 3))
        return;
    scene_happened(scene, EVENT_RELENT);
    act_well(scene, connection, asked);
}

static void act_busy(struct scene *scene, struct connection *connection,
                     const struct sum_request *asked)
{
    static const uint32_t some_ms[] = {0, 1, 150, 150, 400, 400, 1500, 5000, 62000};
    size_t some = sizeof some_ms / sizeof *some_ms;

    scene_happened(scene, EVENT_BUSY);
    say(scene, connection,
        refusal(asked->id, STATUS_BUSY, some_ms[chance_below(&scene->chance, some)]));
    relent(scene, connection, asked);
}

static void act_stopping(struct scene *scene, struct connection *connection,
                         const struct sum_request *asked)
{
    scene_happened(scene, EVENT_STOPPING);
    say(scene, connection, refusal(asked->id, STATUS_STOPPING, 0));
    relent(scene, connection, asked);
}

static void act_refusing(struct scene *scene, struct connection *connection,
                         const struct sum_request *asked)
{
    static const enum status some[] = {
        STATUS_MALFORMED, STATUS_WRONG_VERSION,     STATUS_OUT_OF_RANGE, STATUS_DUPLICATE_ID,
        STATUS_CANCELLED, STATUS_DEADLINE_EXCEEDED, STATUS_WORKERS_LOST,
    };
    bool all = chance_one_in(&scene->chance, 3);

    scene_happened(scene, all ? EVENT_REFUSE_ALL : EVENT_REFUSE);
    say(scene, connection,
        refusal(all ? 0 : asked->id, some[chance_below(&scene->chance, sizeof some / sizeof *some)],
                0));
}

static void act_greek(struct scene *scene, struct connection *connection,
                      const struct sum_request *asked)
{
    (void)asked;
    scene_happened(scene, EVENT_GREEK);
    cable_say(scene, connection, NULL);
}

static void act_miscounting(struct scene *scene, struct connection *connection,
                            const struct sum_request *asked)
{
    struct message message = answer(asked);

    message.sum_reply.units++;
    if (chance_one_in(&scene->chance, 2)) {
        message.sum_reply.count = asked->count % 2 ? asked->count + 1 : asked->count - 1;
        scene_happened(scene, EVENT_WRONG_COUNT);
    } else {
        message.sum_reply.unit_log2 = asked->kind == MESSAGE_KIND_GAUSSIAN ? -53 : -49;
        scene_happened(scene, EVENT_WRONG_UNIT);
    }
    say(scene, connection, message);
}

static void act_hanging_up(struct scene *scene, struct connection *connection,
                           const struct sum_request *asked)
{
    (void)asked;
    scene_happened(scene, EVENT_HANG_UP);
    server_trouble(scene, connection->server, 0);
    cable_break(scene, connection);
}

static void act_mute(struct scene *scene, struct connection *connection,
                     const struct sum_request *asked)
{
    struct task *task = work(scene, connection, asked);

    scene_happened(scene, EVENT_MUTE);
    task->quiet = true;
    task->ends_at_ns = task->deadline_at_ns = NEVER;
}

static void act_gossiping(struct scene *scene, struct connection *connection,
                          const struct sum_request *asked)
{
    struct task *task = work(scene, connection, asked);

    if (chance_one_in(&scene->chance, FLOODS_ONE_IN))
        flood(scene, connection, asked);
    task->gossip = true;
    task_later(scene, task);
}

static void take_request(struct scene *scene, struct connection *connection,
                         const struct sum_request *asked)
{
    static void (*const act[HABITS])(struct scene *, struct connection *,
                                     const struct sum_request *) = {
        [HABIT_NONE] = act_well,
        [HABIT_QUIET] = act_quiet,
        [HABIT_BUSY] = act_busy,
        [HABIT_STOPPING] = act_stopping,
        [HABIT_REFUSES] = act_refusing,
        [HABIT_GREEK] = act_greek,
        [HABIT_MISCOUNTS] = act_miscounting,
        [HABIT_HANGS_UP] = act_hanging_up,
        [HABIT_MUTE] = act_mute,
        [HABIT_GOSSIPS] = act_gossiping,
    };
    const struct server *server = &scene->servers.all[connection->server];
    bool follows = server->stubborn || chance_one_in(&scene->chance, 2);

    act[follows ? server->habit : HABIT_NONE](scene, connection, asked);
}

static void take_cancel(struct scene *scene, struct connection *connection, uint64_t id)
{
    for (uint32_t i = 0; i < scene->servers.tasks_used; i++) {
        struct task *task = &scene->servers.tasks[i];
        if (!task->used || task->connection != connection || task->asked.id != id)
            continue;
        say(scene, connection, refusal(id, STATUS_CANCELLED, 0));
        task_end(task);
    }
}

void server_hear(struct scene *scene, struct connection *connection, const struct message *message)
{
    if (message->type == MESSAGE_SUM_REQUEST)
        take_request(scene, connection, &message->sum_request);
    else if (message->type == MESSAGE_CANCEL)
        take_cancel(scene, connection, message->cancel.id);
    else
        scene_violation(scene, "says something that clients do not say");
}

/* ---- what becomes of them ---------------------------------------------------------------- */

void server_kill(struct scene *scene, size_t number, int64_t pause_ns)
{
    struct server *server = &scene->servers.all[number];

    if (!server->alive)
        return;
    scene_happened(scene, EVENT_KILL);
    trace_note(&scene->trace, scene->now_ns, "server killed", (uint32_t)number, 0);
    cables_orphan(scene, number);
    server->alive = server->frozen = false;
    server->stamp++;
    server_trouble(scene, number, pause_ns);
    scene_later(scene, pause_ns, SCENE_START, number, server->stamp);
}

void server_start(struct scene *scene, size_t number, uint32_t stamp)
{
    struct server *server = &scene->servers.all[number];

    if (server->stamp != stamp || server->alive)
        return;
    trace_note(&scene->trace, scene->now_ns, "server started", (uint32_t)number, 0);
    server->alive = true;
}

void server_freeze(struct scene *scene, size_t number, int64_t pause_ns)
{
    struct server *server = &scene->servers.all[number];

    if (!server->alive || server->frozen)
        return;
    scene_happened(scene, EVENT_FREEZE);
    trace_note(&scene->trace, scene->now_ns, "server frozen", (uint32_t)number, 0);
    server->frozen = true;
    server->frozen_until_ns = scene->now_ns + pause_ns;
    server->stamp++;
    server_trouble(scene, number, pause_ns);
    scene_later(scene, pause_ns, SCENE_THAW, number, server->stamp);
}

void server_thaw(struct scene *scene, size_t number, uint32_t stamp)
{
    struct server *server = &scene->servers.all[number];

    if (server->stamp == stamp)
        server->frozen = false;
}

void server_cut(struct scene *scene, size_t number, int64_t pause_ns)
{
    struct server *server = &scene->servers.all[number];

    if (server->absent)
        return;
    scene_happened(scene, EVENT_CUT);
    trace_note(&scene->trace, scene->now_ns, "server cut off", (uint32_t)number, 0);
    server->cut_until_ns = scene->now_ns + pause_ns;
    server_trouble(scene, number, pause_ns);
}

static void heal(struct scene *scene, size_t number)
{
    struct server *server = &scene->servers.all[number];

    if (server->absent)
        return;
    if (server->habit == HABIT_MUTE)
        server_kill(scene, number, 0);
    server->alive = true;
    server->frozen = false;
    server->cut_until_ns = scene->now_ns;
    server->stamp++;
    if (server->stubborn)
        return;
    if (server->habit > HABIT_QUIET)
        server->habit = HABIT_NONE;
    server->good_since_ns = scene->now_ns;
    if (server->good_since_ns < server->troubled_until_ns)
        server->good_since_ns = server->troubled_until_ns; /* what was held up comes then */
}

void servers_heal(struct scene *scene)
{
    for (size_t i = 0; i < scene->servers.count; i++)
        heal(scene, i);
}
