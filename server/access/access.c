/* Who may connect to this server, by key: see access.h. */
#include "server/access/access.h"

#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys/identity.h"
#include "proto/errno_saved.h"
#include "server/access/key_watch.h"
#include "server/log.h"
#include "server/net/monitor.h"

/* Where libzmq asks (RFC 27). */
#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION  "1.0"

/* ZMQ_ZAP_ENFORCE_DOMAIN, which Debian's header does not name: if the authenticator does not
 * answer, libzmq refuses all peers. */
#define ENFORCE_DOMAIN 93

/* How long the proof may take, on a machine that is very busy. */
#define PROOF_MS 30000

/* Questions that access_run() answers at a time, so that a crowd of strangers does not delay the
 * loop. */
#define QUESTIONS_MAX 64

struct access {
    struct identity *identity; /* the server's own key pair */
    struct allowed_keys *allowed;
    struct key_watch *watch;
    zsock_t *zap; /* REP */
    struct log_limit *log;
    bool lost;    /* see access_take_loss() */
    bool proving; /* the refusal of the random key is not worth a line */
};

/* ---- questions of libzmq ----------------------------------------------------------------- */

/* The frames of a question. */
enum frame {
    FRAME_VERSION,
    FRAME_REQUEST_ID,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_ROUTING_ID,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAMES,
};

#define FRAME_BYTES 256

struct question {
    size_t sizes[FRAMES];
    char frames[FRAMES][FRAME_BYTES]; /* with a NUL behind */
};

/* Reads all frames of a message. valid: it has FRAMES frames, none of them too long. False: there
 * is no message, or errno is not EAGAIN. */
static bool question_read(void *zap, struct question *question, bool *valid)
{
    size_t count = 0;
    int more = 1;

    *valid = true;
    while (more) {
        char frame[FRAME_BYTES];
        int size = zmq_recv(zap, frame, sizeof frame - 1, ZMQ_DONTWAIT);
        if (size == -1)
            return false;
        *valid = *valid && count < FRAMES && size < FRAME_BYTES;
        if (*valid) {
            memcpy(question->frames[count], frame, (size_t)size);
            question->frames[count][size] = '\0';
            question->sizes[count] = (size_t)size;
        }
        count++;
        zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &(size_t){sizeof more});
    }
    *valid = *valid && count == FRAMES;
    return true;
}

static bool is(const struct question *question, enum frame frame, const char *text)
{
    return question->sizes[frame] == strlen(text) && streq(question->frames[frame], text);
}

/* False: no socket of this server asks about that domain. */
static bool find_gate(const struct question *question, enum gate *gate)
{
    for (*gate = 0; *gate < GATES; (*gate)++)
        if (is(question, FRAME_DOMAIN, gate_name(*gate)))
            return true;
    return false;
}

static void log_refused(struct access *access, const struct question *question, const char *why)
{
    if (!access->proving)
        log_limit_client(access->log, LOG_KIND_KEY, LEVEL_WARNING, "refused the key of",
                         question->frames[FRAME_ADDRESS], why);
}

/* Why the key may not pass, or NULL. */
static const char *fault_of(const struct access *access, const struct question *question)
{
    enum gate gate;

    if (!is(question, FRAME_VERSION, ZAP_VERSION) || !find_gate(question, &gate))
        return "it is not about a socket of this server";
    if (!is(question, FRAME_MECHANISM, "CURVE") || question->sizes[FRAME_KEY] != KEY_BYTES)
        return "it has no key";
    const struct allowed_key *key =
        allowed_keys_find(access->allowed, (const uint8_t *)question->frames[FRAME_KEY]);
    if (!key)
        return "the key is not allowed";
    if (!gate_passes(gate, key->role))
        return gate == GATE_CLIENTS ? "it is a worker's key, and workers do not ask"
                                    : "it is not a worker's key, and only workers join";
    return NULL;
}

static bool send_part(void *zap, const char *text, int flags)
{
    return zmq_send(zap, text, strlen(text), flags | ZMQ_DONTWAIT) != -1;
}

/* User-Id, which libzmq attaches to each message of the connection, is the key as text. */
static bool answer(void *zap, const struct question *question, const char *fault)
{
    char user_id[KEY_TEXT_BYTES] = "";

    if (!fault)
        z85_write((const uint8_t *)question->frames[FRAME_KEY], user_id);
    return send_part(zap, ZAP_VERSION, ZMQ_SNDMORE) &&
           zmq_send(zap, question->frames[FRAME_REQUEST_ID], question->sizes[FRAME_REQUEST_ID],
                    ZMQ_SNDMORE | ZMQ_DONTWAIT) != -1 &&
           send_part(zap, fault ? "400" : "200", ZMQ_SNDMORE) &&
           send_part(zap, fault ? "not allowed" : "OK", ZMQ_SNDMORE) &&
           send_part(zap, user_id, ZMQ_SNDMORE) && send_part(zap, "", 0);
}

/* False at the end of the questions, or with another errno than EAGAIN. */
static bool answer_next(struct access *access)
{
    static const struct question empty;
    struct question question = empty;
    void *zap = zsock_resolve(access->zap);
    bool valid;

    if (!question_read(zap, &question, &valid))
        return false;
    const char *fault = valid ? fault_of(access, &question) : "the question is malformed";
    if (fault)
        log_refused(access, &question, fault);
    return answer(zap, &question, fault);
}

static bool answer_all(struct access *access)
{
    for (int i = 0; i < QUESTIONS_MAX; i++)
        if (!answer_next(access))
            return errno == EAGAIN || errno == EINTR;
    return true;
}

/* ---- the allow-list ---------------------------------------------------------------------- */

static bool has_lost(const struct allowed_keys *before, const struct allowed_keys *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct allowed_key *key = allowed_keys_find(after, before->keys[i].public_key);
        if (!key || key->role != before->keys[i].role)
            return true;
    }
    return false;
}

static void take_list(struct access *access)
{
    struct allowed_keys *list = key_watch_take(access->watch);

    if (!list)
        return;
    access->lost = access->lost || has_lost(access->allowed, list);
    log_info("the keys have changed: %zu are allowed now, %zu were before", list->count,
             access->allowed->count);
    free(access->allowed);
    access->allowed = list;
}

bool access_run(struct access *access)
{
    take_list(access);
    if (answer_all(access))
        return true;
    log_error("the authenticator has failed: %s; this server ends, because it cannot check keys",
              zmq_strerror(errno));
    return false;
}

bool access_take_loss(struct access *access)
{
    bool lost = access->lost;

    access->lost = false;
    return lost;
}

void access_reload(struct access *access)
{
    key_watch_hurry(access->watch);
}

bool access_is_allowed(const struct access *access, const uint8_t key[KEY_BYTES],
                       enum key_role role)
{
    const struct allowed_key *allowed = allowed_keys_find(access->allowed, key);

    return allowed && allowed->role == role;
}

enum key_role access_role(const struct access *access, enum gate gate, const char *user_id,
                          uint8_t key[KEY_BYTES])
{
    const struct allowed_key *allowed = NULL;

    if (user_id && z85_read(user_id, strlen(user_id), key))
        allowed = allowed_keys_find(access->allowed, key);
    return allowed && gate_passes(gate, allowed->role) ? allowed->role : KEY_ROLE_NONE;
}

/* ---- the proof --------------------------------------------------------------------------- */

#define PROOF_EVENTS                                                                               \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |                             \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

/* A socket that is bound to every address is reached over loopback. */
static void dialled_endpoint(const char *bound, char *endpoint, size_t size)
{
    static const char any[] = "tcp://0.0.0.0:", any_ipv6[] = "tcp://[::]:";

    if (strncmp(bound, any, strlen(any)) == 0)
        snprintf(endpoint, size, "tcp://127.0.0.1:%s", bound + strlen(any));
    else if (strncmp(bound, any_ipv6, strlen(any_ipv6)) == 0)
        snprintf(endpoint, size, "tcp://[::1]:%s", bound + strlen(any_ipv6));
    else
        snprintf(endpoint, size, "%s", bound);
}

static bool set_random_key(const struct access *access, void *dealer)
{
    struct identity stranger;
    struct certificate pair;
    struct key_problem problem;

    if (!key_pair_new(&pair, &problem))
        return false;
    memcpy(stranger.public_key, pair.public_key, KEY_BYTES);
    memcpy(stranger.secret_key, pair.secret_key, KEY_BYTES);
    memcpy(stranger.server_key, access->identity->public_key, KEY_BYTES);
    return identity_secure_client(&stranger, dealer);
}

/* Waits for the end of the handshake. Returns its event, or 0. */
static uint16_t await_handshake(struct access *access, zsock_t *monitor)
{
    zmq_pollitem_t items[] = {{.socket = zsock_resolve(access->zap), .events = ZMQ_POLLIN},
                              {.socket = zsock_resolve(monitor), .events = ZMQ_POLLIN}};
    int64_t until_ms = zclock_mono() + PROOF_MS;
    uint16_t event = 0;
    int32_t value;

    while (zclock_mono() < until_ms && !monitor_next(monitor, &event, &value)) {
        zmq_poll(items, 2, until_ms - zclock_mono());
        if (!answer_all(access))
            return 0;
    }
    return event;
}

static uint16_t try_random_key(struct access *access, zsock_t *dealer, const char *endpoint)
{
    void *socket = zsock_resolve(dealer);
    uint16_t event = 0;

    zsock_set_linger(dealer, 0);
    zsock_set_reconnect_ivl(dealer, -1);
    zsock_set_ipv6(dealer, strchr(endpoint, '[') != NULL);
    zsock_t *monitor = monitor_new(socket, PROOF_EVENTS);
    if (monitor && set_random_key(access, socket) && zmq_connect(socket, endpoint) == 0)
        event = await_handshake(access, monitor);
    monitor_destroy(&monitor, socket);
    return event;
}

bool access_prove(struct access *access, const char *endpoint)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    char dialled[512];
    uint16_t event = 0;

    dialled_endpoint(endpoint, dialled, sizeof dialled);
    access->proving = true;
    if (dealer)
        event = try_random_key(access, dealer, dialled);
    zsock_destroy(&dealer);
    access->proving = false;
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return true;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        log_error("%s has accepted a random key; this server does not start, because everybody "
                  "could connect: is libzmq older than 4.3?",
                  endpoint);
    else
        log_error("a random key could not be tried at %s; this server does not start, because it "
                  "cannot prove that strangers are refused: does a firewall block it?",
                  endpoint);
    return false;
}

/* ---- life -------------------------------------------------------------------------------- */

static bool load_own_key(struct access *access, const char *folder)
{
    struct key_problem problem;
    char path[PATH_MAX];

    if (key_folder_path(folder, "", KEY_NAME_SERVER, "", path, &problem))
        access->identity = identity_load(path, NULL, &problem);
    if (!access->identity)
        log_error("%s; make the server's key with: meantime keys new " KEY_NAME_SERVER " --keys %s",
                  problem.text, folder);
    return access->identity;
}

static bool start_authenticator(struct access *access)
{
    access->zap = zsock_new(ZMQ_REP);
    if (access->zap && zmq_bind(zsock_resolve(access->zap), ZAP_ENDPOINT) == 0)
        return true;
    log_error("cannot start the authenticator: %s", zmq_strerror(errno));
    return false;
}

struct access *access_new(const char *folder, struct log_limit *log)
{
    struct access *access = calloc(1, sizeof *access);

    if (!access)
        return NULL;
    access->log = log;
    if (load_own_key(access, folder))
        access->watch = key_watch_new(folder, &access->allowed);
    if (!access->watch || !start_authenticator(access))
        access_destroy(&access);
    return access;
}

void access_destroy(struct access **access_p)
{
    struct access *access = *access_p;

    if (!access)
        return;
    zsock_destroy(&access->zap);
    key_watch_destroy(&access->watch);
    free(access->allowed);
    identity_destroy(&access->identity);
    free(access);
    *access_p = NULL;
}

bool access_secure(const struct access *access, void *socket, enum gate gate)
{
    const char *domain = gate_name(gate);

    return identity_secure_server(access->identity, socket) &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
           zmq_setsockopt(socket, ENFORCE_DOMAIN, &(int){1}, sizeof(int)) == 0;
}

int access_poll_items(const struct access *access, zmq_pollitem_t *items)
{
    items[0] = (zmq_pollitem_t){.socket = zsock_resolve(access->zap), .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.fd = key_watch_fd(access->watch), .events = ZMQ_POLLIN};
    return 2;
}
