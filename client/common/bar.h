/* A progress bar: one line of a terminal, which each call draws again. Any thread; no allocation.
 *
 * The caller decides when to draw: only if stderr is a terminal and the work is long. */
#ifndef MEANTIME_CLIENT_COMMON_BAR_H
#define MEANTIME_CLIENT_COMMON_BAR_H

#include <stdbool.h>
#include <stdio.h>

/* Widest line. A longer bar would show no more detail. */
#define BAR_COLUMNS_MAX 100

/* Draws the line in one write, from its first column, and clears the rest of the line. Does not use
 * the last of `columns`, so that no terminal wraps the line. If there is too little room, leaves
 * out the bar, then the label, then the figures. label: ASCII. fraction: the work that is done, 0
 * to 1; values outside are taken as 0 or 1, and NaN as 0. columns: of the terminal, 0 or more.
 * colour: use escape sequences for 256 colours, unless the user has set NO_COLOR. */
void bar_print(FILE *out, const char *label, double fraction, double elapsed_s, int columns,
               bool utf8, bool colour);

/* Clears the line and moves the cursor to its first column. */
void bar_clear(FILE *out);

#endif
