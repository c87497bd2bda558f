/* The membership at a parent, as stories of stimulus and consequence. A stimulus is an event
 *
 *     connected     disconnected     leave     time +MS
 *
 * or a change of this server, followed by EVENT_TIME
 *
 *     capacity CORES     height LEVELS
 *
 * or a message of the parent
 *
 *     welcome MS     refuse STATUS [MS]     heartbeat     sum     cancel     reply
 *
 * The consequence is the list of all effects in their order: lost, dial, deliver, a message (join
 * CORES, heartbeat CORES, leave) and the text for the log. A row may also ask for "state" and
 * "due".
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/instant.h"
#include "server/core/membership.h"
#include "tests/unit/server/fixture.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* This server's side of the membership. */
struct side {
    struct membership membership;
    int64_t now_ns;
    struct heartbeat own;
    char output[200];
};

static struct side side_new(void)
{
    struct side side = {.own = {.capacity = 4}};
    struct join join = {
        .digest = DIGEST_OF_TESTS, .capacity = 4, .name = "name", .kernel = "kernel"};

    membership_init(&side.membership, &join);
    return side;
}

/* ---- effects ----------------------------------------------------------------------------- */

static void print(struct side *side, const char *word)
{
    size_t used = strlen(side->output);

    snprintf(side->output + used, sizeof side->output - used, "%s%s", used ? " " : "", word);
}

static void print_own(char *words, size_t room, const char *verb, uint32_t capacity,
                      uint32_t height)
{
    if (height > 0)
        snprintf(words, room, "%s %u height %u", verb, capacity, height);
    else
        snprintf(words, room, "%s %u", verb, capacity);
}

static void print_message(struct side *side, const struct message *message)
{
    char words[40] = "leave";

    check_wire(message);
    if (message->type == MESSAGE_JOIN)
        print_own(words, sizeof words, "join", message->join.capacity, message->join.height);
    else if (message->type == MESSAGE_HEARTBEAT)
        print_own(words, sizeof words, "heartbeat", message->heartbeat.capacity,
                  message->heartbeat.height);
    else
        cr_assert(message->type == MESSAGE_LEAVE);
    print(side, words);
}

static void step(struct side *side, enum membership_event event, const struct message *message)
{
    struct membership_effects effects;

    membership_set_own(&side->membership, &side->own);
    membership_step(&side->membership, side->now_ns, event, message, &effects);
    if (effects.client_lost)
        print(side, "lost");
    if (effects.dial)
        print(side, "dial");
    if (effects.deliver)
        print(side, "deliver");
    if (effects.send)
        print_message(side, &effects.message);
    if (effects.problem)
        print(side, effects.problem);
}

/* ---- stimuli ------------------------------------------------------------------------------ */

static void receive_refusal(struct side *side, const char *text)
{
    struct message message = {.type = MESSAGE_REFUSAL};
    int code = REFUSAL_NONE + 1;
    const char *words = "";

    for (; code < REFUSAL_END; code++) {
        words = refusal_code_text((enum refusal_code)code);
        if (strncmp(text, words, strlen(words)) == 0)
            break;
    }
    cr_assert(code < REFUSAL_END, "\"%s\" is no code", text);
    message.refusal.code = (enum refusal_code)code;
    message.refusal.retry_after_ms = (uint32_t)atoi(text + strlen(words));
    snprintf(message.refusal.text, sizeof message.refusal.text, "(%s)", words);
    step(side, MEMBERSHIP_EVENT_MESSAGE, &message);
}

static void receive(struct side *side, const char *text)
{
    static const struct {
        const char *word;
        struct message message;
    } messages[] = {
        {"heartbeat", {.type = MESSAGE_HEARTBEAT}},
        {"sum", {.type = MESSAGE_SUM_REQUEST}},
        {"cancel", {.type = MESSAGE_CANCEL}},
        {"reply", {.type = MESSAGE_SUM_REPLY}},
    };
    struct message welcome = {.type = MESSAGE_WELCOME};
    size_t i = 0;

    if (sscanf(text, "welcome %u", &welcome.welcome.heartbeat_ms) == 1) {
        step(side, MEMBERSHIP_EVENT_MESSAGE, &welcome);
        return;
    }
    while (i < LENGTH(messages) && strcmp(text, messages[i].word) != 0)
        i++;
    cr_assert(i < LENGTH(messages), "\"%s\" is no stimulus", text);
    step(side, MEMBERSHIP_EVENT_MESSAGE, &messages[i].message);
}

static void act(struct side *side, const char *text)
{
    unsigned ms;

    if (strcmp(text, "connected") == 0) {
        step(side, MEMBERSHIP_EVENT_CONNECTED, NULL);
    } else if (strcmp(text, "disconnected") == 0) {
        step(side, MEMBERSHIP_EVENT_DISCONNECTED, NULL);
    } else if (strcmp(text, "leave") == 0) {
        step(side, MEMBERSHIP_EVENT_LEAVE, NULL);
    } else if (sscanf(text, "time +%u", &ms) == 1) {
        side->now_ns += ms * MS;
        step(side, MEMBERSHIP_EVENT_TIME, NULL);
    } else if (sscanf(text, "capacity %u", &side->own.capacity) == 1 ||
               sscanf(text, "height %u", &side->own.height) == 1) {
        step(side, MEMBERSHIP_EVENT_TIME, NULL);
    } else if (strncmp(text, "refuse ", 7) == 0) {
        receive_refusal(side, text + 7);
    } else {
        receive(side, text);
    }
}

/* ---- stories ----------------------------------------------------------------------------- */

static void print_state(struct side *side)
{
    static const char *const names[MEMBERSHIP_STATES] = {
        [MEMBERSHIP_DISCONNECTED] = "disconnected", [MEMBERSHIP_DIALLING] = "dialling",
        [MEMBERSHIP_JOINING] = "joining",           [MEMBERSHIP_JOINED] = "joined",
        [MEMBERSHIP_REFUSED] = "refused",           [MEMBERSHIP_LEAVING] = "leaving",
    };

    print(side, names[side->membership.state]);
}

static void print_due(struct side *side)
{
    int64_t due_at_ns = membership_due_at(&side->membership);
    char words[40] = "never";

    if (due_at_ns != NEVER)
        snprintf(words, sizeof words, "%g ms", (double)due_at_ns / MS);
    print(side, words);
}

static void run_rows(struct side *side, const struct row *rows)
{
    for (; rows->stimulus; rows++) {
        side->output[0] = '\0';
        if (strcmp(rows->stimulus, "due") == 0)
            print_due(side);
        else if (strcmp(rows->stimulus, "state") == 0)
            print_state(side);
        else
            act(side, rows->stimulus);
        cr_assert_str_eq(side->output, rows->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                         rows->stimulus, side->output, rows->consequence);
    }
}

static void parent_story(const struct row *rows)
{
    struct side side = side_new();

    run_rows(&side, rows);
}

Test(membership, a_server_joins_and_sends_heartbeats)
{
    parent_story((struct row[]){
        {"state", "dialling"},
        {"due", "never"},
        {"connected", "join 4"},
        {"due", "3000 ms"},
        {"time +100", ""},
        {"welcome 500", ""},
        {"state", "joined"},
        {"due", "600 ms"},
        {"sum", "deliver"},
        {"cancel", "deliver"},
        {"time +499", ""},
        {"time +1", "heartbeat 4"},
        {"heartbeat", ""},
        {"time +500", "heartbeat 4"},
        {"due", "1600 ms"},
        {0},
    });
}

Test(membership, join_offers_the_current_capacity)
{
    parent_story((struct row[]){
        {"capacity 7", ""},
        {"connected", "join 7"},
        {"welcome 500", ""},
        {"due", "500 ms"},
        {0},
    });
}

Test(membership, a_new_capacity_is_sent_at_once)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"time +100", ""},
        {"capacity 6", "heartbeat 6"},
        {"due", "600 ms"},
        {"capacity 6", ""},
        {"capacity 0", "heartbeat 0"},
        {0},
    });
}

Test(membership, a_new_height_is_sent_at_once)
{
    parent_story((struct row[]){
        {"height 1", ""},
        {"connected", "join 4 height 1"},
        {"welcome 500", ""},
        {"height 2", "heartbeat 4 height 2"},
        {"due", "500 ms"},
        {"height 2", ""},
        {0},
    });
}

/* 3.8 s of the time depend on the server's name. */
Test(membership, a_server_in_a_cycle_waits_for_a_time_that_depends_on_its_name)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"height 16", "heartbeat 4 height 16"},
        {"refuse out of range 0", "lost (out of range)"},
        {"state", "refused"},
        {"refuse not joined", ""}, /* the answer to an earlier message */
        {"due", "13819.9 ms"},
        {0},
    });
}

Test(membership, a_new_capacity_while_joining_is_sent_after_the_welcome)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"capacity 6", ""},
        {"welcome 500", ""},
        {"due", "0 ms"},
        {"time +0", "heartbeat 6"},
        {"due", "500 ms"},
        {0},
    });
}

Test(membership, a_parent_that_does_not_answer_join_is_dialled_again)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"time +2999", ""},
        {"time +1", "dial it does not answer Join; dialling again"},
        {"due", "never"},
        {"welcome 500", ""}, /* too late: from the previous connection */
        {"state", "dialling"},
        {"connected", "join 4"},
        {"due", "6000 ms"},
        {0},
    });
}

Test(membership, a_silent_parent_is_dialled_again_and_its_requests_are_dropped)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"time +400", ""},
        {"heartbeat", ""},
        {"time +500", "heartbeat 4"},
        {"time +500", "heartbeat 4"},
        {"time +499", ""},
        {"due", "1900 ms"},
        {"time +1", "lost dial it sent no message for too long"},
        {"state", "dialling"},
        {"due", "never"},
        {0},
    });
}

Test(membership, every_message_counts_as_a_sign_of_life)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"time +900", "heartbeat 4"},
        {"sum", "deliver"},
        {"time +900", "heartbeat 4"},
        {"reply", ""}, /* parents do not send this */
        {"time +900", "heartbeat 4"},
        {"cancel", "deliver"},
        {"time +900", "heartbeat 4"},
        {0},
    });
}

Test(membership, a_pause_of_this_process_does_not_make_the_parent_silent)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"time +60000", "heartbeat 4"},
        {"time +500", "heartbeat 4"},
        {"time +500", "heartbeat 4"},
        {"time +500", "lost dial it sent no message for too long"},
        {0},
    });
}

Test(membership, a_disconnect_drops_the_parents_requests)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"disconnected", "lost"},
        {"sum", ""},
        {"connected", ""}, /* an event of the old connection */
        {"time +10", "dial"},
        {"connected", "join 4"},
        {"disconnected", ""}, /* it disconnects at once: the next dial comes later */
        {"disconnected", ""},
        {"time +199", ""},
        {"time +1", "dial"},
        {0},
    });
}

Test(membership, after_not_joined_the_server_joins_again)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"time +100", ""},
        {"refuse not joined", "lost join 4 (not joined)"},
        {"state", "joining"},
        {"due", "3100 ms"},
        {"refuse not joined", ""}, /* the answer to a message before Join */
        {"sum", ""},               /* not valid before the answer to Join */
        {"welcome 1000", ""},
        {"due", "1100 ms"},
        {"sum", "deliver"},
        {0},
    });
}

Test(membership, a_busy_parent_gets_another_join_when_it_says)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"refuse busy 2500", "(busy)"},
        {"state", "refused"},
        {"due", "2500 ms"},
        {"time +2499", ""},
        {"time +1", "join 4"},
        {"refuse busy 1", "(busy)"}, /* a retry time below 1 s counts as 1 s */
        {"due", "3500 ms"},
        {0},
    });
}

Test(membership, a_parent_with_another_digest_gets_another_join_after_a_rest)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"refuse other sums", "(other sums)"},
        {"due", "10000 ms"},
        {"time +10000", "join 4"},
        {"welcome 500", ""}, /* another server has replaced it */
        {"state", "joined"},
        {0},
    });
}

Test(membership, a_leaving_server_finishes_and_sends_heartbeats_meanwhile)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"leave", "leave"},
        {"leave", ""},
        {"cancel", "deliver"},
        {"sum", "deliver"}, /* sent before Leave arrived: the dispatcher refuses it */
        {"time +500", "heartbeat 4"},
        {"capacity 2", "heartbeat 2"},
        {"disconnected", "lost"},
        {"due", "never"},
        {"connected", ""},
        {0},
    });
}

Test(membership, leaving_before_joining_ends_the_membership)
{
    parent_story((struct row[]){
        {"leave", ""},
        {"connected", ""},
        {"disconnected", ""},
        {"time +10000", ""},
        {"due", "never"},
        {"state", "leaving"},
        {0},
    });
}

Test(membership, a_parent_that_is_silent_while_this_server_leaves_is_dropped)
{
    parent_story((struct row[]){
        {"connected", "join 4"},
        {"welcome 500", ""},
        {"leave", "leave"},
        {"time +900", "heartbeat 4"},
        {"time +600", "lost it sent no message for too long"},
        {"due", "never"},
        {0},
    });
}

/* ---- every event in every state ----------------------------------------------------------- */

struct cell {
    const char *event;
    const char *outcome; /* effects, and the state after them */
};

static void check_cells(const struct row *way, const struct cell *cells)
{
    for (; cells->event; cells++) {
        struct side side = side_new();
        run_rows(&side, way);
        side.output[0] = '\0';
        act(&side, cells->event);
        print(&side, "->");
        print_state(&side);
        cr_expect_str_eq(side.output, cells->outcome, "%s: \"%s\", not \"%s\"", cells->event,
                         side.output, cells->outcome);
    }
}

Test(membership, apart_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"connected", "join 4"}, {"disconnected", ""}, {0}};
    static const struct cell cells[] = {
        {"connected", "-> disconnected"},
        {"disconnected", "-> disconnected"},
        {"leave", "-> leaving"},
        {"time +9000", "dial -> dialling"},
        {"capacity 5", "-> disconnected"},
        {"welcome 500", "-> disconnected"},
        {"refuse not joined", "-> disconnected"},
        {"refuse busy 100", "-> disconnected"},
        {"heartbeat", "-> disconnected"},
        {"sum", "-> disconnected"},
        {"cancel", "-> disconnected"},
        {0},
    };

    check_cells(way, cells);
}

Test(membership, dialling_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{0}};
    static const struct cell cells[] = {
        {"connected", "join 4 -> joining"},
        {"disconnected", "-> disconnected"},
        {"leave", "-> leaving"},
        {"time +9000", "-> dialling"},
        {"capacity 5", "-> dialling"},
        {"welcome 500", "-> dialling"},
        {"refuse not joined", "-> dialling"},
        {"refuse busy 100", "-> dialling"},
        {"heartbeat", "-> dialling"},
        {"sum", "-> dialling"},
        {"cancel", "-> dialling"},
        {0},
    };

    check_cells(way, cells);
}

Test(membership, joining_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"connected", "join 4"}, {0}};
    static const struct cell cells[] = {
        {"connected", "-> joining"},
        {"disconnected", "-> disconnected"},
        {"leave", "leave -> leaving"},
        {"time +9000", "dial it does not answer Join; dialling again -> dialling"},
        {"capacity 5", "-> joining"},
        {"welcome 500", "-> joined"},
        {"refuse not joined", "-> joining"},
        {"refuse busy 100", "(busy) -> refused"},
        {"heartbeat", "-> joining"},
        {"sum", "-> joining"},
        {"cancel", "-> joining"},
        {0},
    };

    check_cells(way, cells);
}

Test(membership, joined_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"connected", "join 4"}, {"welcome 500", ""}, {0}};
    static const struct cell cells[] = {
        {"connected", "-> joined"},
        {"disconnected", "lost -> disconnected"},
        {"leave", "leave -> leaving"},
        {"time +500", "heartbeat 4 -> joined"},
        {"capacity 5", "heartbeat 5 -> joined"},
        {"welcome 500", "-> joined"},
        {"refuse not joined", "lost join 4 (not joined) -> joining"},
        {"refuse busy 100", "-> joined"},
        {"heartbeat", "-> joined"},
        {"sum", "deliver -> joined"},
        {"cancel", "deliver -> joined"},
        {0},
    };

    check_cells(way, cells);
}

Test(membership, resting_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"connected", "join 4"}, {"refuse busy 2000", "(busy)"}, {0}};
    static const struct cell cells[] = {
        {"connected", "-> refused"},
        {"disconnected", "-> disconnected"},
        {"leave", "-> leaving"},
        {"time +1999", "-> refused"},
        {"time +2000", "join 4 -> joining"},
        {"capacity 5", "-> refused"},
        {"welcome 500", "-> refused"},
        {"refuse not joined", "-> refused"},
        {"refuse busy 100", "-> refused"},
        {"heartbeat", "-> refused"},
        {"sum", "-> refused"},
        {"cancel", "-> refused"},
        {0},
    };

    check_cells(way, cells);
}

Test(membership, leaving_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {
        {"connected", "join 4"}, {"welcome 500", ""}, {"leave", "leave"}, {0}};
    static const struct cell cells[] = {
        {"connected", "-> leaving"},
        {"disconnected", "lost -> leaving"},
        {"leave", "-> leaving"},
        {"time +500", "heartbeat 4 -> leaving"},
        {"capacity 5", "heartbeat 5 -> leaving"},
        {"welcome 500", "-> leaving"},
        {"refuse not joined", "lost (not joined) -> leaving"},
        {"refuse busy 100", "-> leaving"},
        {"heartbeat", "-> leaving"},
        {"sum", "deliver -> leaving"},
        {"cancel", "deliver -> leaving"},
        {0},
    };

    check_cells(way, cells);
}
