/* Helper processes of the real helper program: each fault of a function costs its request and gives
 * a sentence. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/instant.h"
#include "summand/helper_process.h"
#include "summand/helper_program.h"
#include "summand/helpers.h"
#include "summand/loader.h"
#include "summand/summand.h"
#include "tests/support/story.h"

#define FAULT_TERM 5000 /* of faults.c */
#define COUNT      100000

/* The search for leaks starts a process, which helpers must not do. */
static void story_begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

TestSuite(helper, .init = story_begin, .fini = story_end);
TestSuite(helpers, .init = story_begin, .fini = story_end);

static struct helper_outcome outcome;

static bool matches(const char *text, const char *pattern)
{
    return fnmatch(pattern, text, 0) == 0;
}

static struct helper_settings settings_of(const char *name)
{
    char path[512], error[SENTENCE_BYTES];
    struct helper_settings settings = {
        .program = helper_program_open(error),
        .kernel = kernel_best(),
        .memory_bytes = HELPER_MEMORY_BYTES,
        .call_timeout_ns = HELPER_CALL_TIMEOUT_NS,
    };
    snprintf(path, sizeof path, "%s/%s.so", BAD_SUMMANDS, name);
    settings.file = loader_copy(path, error);
    cr_assert(settings.program != -1 && settings.file != -1, "%s", error);
    return settings;
}

static struct helper_process *helper_start(const struct helper_settings *settings)
{
    char error[SENTENCE_BYTES];
    struct helper_process *helper = helper_process_new(settings, error);
    cr_assert(helper, "%s", error);
    return helper;
}

static void helper_ask(struct helper_process *helper, const char *fault, uint64_t first,
                       uint64_t count)
{
    struct helper_question question = {.seed = 1};
    snprintf(question.parameters, sizeof question.parameters, "fault=%s", fault);
    helper_process_sum(helper, &question, first, count);
}

static void helper_await(struct helper_process *helper)
{
    while (!helper_process_next(helper, &outcome))
        helper_process_wait(helper, NS_PER_S);
}

static void sum_with(struct helper_process *helper, const char *fault, uint64_t first,
                     uint64_t count)
{
    helper_ask(helper, fault, first, count);
    helper_await(helper);
}

/* ---- right functions ----------------------------------------------------------------------- */

Test(helper, spans_of_one_request_add_up_and_a_new_helper_has_the_same_bits)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    struct exact_total parts;
    sum_with(helper, "", 0, 30000);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    cr_assert(outcome.count == 30000 && outcome.grain == 65536 && outcome.outputs == 1);
    cr_assert_str_eq(outcome.output[0].name, "value");
    parts = outcome.output[0].sum;
    sum_with(helper, "", 30000, 70000);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    exact_total_add(&parts, &outcome.output[0].sum);
    helper_process_destroy(&helper);
    helper = helper_start(&settings);
    sum_with(helper, "", 0, 100000);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    cr_assert(parts.length == outcome.output[0].sum.length);
    cr_assert_arr_eq(parts.units, outcome.output[0].sum.units, parts.length);
    cr_assert(outcome.output[0].has_squares);
    cr_assert_float_eq(exact_total_value(&parts) / 100000, 0.5, 0.01);
    helper_process_destroy(&helper);
}

Test(helper, an_empty_span_has_empty_totals)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    sum_with(helper, "", 77, 0);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    cr_assert(outcome.output[0].sum.length == 0);
    helper_process_destroy(&helper);
}

Test(helper, wrong_parameters_give_the_sentence_of_begin)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    sum_with(helper, "nonsense", 0, 10);
    cr_assert(outcome.end == HELPER_BAD_PARAMETERS);
    cr_assert_str_eq(outcome.text, "There is no such fault.");
    helper_process_destroy(&helper);
}

/* ---- faults -------------------------------------------------------------------------------- */

#define ANY_TERMS "*in terms [0-9]* to [0-9]*"

static const struct fault_row {
    const char *fault;
    enum helper_end end;
    const char *sentence; /* a pattern */
} fault_rows[] = {
    {"segv", HELPER_DIED, "The helper process died of signal SIGSEGV" ANY_TERMS "."},
    {"signal", HELPER_DIED, "The helper process died of signal SIGFPE" ANY_TERMS "."},
    {"begin-segv", HELPER_DIED, "The helper process died of signal SIGSEGV in begin()*."},
    {"exit", HELPER_DIED, "The helper process ended with exit status 3 " ANY_TERMS ": *exit()."},
    {"fork", HELPER_DIED, "*died of signal SIGSYS" ANY_TERMS ": the function called fork()*"},
    {"exec", HELPER_DIED,
     "*died of signal SIGSYS" ANY_TERMS ": the function called fork(), exec()*"},
    {"kill", HELPER_DIED, "*died of signal SIGSYS" ANY_TERMS ": *"},
    {"close", HELPER_DIED, "The function closed or replaced the descriptors*"},
    {"close-sleep", HELPER_DIED, "The function closed or replaced the descriptors*"},
    {"garbage", HELPER_DIED, "The function wrote into the socket of its helper process*"},
    {"overflow", HELPER_DIED, "The helper process died of signal SIGSEGV" ANY_TERMS "."},
    {"mode", HELPER_FAILED, "value() changed the processor's floating-point mode*"},
    {"nan", HELPER_FAILED, "Term 5000 of output \"value\" is NaN, no finite number."},
    {"inf", HELPER_FAILED, "Term 5000 of output \"value\" is -inf, no finite number."},
};

Test(helper, each_fault_costs_its_request_and_gives_a_sentence)
{
    struct helper_settings settings = settings_of("faults");
    for (size_t i = 0; i < sizeof fault_rows / sizeof *fault_rows; i++) {
        const struct fault_row *row = &fault_rows[i];
        struct helper_process *helper = helper_start(&settings);
        sum_with(helper, row->fault, 0, COUNT);
        cr_assert(outcome.end == row->end, "%s: end %d: %s", row->fault, outcome.end, outcome.text);
        cr_assert(matches(outcome.text, row->sentence), "%s: %s", row->fault, outcome.text);
        cr_assert(helper_process_is_alive(helper) == (row->end == HELPER_FAILED), "%s", row->fault);
        helper_process_destroy(&helper);
    }
}

/* The same limit applies to the start of a helper, so it is long enough for a slow machine. */
#define CALL_TIMEOUT_NS (3 * NS_PER_S)

Test(helper, a_call_that_takes_too_long_ends_the_helper)
{
    static const struct fault_row rows[] = {
        {"loop", HELPER_DIED, "One call took longer than 3 s in terms*--summand-timeout*"},
        {"begin-loop", HELPER_DIED, "One call took longer than 3 s in begin()*"},
        {"stop", HELPER_DIED, "One call took longer than 3 s in terms*"},
    };
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helpers[3];
    settings.call_timeout_ns = CALL_TIMEOUT_NS;
    for (size_t i = 0; i < 3; i++) {
        helpers[i] = helper_start(&settings);
        helper_ask(helpers[i], rows[i].fault, 0, COUNT);
    }
    for (size_t i = 0; i < 3; i++) {
        helper_await(helpers[i]);
        cr_assert(outcome.end == rows[i].end, "%s: %d", rows[i].fault, outcome.end);
        cr_assert(matches(outcome.text, rows[i].sentence), "%s", outcome.text);
        helper_process_destroy(&helpers[i]);
    }
}

Test(helper, memory_is_limited)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("Sanitizers reserve so much memory that helpers have no limit.");
#endif
    struct helper_settings settings = settings_of("faults");
    settings.memory_bytes = UINT64_C(64) << 20;
    struct helper_process *helper = helper_start(&settings);
    sum_with(helper, "memory", 0, COUNT);
    cr_assert(outcome.end == HELPER_DIED);
    cr_assert(matches(outcome.text, "*SIGABRT" ANY_TERMS "*"), "%s", outcome.text);
    helper_process_destroy(&helper);
}

/* ---- cancel -------------------------------------------------------------------------------- */

Test(helper, a_cancel_takes_effect_between_two_calls)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    helper_ask(helper, "", 0, UINT64_C(1) << 40);
    while (helper_process_progress(helper) == 0)
        helper_process_wait(helper, NS_PER_MS);
    helper_process_cancel(helper);
    helper_await(helper);
    cr_assert(outcome.end == HELPER_CANCELLED, "%s", outcome.text);
    helper_process_destroy(&helper);
}

Test(helper, a_cancel_kills_a_helper_whose_call_does_not_end)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    helper_ask(helper, "loop", FAULT_TERM, 1);
    helper_process_wait(helper, 10 * NS_PER_MS);
    helper_process_cancel(helper);
    helper_await(helper);
    cr_assert(outcome.end == HELPER_CANCELLED);
    helper_process_destroy(&helper);
}

Test(helper, after_a_cancel_the_helper_sums_the_next_span)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    helper_ask(helper, "", 0, UINT64_C(1) << 40);
    helper_process_cancel(helper);
    helper_await(helper);
    cr_assert(outcome.end == HELPER_CANCELLED);
    if (helper_process_is_alive(helper)) { /* not killed on a slow machine */
        sum_with(helper, "", 0, COUNT);
        cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    }
    helper_process_destroy(&helper);
}

/* ---- what a helper prints ------------------------------------------------------------------ */

Test(helper, lines_that_the_function_prints_are_passed_on)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    sum_with(helper, "print", 0, COUNT);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    cr_assert_str_eq(helper_process_line(helper), "one");
    cr_assert_str_eq(helper_process_line(helper), "?two");
    cr_assert_str_eq(helper_process_line(helper), "three");
    cr_assert(!helper_process_line(helper));
    helper_process_destroy(&helper);
}

Test(helper, a_function_that_prints_much_is_cut_but_does_not_wait)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    uint32_t lines = 0;
    sum_with(helper, "print-much", 0, COUNT);
    cr_assert(outcome.end == HELPER_SUMMED, "%s", outcome.text);
    while (helper_process_line(helper))
        lines++;
    cr_assert(lines > 100 && lines < 1000, "%" PRIu32, lines);
    helper_process_destroy(&helper);
}

/* ---- the process --------------------------------------------------------------------------- */

/* True if this process has a child, dead or alive. */
static bool has_children(void)
{
    siginfo_t info = {0};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

Test(helper, no_process_and_no_descriptor_is_left)
{
    struct helper_settings settings = settings_of("faults");
    int before = dup(0);
    close(before);
    for (int i = 0; i < 3; i++) {
        struct helper_process *helper = helper_start(&settings);
        sum_with(helper, i ? "segv" : "", 0, COUNT);
        helper_process_destroy(&helper);
    }
    int after = dup(0);
    close(after);
    cr_assert(before == after);
    cr_assert(!has_children());
}

static void start_helper_and_exit(void)
{
    struct helper_settings settings = settings_of("faults");
    struct helper_process *helper = helper_start(&settings);
    helper_ask(helper, "", 0, UINT64_C(1) << 40);
    while (helper_process_progress(helper) == 0)
        helper_process_wait(helper, NS_PER_MS);
    _exit(EXIT_SUCCESS);
}

/* A helper whose parent has ended becomes a child of this process. */
Test(helper, a_helper_ends_with_the_process_that_started_it)
{
    int killed = 0, status;
    alarm(PROCESS_PATIENCE_MS / 1000);
    cr_assert(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    if (fork() == 0)
        start_helper_and_exit();
    while (wait(&status) != -1)
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    cr_assert(killed == 1);
}

/* ---- the helpers of a thread --------------------------------------------------------------- */

static bool is_cancelled; /* the next task */

static bool cancelled(void *context)
{
    (void)context;
    return is_cancelled;
}

static char last_line[256];

static void keep_line(void *context, const struct summand *summand, const char *line)
{
    (void)context;
    snprintf(last_line, sizeof last_line, "%s: %s", summand->name, line);
}

/* Sums terms of faults.c, whose terms are the same for each parameter. */
static enum helper_end sum_task(struct helpers *helpers, const struct summand *summand,
                                const char *fault, uint64_t first, bool audit)
{
    const struct helpers_watch watch = {cancelled, keep_line, NULL};
    struct helpers_task task = {.summand = summand, .first = first, .count = 3000, .audit = audit};
    snprintf(task.question.parameters, sizeof task.question.parameters, "fault=%s", fault);
    helpers_sum(helpers, &task, &watch, &outcome);
    return outcome.end;
}

static struct summand summand_of(const char *name)
{
    struct helper_settings settings = settings_of(name);
    char path[512], error[SENTENCE_BYTES];
    struct summand summand;
    close(settings.file);
    snprintf(path, sizeof path, "%s/%s.so", BAD_SUMMANDS, name);
    cr_assert(summand_init(&summand, path, &settings, error), "%s", error);
    return summand;
}

Test(helpers, requests_take_turns_and_a_crash_costs_one_of_them)
{
    static const char *const faults[] = {"", "print", "segv", "nan", "loop", "exit"};
    struct summand summand = summand_of("faults");
    struct helpers *helpers = helpers_new();
    struct exact_total right;
    cr_assert(sum_task(helpers, &summand, "", 0, false) == HELPER_SUMMED, "%s", outcome.text);
    right = outcome.output[0].sum;
    for (size_t i = 0; i < 2 * sizeof faults / sizeof *faults; i++) {
        const char *fault = faults[i % (sizeof faults / sizeof *faults)];
        cr_assert(sum_task(helpers, &summand, fault, 0, false) == HELPER_SUMMED, "%s",
                  outcome.text);
        cr_assert(outcome.output[0].sum.length == right.length);
        cr_assert_arr_eq(outcome.output[0].sum.units, right.units, right.length);
    }
    cr_assert(sum_task(helpers, &summand, "segv", FAULT_TERM - 10, false) == HELPER_DIED);
    cr_assert(sum_task(helpers, &summand, "nan", FAULT_TERM - 10, false) == HELPER_FAILED);
    cr_assert(sum_task(helpers, &summand, "segv", 0, false) == HELPER_SUMMED);
    cr_assert(sum_task(helpers, &summand, "print", FAULT_TERM - 10, false) == HELPER_SUMMED);
    cr_assert_str_eq(last_line, "faults: three");
    helpers_destroy(&helpers);
    cr_assert(!has_children());
    summand_clear(&summand);
}

Test(helpers, an_audit_has_the_same_bits)
{
    struct summand summand = summand_of("faults");
    struct helpers *helpers = helpers_new();
    cr_assert(sum_task(helpers, &summand, "", 70000, false) == HELPER_SUMMED, "%s", outcome.text);
    struct exact_total right = outcome.output[0].squares;
    cr_assert(sum_task(helpers, &summand, "", 70000, true) == HELPER_SUMMED, "%s", outcome.text);
    cr_assert(outcome.output[0].squares.length == right.length);
    cr_assert_arr_eq(outcome.output[0].squares.units, right.units, right.length);
    helpers_destroy(&helpers);
    summand_clear(&summand);
}

Test(helpers, a_cancelled_task_ends)
{
    struct summand summand = summand_of("faults");
    struct helpers *helpers = helpers_new();
    is_cancelled = true;
    cr_assert(sum_task(helpers, &summand, "loop", FAULT_TERM - 10, false) == HELPER_CANCELLED);
    is_cancelled = false;
    cr_assert(sum_task(helpers, &summand, "loop", 0, false) == HELPER_SUMMED);
    helpers_destroy(&helpers);
    summand_clear(&summand);
}

/* ---- files --------------------------------------------------------------------------------- */

Test(helper, files_that_are_no_summand_give_a_sentence)
{
    static const struct {
        const char *name, *sentence;
    } rows[] = {
        {"no_summand", "The file has no symbol meantime_summand:*"},
        {"other_version", "The file is made for version 2 of the interface*"},
        {"static_state", "Term 0 has other bits when it is computed a second time.*"},
        {"random", "Term 0 has other bits when it is computed a second time.*"},
#if defined(__x86_64__)
        {"fast_math_linked", "Loading the file changed the processor's floating-point mode*"},
#endif
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct helper_settings settings = settings_of(rows[i].name);
        char path[512], error[SENTENCE_BYTES];
        struct summand summand;
        snprintf(path, sizeof path, "%s/%s.so", BAD_SUMMANDS, rows[i].name);
        cr_assert(!summand_init(&summand, path, &settings, error), "%s", rows[i].name);
        cr_assert(matches(error, rows[i].sentence), "%s: %s", rows[i].name, error);
    }
}

Test(helper, files_that_cannot_be_read_give_a_sentence)
{
    static const struct {
        const char *path, *sentence;
    } rows[] = {
        {"/nonexistent.so", "cannot read /nonexistent.so: No such file or directory"},
        {"/dev", "cannot load /dev: expected a shared object of 1 byte to 256 MiB"},
        {"/dev/null", "cannot load /dev/null: expected a shared object of 1 byte to 256 MiB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char error[SENTENCE_BYTES];
        cr_assert(loader_copy(rows[i].path, error) == -1);
        cr_assert_str_eq(error, rows[i].sentence);
    }
}

Test(helper, an_examination_finds_name_build_times_and_calls_of_libm)
{
    struct helper_settings settings = settings_of("libm");
    struct helper_question question = {.seed = 1};
    struct helper_examination examination;
    char error[SENTENCE_BYTES];
    struct helper_process *helper = helper_start(&settings);
    cr_assert(helper_process_examine(helper, &question, &examination, error), "%s", error);
    cr_assert_str_eq(examination.name, "libm");
    cr_assert_str_eq(examination.libm_calls, "sin");
    cr_assert(examination.build != 0 && examination.known_terms == 8);
    cr_assert(examination.value_ns > 0 && examination.sum_ns > 0 && examination.fill_ns == 0);
    helper_process_destroy(&helper);
}

Test(helper, a_new_helper_repeats_known_terms)
{
    struct helper_settings settings = settings_of("plain");
    struct helper_process *helper = helper_start(&settings);
    struct helper_examination examination;
    struct helper_question question = {.seed = 1};
    char error[SENTENCE_BYTES];
    cr_assert(helper_process_examine(helper, &question, &examination, error), "%s", error);
    helper_process_destroy(&helper);
    settings.known_terms = examination.known_terms;
    for (uint64_t change = 0; change < 2; change++) {
        settings.known_digest = examination.known_digest ^ change;
        helper = helper_start(&settings);
        helper_process_sum(helper, &question, 0, 1);
        helper_await(helper);
        cr_assert(outcome.end == (change ? HELPER_DIED : HELPER_SUMMED), "%s", outcome.text);
        helper_process_destroy(&helper);
    }
}
