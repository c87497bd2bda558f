/* The default count of compute threads: affinity, CPU quotas of real control groups, and machines
 * with more than 1,024 CPUs. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/story.h"

#define GROUP_BYTES 128

/* Control groups of this test: one with a quota of half a CPU, and in it one without a quota. */
static char group[GROUP_BYTES], inner[GROUP_BYTES + 8];

static void write_file(const char *name, const char *text)
{
    char path[GROUP_BYTES + 64];

    snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fputs(text, file);
    fclose(file);
}

static bool has_file(const char *name)
{
    char path[GROUP_BYTES + 64];

    snprintf(path, sizeof path, "%s/%s", group, name);
    return access(path, W_OK) == 0;
}

static bool make_group(const char *hierarchy)
{
    snprintf(group, sizeof group, "%s/meantime-test-%d", hierarchy, (int)getpid());
    snprintf(inner, sizeof inner, "%s/inner", group);
    if (mkdir(group, 0700) == -1)
        return false;
    if (has_file("cpu.cfs_quota_us") || has_file("cpu.max"))
        return mkdir(inner, 0700) == 0;
    rmdir(group);
    return false;
}

static void make_groups(void)
{
    if (!make_group("/sys/fs/cgroup/cpu") && !make_group("/sys/fs/cgroup"))
        cr_skip_test("no control group with a CPU quota can be made here");
    write_file("cpu.cfs_quota_us", "50000");
    write_file("cpu.max", "50000 100000");
}

/* The kernel removes a process from its group a moment after the end of the process. */
static void remove_groups(void)
{
    story_end();
    for (int left = 1000; left > 0 && rmdir(inner) == -1 && access(inner, F_OK) == 0; left--)
        usleep(PROCESS_POLL_MS * 1000);
    rmdir(group);
}

TestSuite(cpus, .fini = story_end);
TestSuite(quotas, .fini = remove_groups);

/* Starts a server in a group, with `prefix` before its command. Returns its first line. */
static const char *server_in(const char *folder, const char *prefix, const char *options)
{
    char command[512];

    snprintf(command, sizeof command,
             "echo $$ >%s/cgroup.procs || exit 9; exec %s " MEANTIME_SERVER " --bind %s %s", folder,
             prefix, server_any_port(), options);
    return process_line(process_start(WORDS("/bin/sh", "-c", command)), PROCESS_OUT,
                        "Listening on *");
}

static void expect_line(const char *line, const char *pattern)
{
    cr_assert(fnmatch(pattern, line, 0) == 0, "%s", line);
}

Test(quotas, a_server_in_a_group_with_half_a_cpu_starts_one_thread_and_says_why)
{
    char pattern[GROUP_BYTES + 64];

    make_groups();
    snprintf(pattern, sizeof pattern, "*(ROUTER, 1 thread: CPU quota of 0.5 in %s).", group);
    expect_line(server_in(group, "", ""), pattern);
}

Test(quotas, the_quota_of_a_parent_counts)
{
    char pattern[GROUP_BYTES + 64];

    make_groups();
    snprintf(pattern, sizeof pattern, "*(ROUTER, 1 thread: CPU quota of 0.5 in %s).", group);
    expect_line(server_in(inner, "", ""), pattern);
}

Test(quotas, the_quota_counts_in_a_cgroup_namespace)
{
    char pattern[GROUP_BYTES + 64];

    if (access("/usr/bin/unshare", X_OK) == -1)
        cr_skip_test("no unshare");
    make_groups();
    snprintf(pattern, sizeof pattern, "*(ROUTER, 1 thread: CPU quota of 0.5 in %s).", group);
    expect_line(server_in(inner, "unshare --cgroup", ""), pattern);
}

Test(quotas, the_option_counts_more_than_the_quota)
{
    make_groups();
    expect_line(server_in(group, "", "--threads 2"), "*(ROUTER, 2 threads).");
}

Test(cpus, the_affinity_decides_if_it_is_smaller_than_the_machine)
{
    cpu_set_t all, one;

    cr_assert(sched_getaffinity(0, sizeof all, &all) == 0);
    if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
        cr_skip_test("one CPU");
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    cr_assert(sched_setaffinity(0, sizeof one, &one) == 0);
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--bind", server_any_port()));
    expect_line(process_line(server, PROCESS_OUT, "Listening on *"),
                "*(ROUTER, 1 thread: C*"); /* "CPU affinity to 1 of ...", or a small quota */
}

#ifdef MANY_CPUS
Test(cpus, a_machine_may_have_more_than_1024_cpus)
{
    setenv("LD_PRELOAD", MANY_CPUS, 1);
    struct process *server = process_start(WORDS(MEANTIME_SERVER, "--bind", server_any_port()));
    unsetenv("LD_PRELOAD");
    const char *line = process_line(server, PROCESS_OUT, "Listening on *");
    if (fnmatch("*CPU quota*", line, 0) != 0)
        expect_line(line, "*(ROUTER, 3 threads: *");
}
#endif
