/* Tests of cpu_limit.c: files as a kernel shows them, in a folder of the test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cpu_limit.h"

#define FILES_MAX 12

static char root[] = "/tmp/meantime-cpu-limit-XXXXXX";

static void root_create(void)
{
    cr_assert(mkdtemp(root));
}

static void root_remove(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_assert(system(command) == 0);
}

TestSuite(cpu_limit, .init = root_create, .fini = root_remove);

struct file {
    const char *path; /* "SELF" in a text stands for the number of this process */
    const char *text;
};

static void folders_create(char *path)
{
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST, "%s", path);
        *slash = '/';
    }
}

static void file_create(const struct file *file)
{
    char path[512];

    snprintf(path, sizeof path, "%s%s", root, file->path);
    folders_create(path);
    FILE *out = fopen(path, "w");
    cr_assert(out, "%s", path);
    if (strcmp(file->text, "SELF") == 0)
        fprintf(out, "1\n%d\n", (int)getpid());
    else
        fputs(file->text, out);
    fclose(out);
}

/* Small quotas decide on every machine, because each has one CPU or more. */
static void expect_quota(const struct file *files, const char *reason)
{
    struct cpu_limit limit;

    for (size_t i = 0; i < FILES_MAX && files[i].path; i++)
        file_create(&files[i]);
    cpu_limit_find(root, &limit);
    cr_assert(limit.threads == 1, "%u: %s", limit.threads, limit.reason);
    cr_assert_str_eq(limit.reason, reason, "%s", limit.reason);
}

#define V2_MOUNT  "40 30 0:37 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define V1_MOUNT  "31 30 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
#define MIX_MOUNT "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

Test(cpu_limit, the_quota_of_the_own_group_decides)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/a/b\n"},
        {"/proc/self/mountinfo", V2_MOUNT},
        {"/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n"},
        {"/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/a/b");
}

Test(cpu_limit, the_smaller_quota_of_a_parent_decides)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/a/b/c\n"},
        {"/proc/self/mountinfo", V2_MOUNT},
        {"/sys/fs/cgroup/a/b/c/cpu.max", "50000 100000\n"},
        {"/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
        {"/sys/fs/cgroup/a/cpu.max", "25000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.25 in /sys/fs/cgroup/a");
}

Test(cpu_limit, version_1_has_two_files)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/a/b\n"},
        {"/proc/self/mountinfo", V1_MOUNT},
        {"/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n"},
        {"/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n"},
        {"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "20000\n"},
        {"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "80000\n"},
        {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    };

    expect_quota(files, "CPU quota of 0.25 in /sys/fs/cgroup/cpu/a");
}

Test(cpu_limit, in_a_mixed_hierarchy_the_smaller_of_both_versions_decides)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "4:cpu,cpuacct:/one\n0::/two\n"},
        {"/proc/self/mountinfo", V1_MOUNT MIX_MOUNT},
        {"/sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "75000\n"},
        {"/sys/fs/cgroup/cpu/one/cpu.cfs_period_us", "100000\n"},
        {"/sys/fs/cgroup/unified/two/cpu.max", "50000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/unified/two");
}

Test(cpu_limit, a_container_sees_the_mount_of_its_own_group)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "4:cpu,cpuacct:/docker/1\n"},
        {"/proc/self/mountinfo",
         "31 30 0:28 /docker/1 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"},
        {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"},
        {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/cpu");
}

Test(cpu_limit, in_a_namespace_the_group_has_the_path_of_the_root)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/\n"},
        {"/proc/self/mountinfo", V2_MOUNT},
        {"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup");
}

Test(cpu_limit, in_a_namespace_with_an_older_mount_the_group_is_the_one_with_this_process)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/\n"},
        {"/proc/self/mountinfo", "40 30 0:37 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
        {"/sys/fs/cgroup/a/cgroup.procs", "SELF"},
        {"/sys/fs/cgroup/a/x/cgroup.procs", "1\n"},
        {"/sys/fs/cgroup/a/x/cpu.max", "10000 100000\n"},
        {"/sys/fs/cgroup/b/y/cgroup.procs", "SELF"},
        {"/sys/fs/cgroup/b/y/cpu.max", "75000 100000\n"},
        {"/sys/fs/cgroup/b/cpu.max", "50000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/b");
}

Test(cpu_limit, the_quota_of_another_group_does_not_count)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/a\n"},
        {"/proc/self/mountinfo", "40 30 0:37 /other /mnt rw - cgroup2 cgroup2 rw\n" V2_MOUNT},
        {"/mnt/cpu.max", "10000 100000\n"},
        {"/sys/fs/cgroup/ab/cpu.max", "20000 100000\n"},
        {"/sys/fs/cgroup/a/cpu.max", "50000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/a");
}

Test(cpu_limit, names_of_groups_are_printable_in_the_reason)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/a\x1b[7m\n"},
        {"/proc/self/mountinfo", V2_MOUNT},
        {"/sys/fs/cgroup/a\x1b[7m/cpu.max", "50000 100000\n"},
    };

    expect_quota(files, "CPU quota of 0.5 in /sys/fs/cgroup/a?[7m");
}

Test(cpu_limit, without_a_quota_the_cpus_decide)
{
    static const struct file files[FILES_MAX] = {
        {"/proc/self/cgroup", "0::/a\n"},
        {"/proc/self/mountinfo", V2_MOUNT},
        {"/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
        {"/sys/fs/cgroup/cpu.max", "5000000000 100000\n"},
    };
    struct cpu_limit limit, without;

    cpu_limit_find(root, &without); /* no file at all */
    for (size_t i = 0; files[i].path; i++)
        file_create(&files[i]);
    cpu_limit_find(root, &limit);
    cr_assert(limit.threads >= 1);
    cr_assert(limit.threads == without.threads);
    cr_assert_str_eq(limit.reason, without.reason);
    cr_assert(strstr(limit.reason, "CPU"), "%s", limit.reason);
}
