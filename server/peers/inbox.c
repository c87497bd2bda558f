/* The messages of one listener, decoded one at a time, and its lost senders. */
#include "server/peers/inbox.h"

#include <stdio.h>

#include "server/peers/turn.h"

bool inbox_init(struct inbox *inbox, const struct listener_settings *settings, const char **why)
{
    inbox->listener = listener_new(settings, why);
    inbox->log = settings->log;
    return inbox->listener;
}

void inbox_clear(struct inbox *inbox, int patience_ms)
{
    listener_destroy(&inbox->listener, patience_ms);
}

void inbox_send(struct inbox *inbox, uint32_t sender, const struct message *message)
{
    uint8_t bytes[MESSAGE_BYTES_MAX];

    listener_send(inbox->listener, sender, bytes, message_encode(message, bytes));
}

void inbox_answer(struct inbox *inbox, uint32_t sender, const struct message *message)
{
    inbox_send(inbox, sender, message);
    listener_release(inbox->listener, sender);
}

void inbox_refuse(struct inbox *inbox, const struct refusal *refusal)
{
    struct message message = {.type = MESSAGE_REFUSAL, .refusal = *refusal};

    inbox->refused++;
    inbox_send(inbox, inbox->from.sender, &message);
}

static void refuse_bad(struct inbox *inbox, const struct message_error *error)
{
    struct refusal refusal = {.id = error->id, .code = error->code};

    snprintf(refusal.text, sizeof refusal.text, "%s", error->reason);
    log_limit_bad_message(inbox->log, LOG_KIND_BAD + (int)error->code, inbox->from.peer,
                          error->reason);
    inbox_refuse(inbox, &refusal);
}

static void release_message(struct inbox *inbox)
{
    if (inbox->release_due)
        listener_release(inbox->listener, inbox->from.sender);
    inbox->release_due = false;
}

/* True if the message is valid. */
static bool decode(struct inbox *inbox)
{
    struct message_error error;

    inbox->release_due = true;
    if (message_decode(&inbox->arena, inbox->from.bytes, inbox->from.size, &inbox->message,
                       &error)) {
        listener_vouch(inbox->listener, inbox->from.sender);
        return true;
    }
    refuse_bad(inbox, &error);
    return false;
}

/* False if there is no message. */
static bool read_message(struct inbox *inbox, bool *valid)
{
    enum listener_event event = listener_receive(inbox->listener, &inbox->from);

    if (event == LISTENER_BAD_ENVELOPE)
        log_limit_bad_message(inbox->log, LOG_KIND_ENVELOPE, inbox->from.peer,
                              "its envelope is too long");
    *valid = event == LISTENER_MESSAGE && decode(inbox);
    return event != LISTENER_NOTHING;
}

bool inbox_next(struct inbox *inbox, int64_t now_ns)
{
    bool valid = false;

    release_message(inbox);
    if (inbox->messages_read == 0)
        listener_run_due(inbox->listener, now_ns);
    while (!valid && inbox->messages_read < TURN_MESSAGES) {
        if (read_message(inbox, &valid))
            inbox->messages_read++;
        else
            inbox->messages_read = TURN_MESSAGES; /* no more messages before the lost senders */
        if (!valid)
            release_message(inbox); /* now, because its sender may be lost */
    }
    return valid;
}

void inbox_await_answer(struct inbox *inbox)
{
    inbox->release_due = false;
}

bool inbox_lost(struct inbox *inbox, uint32_t *sender, const char **peer)
{
    if (listener_lost(inbox->listener, sender, peer))
        return true;
    inbox->messages_read = 0;
    return false;
}

int inbox_poll_items(const struct inbox *inbox, zmq_pollitem_t *items)
{
    return listener_poll_items(inbox->listener, items);
}
