/* meantime-server --check: the report about right functions and about each fault. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/story.h"

/* The search for leaks starts a process, which helpers must not do. */
static void story_begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

TestSuite(check, .init = story_begin, .fini = story_end);

/* Checks a file with parameters. Returns what is printed on stdout. */
static const char *check_file(const char *folder, const char *name, const char *parameters,
                              int expected_status)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    struct process *process =
        process_start(WORDS(MEANTIME_SERVER, "--check", path, "--parameters", parameters));
    int status = process_wait(process);
    cr_assert(status == expected_status, "%s %s: exit status %d: %s%s", name, parameters, status,
              process_text(process, PROCESS_OUT), process_text(process, PROCESS_ERR));
    return process_text(process, PROCESS_OUT);
}

Test(check, a_right_function_is_described_with_its_times_and_means)
{
    const char *report = check_file(EXAMPLES, "asian", "strike=1.1", 0);
    cr_assert(
        lines_include(report,
                      WORDS("Summand asian (*/asian.so), build ????????????????",
                            "Parameters: strike=1 *",
                            "Each term has 12 Gaussian and 0 uniform samples and 2 outputs.",
                            "Time per term on one core, kernel *:", "  samples * ns * %",
                            "  function * ns * %", "  exact sums * ns * %", "  all * ns * 100 %",
                            "* terms with the parameters \"strike=1.1\":", "  controlled *0.02*",
                            "  plain *0.02*", "Right: *333 terms.", "Right: Two processes*")),
        "%s", report);
    cr_assert(!strstr(report, "WRONG"), "%s", report);
}

Test(check, each_fault_has_a_sentence)
{
    static const struct {
        const char *name, *parameters, *sentence;
    } rows[] = {
        {"static_state", "", "WRONG: Term 0 has other bits *static variables*"},
        {"random", "", "WRONG: Term 0 has other bits *rand()*"},
        {"libm", "", "WRONG: The file calls functions of libm: sin.*<meantime_math.h>*"},
        {"libm_log", "log=1", "WRONG: The file calls functions of libm: log.*<meantime_math.h>*"},
        {"no_summand", "", "WRONG: The file has no symbol meantime_summand*"},
        {"missing", "", "WRONG: cannot read *missing.so: No such file or directory"},
        {"faults", "fault=unknown", "WRONG: There is no such fault."},
        {"faults", "fault=segv", "WRONG: The helper process died of signal SIGSEGV*"},
        {"faults", "fault=nan", "WRONG: Term 5000 of output \"value\" is NaN*"},
        {"faults", "fault=fork", "WRONG: *SIGSYS*fork()*"},
#if defined(__x86_64__)
        {"fast_math_linked", "", "WRONG: Loading the file changed *-ffast-math*"},
#endif
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *report = check_file(BAD_SUMMANDS, rows[i].name, rows[i].parameters, 1);
        cr_assert(lines_include(report, WORDS(rows[i].sentence)), "%s: %s", rows[i].name, report);
    }
}

/* libm has another sin() for processors without FMA. */
Test(check, libm_is_found_by_its_bits_on_another_processor)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("fma") || !__builtin_cpu_supports("avx2"))
        cr_skip_test("This processor has no FMA.");
    const char *report = check_file(BAD_SUMMANDS, "libm", "", 1);
    cr_assert(lines_include(report, WORDS("WRONG: Without FMA and AVX2, libm gives *")), "%s",
              report);
#else
    cr_skip_test("libm has one form of sin() on this processor.");
#endif
}
