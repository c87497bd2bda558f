#include "tests/unit/server/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/server/check.h"

#define WORKERS_THAT_JOIN 4

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* ---- totals ------------------------------------------------------------------------------ */

#define SEEDS_A_CLIENT 1000

struct sum_request request_of(uint32_t client, uint64_t id, uint64_t first, uint64_t count)
{
    return (struct sum_request){
        .id = id,
        .seed = client * (uint64_t)SEEDS_A_CLIENT + id,
        .kind = MESSAGE_KIND_GAUSSIAN,
        .first = first,
        .count = count,
    };
}

struct sum_reply total_of(const struct sum_request *asked, uint64_t compute_ns)
{
    __int128 count = asked->count, first = asked->first;

    return (struct sum_reply){
        .id = asked->id,
        .count = asked->count,
        .units = count * (2 * first + count - 1) / 2 + count * asked->seed,
        .unit_log2 = stream_unit_log2((enum stream_kind)asked->kind),
        .compute_ns = compute_ns,
    };
}

void check_wire(const struct message *message)
{
    uint8_t sent[MESSAGE_BYTES_MAX], again[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, sent);
    struct message_error error;
    struct message read;

    cr_assert(message_decode(sent, size, &read, &error), "no message: %s", error.reason);
    cr_assert(message_encode(&read, again) == size);
    cr_assert(memcmp(sent, again, size) == 0);
}

/* ---- consequences ------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void say(struct world *world, const char *format, ...)
{
    size_t used = strlen(world->said), room = sizeof world->said - used;
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(world->said + used, room, format, arguments);
    va_end(arguments);
    cr_assert(size >= 0 && (size_t)size < room, "too much was said");
}

static void say_request(struct world *world, const char *verb, uint32_t client, uint64_t id)
{
    bool parent = client >= CLIENTS_MAX;

    say(world, "%s%s%s%u#%" PRIu64, *world->said ? " " : "", verb, parent ? " p" : " ",
        client - (parent ? CLIENTS_MAX : 0), id);
}

static void say_start(struct world *world, uint32_t worker, const struct sum_request *asked)
{
    char verb[40];

    cr_assert(world->given_count < RUNS_OF_STORY);
    for (unsigned i = 0; i < world->given_count; i++)
        cr_assert(world->given[i].asked.id != asked->id, "r%u has this id too", i + 1);
    world->given[world->given_count++] = (struct given){worker, *asked};
    snprintf(verb, sizeof verb, "start r%u w%u", world->given_count, worker);
    say_request(world, verb, (uint32_t)(asked->seed / SEEDS_A_CLIENT),
                asked->seed % SEEDS_A_CLIENT);
    say(world, " %" PRIu64 "+%" PRIu64, asked->first / BLOCK_SAMPLES, asked->count / BLOCK_SAMPLES);
}

static void say_cancel(struct world *world, uint32_t worker, uint64_t id)
{
    unsigned i = 0;

    while (i < world->given_count && world->given[i].asked.id != id)
        i++;
    cr_assert(i < world->given_count, "a run that was never started is cancelled");
    cr_assert(world->given[i].worker == worker, "another worker has r%u", i + 1);
    say(world, "%scancel r%u", *world->said ? " " : "", i + 1);
}

static void say_to_worker(struct world *world, const struct effect *e)
{
    const struct message *m = &e->message;
    const char *space = *world->said ? " " : "";
    bool to_any = m->type == MESSAGE_SUM_REQUEST || m->type == MESSAGE_CANCEL;
    bool to_joined = m->type == MESSAGE_WELCOME || m->type == MESSAGE_HEARTBEAT;

    cr_assert(to_any || (to_joined && e->worker >= world->threads));
    if (m->type == MESSAGE_SUM_REQUEST)
        say_start(world, e->worker, &m->sum_request);
    else if (m->type == MESSAGE_CANCEL)
        say_cancel(world, e->worker, m->cancel.id);
    else if (m->type == MESSAGE_WELCOME)
        say(world, "%swelcome w%u", space, e->worker);
    else
        say(world, "%sbeat w%u", space, e->worker);
}

static void say_to_client(struct world *world, const struct effect *e)
{
    const struct message *m = &e->message;

    if (m->type == MESSAGE_SUM_REPLY) {
        say_request(world, "reply", e->client, m->sum_reply.id);
        world->took_ns = m->sum_reply.compute_ns;
    } else if (m->type == MESSAGE_PROGRESS) {
        say_request(world, "progress", e->client, m->progress.id);
        say(world, " %" PRIu64 "/%" PRIu64, m->progress.done / BLOCK_SAMPLES,
            m->progress.count / BLOCK_SAMPLES);
    } else {
        cr_assert(m->type == MESSAGE_REFUSAL);
        say_request(world, "refuse", e->client, m->refusal.id);
        say(world, " %s", status_text(m->refusal.status));
    }
}

static void say_effect(struct world *world, const struct effect *e)
{
    check_wire(&e->message);
    if (e->message.type == MESSAGE_REFUSAL)
        snprintf(world->text, sizeof world->text, "%s", e->message.refusal.text);
    if (e->type == EFFECT_SEND_WORKER) {
        say_to_worker(world, e);
    } else if (e->type == EFFECT_DROP_WORKER) {
        cr_assert(e->message.type == MESSAGE_REFUSAL && e->message.refusal.id == 0);
        say(world, "%sdrop w%u %s", *world->said ? " " : "", e->worker,
            status_text(e->message.refusal.status));
    } else {
        cr_assert((e->type == EFFECT_PROGRESS) == (e->message.type == MESSAGE_PROGRESS));
        say_to_client(world, e);
    }
}

void world_step(struct world *world, const struct event *event)
{
    struct effect effect;

    world->said[0] = '\0';
    dispatcher_step(world->d, world->now_ns, event);
    while (dispatcher_next(world->d, &effect))
        say_effect(world, &effect);
    check_state(world->d);
}

/* ---- stimuli ----------------------------------------------------------------------------- */

/* What a stimulus becomes. */
struct news {
    struct event event;
    struct message message;
};

static uint32_t read_client(const char *text)
{
    unsigned number;

    if (sscanf(text, "p%u", &number) == 1)
        return CLIENTS_MAX + number;
    cr_assert(sscanf(text, "%u", &number) == 1, "\"%s\" is no client", text);
    return number;
}

static uint32_t read_worker(const char *text)
{
    unsigned number;

    cr_assert(sscanf(text, "w%u", &number) == 1, "\"%s\" is no worker", text);
    return number;
}

static enum status read_status(const char *text)
{
    int status = STATUS_OK + 1;

    while (status < STATUS_END && strcmp(text, status_text((enum status)status)) != 0)
        status++;
    cr_assert(status < STATUS_END, "\"%s\" is no status", text);
    return (enum status)status;
}

static struct given *read_run(struct world *world, const char *text)
{
    unsigned number;

    cr_assert(sscanf(text, "r%u", &number) == 1, "\"%s\" is no run", text);
    cr_assert(number >= 1 && number <= world->given_count, "%s was never started", text);
    return &world->given[number - 1];
}

static void read_request(struct world *world, const char *text, struct news *news)
{
    struct sum_request *asked = &news->message.sum_request;
    const char *deadline = strstr(text, "deadline");
    unsigned id, blocks;

    (void)world;
    news->event.type = EVENT_CLIENT_MESSAGE;
    news->event.client = read_client(text);
    cr_assert(sscanf(text, "%*s %u %u", &id, &blocks) == 2);
    news->message.type = MESSAGE_SUM_REQUEST;
    *asked = request_of(news->event.client, id, 0, (uint64_t)blocks * BLOCK_SAMPLES);
    asked->progress = strstr(text, "progress");
    if (strstr(text, "uniform"))
        asked->kind = MESSAGE_KIND_UNIFORM;
    if (deadline)
        asked->deadline_ms = (uint32_t)atoi(deadline + strlen("deadline "));
}

static void read_cancel(struct world *world, const char *text, struct news *news)
{
    (void)world;
    news->event.type = EVENT_CLIENT_MESSAGE;
    news->event.client = read_client(text);
    news->message.type = MESSAGE_CANCEL;
    cr_assert(sscanf(text, "%*s %" SCNu64, &news->message.cancel.id) == 1);
}

static void read_lost(struct world *world, const char *text, struct news *news)
{
    (void)world;
    if (text[0] == 'w') {
        news->event.type = EVENT_WORKER_LOST;
        news->event.worker = read_worker(text);
    } else {
        news->event.type = EVENT_CLIENT_LOST;
        news->event.client = read_client(text);
    }
}

static uint32_t read_height(const char *text)
{
    const char *height = strstr(text, "height ");

    return height ? (uint32_t)strtoul(height + strlen("height "), NULL, 10) : 0;
}

static void read_join(struct world *world, const char *text, struct news *news)
{
    struct join *join = &news->message.join;

    (void)world;
    news->event.type = EVENT_WORKER_MESSAGE;
    news->event.worker = read_worker(text);
    news->message.type = MESSAGE_JOIN;
    *join = (struct join){.digest = DIGEST_OF_TESTS, .kernel = "kernel"};
    cr_assert(sscanf(text, "%*s %u", &join->capacity) == 1);
    sscanf(text, "%3s", join->name);
    join->digest += strstr(text, "other") != NULL;
    join->height = read_height(text);
}

static void read_beat(struct world *world, const char *text, struct news *news)
{
    (void)world;
    news->event.type = EVENT_WORKER_MESSAGE;
    news->event.worker = read_worker(text);
    news->message.type = MESSAGE_HEARTBEAT;
    cr_assert(sscanf(text, "%*s %u", &news->message.heartbeat.capacity) == 1);
    news->message.heartbeat.height = read_height(text);
}

static void read_leave(struct world *world, const char *text, struct news *news)
{
    (void)world;
    news->event.type = EVENT_WORKER_MESSAGE;
    news->event.worker = read_worker(text);
    news->message.type = MESSAGE_LEAVE;
}

static void read_done(struct world *world, const char *text, struct news *news)
{
    const struct given *given = read_run(world, text);
    uint64_t compute_ns = given->asked.count / BLOCK_SAMPLES * BLOCK_NS;
    const char *in = strstr(text, " in "), *by = strstr(text, " by ");
    struct sum_reply *reply = &news->message.sum_reply;

    news->event.type = EVENT_WORKER_MESSAGE;
    news->event.worker = by ? read_worker(by + strlen(" by ")) : given->worker;
    news->message.type = MESSAGE_SUM_REPLY;
    *reply = total_of(&given->asked, in ? (uint64_t)(atof(in + strlen(" in ")) * MS) : compute_ns);
    if (strstr(text, "wrong count"))
        reply->count--;
    else if (strstr(text, "wrong units"))
        reply->units = (__int128)reply->count << 53;
    else if (strstr(text, "wrong unit"))
        reply->unit_log2++;
}

static void read_stopped(struct world *world, const char *text, struct news *news)
{
    read_done(world, text, news);
    cr_assert(news->event.worker < world->threads);
    news->message.sum_reply = (struct sum_reply){.id = news->message.sum_reply.id};
}

static void read_refuse(struct world *world, const char *text, struct news *news)
{
    const struct given *given = read_run(world, text);

    news->event.type = EVENT_WORKER_MESSAGE;
    news->event.worker = given->worker;
    news->message.type = MESSAGE_REFUSAL;
    news->message.refusal.id = given->asked.id;
    news->message.refusal.status = read_status(strchr(text, ' ') + 1);
}

static void read_time(struct world *world, const char *text, struct news *news)
{
    news->event.type = EVENT_TIME;
    world->now_ns += atoi(text) * MS;
}

static void read_drain(struct world *world, const char *text, struct news *news)
{
    (void)world;
    (void)text;
    news->event.type = EVENT_DRAIN;
}

static void read_stop(struct world *world, const char *text, struct news *news)
{
    (void)world;
    (void)text;
    news->event.type = EVENT_STOP;
}

static void act(struct world *world, const char *stimulus)
{
    static const struct {
        const char *verb;
        void (*read)(struct world *, const char *, struct news *);
    } verbs[] = {
        {"request ", read_request}, {"cancel ", read_cancel}, {"lost ", read_lost},
        {"join ", read_join},       {"beat ", read_beat},     {"leave ", read_leave},
        {"done ", read_done},       {"refuse ", read_refuse}, {"stopped ", read_stopped},
        {"time ", read_time},       {"drain", read_drain},    {"stop", read_stop},
    };
    struct news news = {0};
    size_t i = 0;

    while (i < LENGTH(verbs) && strncmp(stimulus, verbs[i].verb, strlen(verbs[i].verb)) != 0)
        i++;
    cr_assert(i < LENGTH(verbs), "what is \"%s\"?", stimulus);
    verbs[i].read(world, stimulus + strlen(verbs[i].verb), &news);
    news.event.message = &news.message;
    world_step(world, &news.event);
}

void world_do(struct world *world, const char *format, ...)
{
    char stimulus[80];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(stimulus, sizeof stimulus, format, arguments);
    va_end(arguments);
    act(world, stimulus);
}

/* ---- questions --------------------------------------------------------------------------- */

static void answer_due(struct world *world)
{
    int64_t due_at_ns = dispatcher_due_at(world->d);

    if (due_at_ns == INT64_MAX)
        say(world, "never");
    else
        say(world, "%g ms", (double)due_at_ns / MS);
}

static void answer_busy(struct world *world)
{
    say(world, "%s", dispatcher_busy(world->d) ? "yes" : "no");
}

static void answer_capacity(struct world *world)
{
    say(world, "%u", dispatcher_capacity(world->d));
}

static void answer_height(struct world *world)
{
    say(world, "%u", dispatcher_heartbeat(world->d).height);
}

static void answer_left(struct world *world)
{
    check_nothing_left(world->d);
    say(world, "nothing");
}

static void answer_text(struct world *world)
{
    say(world, "%s", world->text);
}

static void answer_took(struct world *world)
{
    say(world, "%g ms", (double)world->took_ns / MS);
}

static bool ask_counter(struct world *world, const char *question)
{
    struct status_reply status = {0};
    const struct counters *c = &status.counters;

    dispatcher_status(world->d, world->now_ns, &(struct status_request){0}, &status);
    const struct {
        const char *question;
        uint64_t value;
    } counters[] = {
        {"count answered", c->answered},
        {"count refused", c->refused},
        {"count spans", c->spans},
        {"count requeued", c->requeued},
        {"count given_twice", c->given_twice},
        {"count duplicates", c->duplicates},
        {"count workers_lost", c->workers_lost},
    };
    for (size_t i = 0; i < LENGTH(counters); i++)
        if (strcmp(question, counters[i].question) == 0) {
            say(world, "%" PRIu64, counters[i].value);
            return true;
        }
    return false;
}

/* False where it is no question. */
static bool ask(struct world *world, const char *question)
{
    static const struct {
        const char *question;
        void (*answer)(struct world *);
    } questions[] = {
        {"due", answer_due},       {"busy", answer_busy}, {"capacity", answer_capacity},
        {"height", answer_height}, {"left", answer_left}, {"text", answer_text},
        {"took", answer_took},
    };

    world->said[0] = '\0';
    for (size_t i = 0; i < LENGTH(questions); i++)
        if (strcmp(question, questions[i].question) == 0) {
            questions[i].answer(world);
            return true;
        }
    return ask_counter(world, question);
}

/* ---- stories ----------------------------------------------------------------------------- */

struct world world_of(const struct dispatcher_settings *settings)
{
    struct world world = {.d = dispatcher_new(settings), .threads = settings->threads};

    cr_assert(world.d != NULL);
    return world;
}

struct world world_new(uint32_t threads)
{
    return world_of(&(struct dispatcher_settings){
        .requests_max = 3,
        .client_requests_max = 2,
        .threads = threads,
        .joined_max = WORKERS_THAT_JOIN,
        .digest = DIGEST_OF_TESTS,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    });
}

void world_destroy(struct world *world)
{
    dispatcher_destroy(&world->d);
}

static void tell(struct world *world, const struct row *row)
{
    unsigned threads;

    if (sscanf(row->stimulus, "threads %u", &threads) == 1) {
        world_destroy(world);
        *world = world_new(threads);
    } else if (!ask(world, row->stimulus)) {
        act(world, row->stimulus);
    }
    cr_assert_str_eq(world->said, row->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                     row->stimulus, world->said, row->consequence);
}

void story(const struct row *rows)
{
    struct world world = world_new(0);

    for (; rows->stimulus; rows++)
        tell(&world, rows);
    world_destroy(&world);
}
