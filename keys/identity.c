/* The keys of a dialling side, in protected memory: see identity.h. */
#include "keys/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <zmq.h>

static struct identity *identity_new(void)
{
    void *memory = mmap(NULL, sizeof(struct identity), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, sizeof(struct identity), MADV_DONTDUMP);
    madvise(memory, sizeof(struct identity), MADV_WIPEONFORK);
    return memory;
}

/* The key as text, or the certificate in a file. */
static bool load_server_key(const char *text, struct identity *identity,
                            struct key_problem *problem)
{
    struct certificate certificate;

    if (z85_read(text, strlen(text), identity->server_key))
        return true;
    if (!key_file_read_public(text, &certificate, problem))
        return false;
    memcpy(identity->server_key, certificate.public_key, KEY_BYTES);
    return true;
}

static bool load_own_key(const char *file, struct identity *identity, struct key_problem *problem)
{
    struct certificate certificate;

    if (!key_file_read_secret(file, &certificate, problem))
        return false;
    memcpy(identity->public_key, certificate.public_key, KEY_BYTES);
    memcpy(identity->secret_key, certificate.secret_key, KEY_BYTES);
    certificate_wipe(&certificate);
    return true;
}

struct identity *identity_load(const char *key_file, const char *server_key,
                               struct key_problem *problem)
{
    struct identity *identity = identity_new();

    if (!identity) {
        snprintf(problem->text, sizeof problem->text, "cannot make room for a key: %s",
                 strerror(errno));
        return NULL;
    }
    if (!load_own_key(key_file, identity, problem) ||
        (server_key && !load_server_key(server_key, identity, problem)))
        identity_destroy(&identity);
    return identity;
}

void identity_destroy(struct identity **identity)
{
    if (!*identity)
        return;
    explicit_bzero(*identity, sizeof **identity);
    munmap(*identity, sizeof **identity);
    *identity = NULL;
}

static bool set_key(void *socket, int option, const uint8_t key[KEY_BYTES])
{
    return zmq_setsockopt(socket, option, key, KEY_BYTES) == 0;
}

/* The limit is for frames without encryption. */
static bool raise_frame_limit(void *socket)
{
    int64_t bytes = 0;
    size_t size = sizeof bytes;

    if (zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &bytes, &size) == -1)
        return false;
    bytes += bytes >= 0 ? CURVE_FRAME_BYTES : 0;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes, sizeof bytes) == 0;
}

bool identity_secure_client(const struct identity *identity, void *socket)
{
    return raise_frame_limit(socket) &&
           set_key(socket, ZMQ_CURVE_SERVERKEY, identity->server_key) &&
           set_key(socket, ZMQ_CURVE_PUBLICKEY, identity->public_key) &&
           set_key(socket, ZMQ_CURVE_SECRETKEY, identity->secret_key);
}

bool identity_secure_server(const struct identity *identity, void *socket)
{
    return raise_frame_limit(socket) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &(int){1}, sizeof(int)) == 0 &&
           set_key(socket, ZMQ_CURVE_PUBLICKEY, identity->public_key) &&
           set_key(socket, ZMQ_CURVE_SECRETKEY, identity->secret_key);
}

void identity_forbid_dumps(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}
