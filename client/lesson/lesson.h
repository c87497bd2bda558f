/* The steps of a lesson, and the two orders of these steps: client/serial.c and client/async.c. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_H
#define MEANTIME_CLIENT_LESSON_LESSON_H

#include <stdbool.h>

#include "client/lesson/lesson_state.h"

/* ---- the steps: each one also writes the transcript and the record ---- */

/* Begins the task server_request: sends the request. */
void lesson_begin_request(struct lesson *lesson);

/* Begins the task uniform_sum. Does nothing if the user has interrupted. */
void lesson_begin_sum(struct lesson *lesson);

/* Computes one slice of uniform_sum. */
void lesson_slice(struct lesson *lesson);

/* Surround a look. readable: lesson_fd() is readable, so there is something to receive. */
void lesson_look_begin(struct lesson *lesson);
void lesson_look_end(struct lesson *lesson, bool readable);

/* Waits until the request is over or the user interrupts. Returns at once if it is over. */
void lesson_wait(struct lesson *lesson);

/* Ends the lesson. If the user has interrupted, cancels the request. */
void lesson_end(struct lesson *lesson);

/* ---- the state ---- */

/* True until uniform_sum is done or the user interrupts. */
bool lesson_has_work(const struct lesson *lesson);

/* True once the request is over: a sum or an error is here. */
bool lesson_has_answer(const struct lesson *lesson);

/* True once both tasks are done, without an error. */
bool lesson_succeeded(const struct lesson *lesson);

/* Becomes readable when there is something to receive. */
int lesson_fd(const struct lesson *lesson);

/* ---- the orders ---- */

/* Both return when the request is over and the sum is done, or the user interrupts. */
void lesson_serial(struct lesson *lesson);
void lesson_async(struct lesson *lesson);

#endif
