#include "client/place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As many as Linux follows. */
#define LINKS_MAX 40

/* One link on. A relative one begins in the folder where it stands. */
static bool follow(char *place)
{
    char link[PATH_MAX], from[PATH_MAX];
    ssize_t size = readlink(place, link, sizeof link - 1);
    const char *slash = strrchr(place, '/');

    if (size == -1)
        return false;
    link[size] = '\0';
    int folder = link[0] == '/' || !slash ? 0 : (int)(slash + 1 - place);
    strcpy(from, place);
    return snprintf(place, PATH_MAX, "%.*s%s", folder, from, link) < PATH_MAX;
}

char *place_of(const char *name, char *place)
{
    int links = 0;

    snprintf(place, PATH_MAX, "%s", name);
    while (links < LINKS_MAX && follow(place))
        links++;
    if (links == LINKS_MAX)
        snprintf(place, PATH_MAX, "%s", name);
    return place;
}
