/* Elements of an SVG picture: text, rectangles and paths. A leaf; errors are the stream's.
 *
 * The picture has no scripts, no fonts and no background. Its colours follow the reader's
 * preference, dark or light. */
#ifndef MEANTIME_CLIENT_PICTURES_SVG_H
#define MEANTIME_CLIENT_PICTURES_SVG_H

#include <stdio.h>

/* Longest text of an element, with its NUL. Longer ones are truncated. */
#define SVG_TEXT_BYTES 160

/* Begins a picture of that size in pixels. title: ASCII, for screen readers. */
void svg_begin(FILE *out, const char *title, int width, int height);
void svg_end(FILE *out);

/* All positions and sizes are in pixels; y grows downwards. classes: names from the style sheet in
 * svg.c, separated by spaces. */

/* Text at (x, y): the left end of its base line. The result of `format` must be ASCII. */
__attribute__((format(printf, 5, 6))) void svg_text(FILE *out, const char *classes, double x,
                                                    double y, const char *format, ...);

void svg_rect(FILE *out, const char *classes, double x, double y, double width, double height);

/* A vertical line from (x, y) downwards. */
void svg_line(FILE *out, const char *classes, double x, double y, double height);

#endif
