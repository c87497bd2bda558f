/* A dispatcher for tests, and stories of stimulus and consequence: see fixture.h. */
#include "tests/unit/server/fixture.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/dispatcher_state.h"
#include "tests/unit/server/check.h"

#define JOINED_WORKERS 4

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

/* A natural number in units of 1. */
static void set_total(struct exact_total *total, unsigned __int128 value)
{
    uint64_t words[3] = {(uint64_t)value, (uint64_t)(value >> 64)};

    exact_total_set(total, words, 3, 0);
}

struct sum_reply terms_of(const struct sum_request *asked, uint64_t compute_ns,
                          struct totals *totals)
{
    struct sum_request samples = *asked;
    struct sum_reply reply;

    samples.kind = MESSAGE_KIND_GAUSSIAN;
    reply = total_of(&samples, compute_ns);
    set_total(&totals->sum, (unsigned __int128)reply.units);
    set_total(&totals->squares, (unsigned __int128)asked->count);
    totals->output = (struct output_total){
        .name = "value",
        .sum = units_view(&totals->sum),
        .squares = units_view(&totals->squares),
        .has_squares = true,
    };
    reply.units = reply.unit_log2 = 0;
    reply.outputs = (struct outputs){.count = 1, .list = &totals->output};
    reply.build = asked->build;
    return reply;
}

void check_wire(const struct message *message)
{
    static struct decode_arena arena;
    static uint8_t sent[MESSAGE_BYTES_MAX], again[MESSAGE_BYTES_MAX];
    size_t size = message_encode(message, sent);
    struct message_error error;
    struct message read;

    cr_assert(message_decode(&arena, sent, size, &read, &error), "invalid message: %s",
              error.reason);
    cr_assert(message_encode(&read, again) == size);
    cr_assert(memcmp(sent, again, size) == 0);
}

/* ---- consequences ------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void print(struct fixture *fixture, const char *format,
                                                        ...)
{
    size_t used = strlen(fixture->output), room = sizeof fixture->output - used;
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(fixture->output + used, room, format, arguments);
    va_end(arguments);
    cr_assert(size >= 0 && (size_t)size < room, "the consequence is too long");
}

static void print_request(struct fixture *fixture, const char *verb, uint32_t client, uint64_t id)
{
    bool parent = client >= CLIENTS_MAX;

    print(fixture, "%s%s%s%u#%" PRIu64, *fixture->output ? " " : "", verb, parent ? " p" : " ",
          client - (parent ? CLIENTS_MAX : 0), id);
}

static void print_start(struct fixture *fixture, uint32_t worker, const struct sum_request *asked)
{
    char verb[40];

    cr_assert(fixture->started_count < RUNS_OF_STORY);
    for (unsigned i = 0; i < fixture->started_count; i++)
        cr_assert(fixture->started[i].asked.id != asked->id, "r%u has this id too", i + 1);
    fixture->started[fixture->started_count++] = (struct started){worker, *asked};
    snprintf(verb, sizeof verb, "start r%u w%u", fixture->started_count, worker);
    print_request(fixture, verb, (uint32_t)(asked->seed / SEEDS_A_CLIENT),
                  asked->seed % SEEDS_A_CLIENT);
    if (!asked->summand) {
        print(fixture, " %" PRIu64 "+%" PRIu64, asked->first / BLOCK_SAMPLES,
              asked->count / BLOCK_SAMPLES);
        return;
    }
    print(fixture, " %" PRIu64 "+%" PRIu64 " of %s %" PRIu64 "%s", asked->first, asked->count,
          asked->summand, asked->build, asked->audit ? " audit" : "");
}

static void print_cancel(struct fixture *fixture, uint32_t worker, uint64_t id)
{
    unsigned i = 0;

    while (i < fixture->started_count && fixture->started[i].asked.id != id)
        i++;
    cr_assert(i < fixture->started_count, "a run that was never started is cancelled");
    cr_assert(fixture->started[i].worker == worker, "another worker has r%u", i + 1);
    print(fixture, "%scancel r%u", *fixture->output ? " " : "", i + 1);
}

static void print_to_worker(struct fixture *fixture, const struct effect *e)
{
    const struct message *m = &e->message;
    const char *space = *fixture->output ? " " : "";
    bool to_any = m->type == MESSAGE_SUM_REQUEST || m->type == MESSAGE_CANCEL;
    bool to_joined = m->type == MESSAGE_WELCOME || m->type == MESSAGE_HEARTBEAT;

    cr_assert(to_any || (to_joined && e->worker >= fixture->threads));
    if (m->type == MESSAGE_SUM_REQUEST)
        print_start(fixture, e->worker, &m->sum_request);
    else if (m->type == MESSAGE_CANCEL)
        print_cancel(fixture, e->worker, m->cancel.id);
    else if (m->type == MESSAGE_WELCOME)
        print(fixture, "%swelcome w%u", space, e->worker);
    else
        print(fixture, "%sbeat w%u", space, e->worker);
}

static bool units_agree(const struct units *a, const struct units *b)
{
    return a->unit_log2 == b->unit_log2 && a->length == b->length &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Fails unless the outputs are those of all terms of a request. */
static void check_outputs(uint32_t client, uint64_t id, uint64_t count,
                          const struct outputs *outputs)
{
    struct sum_request asked = request_of(client, id, 0, count);
    struct totals totals;

    if (outputs->count == 0)
        return;
    terms_of(&asked, 0, &totals);
    cr_assert(outputs->count == 1 && outputs->list->has_squares);
    cr_assert_str_eq(outputs->list->name, "value");
    cr_assert(units_agree(&outputs->list->sum, &totals.output.sum), "the sum is wrong");
    cr_assert(units_agree(&outputs->list->squares, &totals.output.squares));
}

static void print_to_client(struct fixture *fixture, const struct effect *e)
{
    const struct message *m = &e->message;

    if (m->type == MESSAGE_SUM_REPLY) {
        check_outputs(e->client, m->sum_reply.id, m->sum_reply.count, &m->sum_reply.outputs);
        print_request(fixture, "reply", e->client, m->sum_reply.id);
        fixture->took_ns = m->sum_reply.compute_ns;
    } else if (m->type == MESSAGE_PROGRESS) {
        uint64_t unit = m->progress.outputs.count > 0 ? 1 : BLOCK_SAMPLES;
        print_request(fixture, "progress", e->client, m->progress.id);
        print(fixture, " %" PRIu64 "/%" PRIu64, m->progress.done / unit, m->progress.count / unit);
    } else {
        cr_assert(m->type == MESSAGE_REFUSAL);
        print_request(fixture, "refuse", e->client, m->refusal.id);
        print(fixture, " %s", refusal_code_text(m->refusal.code));
        if (m->refusal.deaths > 0)
            print(fixture, " deaths %u", m->refusal.deaths);
    }
}

static void print_effect(struct fixture *fixture, const struct effect *e)
{
    check_wire(&e->message);
    if (e->message.type == MESSAGE_REFUSAL)
        snprintf(fixture->text, sizeof fixture->text, "%s", e->message.refusal.text);
    if (e->type == EFFECT_SEND_WORKER) {
        print_to_worker(fixture, e);
    } else if (e->type == EFFECT_DROP_WORKER) {
        cr_assert(e->message.type == MESSAGE_REFUSAL && e->message.refusal.id == 0);
        print(fixture, "%sdrop w%u %s", *fixture->output ? " " : "", e->worker,
              refusal_code_text(e->message.refusal.code));
    } else {
        cr_assert((e->type == EFFECT_PROGRESS) == (e->message.type == MESSAGE_PROGRESS));
        print_to_client(fixture, e);
    }
}

void fixture_step(struct fixture *fixture, const struct event *event)
{
    struct effect effect;

    fixture->output[0] = '\0';
    dispatcher_step(fixture->d, fixture->now_ns, event);
    while (dispatcher_next(fixture->d, &effect))
        print_effect(fixture, &effect);
    check_state(fixture->d);
}

/* ---- stimuli ----------------------------------------------------------------------------- */

/* A parsed stimulus. */
struct stimulus {
    struct event event;
    struct message message;
    struct totals totals;            /* of a reply for a summand */
    struct offer offers[OFFERS_MAX]; /* of a join or heartbeat */
    char name[SUMMAND_NAME_BYTES_MAX + 1];
};

static uint32_t read_client(const char *text)
{
    unsigned number;

    if (sscanf(text, "p%u", &number) == 1)
        return CLIENTS_MAX + number;
    cr_assert(sscanf(text, "%u", &number) == 1, "\"%s\" is not a client", text);
    return number;
}

static uint32_t read_worker(const char *text)
{
    unsigned number;

    cr_assert(sscanf(text, "w%u", &number) == 1, "\"%s\" is not a worker", text);
    return number;
}

static enum refusal_code read_code(const char *text)
{
    int code = REFUSAL_NONE + 1;

    while (code < REFUSAL_END && strcmp(text, refusal_code_text((enum refusal_code)code)) != 0)
        code++;
    cr_assert(code < REFUSAL_END, "\"%s\" is not a code", text);
    return (enum refusal_code)code;
}

static struct started *read_run(struct fixture *fixture, const char *text)
{
    unsigned number;

    cr_assert(sscanf(text, "r%u", &number) == 1, "\"%s\" is not a run", text);
    cr_assert(number >= 1 && number <= fixture->started_count, "%s was never started", text);
    return &fixture->started[number - 1];
}

static void read_summand(const char *text, uint64_t count, struct stimulus *stimulus)
{
    struct sum_request *asked = &stimulus->message.sum_request;
    const char *build = strstr(text, "build ");

    cr_assert(sscanf(strstr(text, " of "), " of %31s", stimulus->name) == 1);
    asked->kind = MESSAGE_KIND_NONE;
    asked->count = count;
    asked->summand = stimulus->name;
    asked->build = build ? strtoull(build + strlen("build "), NULL, 10) : 0;
}

static struct offers read_offers(const char *text, struct stimulus *stimulus)
{
    struct offers offers = {.list = stimulus->offers};

    while ((text = strstr(text, "has "))) {
        struct offer *offer = &stimulus->offers[offers.count++];
        *offer = (struct offer){.capacity = 1};
        cr_assert(sscanf(text, "has %31s %" SCNu64 " %lf", offer->name, &offer->build,
                         &offer->ns_per_term) == 3);
        text += strlen("has ");
    }
    return offers;
}

static void read_request(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    struct sum_request *asked = &stimulus->message.sum_request;
    const char *deadline = strstr(text, "deadline");
    unsigned id, blocks;

    (void)fixture;
    stimulus->event.type = EVENT_CLIENT_MESSAGE;
    stimulus->event.client = read_client(text);
    cr_assert(sscanf(text, "%*s %u %u", &id, &blocks) == 2);
    stimulus->message.type = MESSAGE_SUM_REQUEST;
    *asked = request_of(stimulus->event.client, id, 0, (uint64_t)blocks * BLOCK_SAMPLES);
    asked->progress = strstr(text, "progress");
    if (strstr(text, "uniform"))
        asked->kind = MESSAGE_KIND_UNIFORM;
    if (strstr(text, " of "))
        read_summand(text, blocks, stimulus);
    if (deadline)
        asked->deadline_ms = (uint32_t)atoi(deadline + strlen("deadline "));
}

static void read_cancel(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    stimulus->event.type = EVENT_CLIENT_MESSAGE;
    stimulus->event.client = read_client(text);
    stimulus->message.type = MESSAGE_CANCEL;
    cr_assert(sscanf(text, "%*s %" SCNu64, &stimulus->message.cancel.id) == 1);
}

static void read_lost(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    if (text[0] == 'w') {
        stimulus->event.type = EVENT_WORKER_LOST;
        stimulus->event.worker = read_worker(text);
    } else {
        stimulus->event.type = EVENT_CLIENT_LOST;
        stimulus->event.client = read_client(text);
    }
}

static uint32_t read_height(const char *text)
{
    const char *height = strstr(text, "height ");

    return height ? (uint32_t)strtoul(height + strlen("height "), NULL, 10) : 0;
}

static void read_join(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    struct join *join = &stimulus->message.join;

    (void)fixture;
    stimulus->event.type = EVENT_WORKER_MESSAGE;
    stimulus->event.worker = read_worker(text);
    stimulus->message.type = MESSAGE_JOIN;
    *join = (struct join){.digest = DIGEST_OF_TESTS, .kernel = "kernel"};
    cr_assert(sscanf(text, "%*s %u", &join->capacity) == 1);
    sscanf(text, "%3s", join->name);
    join->digest += strstr(text, "other") != NULL;
    join->height = read_height(text);
    join->offers = read_offers(text, stimulus);
}

static void read_beat(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    stimulus->event.type = EVENT_WORKER_MESSAGE;
    stimulus->event.worker = read_worker(text);
    stimulus->message.type = MESSAGE_HEARTBEAT;
    cr_assert(sscanf(text, "%*s %u", &stimulus->message.heartbeat.capacity) == 1);
    stimulus->message.heartbeat.height = read_height(text);
    stimulus->message.heartbeat.offers = read_offers(text, stimulus);
}

static void read_leave(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    stimulus->event.type = EVENT_WORKER_MESSAGE;
    stimulus->event.worker = read_worker(text);
    stimulus->message.type = MESSAGE_LEAVE;
}

static void read_terms_done(const struct started *given, const char *text, uint64_t compute_ns,
                            struct stimulus *stimulus)
{
    const char *grain = strstr(text, " grain ");
    struct sum_request asked = given->asked;
    struct sum_reply *reply = &stimulus->message.sum_reply;

    if (strstr(text, "odd"))
        asked.seed++;
    *reply = terms_of(&asked, compute_ns, &stimulus->totals);
    reply->grain = grain ? strtoull(grain + strlen(" grain "), NULL, 10) : 0;
    if (strstr(text, "wrong name"))
        stimulus->totals.output.name = "other";
    else if (strstr(text, "wrong build"))
        reply->build++;
}

static void read_done(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    const struct started *given = read_run(fixture, text);
    uint64_t compute_ns = given->asked.count / BLOCK_SAMPLES * BLOCK_NS;
    const char *in = strstr(text, " in "), *by = strstr(text, " by ");
    struct sum_reply *reply = &stimulus->message.sum_reply;

    stimulus->event.type = EVENT_WORKER_MESSAGE;
    stimulus->event.worker = by ? read_worker(by + strlen(" by ")) : given->worker;
    stimulus->message.type = MESSAGE_SUM_REPLY;
    if (in)
        compute_ns = (uint64_t)(atof(in + strlen(" in ")) * MS);
    if (given->asked.summand)
        read_terms_done(given, text, compute_ns, stimulus);
    else
        *reply = total_of(&given->asked, compute_ns);
    if (strstr(text, "wrong count"))
        reply->count--;
    else if (strstr(text, "wrong units"))
        reply->units = (__int128)reply->count << 53;
    else if (strstr(text, "wrong unit"))
        reply->unit_log2++;
}

static void read_stopped(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    read_done(fixture, text, stimulus);
    cr_assert(stimulus->event.worker < fixture->threads);
    stimulus->message.sum_reply = (struct sum_reply){.id = stimulus->message.sum_reply.id};
}

static void read_refuse(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    const struct started *given = read_run(fixture, text);
    char code[80], *deaths;

    stimulus->event.type = EVENT_WORKER_MESSAGE;
    stimulus->event.worker = given->worker;
    stimulus->message.type = MESSAGE_REFUSAL;
    stimulus->message.refusal.id = given->asked.id;
    snprintf(code, sizeof code, "%s", strchr(text, ' ') + 1);
    if ((deaths = strstr(code, " deaths "))) {
        stimulus->message.refusal.deaths = (uint32_t)atoi(deaths + strlen(" deaths "));
        *deaths = '\0';
    }
    stimulus->message.refusal.code = read_code(code);
    snprintf(stimulus->message.refusal.text, sizeof stimulus->message.refusal.text, "the reason");
}

static void read_time(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    stimulus->event.type = EVENT_TIME;
    fixture->now_ns += atoi(text) * MS;
}

static void read_drain(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    (void)text;
    stimulus->event.type = EVENT_DRAIN;
}

static void read_stop(struct fixture *fixture, const char *text, struct stimulus *stimulus)
{
    (void)fixture;
    (void)text;
    stimulus->event.type = EVENT_STOP;
}

static void act(struct fixture *fixture, const char *text)
{
    static const struct {
        const char *verb;
        void (*read)(struct fixture *, const char *, struct stimulus *);
    } verbs[] = {
        {"request ", read_request}, {"cancel ", read_cancel}, {"lost ", read_lost},
        {"join ", read_join},       {"beat ", read_beat},     {"leave ", read_leave},
        {"done ", read_done},       {"refuse ", read_refuse}, {"stopped ", read_stopped},
        {"time ", read_time},       {"drain", read_drain},    {"stop", read_stop},
    };
    struct stimulus stimulus = {0};
    size_t i = 0;

    while (i < LENGTH(verbs) && strncmp(text, verbs[i].verb, strlen(verbs[i].verb)) != 0)
        i++;
    cr_assert(i < LENGTH(verbs), "\"%s\" is no stimulus", text);
    verbs[i].read(fixture, text + strlen(verbs[i].verb), &stimulus);
    stimulus.event.message = &stimulus.message;
    fixture_step(fixture, &stimulus.event);
}

void fixture_do(struct fixture *fixture, const char *format, ...)
{
    char stimulus[80];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(stimulus, sizeof stimulus, format, arguments);
    va_end(arguments);
    act(fixture, stimulus);
}

/* ---- questions --------------------------------------------------------------------------- */

static void answer_due(struct fixture *fixture)
{
    int64_t due_at_ns = dispatcher_due_at(fixture->d);

    if (due_at_ns == NEVER)
        print(fixture, "never");
    else
        print(fixture, "%g ms", (double)due_at_ns / MS);
}

static void answer_busy(struct fixture *fixture)
{
    print(fixture, "%s", dispatcher_busy(fixture->d) ? "yes" : "no");
}

static void answer_capacity(struct fixture *fixture)
{
    print(fixture, "%u", dispatcher_capacity(fixture->d));
}

static void answer_height(struct fixture *fixture)
{
    print(fixture, "%u", dispatcher_heartbeat(fixture->d).height);
}

static void answer_left(struct fixture *fixture)
{
    check_nothing_left(fixture->d);
    print(fixture, "nothing");
}

static void answer_text(struct fixture *fixture)
{
    print(fixture, "%s", fixture->text);
}

static void answer_took(struct fixture *fixture)
{
    print(fixture, "%g ms", (double)fixture->took_ns / MS);
}

static bool ask_counter(struct fixture *fixture, const char *question)
{
    struct status_reply status = {0};
    const struct counters *c = &status.counters;

    dispatcher_status(fixture->d, fixture->now_ns, &(struct status_request){0}, NULL, &status);
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
            print(fixture, "%" PRIu64, counters[i].value);
            return true;
        }
    return false;
}

/* False if the text is not a question. */
static bool ask(struct fixture *fixture, const char *question)
{
    static const struct {
        const char *question;
        void (*answer)(struct fixture *);
    } questions[] = {
        {"due", answer_due},       {"busy", answer_busy}, {"capacity", answer_capacity},
        {"height", answer_height}, {"left", answer_left}, {"text", answer_text},
        {"took", answer_took},
    };

    fixture->output[0] = '\0';
    for (size_t i = 0; i < LENGTH(questions); i++)
        if (strcmp(question, questions[i].question) == 0) {
            questions[i].answer(fixture);
            return true;
        }
    return ask_counter(fixture, question);
}

/* ---- stories ----------------------------------------------------------------------------- */

struct fixture fixture_of(const struct dispatcher_settings *settings)
{
    struct fixture fixture = {.d = dispatcher_new(settings), .threads = settings->threads};

    cr_assert(fixture.d != NULL);
    return fixture;
}

struct fixture fixture_new(uint32_t threads)
{
    return fixture_of(&(struct dispatcher_settings){
        .requests_max = 3,
        .client_requests_max = 2,
        .runs_max = RUNS_MAX,
        .outputs_max = OUTPUTS_IN_FLIGHT_MAX,
        .threads = threads,
        .joined_max = JOINED_WORKERS,
        .digest = DIGEST_OF_TESTS,
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    });
}

void fixture_destroy(struct fixture *fixture)
{
    dispatcher_destroy(&fixture->d);
}

static void verify_all(struct fixture *fixture)
{
    struct workers *workers = &fixture->d->workers;

    fixture->output[0] = '\0';
    for (uint32_t i = 0; i < workers->workers_max; i++)
        workers->table[i].verified = ~(skill_set)0;
}

static void run_row(struct fixture *fixture, const struct row *row)
{
    unsigned threads;

    if (sscanf(row->stimulus, "threads %u", &threads) == 1) {
        fixture_destroy(fixture);
        *fixture = fixture_new(threads);
    } else if (strcmp(row->stimulus, "verify") == 0) {
        verify_all(fixture);
    } else if (!ask(fixture, row->stimulus)) {
        act(fixture, row->stimulus);
    }
    cr_assert_str_eq(fixture->output, row->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                     row->stimulus, fixture->output, row->consequence);
}

void story(const struct row *rows)
{
    struct fixture fixture = fixture_new(0);

    for (; rows->stimulus; rows++)
        run_row(&fixture, rows);
    fixture_destroy(&fixture);
}
