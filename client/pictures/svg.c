/* Writes the elements of an SVG picture. */
#include "client/pictures/svg.h"

#include <stdarg.h>

/* The contrast of blue and orange to white or black is 4.5 to 1 or more. They differ in lightness
 * as well, so that people with any kind of colour blindness can distinguish them. The style sheet
 * is part of the picture, because web pages load nothing else for an image. */
static const char style[] =
    "text{fill:#1f2328;font:13px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    ".title{font-size:16px;font-weight:600}\n"
    ".name{font-weight:600}\n"
    ".small{font-size:12px;fill:#59636e}\n"
    ".right{text-anchor:end}\n"
    ".tick{font-size:12px;fill:#59636e;text-anchor:middle}\n"
    ".grid{stroke:#818b98;stroke-opacity:.35}\n"
    ".request{fill:#0969da}\n"
    ".lost{fill:#0969da;fill-opacity:.25;stroke:#0969da;stroke-dasharray:3 2}\n"
    ".open{fill:#0969da;fill-opacity:.55}\n"
    ".work,.odd{fill:#bc4c00}\n"
    ".even{fill:#e8833a}\n"
    ".idle{fill:url(#hatch);stroke:#818b98;stroke-opacity:.6}\n"
    ".hatch{stroke:#818b98;stroke-opacity:.6}\n"
    ".look{stroke:#1f2328;stroke-width:1.5;fill:none}\n"
    ".reply{stroke:#1f2328;stroke-width:1.5;stroke-dasharray:4 3;fill:none}\n"
    ".funnel{fill:#818b98;fill-opacity:.16}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#f0f6fc}\n"
    ".small,.tick{fill:#9198a1}\n"
    ".request{fill:#4493f8}\n"
    ".lost{fill:#4493f8;stroke:#4493f8}\n"
    ".open{fill:#4493f8}\n"
    ".work,.odd{fill:#f0883e}\n"
    ".even{fill:#b35a17}\n"
    ".look,.reply{stroke:#f0f6fc}\n"
    "}\n";

void svg_begin(FILE *out, const char *title, int width, int height)
{
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
        "height=\"%d\" role=\"img\" aria-labelledby=\"title\">\n"
        "<title id=\"title\">%s</title>\n"
        "<style>\n%s</style>\n"
        "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M3 0v6\"/></pattern></defs>\n",
        width, height, width, height, title, style);
}

void svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        default: fputc(*text, out);
        }
}

void svg_text(FILE *out, const char *classes, double x, double y, const char *format, ...)
{
    char text[SVG_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", classes, x, y);
    put_escaped(out, text);
    fputs("</text>\n", out);
}

void svg_rect(FILE *out, const char *classes, double x, double y, double width, double height)
{
    fprintf(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n",
            classes, x, y, width, height);
}

void svg_line(FILE *out, const char *classes, double x, double y, double height)
{
    fprintf(out, "<path class=\"%s\" d=\"M%.2f %.1fv%.1f\"/>\n", classes, x, y, height);
}
