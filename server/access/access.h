/* Who may connect to this server, by key: CURVE for its listening sockets, the authenticator that
 * libzmq asks about each key (ZAP, ZeroMQ RFC 27), and the allow-list.
 *
 * The authenticator is a socket in the event loop, not a thread. So it lives as long as the loop,
 * and it decides with the same list as the loop. It fails closed: with ZMQ_ZAP_ENFORCE_DOMAIN,
 * libzmq refuses all peers while it does not answer. access_prove() shows that with a random key.
 *
 * ZAP does not say which connection it decides about. So the listener checks the key again at the
 * first message of each connection, and when the allow-list loses a key, it closes the connections
 * that have sent no message: their keys are not known yet.
 *
 * One thread. */
#ifndef MEANTIME_SERVER_ACCESS_ACCESS_H
#define MEANTIME_SERVER_ACCESS_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "keys/identity.h"
#include "keys/key_folder.h"
#include "server/access/gate.h"
#include "server/log_limit.h"

/* The most items of access_poll_items(). */
#define ACCESS_POLL_ITEMS 2

/* The thread that watches the allow-list. */
#define ACCESS_THREADS 1

struct access;

/* Loads the server's own key and the allow-list, and starts the authenticator. folder: kept, not
 * copied. log: the caller's. NULL after a line in the log. */
struct access *access_new(const char *folder, struct log_limit *log);

/* Destroy all sockets with access_secure() before. Accepts NULL, leaves NULL. */
void access_destroy(struct access **access);

/* Sets the options of a listening socket, before it binds. False: errno says why. */
bool access_secure(const struct access *access, void *socket, enum gate gate);

/* Connects to a gate with a random key. Meanwhile answers the authenticator's questions, as the
 * loop does later. False after a line in the log, unless the key was refused as not allowed.
 * endpoint: as the socket is bound. */
bool access_prove(struct access *access, const char *endpoint);

/* Answers the questions of libzmq, and takes a new allow-list. Never waits. False: the
 * authenticator has failed, after a line in the log; the server must end. */
bool access_run(struct access *access);

/* True once after the allow-list has lost a key or changed its role. */
bool access_take_loss(struct access *access);

/* Reads all files of the allow-list again, soon. */
void access_reload(struct access *access);

/* The role of the peer behind a message, by the User-Id that the authenticator has set (NULL:
 * none), as of now. Sets `key`. KEY_ROLE_NONE: the peer may not pass this gate. */
enum key_role access_role(const struct access *access, enum gate gate, const char *user_id,
                          uint8_t key[KEY_BYTES]);

/* Whether the key still has that role. */
bool access_is_allowed(const struct access *access, const uint8_t key[KEY_BYTES],
                       enum key_role role);

/* Fills in what zmq_poll() is to wait for. Returns the number of items. */
int access_poll_items(const struct access *access, zmq_pollitem_t *items);

#endif
