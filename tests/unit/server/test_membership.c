/* Being a worker of another server: what happens, and what is to be done about it. A stimulus is:
 *
 *     up     down     leave     time +MS     capacity CORES     height LEVELS (and time is told)
 *     welcome MS     refuse STATUS [MS]     heartbeat     sum     cancel     reply
 *
 * the second line being what the parent says; and the consequence is all orders in their order:
 * lost, dial, pass, a message (join CORES, heartbeat CORES, leave) and what is logged. In between a
 * story asks for "state" and "due". */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/membership.h"
#include "tests/unit/server/world.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

/* One server's side of it. */
struct side {
    struct membership parent;
    int64_t now_ns;
    struct heartbeat own;
    char said[200];
};

static struct side side_new(void)
{
    struct side side = {.own = {.capacity = 4}};
    struct join join = {
        .digest = DIGEST_OF_TESTS, .capacity = 4, .name = "name", .kernel = "kernel"};

    membership_init(&side.parent, &join);
    return side;
}

/* ---- orders ------------------------------------------------------------------------------ */

static void say(struct side *side, const char *word)
{
    size_t used = strlen(side->said);

    snprintf(side->said + used, sizeof side->said - used, "%s%s", used ? " " : "", word);
}

static void say_own(char *words, size_t room, const char *verb, uint32_t capacity, uint32_t height)
{
    if (height > 0)
        snprintf(words, room, "%s %u height %u", verb, capacity, height);
    else
        snprintf(words, room, "%s %u", verb, capacity);
}

static void say_message(struct side *side, const struct message *message)
{
    char words[40] = "leave";

    check_wire(message);
    if (message->type == MESSAGE_JOIN)
        say_own(words, sizeof words, "join", message->join.capacity, message->join.height);
    else if (message->type == MESSAGE_HEARTBEAT)
        say_own(words, sizeof words, "heartbeat", message->heartbeat.capacity,
                message->heartbeat.height);
    else
        cr_assert(message->type == MESSAGE_LEAVE);
    say(side, words);
}

static void step(struct side *side, enum membership_event news, const struct message *message)
{
    struct membership_effects effects;

    membership_set_own(&side->parent, &side->own);
    membership_step(&side->parent, side->now_ns, news, message, &effects);
    if (effects.client_lost)
        say(side, "lost");
    if (effects.dial)
        say(side, "dial");
    if (effects.deliver)
        say(side, "pass");
    if (effects.send)
        say_message(side, &effects.message);
    if (effects.problem)
        say(side, effects.problem);
}

/* ---- news -------------------------------------------------------------------------------- */

static void hear_refusal(struct side *side, const char *text)
{
    struct message message = {.type = MESSAGE_REFUSAL};
    int status = STATUS_OK + 1;
    const char *words = "";

    for (; status < STATUS_END; status++) {
        words = status_text((enum status)status);
        if (strncmp(text, words, strlen(words)) == 0)
            break;
    }
    cr_assert(status < STATUS_END, "\"%s\" is no status", text);
    message.refusal.status = (enum status)status;
    message.refusal.retry_after_ms = (uint32_t)atoi(text + strlen(words));
    snprintf(message.refusal.text, sizeof message.refusal.text, "(%s)", words);
    step(side, MEMBERSHIP_EVENT_MESSAGE, &message);
}

static void hear(struct side *side, const char *text)
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
    cr_assert(i < LENGTH(messages), "what is \"%s\"?", text);
    step(side, MEMBERSHIP_EVENT_MESSAGE, &messages[i].message);
}

static void act(struct side *side, const char *text)
{
    unsigned ms;

    if (strcmp(text, "up") == 0) {
        step(side, MEMBERSHIP_EVENT_CONNECTED, NULL);
    } else if (strcmp(text, "down") == 0) {
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
        hear_refusal(side, text + 7);
    } else {
        hear(side, text);
    }
}

/* ---- stories ----------------------------------------------------------------------------- */

static void say_state(struct side *side)
{
    static const char *const names[MEMBERSHIP_STATES] = {
        [MEMBERSHIP_DISCONNECTED] = "apart", [MEMBERSHIP_DIALLING] = "dialling",
        [MEMBERSHIP_JOINING] = "joining",    [MEMBERSHIP_JOINED] = "joined",
        [MEMBERSHIP_REFUSED] = "resting",    [MEMBERSHIP_LEAVING] = "leaving",
    };

    say(side, names[side->parent.state]);
}

static void say_due(struct side *side)
{
    int64_t due_at_ns = membership_due_at(&side->parent);
    char words[40] = "never";

    if (due_at_ns != INT64_MAX)
        snprintf(words, sizeof words, "%g ms", (double)due_at_ns / MS);
    say(side, words);
}

static void tell(struct side *side, const struct row *rows)
{
    for (; rows->stimulus; rows++) {
        side->said[0] = '\0';
        if (strcmp(rows->stimulus, "due") == 0)
            say_due(side);
        else if (strcmp(rows->stimulus, "state") == 0)
            say_state(side);
        else
            act(side, rows->stimulus);
        cr_assert_str_eq(side->said, rows->consequence, "after \"%s\":\n  \"%s\", not\n  \"%s\"",
                         rows->stimulus, side->said, rows->consequence);
    }
}

static void parent_story(const struct row *rows)
{
    struct side side = side_new();

    tell(&side, rows);
}

Test(parent, a_server_joins_and_stays_in_touch)
{
    parent_story((struct row[]){
        {"state", "dialling"},
        {"due", "never"},
        {"up", "join 4"},
        {"due", "3000 ms"},
        {"time +100", ""},
        {"welcome 500", ""},
        {"state", "joined"},
        {"due", "600 ms"},
        {"sum", "pass"},
        {"cancel", "pass"},
        {"time +499", ""},
        {"time +1", "heartbeat 4"},
        {"heartbeat", ""},
        {"time +500", "heartbeat 4"},
        {"due", "1600 ms"},
        {0},
    });
}

Test(parent, what_is_offered_is_what_there_is_when_it_is_offered)
{
    parent_story((struct row[]){
        {"capacity 7", ""},
        {"up", "join 7"},
        {"welcome 500", ""},
        {"due", "500 ms"},
        {0},
    });
}

Test(parent, a_change_of_capacity_is_told_at_once)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"time +100", ""},
        {"capacity 6", "heartbeat 6"},
        {"due", "600 ms"},
        {"capacity 6", ""},
        {"capacity 0", "heartbeat 0"},
        {0},
    });
}

Test(parent, a_change_of_height_is_told_at_once)
{
    parent_story((struct row[]){
        {"height 1", ""},
        {"up", "join 4 height 1"},
        {"welcome 500", ""},
        {"height 2", "heartbeat 4 height 2"},
        {"due", "500 ms"},
        {"height 2", ""},
        {0},
    });
}

/* 2.4 s of these are for its name. */
Test(parent, a_server_that_is_of_a_circle_rests_for_some_longer_than_others)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"height 16", "heartbeat 4 height 16"},
        {"refuse out of range 0", "lost (out of range)"},
        {"state", "resting"},
        {"refuse not joined", ""}, /* to what was on its way */
        {"due", "12369.4 ms"},
        {0},
    });
}

Test(parent, a_change_of_capacity_while_joining_is_told_once_welcome)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"capacity 6", ""},
        {"welcome 500", ""},
        {"due", "0 ms"},
        {"time +0", "heartbeat 6"},
        {"due", "500 ms"},
        {0},
    });
}

Test(parent, one_that_does_not_answer_is_dialled_anew)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"time +2999", ""},
        {"time +1", "dial it does not answer Join; dialling again"},
        {"due", "never"},
        {"welcome 500", ""}, /* too late: of the connection before */
        {"state", "dialling"},
        {"up", "join 4"},
        {"due", "6000 ms"},
        {0},
    });
}

Test(parent, a_silent_one_is_dialled_anew_and_what_it_wanted_is_dropped)
{
    parent_story((struct row[]){
        {"up", "join 4"},
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

Test(parent, whatever_one_says_shows_that_it_lives)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"time +900", "heartbeat 4"},
        {"sum", "pass"},
        {"time +900", "heartbeat 4"},
        {"reply", ""}, /* nothing that a parent says */
        {"time +900", "heartbeat 4"},
        {"cancel", "pass"},
        {"time +900", "heartbeat 4"},
        {0},
    });
}

Test(parent, is_not_blamed_for_the_time_that_this_process_did_not_run)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"time +60000", "heartbeat 4"},
        {"time +500", "heartbeat 4"},
        {"time +500", "heartbeat 4"},
        {"time +500", "lost dial it sent no message for too long"},
        {0},
    });
}

Test(parent, a_lost_connection_drops_what_it_wanted)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"down", "lost"},
        {"sum", ""},
        {"up", ""}, /* nothing is to come down this one: a new one is dialled */
        {"time +10", "dial"},
        {"up", "join 4"},
        {"down", ""}, /* one that hangs up at once is not dialled at once */
        {"down", ""},
        {"time +199", ""},
        {"time +1", "dial"},
        {0},
    });
}

Test(parent, one_that_has_forgotten_this_server_is_joined_again)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"time +100", ""},
        {"refuse not joined", "lost join 4 (not joined)"},
        {"state", "joining"},
        {"due", "3100 ms"},
        {"refuse not joined", ""}, /* to what was said before Join */
        {"sum", ""},               /* that cannot be, before it answers */
        {"welcome 1000", ""},
        {"due", "1100 ms"},
        {"sum", "pass"},
        {0},
    });
}

Test(parent, one_that_is_full_is_asked_again_when_it_says)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"refuse busy 2500", "(busy)"},
        {"state", "resting"},
        {"due", "2500 ms"},
        {"time +2499", ""},
        {"time +1", "join 4"},
        {"refuse busy 1", "(busy)"}, /* but not as fast as it can */
        {"due", "3500 ms"},
        {0},
    });
}

Test(parent, one_that_sums_other_bits_is_asked_again_after_a_rest)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"refuse other sums", "(other sums)"},
        {"due", "10000 ms"},
        {"time +10000", "join 4"},
        {"welcome 500", ""}, /* it was replaced by one that does not */
        {"state", "joined"},
        {0},
    });
}

Test(parent, leaving_finishes_what_there_is_and_stays_in_touch_meanwhile)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"leave", "leave"},
        {"leave", ""},
        {"cancel", "pass"},
        {"sum", "pass"}, /* on its way when it was told: the dispatcher refuses */
        {"time +500", "heartbeat 4"},
        {"capacity 2", "heartbeat 2"},
        {"down", "lost"},
        {"due", "never"},
        {"up", ""},
        {0},
    });
}

Test(parent, leaving_before_it_has_joined_is_the_end_of_it)
{
    parent_story((struct row[]){
        {"leave", ""},
        {"up", ""},
        {"down", ""},
        {"time +10000", ""},
        {"due", "never"},
        {"state", "leaving"},
        {0},
    });
}

Test(parent, one_that_falls_silent_while_this_server_leaves_is_given_up)
{
    parent_story((struct row[]){
        {"up", "join 4"},
        {"welcome 500", ""},
        {"leave", "leave"},
        {"time +900", "heartbeat 4"},
        {"time +600", "lost it sent no message for too long"},
        {"due", "never"},
        {0},
    });
}

/* ---- every state and everything that may happen in it ------------------------------------- */

struct cell {
    const char *news;
    const char *outcome; /* effects, and the state after them */
};

static void check_cells(const struct row *way, const struct cell *cells)
{
    for (; cells->news; cells++) {
        struct side side = side_new();
        tell(&side, way);
        side.said[0] = '\0';
        act(&side, cells->news);
        say(&side, "->");
        say_state(&side);
        cr_expect_str_eq(side.said, cells->outcome, "%s: \"%s\", not \"%s\"", cells->news,
                         side.said, cells->outcome);
    }
}

Test(parent, apart_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"up", "join 4"}, {"down", ""}, {0}};
    static const struct cell cells[] = {
        {"up", "-> apart"},
        {"down", "-> apart"},
        {"leave", "-> leaving"},
        {"time +9000", "dial -> dialling"},
        {"capacity 5", "-> apart"},
        {"welcome 500", "-> apart"},
        {"refuse not joined", "-> apart"},
        {"refuse busy 100", "-> apart"},
        {"heartbeat", "-> apart"},
        {"sum", "-> apart"},
        {"cancel", "-> apart"},
        {0},
    };

    check_cells(way, cells);
}

Test(parent, dialling_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{0}};
    static const struct cell cells[] = {
        {"up", "join 4 -> joining"},
        {"down", "-> apart"},
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

Test(parent, joining_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"up", "join 4"}, {0}};
    static const struct cell cells[] = {
        {"up", "-> joining"},
        {"down", "-> apart"},
        {"leave", "leave -> leaving"},
        {"time +9000", "dial it does not answer Join; dialling again -> dialling"},
        {"capacity 5", "-> joining"},
        {"welcome 500", "-> joined"},
        {"refuse not joined", "-> joining"},
        {"refuse busy 100", "(busy) -> resting"},
        {"heartbeat", "-> joining"},
        {"sum", "-> joining"},
        {"cancel", "-> joining"},
        {0},
    };

    check_cells(way, cells);
}

Test(parent, joined_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"up", "join 4"}, {"welcome 500", ""}, {0}};
    static const struct cell cells[] = {
        {"up", "-> joined"},
        {"down", "lost -> apart"},
        {"leave", "leave -> leaving"},
        {"time +500", "heartbeat 4 -> joined"},
        {"capacity 5", "heartbeat 5 -> joined"},
        {"welcome 500", "-> joined"},
        {"refuse not joined", "lost join 4 (not joined) -> joining"},
        {"refuse busy 100", "-> joined"},
        {"heartbeat", "-> joined"},
        {"sum", "pass -> joined"},
        {"cancel", "pass -> joined"},
        {0},
    };

    check_cells(way, cells);
}

Test(parent, resting_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {{"up", "join 4"}, {"refuse busy 2000", "(busy)"}, {0}};
    static const struct cell cells[] = {
        {"up", "-> resting"},
        {"down", "-> apart"},
        {"leave", "-> leaving"},
        {"time +1999", "-> resting"},
        {"time +2000", "join 4 -> joining"},
        {"capacity 5", "-> resting"},
        {"welcome 500", "-> resting"},
        {"refuse not joined", "-> resting"},
        {"refuse busy 100", "-> resting"},
        {"heartbeat", "-> resting"},
        {"sum", "-> resting"},
        {"cancel", "-> resting"},
        {0},
    };

    check_cells(way, cells);
}

Test(parent, leaving_knows_what_to_do_whatever_happens)
{
    static const struct row way[] = {
        {"up", "join 4"}, {"welcome 500", ""}, {"leave", "leave"}, {0}};
    static const struct cell cells[] = {
        {"up", "-> leaving"},
        {"down", "lost -> leaving"},
        {"leave", "-> leaving"},
        {"time +500", "heartbeat 4 -> leaving"},
        {"capacity 5", "heartbeat 5 -> leaving"},
        {"welcome 500", "-> leaving"},
        {"refuse not joined", "lost (not joined) -> leaving"},
        {"refuse busy 100", "-> leaving"},
        {"heartbeat", "-> leaving"},
        {"sum", "pass -> leaving"},
        {"cancel", "pass -> leaving"},
        {0},
    };

    check_cells(way, cells);
}
