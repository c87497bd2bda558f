/* A summand that never ends its load or its begin(), as the variable BLOCKS_AT says. It first
 * writes the number of its process into the file BLOCKS_FILE. */
#include <fcntl.h>
#include <meantime_summand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void block(const char *where)
{
    const char *at = getenv("BLOCKS_AT"), *path = getenv("BLOCKS_FILE");
    if (!at || !path || strcmp(at, where) != 0)
        return;
    dprintf(open(path, O_WRONLY | O_CREAT, 0600), "%d\n", (int)getpid());
    for (;;)
        pause();
}

__attribute__((constructor)) static void load(void)
{
    block("load");
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    (void)parameters;
    (void)state;
    shape->outputs = 1;
    block("begin");
    return NULL;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    (void)state;
    for (uint32_t i = 0; i < terms->count; i++)
        out[0][i] = 1;
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "blocks", NULL, begin, value, NULL};
