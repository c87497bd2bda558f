#include "client/common/bar.h"

#include <string.h>

#include "client/common/ink.h"

/* Below so many cells a bar tells less than its percentage. */
#define BAR_CELLS_MIN 5

/* Columns of a bar beside its cells: a space and two ends. */
#define BAR_ENDS 3

/* Every column in UTF-8, two escapes and the final NUL. */
#define BAR_BYTES (3 * BAR_COLUMNS_MAX + 32)

/* "  42 %     1.2 s"; what a longer time has beyond it is cut. */
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

/* eighths: how far the bar reaches beyond the begin of this cell; any number. */
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
    at = stpcpy(at, colour ? INK_LOCAL : "");
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
