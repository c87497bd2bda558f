/* What pictures on a terminal are drawn with: block characters and two colours. */
#ifndef MEANTIME_CLIENT_COMMON_INK_H
#define MEANTIME_CLIENT_COMMON_INK_H

/* A blue and an orange of the 256 colours. Their contrast to white and to black is at least 3.5 to
 * 1. People with any kind of colour blindness can distinguish them. */
#define INK_SERVER_REQUEST "\033[38;5;33m"
#define INK_UNIFORM_SUM    "\033[38;5;166m"
#define INK_OFF            "\033[0m"

/* [eighths]: a cell whose left or right part is filled, by 0 to 8 eighths, in UTF-8. For the right
 * part, Unicode has only one eighth, a half and a whole; the table has the nearest of these. */
#define INK_EIGHTHS 8
extern const char *const ink_left[INK_EIGHTHS + 1];
extern const char *const ink_right[INK_EIGHTHS + 1];

#endif
