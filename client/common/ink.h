/* What pictures on a terminal are drawn with: blocks and two colours. */
#ifndef MEANTIME_CLIENT_COMMON_INK_H
#define MEANTIME_CLIENT_COMMON_INK_H

/* A blue and an orange of the 256 colours: at least 3.5 to 1 on white and on black, and told
 * apart with any kind of colour blindness. */
#define INK_REMOTE "\033[38;5;33m"
#define INK_LOCAL  "\033[38;5;166m"
#define INK_OFF    "\033[0m"

/* A cell of which so many eighths (0 to 8) are filled from the left, or from the right. UTF-8.
 * From the right Unicode has one eighth, a half and a whole; the nearest is taken. */
#define INK_EIGHTHS 8
extern const char *const ink_left[INK_EIGHTHS + 1];
extern const char *const ink_right[INK_EIGHTHS + 1];

#endif
