/* Properties of the terminal behind a stream. */
#ifndef MEANTIME_CLIENT_COMMON_TERMINAL_H
#define MEANTIME_CLIENT_COMMON_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
    bool moves;  /* it is a terminal that can move the cursor: TERM is set and is not "dumb" */
    bool utf8;   /* the locale uses UTF-8 */
    bool colour; /* `moves`, and NO_COLOR is not set */
    int columns; /* 80 if unknown */
};

/* stream: stdout or stderr. Call setlocale() before. */
struct terminal terminal_of(FILE *stream);

#endif
