#include "tests/sim/session/caller.h"

#include <string.h>

#include "proto/bounds.h"
#include "tests/sim/oracle.h"
#include "tests/sim/session/scene.h"

/* Looks of which nothing comes: at one instant, and beside what goes on anyway. A deadline that is
 * too early is one, and so is that after a dial, of which a request may have ten a second. */
#define IDLE_AT_ONCE_MAX 4
#define IDLE_LOOKS       100
#define IDLE_LOOKS_A_S   20

static void question_init(struct scene *scene, size_t number)
{
    struct chance *chance = &scene->chance;
    struct question *question = &scene->caller.questions[number];
    int64_t at_ns = number == 0 ? 0 : chance_spread(chance, MS, 20 * S);

    *question = (struct question){.taken = false};
    question->asked = (struct meantime_question){
        .seed = number,
        .kind = chance_one_in(chance, 2) ? MEANTIME_GAUSSIAN : MEANTIME_UNIFORM,
        .first = chance_below(chance, SAMPLE_END_MAX / 2),
        .count = 2 + chance_below(chance, SAMPLE_END_MAX / 2 - 2),
        .timeout_ns = chance_one_in(chance, 2) ? chance_spread(chance, 20 * MS, 60 * S) : 0,
        .server = (unsigned)chance_below(chance, SERVERS_MAX),
    };
    scene_later(scene, at_ns, SCENE_ASK, number, 0);
    if (chance_one_in(chance, 6))
        scene_later(scene, at_ns + chance_spread(chance, MS, 20 * S), SCENE_CANCEL, number, 0);
}

void caller_init(struct scene *scene)
{
    struct caller *caller = &scene->caller;
    struct chance *chance = &scene->chance;

    memset(caller, 0, sizeof *caller);
    caller->timer_at_ns = NEVER;
    caller->count = 1 + chance_below(chance, QUESTIONS_MAX);
    if (chance_one_in(chance, 2))
        caller->slice_ns = chance_spread(chance, MS, chance_one_in(chance, 4) ? 8 * S : 50 * MS);
    for (size_t i = 0; i < caller->count; i++)
        question_init(scene, i);
    shell_begin(scene);
    caller->m = meantime_new();
    if (meantime_connect(caller->m, servers_names(scene)) != MEANTIME_OK)
        scene_violation(scene, "cannot be told of its servers");
}

void caller_clear(struct scene *scene)
{
    struct caller *caller = &scene->caller;

    if (caller->taken < caller->count)
        scene_happened(scene, EVENT_CLOSED);
    meantime_close(&caller->m);
    if (cables_open(scene) > 0)
        scene_violation(scene, "%u connections are left of a closed session", cables_open(scene));
}

void caller_stall(struct scene *scene, int64_t pause_ns)
{
    scene->caller.stalled_until_ns = scene->now_ns + pause_ns;
}

void caller_finds(struct scene *scene, bool something)
{
    scene->caller.found |= something;
}

/* ---- looks ------------------------------------------------------------------------------- */

static bool readable(const struct scene *scene)
{
    return cables_ring(scene) || scene->caller.timer_at_ns <= scene->now_ns;
}

int64_t caller_look_at(const struct scene *scene)
{
    const struct caller *caller = &scene->caller;
    int64_t at_ns = readable(scene) ? scene->now_ns : caller->timer_at_ns;

    if (at_ns == NEVER)
        return NEVER;
    if (at_ns < caller->stalled_until_ns)
        at_ns = caller->stalled_until_ns;
    if (caller->slice_ns > 0)
        at_ns = (at_ns + caller->slice_ns - 1) / caller->slice_ns * caller->slice_ns;
    return at_ns;
}

static void check_idleness(struct scene *scene)
{
    struct caller *caller = &scene->caller;
    uint64_t seconds = (uint64_t)(scene->now_ns / S);

    if (caller->found) {
        caller->idle_at_once = 0;
        return;
    }
    scene_happened(scene, EVENT_LOOK_IDLE);
    caller->idle_at_once++;
    caller->idle_looks++;
    if (caller->idle_at_once > IDLE_AT_ONCE_MAX && readable(scene))
        scene_violation(scene, "looks again and again, and finds nothing");
    if (caller->idle_looks > IDLE_LOOKS + IDLE_LOOKS_A_S * caller->count * seconds)
        scene_violation(scene, "looked %u times and found nothing", (unsigned)caller->idle_looks);
}

static void check(struct scene *scene)
{
    const char *wrong = shell_check(scene->caller.m);

    if (!wrong && !readable(scene))
        wrong = cables_missed(scene);
    if (wrong)
        scene_violation(scene, "%s, and nobody is to look", wrong);
}

/* ---- results ----------------------------------------------------------------------------- */

static __int128 units_of(const struct meantime_result *result)
{
    return (__int128)((unsigned __int128)(uint64_t)result->sum_high << 64 | result->sum_low);
}

static void check_sum(struct scene *scene, const struct question *question,
                      const struct meantime_result *result)
{
    const struct meantime_question *asked = &question->asked;
    enum message_kind kind = (enum message_kind)asked->kind;
    bool right = result->count == asked->count &&
                 result->unit_log2 == stream_unit_log2((enum stream_kind)kind) &&
                 units_of(result) == oracle_units(asked->seed, kind, asked->first, asked->count);

    if (!right)
        scene_violation(scene, "a sum is wrong");
}

static void take(struct scene *scene, const struct meantime_result *result)
{
    struct question *question = result->user;

    if (question->taken || question->number != result->request)
        scene_violation(scene, "a result comes twice, or under another number");
    question->taken = true;
    scene->caller.taken++;
    if (result->error == MEANTIME_OK)
        check_sum(scene, question, result);
    else if (!result->text[0])
        scene_violation(scene, "an error has no word");
}

static void take_all(struct scene *scene)
{
    struct meantime_result result;

    while (meantime_take(scene->caller.m, MEANTIME_ANY, &result) == 1)
        take(scene, &result);
}

static void check_deadlines(struct scene *scene)
{
    for (size_t i = 0; i < scene->caller.count; i++) {
        const struct question *question = &scene->caller.questions[i];
        const struct witness *witness = &scene->witnesses[i];
        if (question->number && !question->taken && witness->deadline_at_ns <= scene->now_ns &&
            !shell_is_behind(scene->caller.m))
            scene_violation(scene, "question %zu goes on after its deadline", i);
    }
}

void caller_look(struct scene *scene)
{
    struct caller *caller = &scene->caller;

    scene_happened(scene, EVENT_LOOK);
    trace_note(&scene->trace, scene->now_ns, "caller looks", 0, 0);
    caller->found = false;
    if (meantime_look(caller->m) > 0)
        caller->found = true;
    take_all(scene);
    check_deadlines(scene);
    check_idleness(scene);
    check(scene);
}

/* ---- questions --------------------------------------------------------------------------- */

void caller_ask(struct scene *scene, size_t number)
{
    struct question *question = &scene->caller.questions[number];

    question->asked.user = question;
    witness_begin(scene, number);
    if (meantime_ask(scene->caller.m, &question->asked, &question->number) != MEANTIME_OK)
        scene_violation(scene, "question %zu cannot be asked", number);
    scene->caller.idle_at_once = 0;
    check(scene);
}

void caller_cancel(struct scene *scene, size_t number)
{
    struct question *question = &scene->caller.questions[number];
    struct meantime_result result;

    if (question->taken || !question->number)
        return;
    scene->witnesses[number].cancelled = true;
    if (meantime_cancel(scene->caller.m, question->number) != MEANTIME_OK)
        scene_violation(scene, "question %zu cannot be cancelled", number);
    check(scene);
    if (meantime_take(scene->caller.m, question->number, &result) != 1)
        scene_violation(scene, "a cancel does not end question %zu", number);
    else
        take(scene, &result);
}
