/* Simulates the caller of the library, and checks each result. */
#include "tests/sim/session/caller.h"

#include <string.h>

#include "proto/bounds.h"
#include "tests/sim/oracle.h"
#include "tests/sim/session/scene.h"
#include "tests/sim/session/session_check.h"

/* Limits of looks that find nothing: at one instant, in all, and for each request and second. The
 * session may wake the caller too early. It also does so after each dial, and a request may dial
 * ten times a second. */
#define IDLE_AT_ONCE_MAX 4
#define IDLE_LOOKS       100
#define IDLE_LOOKS_A_S   20

static void request_init(struct session_scene *scene, size_t number)
{
    struct chance *chance = &scene->chance;
    struct caller_request *request = &scene->caller.requests[number];
    int64_t at_ns = number == 0 ? 0 : chance_spread(chance, MS, 20 * S);

    *request = (struct caller_request){.taken = false};
    request->question = (struct meantime_question){
        .seed = number,
        .kind = chance_one_in(chance, 2) ? MEANTIME_GAUSSIAN : MEANTIME_UNIFORM,
        .first = chance_below(chance, SAMPLE_END_MAX / 2),
        .count = 2 + chance_below(chance, SAMPLE_END_MAX / 2 - 2),
        .timeout_ns = chance_one_in(chance, 2) ? chance_spread(chance, 20 * MS, 60 * S) : 0,
        .server = (unsigned)chance_below(chance, SERVERS_MAX),
    };
    scene_schedule(scene, at_ns, SCENE_ASK, number, 0);
    if (chance_one_in(chance, 6))
        scene_schedule(scene, at_ns + chance_spread(chance, MS, 20 * S), SCENE_CANCEL, number, 0);
}

void caller_init(struct session_scene *scene)
{
    struct model_caller *caller = &scene->caller;
    struct chance *chance = &scene->chance;

    memset(caller, 0, sizeof *caller);
    caller->timer_at_ns = NEVER;
    caller->count = 1 + chance_below(chance, CALLER_REQUESTS_MAX);
    if (chance_one_in(chance, 2))
        caller->slice_ns = chance_spread(chance, MS, chance_one_in(chance, 4) ? 8 * S : 50 * MS);
    for (size_t i = 0; i < caller->count; i++)
        request_init(scene, i);
    seams_begin(scene);
    caller->m = meantime_new();
    if (meantime_connect(caller->m, model_servers_names(scene)) != MEANTIME_OK)
        scene_violation(scene, "cannot connect to its servers");
}

void caller_clear(struct session_scene *scene)
{
    struct model_caller *caller = &scene->caller;

    if (caller->taken < caller->count)
        scene_count(scene, COUNTER_CLOSED);
    meantime_close(&caller->m);
    if (wires_open(scene) > 0)
        scene_violation(scene, "%u connections are left of a closed session", wires_open(scene));
}

void caller_stall(struct session_scene *scene, int64_t pause_ns)
{
    scene->caller.stalled_until_at_ns = scene->now_ns + pause_ns;
}

void caller_found(struct session_scene *scene, bool something)
{
    scene->caller.found |= something;
}

/* ---- looks ------------------------------------------------------------------------------- */

static bool readable(const struct session_scene *scene)
{
    return wires_readable(scene) || scene->caller.timer_at_ns <= scene->now_ns;
}

int64_t caller_look_at(const struct session_scene *scene)
{
    const struct model_caller *caller = &scene->caller;
    int64_t at_ns = readable(scene) ? scene->now_ns : caller->timer_at_ns;

    if (at_ns == NEVER)
        return NEVER;
    if (at_ns < caller->stalled_until_at_ns)
        at_ns = caller->stalled_until_at_ns;
    if (caller->slice_ns > 0)
        at_ns = (at_ns + caller->slice_ns - 1) / caller->slice_ns * caller->slice_ns;
    return at_ns;
}

static void check_idleness(struct session_scene *scene)
{
    struct model_caller *caller = &scene->caller;
    uint64_t seconds = (uint64_t)(scene->now_ns / S);

    if (caller->found) {
        caller->idle_at_once = 0;
        return;
    }
    scene_count(scene, COUNTER_LOOK_EMPTY);
    caller->idle_at_once++;
    caller->idle_looks++;
    if (caller->idle_at_once > IDLE_AT_ONCE_MAX && readable(scene))
        scene_violation(scene, "wakes the caller again and again without a reason");
    if (caller->idle_looks > IDLE_LOOKS + IDLE_LOOKS_A_S * caller->count * seconds)
        scene_violation(scene, "woke the caller %u times without a reason",
                        (unsigned)caller->idle_looks);
}

static void check(struct session_scene *scene)
{
    const char *wrong = session_check(scene->caller.m, scene->caller.timer_at_ns);

    if (!wrong && !readable(scene))
        wrong = wires_unreported(scene);
    if (wrong)
        scene_violation(scene, "%s, and the caller does not wake", wrong);
}

/* ---- results ----------------------------------------------------------------------------- */

static __int128 units_of(const struct meantime_result *result)
{
    return (__int128)((unsigned __int128)(uint64_t)result->sum_high << 64 | result->sum_low);
}

static void check_sum(struct session_scene *scene, const struct caller_request *request,
                      const struct meantime_result *result)
{
    const struct meantime_question *question = &request->question;
    enum message_kind kind = (enum message_kind)question->kind;
    bool right =
        result->count == question->count &&
        result->unit_log2 == stream_unit_log2((enum stream_kind)kind) &&
        units_of(result) == oracle_units(question->seed, kind, question->first, question->count);

    if (!right)
        scene_violation(scene, "a sum is wrong");
}

static void take(struct session_scene *scene, const struct meantime_result *result)
{
    struct caller_request *request = result->user;

    if (request->taken || request->number != result->request)
        scene_violation(scene, "a result comes twice, or under another number");
    request->taken = true;
    scene->caller.taken++;
    if (result->error == MEANTIME_OK)
        check_sum(scene, request, result);
    else if (!result->text[0])
        scene_violation(scene, "an error has no text");
}

static void take_all(struct session_scene *scene)
{
    struct meantime_result result;

    while (meantime_take(scene->caller.m, MEANTIME_ANY, &result) == 1)
        take(scene, &result);
}

static void check_deadlines(struct session_scene *scene)
{
    for (size_t i = 0; i < scene->caller.count; i++) {
        const struct caller_request *request = &scene->caller.requests[i];
        const struct observer *observer = &scene->observers[i];
        if (request->number && !request->taken && observer->deadline_at_ns <= scene->now_ns &&
            !session_has_unread(scene->caller.m))
            scene_violation(scene, "request %zu continues after its deadline", i);
    }
}

void caller_look(struct session_scene *scene)
{
    struct model_caller *caller = &scene->caller;

    scene_count(scene, COUNTER_LOOK);
    trace_note(&scene->trace, scene->now_ns, "caller looks", 0, 0);
    caller->found = false;
    if (meantime_look(caller->m) > 0)
        caller->found = true;
    take_all(scene);
    check_deadlines(scene);
    check_idleness(scene);
    check(scene);
}

/* ---- requests ---------------------------------------------------------------------------- */

void caller_ask(struct session_scene *scene, size_t number)
{
    struct caller_request *request = &scene->caller.requests[number];

    request->question.user = request;
    observer_begin(scene, number);
    if (meantime_ask(scene->caller.m, &request->question, &request->number) != MEANTIME_OK)
        scene_violation(scene, "request %zu cannot begin", number);
    scene->caller.idle_at_once = 0;
    check(scene);
}

void caller_cancel(struct session_scene *scene, size_t number)
{
    struct caller_request *request = &scene->caller.requests[number];
    struct meantime_result result;

    if (request->taken || !request->number)
        return;
    scene->observers[number].cancelled = true;
    if (meantime_cancel(scene->caller.m, request->number) != MEANTIME_OK)
        scene_violation(scene, "request %zu cannot be cancelled", number);
    check(scene);
    if (meantime_take(scene->caller.m, request->number, &result) != 1)
        scene_violation(scene, "a cancel does not end request %zu", number);
    else
        take(scene, &result);
}
