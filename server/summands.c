/* The summands of this server. */
#include "server/summands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/log.h"

static void announce(struct summands *summands, uint32_t capacity)
{
    const struct summand *summand = &summands->list[summands->count];
    struct offer *offer = &summands->offers[summands->count];

    memcpy(offer->name, summand->name, sizeof offer->name);
    offer->build = summand->build;
    offer->capacity = capacity;
    offer->ns_per_term = summand->fill_ns + summand->value_ns + summand->sum_ns;
    summands->count++;
}

/* The kernel ends a process with SIGILL if it executes an instruction that the processor lacks. */
static bool skip(const struct summand *summand, const char *path, const char *error)
{
    if (summand->signal == SIGILL)
        log_warning("does not offer the summand of %s, which may be compiled for another "
                    "processor: %s",
                    path, error);
    else
        log_error("cannot offer the summand of %s (try meantime-server --check %s): %s", path, path,
                  error);
    return summand->signal == SIGILL;
}

static bool load(struct summands *summands, const char *path,
                 const struct helper_settings *settings, uint32_t capacity)
{
    struct summand *summand = &summands->list[summands->count];
    char error[SENTENCE_BYTES];

    if (!summand_init(summand, path, settings, error))
        return skip(summand, path, error);
    if (summands_find(summands, summand->name)) {
        log_error("cannot offer the summand of %s: another file has the name %s, too", path,
                  summand->name);
        summand_clear(summand);
        return false;
    }
    announce(summands, capacity);
    return true;
}

bool summands_init(struct summands *summands, const char *const *paths, uint32_t count,
                   const struct helper_settings *settings, uint32_t capacity)
{
    bool loaded = true;

    summands->count = 0;
    for (uint32_t i = 0; i < count && loaded; i++)
        loaded = load(summands, paths[i], settings, capacity);
    return loaded;
}

void summands_clear(struct summands *summands)
{
    while (summands->count > 0)
        summand_clear(&summands->list[--summands->count]);
}

const struct summand *summands_find(const struct summands *summands, const char *name)
{
    for (uint32_t i = 0; i < summands->count; i++)
        if (strcmp(summands->list[i].name, name) == 0)
            return &summands->list[i];
    return NULL;
}
