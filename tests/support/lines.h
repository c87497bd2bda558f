/* What a program printed, line by line, against patterns of fnmatch(3) that end with NULL. */
#ifndef MEANTIME_TESTS_SUPPORT_LINES_H
#define MEANTIME_TESTS_SUPPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Lines of `text`; one without its newline counts. */
size_t lines_count(const char *text);

/* Each pattern matches the line in its place, and there are no others. */
bool lines_are(const char *text, const char *const *patterns);

/* Each pattern matches a line after the one that the pattern before it matched. */
bool lines_include(const char *text, const char *const *patterns);

#endif
