/* A stderr that does not block the program for ever: see patient_stderr.h. */
#include "client/common/patient_stderr.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* How long the program waits for the reader. */
#define PATIENCE_MS 1000

/* The reader has been waited for, and has not read since. */
static bool stuck;

/* After one wait the program does not wait again. A signal ends the wait. */
static bool is_writable(void)
{
    struct pollfd item = {.fd = STDERR_FILENO, .events = POLLOUT};

    stuck = poll(&item, 1, stuck ? 0 : PATIENCE_MS) <= 0;
    return !stuck;
}

/* A pipe that is writable takes PIPE_BUF bytes without blocking. */
static ssize_t write_some(const char *bytes, size_t size)
{
    return is_writable() ? write(STDERR_FILENO, bytes, size < PIPE_BUF ? size : PIPE_BUF) : -1;
}

/* Bytes that cannot be written are dropped. So the stream never has an error. */
static ssize_t on_write(void *cookie, const char *bytes, size_t size)
{
    size_t done = 0;
    ssize_t written = 0;

    (void)cookie;
    while (done < size && (written = write_some(bytes + done, size - done)) > 0)
        done += (size_t)written;
    return (ssize_t)size;
}

void patient_stderr_open(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = on_write});

    if (!stream)
        return;
    setvbuf(stream, NULL, _IONBF, 0);
    stderr = stream;
}
