/* A progress bar: one line of a terminal, drawn over itself. The caller decides when: stderr is a
 * terminal, the work is long, and colour only without NO_COLOR. Any thread; no allocation. */
#ifndef MEANTIME_CLIENT_COMMON_BAR_H
#define MEANTIME_CLIENT_COMMON_BAR_H

#include <stdbool.h>
#include <stdio.h>

/* Widest line: a longer way for the eye tells nothing more. */
#define BAR_COLUMNS_MAX 100

/* Draws in one write, from the line's first column, and clears what is behind it. Stays clear of
 * the last of `columns`, so that no terminal wraps; on a narrow one the bar goes first, then the
 * label, then the figures.
 * label: ASCII. fraction: 0 to 1; what is outside is taken as the nearer end, NaN as 0.
 * columns: of the terminal, 0 or more. colour: escapes for 256 colours. */
void bar_print(FILE *out, const char *label, double fraction, double elapsed_s, int columns,
               bool utf8, bool colour);

/* Leaves an empty line with the cursor at its first column. */
void bar_clear(FILE *out);

#endif
