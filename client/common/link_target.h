/* Follows symbolic links to a file, which need not exist. */
#ifndef MEANTIME_CLIENT_COMMON_LINK_TARGET_H
#define MEANTIME_CLIENT_COMMON_LINK_TARGET_H

#include <limits.h>

/* Writes the path that `name` leads to into `place` (PATH_MAX bytes). If that path is too long, or
 * the links form a cycle, writes `name` itself: the error is reported when the file is opened.
 * Returns `place`. */
char *link_target(const char *name, char *place);

#endif
