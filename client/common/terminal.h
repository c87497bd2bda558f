/* What the terminal behind a stream can show. */
#ifndef MEANTIME_CLIENT_COMMON_TERMINAL_H
#define MEANTIME_CLIENT_COMMON_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* columns: 80 where nobody knows. moves: what is there can be written over: it is a terminal, and
 * TERM names one that is not "dumb". colour: the same, where NO_COLOR does not speak against it. */
struct terminal {
    bool moves;
    bool utf8;
    bool colour;
    int columns;
};

/* After setlocale(). */
struct terminal terminal_of(FILE *stream);

#endif
