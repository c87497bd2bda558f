/* Draws one lesson, or two lessons on one scale, as an SVG picture: when server_request and
 * uniform_sum were busy. If the reply came during the work, a close-up shows the slices and looks
 * around the reply. */
#ifndef MEANTIME_CLIENT_PICTURES_TIMELINE_H
#define MEANTIME_CLIENT_PICTURES_TIMELINE_H

#include <stdio.h>

#include "client/pictures/record.h"

/* Lessons that fit in one picture. */
#define TIMELINE_LESSONS_MAX 2

/* Draws `count` lessons that have ended: 1 or 2. Errors are the stream's. */
void timeline_draw(FILE *out, const struct record *records, size_t count);

#endif
