/* Reads texts about control groups. See cgroup.h. */
#include "server/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* True if a list of names, separated by commas, has this name. Ends the names in place. */
static bool list_has(char *list, const char *name)
{
    const char *one;

    while ((one = strsep(&list, ",")))
        if (strcmp(one, name) == 0)
            return true;
    return false;
}

/* A line is ID:CONTROLLERS:PATH. Version 2 has the id 0 and no controllers. */
const char *cgroup_of_line(char *line, enum cgroup_version *version)
{
    line[strcspn(line, "\n")] = '\0';
    const char *id = strsep(&line, ":");
    char *controllers = strsep(&line, ":");

    if (!line || line[0] != '/')
        return NULL;
    if (strcmp(id, "0") == 0 && *controllers == '\0') {
        *version = CGROUP_V2;
        return line;
    }
    *version = CGROUP_V1;
    return list_has(controllers, "cpu") ? line : NULL;
}

/* ---- mounts ------------------------------------------------------------------------------ */

/* The kernel writes a blank, tab, newline or backslash of a path as \ and three octal digits. */
static bool is_escape(const char *text)
{
    return text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
           text[2] <= '7' && text[3] >= '0' && text[3] <= '7';
}

static bool unescape(const char *text, char *path, size_t bytes)
{
    size_t length = 0;

    for (; *text && length < bytes - 1; length++)
        if (is_escape(text)) {
            path[length] = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else
            path[length] = *text++;
    path[length] = '\0';
    return !*text;
}

static bool mount_version(const char *type, char *options, enum cgroup_version *version)
{
    *version = strcmp(type, "cgroup2") == 0 ? CGROUP_V2 : CGROUP_V1;
    return *version == CGROUP_V2 || (strcmp(type, "cgroup") == 0 && list_has(options, "cpu"));
}

/* Fields of a line, separated by blanks: 1 mount id, 2 parent id, 3 device, 4 root, 5 mount point,
 * 6 options, then any number of optional fields, "-", type, source, options of the hierarchy. */
bool cgroup_mount_of_line(char *line, struct cgroup_mount *mount)
{
    const char *fields[6];

    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        fields[i] = strsep(&line, " ");
    const char *field = strsep(&line, " ");
    while (field && strcmp(field, "-") != 0)
        field = strsep(&line, " ");
    const char *type = strsep(&line, " ");
    const char *source = strsep(&line, " ");

    return source && line && mount_version(type, line, &mount->version) &&
           unescape(fields[3], mount->root, sizeof mount->root) &&
           unescape(fields[4], mount->point, sizeof mount->point);
}

/* Counts the folders of a path that are all "..". 0: there are others too, or none. */
static uint32_t count_up(const char *path)
{
    uint32_t count = 0;

    for (; strncmp(path, "/..", 3) == 0; path += 3)
        count++;
    return *path == '\0' ? count : 0;
}

/* The part of `path` below `root`, or NULL if the path is not below. */
static const char *path_below(const char *root, const char *path)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return strcmp(path + length, "/") == 0 ? "" : path + length;
}

static bool goes_up(const char *path)
{
    return strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0');
}

/* A mount whose root is "/.." shows all groups below it. If the path below the root begins with
 * "/..", the mount does not show its group. */
bool cgroup_locate(const struct cgroup_mount *mount, const char *path, struct cgroup_place *place)
{
    const char *below = path_below(mount->root, path);

    if (below && !goes_up(below)) {
        *place = (struct cgroup_place){.hidden = 0, .rest = below};
        return true;
    }
    uint32_t up = count_up(mount->root);
    for (; up > 0 && goes_up(path); up--)
        path += 3;
    if (goes_up(path))
        return false;
    *place = (struct cgroup_place){.hidden = up, .rest = strcmp(path, "/") == 0 ? "" : path};
    return up > 0;
}

/* ---- quotas ------------------------------------------------------------------------------ */

/* Reads a number above 0. *end: behind it. */
static bool parse_us(const char *text, uint64_t *us, char **end)
{
    errno = 0;
    long long number = strtoll(text, end, 10);
    *us = (uint64_t)number;
    return errno == 0 && *end != text && number > 0;
}

/* "max 100000" is no quota. */
bool cgroup_quota_v2(const char *cpu_max, struct cgroup_quota *quota)
{
    char *end;

    return parse_us(cpu_max, &quota->quota_us, &end) && parse_us(end, &quota->period_us, &end);
}

/* A quota of -1 is no quota. */
bool cgroup_quota_v1(const char *quota_us, const char *period_us, struct cgroup_quota *quota)
{
    char *end;

    return parse_us(quota_us, &quota->quota_us, &end) &&
           parse_us(period_us, &quota->period_us, &end);
}

double cgroup_quota_cpus(const struct cgroup_quota *quota)
{
    return (double)quota->quota_us / (double)quota->period_us;
}

uint32_t cgroup_quota_threads(const struct cgroup_quota *quota)
{
    uint64_t threads = (quota->quota_us - 1) / quota->period_us + 1;

    return threads < UINT32_MAX ? (uint32_t)threads : UINT32_MAX;
}
