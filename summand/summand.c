/* A summand that a server offers. */
#include "summand/summand.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "summand/loader.h"

/* A new helper repeats the known terms only if that takes less than about this long. */
#define KNOWN_TERMS_NS 50e6

static void describe(struct summand *summand, const struct helper_examination *examination)
{
    double term_ns = examination->value_ns + examination->sum_ns;
    memcpy(summand->name, examination->name, sizeof summand->name);
    summand->build = examination->build;
    summand->fill_ns = examination->fill_ns;
    summand->value_ns = examination->value_ns;
    summand->sum_ns = examination->sum_ns;
    if (term_ns * examination->known_terms <= KNOWN_TERMS_NS) {
        summand->settings.known_terms = examination->known_terms;
        summand->settings.known_digest = examination->known_digest;
    }
}

static bool examine(struct summand *summand, char error[SENTENCE_BYTES])
{
    struct helper_question question = {.seed = 1};
    struct helper_examination examination;
    struct helper_process *process = helper_process_new(&summand->settings, error);
    bool examined = process && helper_process_examine(process, &question, &examination, error);
    summand->signal = process ? examination.signal : 0;
    helper_process_destroy(&process);
    if (examined)
        describe(summand, &examination);
    return examined;
}

bool summand_init(struct summand *summand, const char *path, const struct helper_settings *settings,
                  char error[SENTENCE_BYTES])
{
    *summand = (struct summand){.settings = *settings};
    summand->settings.known_terms = 0;
    summand->settings.file = loader_copy(path, error);
    if (summand->settings.file == -1)
        return false;
    if (examine(summand, error))
        return true;
    summand_clear(summand);
    return false;
}

void summand_clear(struct summand *summand)
{
    close(summand->settings.file);
}
