/* meantime-server --check. */
#include "summand/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/instant.h"
#include "summand/loader.h"
#include "sums/moments.h"

#define SEED 1

/* The sums with the parameters take about this long. */
#define SUMS_NS 300e6

#define TERMS_LOG2_MAX 30

/* Hides instructions from libm, which then chooses functions for processors without them. glibc
 * before 2.33 has the second name. */
#define OLD_PROCESSOR "glibc.cpu.hwcaps=-FMA,-FMA_Usable,-FMA4,-FMA4_Usable,-AVX2,-AVX2_Usable"

/* In calls of this many terms the sums are computed once more. */
#define OTHER_CHUNK 333

struct check {
    struct helper_settings settings;
    struct helper_question question;
    struct helper_examination examination;
    struct helper_outcome first, other; /* the sums, in calls of two sizes */
    bool is_right;
};

__attribute__((format(printf, 2, 3))) static void blame(struct check *check, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("WRONG: ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    check->is_right = false;
}

static void praise(const char *sentence)
{
    printf("Right: %s\n", sentence);
}

/* ---- helpers ------------------------------------------------------------------------------- */

static void pass_output(struct helper_process *process)
{
    for (const char *line; (line = helper_process_line(process));)
        printf("The function prints: %s\n", line);
}

/* tunables: NULL: those of this process. False after a sentence in `error`. */
static bool examine(const struct check *check, const char *tunables,
                    struct helper_examination *examination, char error[SENTENCE_BYTES])
{
    struct helper_settings settings = check->settings;
    settings.tunables = tunables;
    struct helper_process *process = helper_process_new(&settings, error);
    bool examined =
        process && helper_process_examine(process, &check->question, examination, error);
    if (process && !tunables)
        pass_output(process);
    helper_process_destroy(&process);
    return examined;
}

/* False after a sentence in outcome->text. */
static bool sum(const struct check *check, uint32_t chunk, uint64_t count,
                struct helper_outcome *outcome)
{
    struct helper_question question = check->question;
    struct helper_process *process = helper_process_new(&check->settings, outcome->text);
    outcome->end = HELPER_FAILED;
    if (!process)
        return false;
    question.chunk = chunk;
    helper_process_sum(process, &question, 0, count);
    while (!helper_process_next(process, outcome))
        helper_process_wait(process, NS_PER_S);
    helper_process_destroy(&process);
    return outcome->end == HELPER_SUMMED;
}

/* ---- the report ---------------------------------------------------------------------------- */

static double term_ns(const struct helper_examination *e)
{
    return e->fill_ns + e->value_ns + e->sum_ns;
}

static void report_function(const struct check *check, const char *path)
{
    const struct helper_examination *e = &check->examination;
    printf("Summand %s (%s), build %016" PRIx64 "\n", e->name, path, e->build);
    printf("Parameters: %s\n", *e->help ? e->help : "none described");
    printf("Each term has %" PRIu32 " Gaussian and %" PRIu32 " uniform samples and %" PRIu32
           " output%s.\n",
           e->gaussians, e->uniforms, e->outputs, e->outputs == 1 ? "" : "s");
}

static void report_part(const char *name, double ns, double all_ns)
{
    printf("  %-12s %12.4g ns %5.0f %%\n", name, ns, 100 * ns / all_ns);
}

static void report_times(const struct check *check)
{
    const struct helper_examination *e = &check->examination;
    printf("\nTime per term on one core, kernel %s:\n", check->settings.kernel->name);
    report_part("samples", e->fill_ns, term_ns(e));
    report_part("function", e->value_ns, term_ns(e));
    report_part("exact sums", e->sum_ns, term_ns(e));
    report_part("all", term_ns(e), term_ns(e));
}

static void report_output(const struct helper_output *output, uint64_t count)
{
    struct moments moments;
    if (output->has_squares && moments_init(&moments, count, &output->sum, &output->squares))
        printf("  %-31s %16.9g %14.3g\n", output->name, moments.mean, moments.standard_error);
    else
        printf("  %-31s %16.9g\n", output->name, moments_mean(count, &output->sum));
}

static void report_sums(const struct check *check)
{
    printf("\n%" PRIu64 " terms with the parameters \"%s\":\n", check->first.count,
           check->question.parameters);
    printf("  %-31s %16s %14s\n", "output", "mean", "standard error");
    for (uint32_t k = 0; k < check->first.outputs; k++)
        report_output(&check->first.output[k], check->first.count);
    putchar('\n');
}

/* ---- the checks ---------------------------------------------------------------------------- */

static void check_other_process(struct check *check)
{
    struct helper_examination other;
    char error[SENTENCE_BYTES];
    if (!examine(check, NULL, &other, error))
        blame(check, "A second process failed: %s", error);
    else if (other.build != check->examination.build)
        blame(check, "A second process computed other bits: the function depends on the time, the "
                     "process, or memory that is not initialized.");
    else
        praise("Two processes compute the same bits, in calls of 1 to 1,024 terms, in both orders "
               "and twice.");
}

#if defined(__x86_64__)
static void check_old_processor(struct check *check)
{
    struct helper_examination other;
    char error[SENTENCE_BYTES];
    if (!examine(check, OLD_PROCESSOR, &other, error))
        blame(check, "Without FMA and AVX2, the function failed: %s", error);
    else if (other.build != check->examination.build)
        blame(check, "Without FMA and AVX2, libm gives the function other bits: use "
                     "<meantime_math.h> instead of <math.h>.");
    else
        praise("The bits are the same if libm uses no FMA and no AVX2.");
}
#else
static void check_old_processor(struct check *check)
{
    (void)check;
}
#endif

static void check_libm(struct check *check)
{
    const char *calls = check->examination.libm_calls;
    if (*calls)
        blame(check,
              "The file calls functions of libm: %s. Their bits depend on the processor and on the "
              "version of libm. Use those of <meantime_math.h>.",
              calls);
    else
        praise("The file calls no function of libm whose bits depend on the processor.");
}

/* The largest power of 2 that takes less than SUMS_NS, but 2 terms at least. */
static uint64_t terms_to_sum(const struct check *check)
{
    int log2 = 1;
    while (log2 < TERMS_LOG2_MAX && ldexp(term_ns(&check->examination), log2 + 1) < SUMS_NS)
        log2++;
    return UINT64_C(1) << log2;
}

static bool outputs_are_equal(const struct helper_output *a, const struct helper_output *b)
{
    return a->sum.length == b->sum.length && a->sum.unit_log2 == b->sum.unit_log2 &&
           memcmp(a->sum.units, b->sum.units, a->sum.length) == 0;
}

static void check_other_calls(struct check *check)
{
    bool equal = check->first.outputs == check->other.outputs;
    for (uint32_t k = 0; equal && k < check->first.outputs; k++)
        equal = outputs_are_equal(&check->first.output[k], &check->other.output[k]);
    if (equal)
        praise("With these parameters, the sums have the same bits in calls of 333 terms.");
    else
        blame(check, "With these parameters, the sums have other bits in calls of 333 terms.");
}

static void check_sums(struct check *check)
{
    uint64_t count = terms_to_sum(check);
    if (!sum(check, 0, count, &check->first)) {
        blame(check, "%s", check->first.text);
        return;
    }
    report_sums(check);
    if (sum(check, OTHER_CHUNK, count, &check->other))
        check_other_calls(check);
    else
        blame(check, "%s", check->other.text);
}

static void check_function(struct check *check, const char *path)
{
    char error[SENTENCE_BYTES];
    bool examined = examine(check, NULL, &check->examination, error);
    if (!examined)
        blame(check, "%s", error);
    if (examined) {
        report_function(check, path);
        report_times(check);
        check_sums(check);
        check_other_process(check);
        check_old_processor(check);
    }
    if (*check->examination.name)
        check_libm(check);
}

bool summand_check(const char *path, const char *parameters, const struct helper_settings *settings)
{
    struct check *check = calloc(1, sizeof *check);
    char error[SENTENCE_BYTES] = "there is no memory";
    if (check) {
        *check = (struct check){.settings = *settings, .is_right = true};
        snprintf(check->question.parameters, sizeof check->question.parameters, "%s", parameters);
        check->question.seed = SEED;
        check->settings.known_terms = 0;
        check->settings.file = loader_copy(path, error);
    }
    if (!check || check->settings.file == -1) {
        printf("WRONG: %s\n", error);
        free(check);
        return false;
    }
    check_function(check, path);
    bool is_right = check->is_right;
    close(check->settings.file);
    free(check);
    return is_right && fflush(stdout) == 0;
}
