/* The start of a server with summands: its helper program, files for another processor, and
 * signals. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "summand/helper_program.h"
#include "tests/support/folder.h"
#include "tests/support/lines.h"
#include "tests/support/story.h"

#define FAULTS BAD_SUMMANDS "/faults.so"
#define DARTS  EXAMPLES "/darts.so"

#define PATH_BYTES 512

/* The search for leaks starts a process, which helpers must not do. */
static void start_begin(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    folder_begin();
}

TestSuite(summand_start, .init = start_begin, .fini = folder_end);

/* ---- an installation in the folder of the test --------------------------------------------- */

static const char *installed(const char *name)
{
    static char paths[2][PATH_BYTES];
    static size_t next;
    char *path = paths[next++ % 2];
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    return path;
}

#define SERVER installed("bin/meantime-server")
#define HELPER installed("libexec/meantime/meantime-summand-helper")

static void copy(const char *from, const char *to)
{
    char command[2 * PATH_BYTES + 8];
    snprintf(command, sizeof command, "cp %s %s", from, to);
    cr_assert(system(command) == 0);
}

static void install(void)
{
    char command[3 * PATH_BYTES];
    snprintf(command, sizeof command, "mkdir -p %s/bin %s/libexec/meantime", folder, folder);
    cr_assert(system(command) == 0);
    copy(MEANTIME_SERVER, SERVER);
    copy(MEANTIME_HELPER, HELPER);
}

/* Changes the build that the helper program contains. */
static void change_build(void)
{
    FILE *file = fopen(HELPER, "r+");
    char bytes[1 << 16];
    size_t length = strlen(helper_build), offset = 0, size;
    cr_assert_not_null(file);
    while ((size = fread(bytes, 1, sizeof bytes, file)) >= length) {
        const char *found = memmem(bytes, size, helper_build, length);
        if (found) {
            fseek(file, (long)(offset + (size_t)(found - bytes)), SEEK_SET);
            fputc('?', file);
            fclose(file);
            return;
        }
        offset += size - length + 1; /* the text may cross the end of `bytes` */
        fseek(file, (long)offset, SEEK_SET);
    }
    cr_assert(false, "%s does not contain %s", HELPER, helper_build);
}

static void expect_failure(const char *sentence)
{
    struct process *process =
        process_start(WORDS(SERVER, "--bind", server_any_port(), "--summand", DARTS));
    int status = process_wait(process);
    cr_assert(status == 1, "%d", status);
    cr_assert(lines_include(process_text(process, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(process, PROCESS_ERR));
}

Test(summand_start, a_server_needs_the_helper_program_of_its_build)
{
    install();
    change_build();
    expect_failure("*cannot offer *darts.so*meantime-summand-helper is of another build *");
    cr_assert(unlink(HELPER) == 0);
    expect_failure("*cannot open */bin/../libexec/meantime/meantime-summand-helper: No such file*");
    struct process *process = process_start(WORDS(SERVER, "--bind", server_any_port()));
    process_line(process, PROCESS_OUT, "Listening on *");
}

/* Sums terms that include the term with the fault. */
static int sum(const char *endpoint, const char *parameters)
{
    return process_wait(
        process_start(WORDS(MEANTIME, "sum", "20000", "--seed", "1", "--summand", "faults",
                            "--parameters", parameters, "--connect", endpoint)));
}

Test(summand_start, an_upgrade_of_the_helper_program_costs_no_request)
{
    char endpoint[64];
    install();
    struct process *process = process_start(
        WORDS(SERVER, "--threads", "1", "--bind", server_any_port(), "--summand", FAULTS));
    const char *line = process_line(process, PROCESS_OUT, "Listening on *");
    cr_assert(sscanf(line, "Listening on %63s (", endpoint) == 1, "%s", line);
    cr_assert(unlink(HELPER) == 0);
    copy("/bin/false", HELPER);
    for (int crashes = 0; crashes < 3; crashes++) {
        cr_assert(sum(endpoint, "fault=segv") != 0);
        cr_assert(sum(endpoint, "") == 0);
    }
}

/* ---- files --------------------------------------------------------------------------------- */

Test(summand_start, a_file_for_another_processor_is_skipped)
{
    struct test_server server =
        server_start(WORDS("--threads", "1", "--summand", BAD_SUMMANDS "/illegal.so," DARTS));
    process_line(server.process, PROCESS_OUT, "Summand darts, *");
    process_line(server.process, PROCESS_ERR,
                 "*does not offer the summand of *illegal.so, which may be compiled for another "
                 "processor: *SIGILL*");
    cr_assert(!strstr(process_text(server.process, PROCESS_OUT), "illegal"));
    server_drain(&server);
}

/* ---- signals ------------------------------------------------------------------------------- */

/* Waits until the function has written the number of its process. */
static pid_t blocked_helper(void)
{
    int64_t limit_at_ms = process_limit_at_ms();
    int helper = 0;
    while (helper == 0) {
        FILE *file = fopen(folder_file, "r");
        if (file && fscanf(file, "%d\n", &helper) != 1)
            helper = 0;
        if (file)
            fclose(file);
        process_pause(limit_at_ms, "the function does not begin");
    }
    return (pid_t)helper;
}

Test(summand_start, a_signal_ends_a_server_while_it_loads_a_summand)
{
    static const struct {
        const char *where;
        int signal;
    } rows[] = {{"load", SIGTERM}, {"begin", SIGINT}};
    setenv("BLOCKS_FILE", folder_file, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("BLOCKS_AT", rows[i].where, 1);
        struct process *process =
            process_start(WORDS(MEANTIME_SERVER, "--bind", server_any_port(), "--summand-timeout",
                                "1h", "--summand", BAD_SUMMANDS "/blocks.so"));
        pid_t helper = blocked_helper();
        process_signal(process, SIGHUP);
        process_signal(process, rows[i].signal);
        int status = process_wait(process);
        cr_assert(status == 0, "%s: %d", rows[i].where, status);
        cr_assert(lines_include(process_text(process, PROCESS_ERR),
                                WORDS("*stopped while it loaded the summand of *blocks.so")),
                  "%s", process_text(process, PROCESS_ERR));
        cr_assert(kill(helper, 0) == -1);
        cr_assert(unlink(folder_file) == 0);
    }
}
