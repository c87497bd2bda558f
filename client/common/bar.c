/* Draws a progress bar. */
#include "client/common/bar.h"

#include <string.h>

#include "client/common/ink.h"

/* A bar with fewer cells would show less than the printed percentage, so it is not drawn. */
#define BAR_CELLS_MIN 5

/* Columns of a bar without its cells: a space and two ends. */
#define BAR_ENDS 3

/* Each column has up to 3 bytes of UTF-8. The rest is for two escape sequences and the NUL. */
#define BAR_BYTES (3 * BAR_COLUMNS_MAX + 32)

/* The figures are such as "  42 %     1.2 s". Longer ones are truncated. */
#define FIGURES_BYTES 24

/* [utf8] */
static const struct ends {
    const char *left, *right;
} bar_ends[] = {{" [", "]"}, {" ▕", "▏"}};

static double clamp(double fraction)
{
    if (!(fraction > 0))
        return 0;
    return fraction < 1 ? fraction : 1;
}

/* eighths: how far the bar extends beyond the left edge of this cell; any number. */
static const char *cell_glyph(int eighths, bool utf8)
{
    if (!utf8)
        return eighths >= INK_EIGHTHS ? "#" : " ";
    if (eighths < 0)
        return ink_left[0];
    return ink_left[eighths < INK_EIGHTHS ? eighths : INK_EIGHTHS];
}

static void draw_bar(char *bar, double fraction, int cells, bool utf8, bool colour)
{
    int eighths = (int)(fraction * cells * INK_EIGHTHS);
    char *at = stpcpy(bar, bar_ends[utf8].left);
    at = stpcpy(at, colour ? INK_UNIFORM_SUM : "");
    for (int cell = 0; cell < cells; cell++)
        at = stpcpy(at, cell_glyph(eighths - cell * INK_EIGHTHS, utf8));
    at = stpcpy(at, colour ? INK_OFF : "");
    stpcpy(at, bar_ends[utf8].right);
}

void bar_print(FILE *out, const char *label, double fraction, double elapsed_s, int columns,
               bool utf8, bool colour)
{
    char figures[FIGURES_BYTES];
    char bar[BAR_BYTES] = "";
    double done = clamp(fraction);
    snprintf(figures, sizeof figures, " %3d %%%8.1f s", (int)(done * 100), elapsed_s);

    int line = columns < BAR_COLUMNS_MAX ? columns : BAR_COLUMNS_MAX;
    int room = line - 1 - (int)strlen(figures);
    int cells = room - (int)strlen(label) - BAR_ENDS;
    if (cells >= BAR_CELLS_MIN)
        draw_bar(bar, done, cells, utf8, colour);
    fprintf(out, "\r%s%s%s\033[K", room >= (int)strlen(label) ? label : "", bar,
            room >= 0 ? figures : "");
}

void bar_clear(FILE *out)
{
    fputs("\r\033[K", out);
}
