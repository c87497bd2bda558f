/* Follows symbolic links, one after the other. */
#include "client/common/link_target.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The largest number of links that Linux follows. */
#define LINKS_MAX 40

enum step { STEP_LINK, STEP_END, STEP_TOO_LONG };

/* Replaces `place` by the target of its link. A relative target begins in the folder of the link.
 */
static enum step follow(char *place)
{
    char link[PATH_MAX], next[PATH_MAX];
    ssize_t size = readlink(place, link, sizeof link - 1);
    const char *slash = strrchr(place, '/');

    if (size == -1)
        return STEP_END;
    link[size] = '\0';
    int folder = link[0] == '/' || !slash ? 0 : (int)(slash + 1 - place);
    if (snprintf(next, sizeof next, "%.*s%s", folder, place, link) >= (int)sizeof next)
        return STEP_TOO_LONG;
    strcpy(place, next);
    return STEP_LINK;
}

char *link_target(const char *name, char *place)
{
    enum step step = STEP_LINK;

    snprintf(place, PATH_MAX, "%s", name);
    for (int links = 0; step == STEP_LINK && links <= LINKS_MAX; links++)
        step = follow(place);
    if (step != STEP_END)
        snprintf(place, PATH_MAX, "%s", name);
    return place;
}
