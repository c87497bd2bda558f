/* The caller: asks some questions, looks in a loop of its own or between slices of its work, and
 * takes what has ended. */
#ifndef MEANTIME_TESTS_SIM_SESSION_CALLER_H
#define MEANTIME_TESTS_SIM_SESSION_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"

#define QUESTIONS_MAX 5

struct scene;

struct question {
    struct meantime_question asked;
    uint64_t number; /* 0: not asked yet */
    bool cancelled;
    bool taken;
};

/* slice_ns: between two looks; 0: it looks when the descriptor is readable.
 * timer_at_ns: what the session's timer is set to. found: this look, something. */
struct caller {
    struct meantime *m;
    int64_t slice_ns;
    int64_t stalled_until_ns;
    int64_t timer_at_ns;
    bool found;
    unsigned idle_at_once;
    uint64_t idle_looks;
    size_t count;
    size_t taken;
    struct question questions[QUESTIONS_MAX];
};

void caller_init(struct scene *scene);

/* Closes the session. */
void caller_clear(struct scene *scene);

/* When it looks next, if nothing else happens before; NEVER. */
int64_t caller_look_at(const struct scene *scene);
void caller_look(struct scene *scene);

void caller_ask(struct scene *scene, size_t question);
void caller_cancel(struct scene *scene, size_t question);
void caller_stall(struct scene *scene, int64_t pause_ns);

/* Told by what is below the session: whether a look has found something. */
void caller_finds(struct scene *scene, bool something);

/* Of the session as it is, see shell.c. NULL, or what does not hold. */
const char *shell_check(const struct meantime *m);

/* Whether the last look has left messages; and so many in a row that the time goes on. */
bool shell_is_behind(const struct meantime *m);
bool shell_is_flooded(const struct meantime *m);
void shell_begin(struct scene *scene);

#endif
