/* The summands of this server. */
#include "server/summands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/log.h"
#include "server/stop_signal.h"
#include "summand/helper_program.h"

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
    if (stop_signal_is_pending())
        log_info("stopped while it loaded the summand of %s", path);
    else if (summand->signal == SIGILL)
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

/* A server without summands needs no helper program. */
static bool program_open(struct summands *summands, uint32_t count)
{
    char error[SENTENCE_BYTES];

    summands->count = 0;
    summands->program = count > 0 ? helper_program_open(error) : -1;
    if (count > 0 && summands->program == -1)
        log_error("%s", error);
    return count == 0 || summands->program != -1;
}

bool summands_init(struct summands *summands, const char *const *paths, uint32_t count,
                   const struct helper_settings *settings, uint32_t capacity)
{
    struct helper_settings own = *settings;
    bool loaded = program_open(summands, count);

    own.program = summands->program;
    for (uint32_t i = 0; i < count && loaded; i++)
        loaded = load(summands, paths[i], &own, capacity);
    return loaded;
}

void summands_clear(struct summands *summands)
{
    while (summands->count > 0)
        summand_clear(&summands->list[--summands->count]);
    if (summands->program != -1)
        close(summands->program);
}

const struct summand *summands_find(const struct summands *summands, const char *name)
{
    for (uint32_t i = 0; i < summands->count; i++)
        if (strcmp(summands->list[i].name, name) == 0)
            return &summands->list[i];
    return NULL;
}
