/* Printable ASCII: the only characters in texts that go to other machines or come from them. */
#ifndef MEANTIME_PROTO_PRINTABLE_H
#define MEANTIME_PROTO_PRINTABLE_H

#include <stdbool.h>

static inline bool is_printable(char byte)
{
    return ' ' <= byte && byte <= '~';
}

static inline char printable_or_mark(char byte)
{
    return is_printable(byte) ? byte : '?';
}

/* Replaces each other byte of a string by a question mark. */
static inline void make_printable(char *text)
{
    for (; *text; text++)
        *text = printable_or_mark(*text);
}

#endif
