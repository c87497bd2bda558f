/* Where a file is that is named by a link, though there may be none yet. */
#ifndef MEANTIME_CLIENT_COMMON_LINK_TARGET_H
#define MEANTIME_CLIENT_COMMON_LINK_TARGET_H

#include <limits.h>

/* What `name` leads to, through links, in `place` (PATH_MAX bytes); `name` itself where it is too
 * long or leads in a circle, which the system says when it is opened. Returns `place`. */
char *link_target(const char *name, char *place);

#endif
