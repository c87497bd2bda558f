/* Finds out what the terminal behind a stream can show. */
#include "client/common/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int columns_of(int file)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");

    if (ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return columns && atoi(columns) > 0 ? atoi(columns) : 80;
}

/* The streams of patient_stream.h have no descriptors. */
static int file_of(FILE *stream)
{
    return stream == stderr ? STDERR_FILENO : STDOUT_FILENO;
}

struct terminal terminal_of(FILE *stream)
{
    int file = file_of(stream);
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool knows_escapes = term && *term && strcmp(term, "dumb") != 0;
    bool moves = knows_escapes && isatty(file);

    return (struct terminal){
        .moves = moves,
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .colour = moves && !(no_color && *no_color),
        .columns = columns_of(file),
    };
}
