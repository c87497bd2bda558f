/* The messages of one listener, decoded one at a time, and its lost senders. It is the part that
 * clients.c and joined_workers.c share. One thread.
 *
 * One turn has at most TURN_MESSAGES messages, so that a sender that floods this listener does not
 * delay the others. The lost senders follow the messages:
 *
 *     while (inbox_next(inbox, now_ns))
 *         handle inbox->message of inbox->from.sender
 *     while (inbox_lost(inbox, &sender))
 *         handle the loss; after the last one the next turn begins
 */
#ifndef MEANTIME_SERVER_PEERS_INBOX_H
#define MEANTIME_SERVER_PEERS_INBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "proto/message.h"
#include "server/log_limit.h"
#include "server/net/listener.h"

struct inbox {
    struct listener *listener;
    struct log_limit *log; /* the caller's */
    struct listener_message from;
    struct message message;    /* decoded from `from`; valid until the next inbox_next() */
    struct decode_arena arena; /* of `message` */
    bool release_due;          /* the next inbox_next() releases the sender of `message` */
    uint32_t messages_read;    /* in this turn, 0 to TURN_MESSAGES */
    uint64_t refused;          /* messages that inbox_refuse() has answered */
};

/* inbox: all bytes 0. False on failure; `why` says why and lives until the next call. */
bool inbox_init(struct inbox *inbox, const struct listener_settings *settings, const char **why);

/* patience_ms: how long libzmq may take to send the last answers. */
void inbox_clear(struct inbox *inbox, int patience_ms);

/* Releases the message before, and reads the next valid message. False if there is none, or if this
 * turn is over. The inbox refuses bad messages itself. */
bool inbox_next(struct inbox *inbox, int64_t now_ns);

/* The message is a request: its sender keeps its number until inbox_answer(). */
void inbox_await_answer(struct inbox *inbox);

/* After inbox_next() has returned false: the next sender whose connection has ended. False if there
 * is none; then the next turn begins. peer: its address, valid until the next call. */
bool inbox_lost(struct inbox *inbox, uint32_t *sender, const char **peer);

/* Refuses the message. */
void inbox_refuse(struct inbox *inbox, const struct refusal *refusal);

/* Fills in what zmq_poll() is to wait for. Returns the number of items, LISTENER_POLL_ITEMS. */
int inbox_poll_items(const struct inbox *inbox, zmq_pollitem_t *items);

/* Sends a message to a sender. */
void inbox_send(struct inbox *inbox, uint32_t sender, const struct message *message);

/* Answers a request after inbox_await_answer(). */
void inbox_answer(struct inbox *inbox, uint32_t sender, const struct message *message);

#endif
