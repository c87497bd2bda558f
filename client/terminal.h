/* What the terminal behind a stream can show. */
#ifndef MEANTIME_CLIENT_TERMINAL_H
#define MEANTIME_CLIENT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* columns: 80 where nobody knows. colour: it is a terminal, and neither NO_COLOR nor TERM=dumb
 * speaks against it. */
struct terminal {
    bool is_terminal;
    bool utf8;
    bool colour;
    int columns;
};

/* After setlocale(). */
struct terminal terminal_of(FILE *stream);

#endif
