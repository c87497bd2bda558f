/* Finds out how many compute threads this process can keep busy. See cpu_limit.h. */
#include "server/cpu_limit.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/printable.h"
#include "server/cgroup.h"

/* The first attempt to read the affinity has room for this many CPUs, and the last one for
 * CPUS_LAST. Linux fails if the buffer has room for fewer CPUs than the kernel supports: 8,192
 * today. */
#define CPUS_FIRST 1024
#define CPUS_LAST  (1 << 22)

/* Room for the number, or the two numbers, in a file of a group. */
#define NUMBERS_BYTES 64

/* The smallest quota so far. */
struct smallest {
    bool found;
    struct cgroup_quota quota;
    char group[PATH_MAX]; /* the folder of the group that has it */
};

/* ---- affinity ---------------------------------------------------------------------------- */

/* 0: the set is too small, or memory is short. */
static uint32_t affinity_within(int cpus_max)
{
    cpu_set_t *cpus = CPU_ALLOC((size_t)cpus_max);
    size_t bytes = CPU_ALLOC_SIZE((size_t)cpus_max);
    int count = 0;

    if (cpus && sched_getaffinity(0, bytes, cpus) != -1)
        count = CPU_COUNT_S(bytes, cpus);
    CPU_FREE(cpus);
    return (uint32_t)count;
}

/* The CPUs that the process may use, 1 or more. */
static uint32_t affinity_count(void)
{
    uint32_t count = 0;

    for (int cpus_max = CPUS_FIRST; count == 0 && cpus_max <= CPUS_LAST; cpus_max *= 2)
        count = affinity_within(cpus_max);
    return count > 0 ? count : 1;
}

static void limit_by_affinity(struct cpu_limit *limit)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    limit->threads = affinity_count();
    if (cpus <= (long)limit->threads)
        snprintf(limit->reason, sizeof limit->reason, "one for each CPU");
    else
        snprintf(limit->reason, sizeof limit->reason, "CPU affinity to %u of %ld CPUs",
                 (unsigned)limit->threads, cpus);
}

/* ---- quotas ------------------------------------------------------------------------------ */

static FILE *file_open(const char *root, const char *folder, const char *name)
{
    char path[3 * PATH_MAX];

    snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    return fopen(path, "re");
}

/* Reads one line of a file. False: the file is missing or empty. */
static bool file_read(const char *root, const char *folder, const char *name, char *text)
{
    FILE *file = file_open(root, folder, name);
    bool read = file && fgets(text, NUMBERS_BYTES, file);

    if (file)
        fclose(file);
    return read;
}

static bool read_quota_v1(const char *root, const char *group, struct cgroup_quota *quota)
{
    char quota_us[NUMBERS_BYTES], period_us[NUMBERS_BYTES];

    return file_read(root, group, "cpu.cfs_quota_us", quota_us) &&
           file_read(root, group, "cpu.cfs_period_us", period_us) &&
           cgroup_quota_v1(quota_us, period_us, quota);
}

static bool read_quota_v2(const char *root, const char *group, struct cgroup_quota *quota)
{
    char cpu_max[NUMBERS_BYTES];

    return file_read(root, group, "cpu.max", cpu_max) && cgroup_quota_v2(cpu_max, quota);
}

static void smallest_add(struct smallest *smallest, const char *root, enum cgroup_version version,
                         const char *group)
{
    static bool (*const read_quota[CGROUP_VERSIONS])(const char *, const char *,
                                                     struct cgroup_quota *) = {
        [CGROUP_V1] = read_quota_v1,
        [CGROUP_V2] = read_quota_v2,
    };
    struct cgroup_quota quota;

    if (!read_quota[version](root, group, &quota) ||
        (smallest->found && cgroup_quota_cpus(&quota) >= cgroup_quota_cpus(&smallest->quota)))
        return;
    smallest->found = true;
    smallest->quota = quota;
    snprintf(smallest->group, sizeof smallest->group, "%s", group);
}

/* Adds the quotas of the group and of its parents, up to the root of the mount. */
static void smallest_add_parents(struct smallest *smallest, const char *root,
                                 const struct cgroup_mount *mount, char *group)
{
    size_t least = strlen(mount->point);

    for (;;) {
        smallest_add(smallest, root, mount->version, group);
        if (strlen(group) <= least)
            return;
        *strrchr(group, '/') = '\0';
    }
}

/* ---- hidden names ------------------------------------------------------------------------ */

/* True if a file that lists processes or threads has this process. */
static bool file_lists_us(const char *root, const char *group, const char *name)
{
    FILE *file = file_open(root, group, name);
    bool listed = false;
    long id;

    if (!file)
        return false;
    while (!listed && fscanf(file, "%ld", &id) == 1)
        listed = id == (long)getpid();
    fclose(file);
    return listed;
}

/* In a threaded group only cgroup.threads can be read. */
static bool group_has_us(const char *root, const char *group)
{
    return file_lists_us(root, group, "cgroup.procs") ||
           file_lists_us(root, group, "cgroup.threads");
}

/* Appends the names of `hidden` folders and `rest` to the group's folder, so that the result has
 * this process. False: none has. */
static bool group_find(const char *root, char *group, uint32_t hidden, const char *rest)
{
    char path[2 * PATH_MAX];
    size_t length = strlen(group);
    bool found = false;
    const struct dirent *entry;

    if (hidden == 0) {
        snprintf(group + length, PATH_MAX - length, "%s", rest);
        found = group_has_us(root, group);
        group[found ? strlen(group) : length] = '\0';
        return found;
    }
    snprintf(path, sizeof path, "%s%s", root, group);
    DIR *folder = opendir(path);
    while (folder && !found && (entry = readdir(folder))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        snprintf(group + length, PATH_MAX - length, "/%s", entry->d_name);
        found = group_find(root, group, hidden - 1, rest);
        group[found ? strlen(group) : length] = '\0';
    }
    if (folder)
        closedir(folder);
    return found;
}

/* ---- groups ------------------------------------------------------------------------------ */

static void smallest_add_mount(struct smallest *smallest, const char *root,
                               const struct cgroup_mount *mount, const char *path)
{
    struct cgroup_place place;
    char group[PATH_MAX];

    snprintf(group, sizeof group, "%s", mount->point);
    if (!cgroup_locate(mount, path, &place))
        return;
    if (place.hidden > 0)
        group_find(root, group, place.hidden, place.rest);
    else if (strlen(group) + strlen(place.rest) < sizeof group)
        strcat(group, place.rest);
    smallest_add_parents(smallest, root, mount, group);
}

/* Calls back with each line of a file. */
static void each_line(const char *root, const char *name, void (*use)(void *context, char *line),
                      void *context)
{
    FILE *file = file_open(root, "/proc/self", name);
    char *line = NULL;
    size_t bytes = 0;

    if (!file)
        return;
    while (getline(&line, &bytes, file) != -1)
        use(context, line);
    free(line);
    fclose(file);
}

struct search {
    const char *root;
    char *paths[CGROUP_VERSIONS]; /* the group of this process in each hierarchy; NULL: none */
    struct smallest smallest;
};

static void use_group(void *context, char *line)
{
    struct search *search = context;
    enum cgroup_version version;
    const char *path = cgroup_of_line(line, &version);

    if (path && !search->paths[version])
        search->paths[version] = strdup(path);
}

static void use_mount(void *context, char *line)
{
    struct search *search = context;
    struct cgroup_mount mount;

    if (cgroup_mount_of_line(line, &mount) && search->paths[mount.version])
        smallest_add_mount(&search->smallest, search->root, &mount, search->paths[mount.version]);
}

static void limit_by_quota(struct cpu_limit *limit, const struct smallest *smallest)
{
    double cpus = cgroup_quota_cpus(&smallest->quota);

    if (cpus >= limit->threads)
        return;
    limit->threads = cgroup_quota_threads(&smallest->quota);
    snprintf(limit->reason, sizeof limit->reason, "CPU quota of %.4g in %.400s", cpus,
             smallest->group);
    make_printable(limit->reason);
}

void cpu_limit_find(const char *root, struct cpu_limit *limit)
{
    struct search search = {.root = root};

    limit_by_affinity(limit);
    each_line(root, "cgroup", use_group, &search);
    each_line(root, "mountinfo", use_mount, &search);
    if (search.smallest.found)
        limit_by_quota(limit, &search.smallest);
    for (int version = 0; version < CGROUP_VERSIONS; version++)
        free(search.paths[version]);
}
