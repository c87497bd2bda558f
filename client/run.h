/* One run of the main job: a sum asked of a server, and a sum of one's own meanwhile. */
#ifndef MEANTIME_CLIENT_RUN_H
#define MEANTIME_CLIENT_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/meantime.h"
#include "client/plain.h"
#include "client/record.h"
#include "client/transcript.h"
#include "client/uniform_sum.h"

/* Nothing else being done, the progress bar moves as often. */
#define RUN_WAIT_MS 100

/* Asked is the session's server, or the plain one where that is not NULL. progress: as of what was
 * heard last. result: once the request is over; its text is what the user is to read. */
struct run {
    const char *mode;
    struct meantime *session;
    struct plain *plain;
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
void run_ask(struct run *run);

/* Whether the question, which leaves at a look, waits for that and is in a hurry: slices are short
 * until it has. */
bool run_hurries(struct run *run);

/* Hears what has come in, if anything. */
void run_hear(struct run *run);

/* Readable when there is something to hear. */
int run_fd(const struct run *run);

/* Waits until there is, up to RUN_WAIT_MS, and hears it. */
void run_wait(struct run *run);

/* Tells the server that nobody waits any more. */
void run_cancel(struct run *run);

static inline bool run_has_reply(const struct run *run)
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
void serial_run(struct run *run);
void async_run(struct run *run);

#endif
