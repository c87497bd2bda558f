/* Streams that do not block the program for ever: see patient_stream.h. */
#include "cli/patient_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* How long the program waits for the reader of each stream. */
#define ERR_PATIENCE_MS 1000
#define OUT_PATIENCE_MS 500

/* While the program waits, it checks this often whether it is in a hurry. */
#define CHECK_MS 50

struct patient_stream {
    int fd;
    int patience_ms;       /* how long the program waits for the reader, in a hurry */
    bool (*hurries)(void); /* NULL: always */
    int error;             /* errno of the first write that failed; 0: none */
    bool stuck;            /* the program has waited, and the reader has not read since */
};

static struct patient_stream err = {.fd = STDERR_FILENO, .patience_ms = ERR_PATIENCE_MS};
static struct patient_stream out = {.fd = STDOUT_FILENO, .patience_ms = OUT_PATIENCE_MS};

/* After one wait the program does not wait again, until the reader reads. */
static bool is_writable(struct patient_stream *stream)
{
    struct pollfd item = {.fd = stream->fd, .events = POLLOUT};
    int left_ms = stream->stuck ? 0 : stream->patience_ms;

    while (poll(&item, 1, left_ms > 0 ? CHECK_MS : 0) <= 0) {
        stream->stuck = left_ms <= 0;
        if (stream->stuck)
            return false;
        if (!stream->hurries || stream->hurries())
            left_ms -= CHECK_MS;
    }
    stream->stuck = false;
    return true;
}

/* A pipe that is writable takes PIPE_BUF bytes without blocking. Returns false if the bytes cannot
 * be written; errno says why. */
static bool write_some(struct patient_stream *stream, const char **bytes, const char *end)
{
    size_t size = (size_t)(end - *bytes);

    errno = EAGAIN;
    if (!is_writable(stream))
        return false;
    ssize_t written = write(stream->fd, *bytes, size < PIPE_BUF ? size : PIPE_BUF);
    if (written > 0)
        *bytes += written;
    return written > 0 || errno == EAGAIN || errno == EINTR;
}

static ssize_t write_all(void *cookie, const char *bytes, size_t size)
{
    struct patient_stream *stream = cookie;
    const char *next = bytes, *end = bytes + size;

    while (next < end && write_some(stream, &next, end))
        continue;
    if (next < end && !stream->error)
        stream->error = errno;
    return next - bytes;
}

/* Bytes that cannot be written are dropped. So the stream never has an error. */
static ssize_t write_or_drop(void *cookie, const char *bytes, size_t size)
{
    write_all(cookie, bytes, size);
    return (ssize_t)size;
}

/* A terminal that is writable may have room for one byte only, and a longer write would block. So
 * the program opens the terminal again, with flags of its own. */
static int open_again(int fd)
{
    char name[32];

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = isatty(fd) ? open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    return again == -1 ? fd : again;
}

static FILE *stream_open(struct patient_stream *stream, cookie_write_function_t *write)
{
    stream->fd = open_again(stream->fd);
    return fopencookie(stream, "w", (cookie_io_functions_t){.write = write});
}

void patient_stderr_open(void)
{
    FILE *stream = stream_open(&err, write_or_drop);

    if (!stream)
        return;
    setvbuf(stream, NULL, _IONBF, 0);
    stderr = stream;
}

void patient_stdout_open(bool (*hurries)(void))
{
    FILE *stream = stream_open(&out, write_all);

    if (!stream)
        return;
    out.hurries = hurries;
    setvbuf(stream, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
    stdout = stream;
}

int patient_stdout_error(void)
{
    return out.error;
}
