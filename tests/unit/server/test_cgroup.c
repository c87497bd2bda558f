/* Tests of cgroup.c: what texts of /proc and of control groups say about CPU quotas. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/cgroup.h"

#define LENGTH(table) (sizeof(table) / sizeof *(table))

#define TEXT_BYTES 256

Test(cgroup, a_line_of_proc_self_cgroup_gives_the_path_in_a_hierarchy_with_cpu_quotas)
{
    static const struct {
        const char *line, *path;
        enum cgroup_version version;
    } rows[] = {
        {"0::/\n", "/", CGROUP_V2},
        {"0::/system.slice/a:b.service\n", "/system.slice/a:b.service", CGROUP_V2},
        {"0::/../other\n", "/../other", CGROUP_V2},
        {"1:cpu:/x\n", "/x", CGROUP_V1},
        {"4:cpu,cpuacct:/x/y\n", "/x/y", CGROUP_V1},
        {"4:cpuacct,cpu:/x/y", "/x/y", CGROUP_V1},
        {"2:cpuacct:/x\n", NULL, 0},
        {"3:cpuset:/x\n", NULL, 0},
        {"9:name=systemd:/x\n", NULL, 0},
        {"9:name=cpu:/x\n", NULL, 0},
        {"1:cpu:\n", NULL, 0},
        {"1:cpu\n", NULL, 0},
        {"\n", NULL, 0},
        {"", NULL, 0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        char line[TEXT_BYTES];
        enum cgroup_version version;
        snprintf(line, sizeof line, "%s", rows[i].line);
        const char *path = cgroup_of_line(line, &version);
        cr_assert(!path == !rows[i].path, "row %zu: %s", i, rows[i].line);
        if (path) {
            cr_assert_str_eq(path, rows[i].path);
            cr_assert(version == rows[i].version, "row %zu", i);
        }
    }
}

Test(cgroup, a_line_of_mountinfo_gives_the_root_and_the_folder_of_a_hierarchy)
{
    static const struct {
        const char *line, *root, *point;
        enum cgroup_version version;
    } rows[] = {
        {"31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n", "/",
         "/sys/fs/cgroup/cpu", CGROUP_V1},
        {"31 30 0:28 /docker/1 /sys/fs/cgroup/cpu,cpuacct ro shared:1 master:2 - cgroup cgroup "
         "rw,cpu,cpuacct\n",
         "/docker/1", "/sys/fs/cgroup/cpu,cpuacct", CGROUP_V1},
        {"40 30 0:37 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "/../..",
         "/sys/fs/cgroup", CGROUP_V2},
        {"40 30 0:37 /a\\040b /mnt/c\\134d\\012e rw - cgroup2 none rw\n", "/a b", "/mnt/c\\d\ne",
         CGROUP_V2},
        {"33 30 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n", NULL, NULL, 0},
        {"33 30 0:30 / /sys/fs/cgroup/x rw,cpu - cgroup cgroup rw,cpuacct\n", NULL, NULL, 0},
        {"30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n", NULL, NULL, 0},
        {"30 22 0:27 / /cpu rw - ext4 cgroup2 rw,cpu\n", NULL, NULL, 0},
        {"30 22 0:27 / /cpu rw shared:1\n", NULL, NULL, 0},
        {"30 22 0:27 / /cpu rw -\n", NULL, NULL, 0},
        {"30 22\n", NULL, NULL, 0},
        {"\n", NULL, NULL, 0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        char line[TEXT_BYTES];
        struct cgroup_mount mount;
        snprintf(line, sizeof line, "%s", rows[i].line);
        bool found = cgroup_mount_of_line(line, &mount);
        cr_assert(found == (rows[i].root != NULL), "row %zu: %s", i, rows[i].line);
        if (found) {
            cr_assert_str_eq(mount.root, rows[i].root);
            cr_assert_str_eq(mount.point, rows[i].point);
            cr_assert(mount.version == rows[i].version, "row %zu", i);
        }
    }
}

Test(cgroup, a_mount_shows_the_groups_below_its_root)
{
    static const struct {
        const char *root, *path, *rest;
        uint32_t hidden;
    } rows[] = {
        {"/", "/", "", 0},
        {"/", "/a/b", "/a/b", 0},
        {"/docker/1", "/docker/1", "", 0},           /* a container without a namespace */
        {"/docker/1", "/docker/1/init", "/init", 0}, /* a process moved within it */
        {"/docker/1", "/docker/12", NULL, 0},        /* another container */
        {"/docker/1", "/", NULL, 0},                 /* a group above */
        {"/", "/../other", NULL, 0},                 /* a group beside the namespace */
        {"/", "/..", NULL, 0},                       /* a group above the namespace */
        {"/", "/..a", "/..a", 0},                    /* only a name */
        {"/..", "/..", "", 0},                       /* the group is the root */
        {"/..", "/../other", "/other", 0},
        {"/..", "/", "", 1}, /* a mount from before the namespace */
        {"/../..", "/", "", 2},
        {"/../..", "/a/b", "/a/b", 2},
        {"/../..", "/../a", "/a", 1},
        {"/..", "/../../a", NULL, 0},
        {"/../other", "/", NULL, 0},
        {"/../other", "/../other/a", "/a", 0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct cgroup_mount mount = {CGROUP_V2, "", "/sys/fs/cgroup"};
        struct cgroup_place place;
        snprintf(mount.root, sizeof mount.root, "%s", rows[i].root);
        bool found = cgroup_locate(&mount, rows[i].path, &place);
        cr_assert(found == (rows[i].rest != NULL), "row %zu", i);
        if (found) {
            cr_assert_str_eq(place.rest, rows[i].rest, "row %zu: %s", i, place.rest);
            cr_assert(place.hidden == rows[i].hidden, "row %zu: %u", i, place.hidden);
        }
    }
}

Test(cgroup, a_quota_is_read_and_rounded_up_to_threads)
{
    static const struct {
        const char *quota, *period; /* NULL: version 2; `quota` has both numbers */
        double cpus;                /* 0: no quota */
        uint32_t threads;
    } rows[] = {
        {"50000 100000\n", NULL, 0.5, 1},
        {"100000 100000\n", NULL, 1, 1},
        {"100001 100000\n", NULL, 1.00001, 2},
        {"1000 1000000\n", NULL, 0.001, 1},
        {"6400000 100000\n", NULL, 64, 64},
        {"max 100000\n", NULL, 0, 0},
        {"max\n", NULL, 0, 0},
        {"50000\n", NULL, 0, 0},
        {"50000 0\n", NULL, 0, 0},
        {"0 100000\n", NULL, 0, 0},
        {"-1 100000\n", NULL, 0, 0},
        {"99999999999999999999 1\n", NULL, 0, 0},
        {"9223372036854775807 1\n", NULL, 9223372036854775807., UINT32_MAX},
        {"\n", NULL, 0, 0},
        {"50000\n", "100000\n", 0.5, 1},
        {"150000\n", "100000\n", 1.5, 2},
        {"-1\n", "100000\n", 0, 0},
        {"50000\n", "0\n", 0, 0},
        {"50000\n", "\n", 0, 0},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct cgroup_quota quota;
        bool found = rows[i].period ? cgroup_quota_v1(rows[i].quota, rows[i].period, &quota)
                                    : cgroup_quota_v2(rows[i].quota, &quota);
        cr_assert(found == (rows[i].cpus > 0), "row %zu: %s", i, rows[i].quota);
        if (found) {
            cr_assert(cgroup_quota_cpus(&quota) == rows[i].cpus, "row %zu", i);
            cr_assert(cgroup_quota_threads(&quota) == rows[i].threads, "row %zu", i);
        }
    }
}
