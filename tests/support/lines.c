/* Compares printed lines with patterns: see lines.h. */
#include "tests/support/lines.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Sets `matches` if the first line of `text` matches. Returns the text behind that line. */
static const char *line_match(const char *text, const char *pattern, bool *matches)
{
    const char *end = strchrnul(text, '\n');
    char *line = strndup(text, (size_t)(end - text));

    *matches = fnmatch(pattern, line, 0) == 0;
    free(line);
    return *end ? end + 1 : end;
}

size_t lines_count(const char *text)
{
    size_t lines = 0;

    for (; *text; lines++) {
        text = strchrnul(text, '\n');
        text += *text == '\n';
    }
    return lines;
}

bool lines_are(const char *text, const char *const *patterns)
{
    bool matches = true;

    for (; *patterns && *text && matches; patterns++)
        text = line_match(text, *patterns, &matches);
    return matches && !*patterns && !*text;
}

bool lines_include(const char *text, const char *const *patterns)
{
    bool matches;

    while (*patterns && *text) {
        text = line_match(text, *patterns, &matches);
        if (matches)
            patterns++;
    }
    return !*patterns;
}
