/* The inbox above a listener that the test scripts: turns, bad messages, and lost senders. */
#include <criterion/criterion.h>
#include <string.h>

#include "server/peers/inbox.h"
#include "server/peers/turn.h"

#define SENDERS 4

/* ---- the listener ------------------------------------------------------------------------ */

struct listener {
    struct listener_message queue[4 * TURN_MESSAGES];
    size_t count, received;  /* messages of the queue */
    unsigned holds[SENDERS]; /* messages of a sender that were received and not released */
    bool lost[SENDERS];      /* the connection has ended, and listener_lost() has not said so */
    bool forgotten[SENDERS]; /* listener_lost() has returned the sender */
    bool vouched[SENDERS];   /* the inbox has read a valid message of the sender */
    unsigned sent;           /* messages that the inbox has sent */
};

static struct listener scripted;
static unsigned bad_messages;

struct listener *listener_new(const struct listener_settings *settings, const char **why)
{
    (void)settings, (void)why;
    return &scripted;
}

void listener_destroy(struct listener **listener, int patience_ms)
{
    (void)patience_ms;
    *listener = NULL;
}

int listener_poll_items(const struct listener *listener, zmq_pollitem_t *items)
{
    (void)listener, (void)items;
    return 0;
}

void listener_vouch(struct listener *listener, uint32_t sender)
{
    listener->vouched[sender] = true;
}

void listener_run_due(struct listener *listener, int64_t now_ns)
{
    (void)listener, (void)now_ns;
}

enum listener_event listener_receive(struct listener *listener, struct listener_message *message)
{
    if (listener->received == listener->count)
        return LISTENER_NOTHING;
    *message = listener->queue[listener->received++];
    listener->holds[message->sender]++;
    return LISTENER_MESSAGE;
}

/* The real listener fails an assertion if the sender has no number any more. */
void listener_release(struct listener *listener, uint32_t sender)
{
    cr_assert(!listener->forgotten[sender], "sender %u is released after its loss", sender);
    cr_assert(listener->holds[sender] > 0);
    listener->holds[sender]--;
}

bool listener_lost(struct listener *listener, uint32_t *sender, const char **peer)
{
    for (uint32_t i = 0; i < SENDERS; i++)
        if (listener->lost[i]) {
            listener->lost[i] = false;
            listener->forgotten[i] = true;
            *sender = i;
            *peer = "127.0.0.1";
            return true;
        }
    return false;
}

void listener_send(struct listener *listener, uint32_t sender, const void *bytes, size_t size)
{
    (void)sender, (void)bytes, (void)size;
    listener->sent++;
}

void log_limit_bad_message(struct log_limit *log, int kind, const char *address, const char *why)
{
    (void)log, (void)kind, (void)address, (void)why;
    bad_messages++;
}

/* ---- the script -------------------------------------------------------------------------- */

static struct inbox inbox;

static void set_up(void)
{
    const char *why;

    scripted = (struct listener){.count = 0};
    bad_messages = 0;
    cr_assert(inbox_init(&inbox, &(struct listener_settings){.endpoint = ""}, &why));
}

TestSuite(inbox, .init = set_up);

static void add(uint32_t sender, const void *bytes, size_t size)
{
    scripted.queue[scripted.count++] =
        (struct listener_message){.sender = sender, .peer = "", .bytes = bytes, .size = size};
}

static void add_bad(uint32_t sender, size_t count)
{
    while (count-- > 0)
        add(sender, "bad", 3);
}

static void add_good(uint32_t sender, size_t count)
{
    static uint8_t bytes[MESSAGE_BYTES_MAX];
    size_t size =
        message_encode(&(struct message){.type = MESSAGE_CANCEL, .cancel = {.id = 1}}, bytes);

    while (count-- > 0)
        add(sender, bytes, size);
}

/* One turn, as in the event loop. Returns the number of valid messages. */
static size_t turn(void)
{
    const char *peer;
    uint32_t sender;
    size_t valid = 0;

    while (inbox_next(&inbox, 0))
        valid++;
    while (inbox_lost(&inbox, &sender, &peer))
        continue;
    return valid;
}

/* ---- turns ------------------------------------------------------------------------------- */

Test(inbox, a_turn_has_a_limited_number_of_messages)
{
    add_good(0, TURN_MESSAGES + 10);
    cr_assert_eq(turn(), TURN_MESSAGES);
    cr_assert_eq(turn(), 10);
    cr_assert_eq(turn(), 0);
    cr_assert_eq(scripted.holds[0], 0);
}

Test(inbox, only_a_valid_message_ends_the_silence_of_its_connection)
{
    add_bad(1, 3);
    add_good(2, 1);
    cr_assert_eq(turn(), 1);
    cr_assert(scripted.vouched[2] && !scripted.vouched[1]);
}

Test(inbox, bad_messages_are_refused_and_count_as_messages_of_the_turn)
{
    add_bad(0, TURN_MESSAGES - 1);
    add_good(1, 2);
    cr_assert_eq(turn(), 1);
    cr_assert_eq(scripted.received, TURN_MESSAGES);
    cr_assert_eq(bad_messages, TURN_MESSAGES - 1);
    cr_assert_eq(scripted.sent, TURN_MESSAGES - 1);
    cr_assert_eq(turn(), 1);
    cr_assert(scripted.holds[0] == 0 && scripted.holds[1] == 0);
}

/* The message must not be released after its sender is forgotten. */
Test(inbox, the_sender_of_a_bad_message_at_the_end_of_a_turn_may_be_lost)
{
    add_good(0, TURN_MESSAGES - 1);
    add_bad(1, 1);
    add_good(0, 1);
    scripted.lost[1] = true;
    cr_assert_eq(turn(), TURN_MESSAGES - 1);
    cr_assert(scripted.forgotten[1] && scripted.holds[1] == 0);
    cr_assert_eq(turn(), 1);
}

Test(inbox, the_sender_of_a_bad_message_before_a_pause_may_be_lost)
{
    add_bad(1, 1);
    scripted.lost[1] = true;
    cr_assert_eq(turn(), 0);
    add_good(0, 1);
    cr_assert_eq(turn(), 1);
}

Test(inbox, a_request_is_held_until_its_answer)
{
    add_good(2, 1);
    cr_assert(inbox_next(&inbox, 0));
    inbox_await_answer(&inbox);
    cr_assert(!inbox_next(&inbox, 0));
    cr_assert_eq(scripted.holds[2], 1);
    inbox_answer(
        &inbox, 2,
        &(struct message){.type = MESSAGE_REFUSAL, .refusal = {.id = 1, .code = REFUSAL_BUSY}});
    cr_assert_eq(scripted.holds[2], 0);
    cr_assert_eq(scripted.sent, 1);
}
