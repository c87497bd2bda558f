/* Compares the lines that a program printed with patterns of fnmatch(3). A list of patterns ends
 * with NULL. */
#ifndef MEANTIME_TESTS_SUPPORT_LINES_H
#define MEANTIME_TESTS_SUPPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* The number of lines in `text`. A last line without newline counts. */
size_t lines_count(const char *text);

/* True if `text` has as many lines as there are patterns, and each line matches its pattern. */
bool lines_are(const char *text, const char *const *patterns);

/* True if each pattern matches a line, in the order of the patterns. Other lines may be between. */
bool lines_include(const char *text, const char *const *patterns);

#endif
