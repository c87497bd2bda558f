/* Finds the name that a user probably meant. A leaf. */
#ifndef MEANTIME_CLI_SUGGESTION_H
#define MEANTIME_CLI_SUGGESTION_H

#include <stddef.h>

/* Longer words and names are never suggested. */
#define SUGGESTION_BYTES_MAX 32

/* The edit distance: how many letters to insert, delete, replace, or swap with their neighbours so
 * that `a` becomes `b`. Upper and lower case are equal. Both texts have fewer than
 * SUGGESTION_BYTES_MAX bytes. */
size_t suggestion_distance(const char *a, const char *b);

/* Keeps the best name among those that suggestion_try() is called with. */
struct suggestion {
    const char *word; /* what the user wrote */
    const char *name; /* the best name so far; NULL: none is similar */
    size_t distance;  /* of `name` */
};

void suggestion_init(struct suggestion *suggestion, const char *word);
void suggestion_try(struct suggestion *suggestion, const char *name);

#endif
