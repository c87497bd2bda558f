/* Texts about control groups (cgroups): what the lines of /proc/self/cgroup and
 * /proc/self/mountinfo and the files of a group say about CPU quotas. Pure: reads no file. */
#ifndef MEANTIME_SERVER_CGROUP_H
#define MEANTIME_SERVER_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hierarchies that can limit CPU time. A machine may mount both; at most one has the CPU
 * controller. */
enum cgroup_version {
    CGROUP_V1, /* the hierarchy with the controller "cpu" */
    CGROUP_V2,
    CGROUP_VERSIONS,
};

/* Where a hierarchy is mounted. */
struct cgroup_mount {
    enum cgroup_version version;
    char root[PATH_MAX];  /* the group that is mounted, as this process sees it */
    char point[PATH_MAX]; /* the folder of this group */
};

/* CPU time that a group may use: quota_us of each period_us. Both are more than 0. */
struct cgroup_quota {
    uint64_t quota_us;
    uint64_t period_us;
};

/* Reads a line of /proc/self/cgroup, and ends it in place. NULL: the line is of a hierarchy without
 * CPU quotas. */
const char *cgroup_of_line(char *line, enum cgroup_version *version);

/* Reads a line of /proc/self/mountinfo, and changes it. False: it mounts no hierarchy with CPU
 * quotas. */
bool cgroup_mount_of_line(char *line, struct cgroup_mount *mount);

/* Where the files of a group are. */
struct cgroup_place {
    uint32_t hidden;  /* folders between `mount->point` and `rest`, whose names are hidden */
    const char *rest; /* the path below them: "" or "/..." */
};

/* Finds the files of the group `path` in a mount. False: the mount does not show this group.
 *
 * A process in a container sees paths of the host and a mount whose root is its own group. A
 * process in a cgroup namespace sees paths relative to its own group. If the mount is older than
 * the namespace, its root is "/..", "/../..", and so on: the names of the folders in between are
 * hidden.
 */
bool cgroup_locate(const struct cgroup_mount *mount, const char *path, struct cgroup_place *place);

/* The quota in the text of cpu.max (version 2). False: none. */
bool cgroup_quota_v2(const char *cpu_max, struct cgroup_quota *quota);

/* The quota in the texts of cpu.cfs_quota_us and cpu.cfs_period_us (version 1). False: none. */
bool cgroup_quota_v1(const char *quota_us, const char *period_us, struct cgroup_quota *quota);

/* The quota in CPUs; and as a count of threads that use it up, 1 or more. */
double cgroup_quota_cpus(const struct cgroup_quota *quota);
uint32_t cgroup_quota_threads(const struct cgroup_quota *quota);

#endif
