/* A helper process, as the server sees it: it runs the code of one summand, so that a crash, an
 * endless loop or garbage costs one request and nothing else. No call waits, except those that say
 * so. One thread per helper process: the kernel kills the helper when the thread that has started
 * it ends.
 *
 *     process = helper_process_new(&settings, error);
 *     helper_process_sum(process, &question, first, count);
 *     while (!helper_process_next(process, outcome)) {
 *         if (is_cancelled)
 *             helper_process_cancel(process);
 *         helper_process_wait(process, 5 * NS_PER_MS);
 *     }
 */
#ifndef MEANTIME_SUMMAND_HELPER_PROCESS_H
#define MEANTIME_SUMMAND_HELPER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "summand/include/meantime_summand.h"
#include "summand/sentence.h"
#include "sums/exact_total.h"
#include "sums/kernel.h"

#define HELPER_CALL_TIMEOUT_NS (60 * INT64_C(1000000000))
#define HELPER_MEMORY_BYTES    UINT64_C(1000000000)

/* File descriptors of one helper process in the server. */
#define HELPER_PROCESS_FILES 4

struct helper_process;

struct helper_settings {
    int program; /* descriptor of the helper program, from helper_program_open() */
    int file;    /* descriptor of the shared object, from summand_file_open() */
    const struct kernel *kernel;
    uint64_t memory_bytes;   /* that the helper may allocate */
    int64_t call_timeout_ns; /* of one call of begin() or value() */
    uint32_t known_terms;    /* terms with known answers that each new helper repeats, 0 to 8 */
    uint64_t known_digest;   /* their digest */
    const char *tunables;    /* value of GLIBC_TUNABLES; NULL: as in the server */
    bool (*is_stopped)(
        void); /* asked every few milliseconds: ends an examination; NULL: nothing does */
};

/* What the spans of one request share. */
struct helper_question {
    uint64_t seed;
    uint32_t chunk; /* terms of one call of value(), 1 to 1,024; 0: the helper chooses */
    char parameters[MEANTIME_PARAMETERS_MAX + 1];
};

enum helper_end {
    HELPER_SUMMED,
    HELPER_CANCELLED,
    HELPER_BAD_PARAMETERS, /* text: the sentence of begin() */
    HELPER_FAILED,         /* the function broke its contract; another helper would fail as well */
    HELPER_DIED,           /* a signal, exit(), the timeout or garbage ended the helper */
};

struct helper_output {
    char name[MEANTIME_NAME_MAX + 1];
    bool has_squares;
    struct exact_total sum, squares; /* valid for `count` terms */
};

struct helper_outcome {
    enum helper_end end;
    char text[SENTENCE_BYTES]; /* a printable sentence; "" if `end` needs none */
    /* The rest is set after HELPER_SUMMED. */
    uint64_t count;
    uint64_t fill_ns, value_ns; /* time for the samples, and for the function with its exact sums */
    uint64_t grain;             /* see layout_grain() */
    uint32_t outputs;
    struct helper_output output[MEANTIME_OUTPUTS_MAX];
};

/* What a helper finds out about its summand. Texts are printable. */
struct helper_examination {
    char name[MEANTIME_NAME_MAX + 1];
    char help[SENTENCE_BYTES];
    char libm_calls[256]; /* functions whose bits depend on the processor; "": none */
    uint64_t build;
    uint64_t known_digest;            /* of the first 8 terms, or of all, if check_terms is less */
    uint32_t known_terms;             /* 1 to 8 */
    double fill_ns, value_ns, sum_ns; /* per term */
    uint32_t gaussians, uniforms, outputs;
    int signal; /* that ended the helper; 0: none did */
};

/* Starts a helper. It loads the summand while the caller goes on. NULL after a sentence in `error`.
 */
struct helper_process *helper_process_new(const struct helper_settings *settings,
                                          char error[SENTENCE_BYTES]);

/* Kills the helper and all processes of its group, and waits for their end. Accepts NULL. */
void helper_process_destroy(struct helper_process **process);

/* Sends a span. Only if no other span is in progress. All spans of one helper have the same
 * question. A helper that has died is reported by helper_process_next().
 * first + count <= 2^63. */
void helper_process_sum(struct helper_process *process, const struct helper_question *question,
                        uint64_t first, uint64_t count);

/* Ends the span between two calls of value(). If that takes longer than 100 ms, the helper is
 * killed. An outcome follows: HELPER_CANCELLED, or HELPER_SUMMED if the helper was faster. */
void helper_process_cancel(struct helper_process *process);

/* Takes the outcome of the span, or returns false. After HELPER_DIED, and after HELPER_CANCELLED if
 * helper_process_is_alive() is false, the process must be destroyed. */
bool helper_process_next(struct helper_process *process, struct helper_outcome *outcome);

/* False if the helper has died or was killed. */
bool helper_process_is_alive(struct helper_process *process);

/* Waits until helper_process_next() may have an outcome, at most `patience_ns`. */
void helper_process_wait(struct helper_process *process, int64_t patience_ns);

/* Computes the known answers, which have no parameters, and then measures times with those of
 * `question`. Waits for the result, seconds or more; settings.is_stopped() ends the wait. Returns
 * false after a sentence in `error`; then `examination` has its name, help and libm_calls if the
 * file could be loaded, and {0} otherwise. */
bool helper_process_examine(struct helper_process *process, const struct helper_question *question,
                            struct helper_examination *examination, char error[SENTENCE_BYTES]);

/* Terms of the span that have been computed. */
uint64_t helper_process_progress(const struct helper_process *process);

/* The next line that the function has printed, or NULL. The first 4 KiB of one helper are kept, and
 * lines are cut after 200 bytes. The text lives until the next call. */
const char *helper_process_line(struct helper_process *process);

#endif
