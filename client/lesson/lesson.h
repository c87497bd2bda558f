/* One run of the main job: a sum asked of a server, and a sum of one's own meanwhile. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_H
#define MEANTIME_CLIENT_LESSON_LESSON_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lesson/plain_server.h"
#include "client/lesson/transcript.h"
#include "client/lesson/uniform_sum.h"
#include "client/lib/meantime.h"
#include "client/pictures/record.h"

/* Nothing else being done, the progress bar moves as often. */
#define LESSON_WAIT_MS 100

/* Asked is the session's server, or the plain one where that is not NULL. progress: as of what was
 * heard last. result: once the request is over; its text is what the user is to read. */
struct lesson {
    const char *mode;
    struct meantime *session;
    struct plain_server *plain;
    struct meantime_question question;
    uint64_t request;
    int64_t asked_at_ns;
    struct meantime_progress progress;
    bool request_over;
    struct meantime_result result;
    struct uniform_sum sum;
    struct transcript *transcript;
    struct record *record; /* NULL: nobody wants a picture */
    int64_t began_at_ns;
    int64_t ended_at_ns;
};

/* Sends the question, or will when the server has answered the call. */
void lesson_ask(struct lesson *run);

/* Whether the question, which leaves at a look, waits for that and is in a hurry: slices are short
 * until it has. */
bool lesson_hurries(struct lesson *run);

/* Hears what has come in, if anything. */
void lesson_hear(struct lesson *run);

/* Readable when there is something to hear. */
int lesson_fd(const struct lesson *run);

/* Waits until there is, up to LESSON_WAIT_MS, and hears it. */
void lesson_wait(struct lesson *run);

/* Tells the server that nobody waits any more. */
void lesson_cancel(struct lesson *run);

static inline bool lesson_has_reply(const struct lesson *run)
{
    return run->request_over && run->result.error == MEANTIME_OK;
}

/* Adds to the text of one that has failed what the library cannot know: how this program is told to
 * do better. */
void result_word(struct meantime_result *result);

/* The sum that the server gave, in its units. */
static inline __int128 result_units(const struct meantime_result *result)
{
    return (__int128)((unsigned __int128)result->sum_high << 64 | result->sum_low);
}

/* Both return with the request over and the sum done, unless the user interrupts. */
void lesson_serial(struct lesson *run);
void lesson_async(struct lesson *run);

#endif
