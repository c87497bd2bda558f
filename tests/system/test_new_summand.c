/* meantime new-summand: its starter file compiles, loads and passes the check. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "summand/include/meantime_summand.h"
#include "tests/support/folder.h"
#include "tests/support/story.h"

/* The programs write into the folder of the test. */
static void begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* the search for leaks starts a process */
    folder_begin();
    cr_assert_eq(chdir(folder), 0);
}

TestSuite(new_summand, .init = begin, .fini = folder_end);

#define EXPECT_SUCCESS(process)                                                                    \
    cr_assert(process_wait(process) == 0, "%s", process_text(process, PROCESS_ERR))

static struct process *new_summand(const char *name)
{
    return process_start(WORDS(MEANTIME, "new-summand", name));
}

static struct process *compile(void)
{
    return process_start(WORDS(COMPILER, "-std=c11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra",
                               "-Wpedantic", "-Werror", "-ffp-contract=off", "-I" SUMMAND_INCLUDE,
                               "-o", "pi.so", "pi.c"));
}

Test(new_summand, the_starter_file_compiles_without_warnings_and_loads)
{
    struct process *process = new_summand("pi");
    struct meantime_shape shape = {.outputs = 0};
    void *state;

    EXPECT_SUCCESS(process);
    cr_assert(
        lines_are(process_text(process, PROCESS_OUT), WORDS("Wrote pi.c. Its first lines *")));
    EXPECT_SUCCESS(compile());
    void *file = dlopen("./pi.so", RTLD_NOW | RTLD_LOCAL);
    cr_assert(file, "%s", dlerror());
    const struct meantime_summand *summand = dlsym(file, "meantime_summand");
    cr_assert_str_eq(summand->name, "pi");
    cr_assert_str_eq(summand->begin("strike=-1", &shape, &state),
                     "The parameter \"strike\" must be from 0 to 100.");
    cr_assert_null(summand->begin("strike=1.5 volatility=0", &shape, &state));
    cr_assert(shape.gaussians == 1 && shape.uniforms == 0 && shape.outputs == 1);
    double sample = 2, result = -1, *out[] = {&result};
    const double *gaussian[] = {&sample};
    summand->value(state, &(struct meantime_terms){.count = 1, .gaussian = gaussian}, out);
    cr_assert_eq(result, 0, "the price 1 is below the strike");
    summand->end(state);
    dlclose(file);
}

Test(new_summand, the_starter_file_passes_the_check)
{
    EXPECT_SUCCESS(new_summand("pi"));
    EXPECT_SUCCESS(compile());
    struct process *process = process_start(WORDS(MEANTIME_SERVER, "--check", "./pi.so"));
    EXPECT_SUCCESS(process);
    cr_assert(lines_include(process_text(process, PROCESS_OUT), WORDS("*pi*")), "%s",
              process_text(process, PROCESS_OUT));
}

Test(new_summand, its_first_lines_say_how_to_build_it)
{
    char text[4096] = "";

    EXPECT_SUCCESS(new_summand("my-term"));
    FILE *in = fopen("my-term.c", "r");
    cr_assert(in && fread(text, 1, sizeof text - 1, in) > 0);
    fclose(in);
    cr_assert(lines_include(text, WORDS("/[*] my-term: *",
                                        " [*] Build:  cc -O3 -fPIC -shared $(pkg-config --cflags "
                                        "meantime-summand) -o my-term.so my-term.c",
                                        " [*] Check:  meantime-server --check ./my-term.so",
                                        " [*] Serve:  meantime-server --summand ./my-term.so",
                                        " [*] Sum:    meantime sum 100M --summand my-term *",
                                        "MEANTIME_TERM(\"my-term\", *")),
              "%s", text);
}

Test(new_summand, a_file_is_never_overwritten)
{
    FILE *out = fopen("pi.c", "w");
    char text[16] = "";

    cr_assert(fputs("mine", out) >= 0 && fclose(out) == 0);
    struct process *process = new_summand("pi");
    cr_assert_eq(process_wait(process), EXIT_FAILURE);
    cr_assert(lines_are(process_text(process, PROCESS_ERR),
                        WORDS("meantime: cannot write pi.c: File exists; remove it, or choose "
                              "another name")));
    FILE *in = fopen("pi.c", "r");
    cr_assert(in && fgets(text, sizeof text, in));
    fclose(in);
    cr_assert_str_eq(text, "mine");
}
