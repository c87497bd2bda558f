/* Finds the name that a user probably meant: the one with the smallest edit distance. */
#include "cli/suggestion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* A word may have one error for each three letters. */
#define LETTERS_PER_ERROR 3

/* If a word has at least this many letters and a name starts with it, the user meant this name. */
#define PREFIX_BYTES_MIN 3

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool equal(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: rows[i][j] is the distance of the first i letters of `a` and the first
 * j of `b`. */
size_t suggestion_distance(const char *a, const char *b)
{
    size_t rows[SUGGESTION_BYTES_MAX][SUGGESTION_BYTES_MAX];
    size_t height = strlen(a), width = strlen(b);

    for (size_t i = 0; i <= height; i++)
        for (size_t j = 0; j <= width; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            rows[i][j] = least(rows[i - 1][j], rows[i][j - 1]) + 1;
            rows[i][j] = least(rows[i][j], rows[i - 1][j - 1] + !equal(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && equal(a[i - 1], b[j - 2]) && equal(a[i - 2], b[j - 1]))
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    return rows[height][width];
}

void suggestion_init(struct suggestion *suggestion, const char *word)
{
    size_t size = strlen(word);

    *suggestion = (struct suggestion){.word = word, .distance = (size + 1) / LETTERS_PER_ERROR + 1};
    if (size >= SUGGESTION_BYTES_MAX)
        suggestion->word = "";
}

void suggestion_try(struct suggestion *suggestion, const char *name)
{
    size_t size = strlen(suggestion->word);

    if (size == 0 || strlen(name) >= SUGGESTION_BYTES_MAX)
        return;
    size_t distance = suggestion_distance(suggestion->word, name);
    if (size >= PREFIX_BYTES_MIN && strncasecmp(suggestion->word, name, size) == 0)
        distance = least(distance, 1);
    if (distance < suggestion->distance) {
        suggestion->name = name;
        suggestion->distance = distance;
    }
}
