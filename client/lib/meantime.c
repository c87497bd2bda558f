/* The public calls of libmeantime: they check their arguments and call the session. */
#include "client/lib/meantime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/clock.h"
#include "client/lib/session.h"
#include "proto/errno_saved.h"
#include "proto/instant.h"
#include "sums/total.h"

_Static_assert(MEANTIME_TEXT_BYTES >= sizeof(((struct exchange *)0)->error_text), "texts fit");

/* ---- sessions ---------------------------------------------------------------------------- */

struct meantime *meantime_new(void)
{
    struct meantime *m = malloc(sizeof *m);

    if (!m)
        return NULL;
    if (session_init(&m->session))
        return m;
    ERRNO_SAVED(meantime_close(&m));
    return NULL;
}

void meantime_close(struct meantime **m)
{
    if (!*m)
        return;
    session_clear(&(*m)->session);
    free(*m);
    *m = NULL;
}

int meantime_fd(const struct meantime *m)
{
    return m->session.wakeup.epoll;
}

/* Splits `names` in place. */
static int add_endpoints(struct session *session, char *names)
{
    size_t before = session->endpoints.count;
    int error = MEANTIME_OK;
    char *name;

    while (error == MEANTIME_OK && (name = strsep(&names, ",")))
        error = session_add_endpoint(session, name);
    if (error != MEANTIME_OK)
        ERRNO_SAVED(session_keep_endpoints(session, before));
    return error;
}

int meantime_connect(struct meantime *m, const char *endpoints)
{
    char *names = strdup(endpoints);

    if (!names)
        return MEANTIME_NO_RESOURCES;
    int error = add_endpoints(&m->session, names);
    ERRNO_SAVED(free(names));
    return error;
}

/* Programs without keys need no room for the problem. */
int meantime_set_keys(struct meantime *m, const char *key_file, const char *server_key)
{
    struct session *s = &m->session;

    if (!s->key_problem)
        s->key_problem = malloc(sizeof *s->key_problem);
    if (!s->key_problem)
        return MEANTIME_NO_RESOURCES;
    s->key_problem->text[0] = '\0';
    return link_context_set_keys(&s->context, key_file, server_key, s->key_problem)
               ? MEANTIME_OK
               : MEANTIME_BAD_KEY;
}

const char *meantime_key_problem(const struct meantime *m)
{
    return m->session.key_problem ? m->session.key_problem->text : "";
}

int meantime_set_patience(struct meantime *m, int64_t patience_ns)
{
    if (patience_ns < 0)
        return MEANTIME_INVALID;
    m->session.patience_ns = patience_ns;
    return MEANTIME_OK;
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool is_summand(const struct meantime_question *question)
{
    const char *parameters = question->parameters ? question->parameters : "";

    return question->kind == 0 && summand_name_valid(question->summand) &&
           parameters_valid(parameters);
}

static bool is_kind(const struct meantime_question *question)
{
    return question->kind == MEANTIME_GAUSSIAN || question->kind == MEANTIME_UNIFORM;
}

static bool is_valid(const struct meantime_question *question)
{
    bool known = question->summand ? is_summand(question) : is_kind(question);

    return known && question->timeout_ns >= 0 && question->count >= 1 &&
           question->count <= SAMPLE_END_MAX && question->first <= SAMPLE_END_MAX - question->count;
}

int meantime_ask(struct meantime *m, const struct meantime_question *question, uint64_t *request)
{
    if (!is_valid(question))
        return MEANTIME_INVALID;
    if (m->session.endpoints.count == 0)
        return MEANTIME_NOT_CONNECTED;
    struct session_request *added = requests_add(&m->session.requests);
    if (!added)
        return errno == EAGAIN ? MEANTIME_TOO_MANY : MEANTIME_NO_RESOURCES;
    *request = added->number;
    if (session_begin(&m->session, added, question))
        return MEANTIME_OK;
    requests_forget(&m->session.requests, added);
    return MEANTIME_NO_RESOURCES;
}

int meantime_cancel(struct meantime *m, uint64_t number)
{
    struct session_request *request = requests_find(&m->session.requests, number);

    if (!request)
        return MEANTIME_UNKNOWN;
    if (!request->ended)
        session_cancel(&m->session, request);
    return MEANTIME_OK;
}

int meantime_progress(const struct meantime *m, uint64_t number, struct meantime_progress *progress)
{
    const struct session_request *request = requests_find(&m->session.requests, number);

    if (!request)
        return MEANTIME_UNKNOWN;
    const struct exchange *exchange = &request->exchange;
    *progress = (struct meantime_progress){
        .done = exchange->samples_done,
        .count = exchange->request.count,
        .attempts = exchange->attempts,
        .outages = exchange->outages,
        .left_endpoint = exchange->left_endpoint,
        .left_because = exchange->left_because,
    };
    return MEANTIME_OK;
}

/* ---- results ----------------------------------------------------------------------------- */

static void fill_sum(const struct sum_reply *reply, struct meantime_result *result)
{
    result->build = reply->build;
    result->grain = reply->grain;
    result->output_count = reply->outputs.count;
    result->sum_high = (int64_t)(reply->units >> 64);
    result->sum_low = (uint64_t)reply->units;
    result->unit_log2 = reply->unit_log2;
    result->sum = total_value(reply->units, reply->unit_log2);
    result->count = reply->count;
    result->compute_ns = reply->compute_ns;
}

static void fill_result(const struct session_request *request, struct meantime_result *result)
{
    const struct exchange *exchange = &request->exchange;

    *result = (struct meantime_result){
        .request = request->number,
        .user = request->user,
        .error = exchange->error,
        .elapsed_ns = exchange->ended_at_ns - exchange->began_at_ns,
        .attempts = exchange->attempts,
        .server = (unsigned)exchange->endpoint,
    };
    if (exchange->state == EXCHANGE_DONE)
        fill_sum(&exchange->reply, result);
    else
        memcpy(result->text, exchange->error_text, sizeof exchange->error_text);
}

int meantime_take(struct meantime *m, uint64_t number, struct meantime_result *result)
{
    struct requests *requests = &m->session.requests;
    struct session_request *request =
        number == MEANTIME_ANY ? TAILQ_FIRST(&requests->ended) : requests_find(requests, number);

    if (!request)
        return number == MEANTIME_ANY ? 0 : MEANTIME_UNKNOWN;
    if (!request->ended)
        return 0;
    fill_result(request, result);
    free(m->session.taken);
    result->outputs = m->session.taken = request->outputs;
    request->outputs = NULL;
    requests_forget(requests, request);
    return 1;
}

/* ---- looking and waiting ----------------------------------------------------------------- */

int meantime_look(struct meantime *m)
{
    if (wakeup_ready(&m->session.wakeup))
        session_look(&m->session);
    return m->session.requests.ended_count;
}

/* 1: it has ended; 0: it has not; or MEANTIME_UNKNOWN. */
static int has_ended(const struct meantime *m, uint64_t number)
{
    const struct session_request *request;

    if (number == MEANTIME_ANY)
        return m->session.requests.ended_count > 0;
    request = requests_find(&m->session.requests, number);
    return request ? request->ended : MEANTIME_UNKNOWN;
}

int meantime_wait(struct meantime *m, uint64_t number, int64_t timeout_ns)
{
    int64_t now_ns = clock_ns();
    int64_t until_ns = timeout_ns < 0 || timeout_ns > NEVER - now_ns ? NEVER : now_ns + timeout_ns;

    for (;;) {
        meantime_look(m);
        int ended = has_ended(m, number);
        if (ended != 0 || TAILQ_EMPTY(&m->session.requests.in_flight) || clock_ns() >= until_ns)
            return ended;
        if (!wakeup_wait(&m->session.wakeup, until_ns))
            return MEANTIME_INTERRUPTED;
    }
}

/* ---- errors ------------------------------------------------------------------------------ */

const char *meantime_error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {MEANTIME_OK, "no error"},
        {MEANTIME_INVALID, "an argument is out of its range"},
        {MEANTIME_BAD_ENDPOINT, "the endpoint is not valid"},
        {MEANTIME_NO_RESOURCES, "no memory, file descriptor or socket is left"},
        {MEANTIME_TOO_MANY, "too many endpoints or requests"},
        {MEANTIME_NOT_CONNECTED, "the session has no endpoint"},
        {MEANTIME_UNKNOWN, "there is no such request, or its result was taken already"},
        {MEANTIME_INTERRUPTED, "a signal interrupted the call"},
        {MEANTIME_BAD_KEY, "a key cannot be used"},
        {MEANTIME_NO_SERVER, "no server could be connected"},
        {MEANTIME_SERVER_LOST, "the server was lost, and no other server took over"},
        {MEANTIME_SERVER_BUSY, "the servers are busy"},
        {MEANTIME_REFUSED, "the server refused the request"},
        {MEANTIME_NONSENSE, "the server sent an invalid message"},
        {MEANTIME_TIMED_OUT, "the request timed out"},
        {MEANTIME_CANCELLED, "the request was cancelled"},
        {MEANTIME_NO_SUMMAND, "no server has the summand"},
        {MEANTIME_NO_ACCESS, "the keys of this side and of the servers do not fit"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].error == error)
            return texts[i].text;
    return "unknown error of another version";
}
