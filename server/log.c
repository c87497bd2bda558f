/* The log: lines with time and level, queues in memory, and threads that write. */
#include "server/log.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dial/thread.h"
#include "proto/instant.h"

/* Bytes that wait for the reader of a stream: about 150 lines. */
#define QUEUE_BYTES (16 << 10)

/* Time, level, and the newline. */
#define PREFIX_BYTES 64

/* The writers need little stack. */
#define STACK_BYTES (256 << 10)

struct log_stream {
    int fd;
    pthread_mutex_t mutex;    /* never held during a write */
    pthread_cond_t changed;   /* lines were added, or all were written */
    char queue[QUEUE_BYTES];  /* the bytes that the writer has not taken */
    size_t queued;            /* bytes of `queue` */
    char taken[QUEUE_BYTES];  /* bytes that the writer writes; only it uses them */
    bool writing;             /* the writer has not written all of `taken` */
    bool open;                /* a writer runs */
    unsigned long long drops; /* lines that were dropped and not reported yet */
};

static struct log_stream out = {
    .fd = STDOUT_FILENO, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static struct log_stream err = {
    .fd = STDERR_FILENO, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static const struct {
    const char *name;
    int priority; /* of syslog */
} level_table[LEVELS] = {
    [LEVEL_ERROR] = {"error", 3},
    [LEVEL_WARNING] = {"warning", 4},
    [LEVEL_INFO] = {"info", 6},
    [LEVEL_DEBUG] = {"debug", 7},
};

static enum log_level level_most = LEVEL_INFO;
static bool journal; /* stderr is the journal */

/* ---- the text of a line ------------------------------------------------------------------ */

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(level_table[i].name, name) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_wants(enum log_level level)
{
    return level <= level_most;
}

/* systemd names the device and inode of the journal's socket in JOURNAL_STREAM. The variable
 * is also set if stderr was redirected to another file, so device and inode must match. */
static bool stderr_is_journal(void)
{
    const char *variable = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat file;

    return variable && sscanf(variable, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &file) == 0 && file.st_dev == device && file.st_ino == inode;
}

/* Such as 2026-11-29T01:09:36.123+01:00. strftime() has no colon in its time zone. */
static void write_time(char *text, size_t size)
{
    struct timespec now;
    struct tm local;
    char date[32], zone[8];

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(zone, sizeof zone, "%z", &local);
    snprintf(text, size, "%s.%03d%.3s:%.2s", date, (int)(now.tv_nsec / NS_PER_MS), zone, zone + 3);
}

static void write_prefix(enum log_level level, char *prefix)
{
    char time[PREFIX_BYTES - 16];

    if (journal) {
        snprintf(prefix, PREFIX_BYTES, "<%d>", level_table[level].priority);
        return;
    }
    write_time(time, sizeof time);
    snprintf(prefix, PREFIX_BYTES, "%s %s: ", time, level_table[level].name);
}

/* ---- queues ------------------------------------------------------------------------------ */

/* With the mutex. */
static bool has_room(const struct log_stream *stream, size_t size)
{
    return stream->queued + size <= QUEUE_BYTES;
}

/* With the mutex. */
static void append(struct log_stream *stream, const char *bytes, size_t size)
{
    memcpy(stream->queue + stream->queued, bytes, size);
    stream->queued += size;
}

/* With the mutex. The line on stdout gets no prefix, like all lines of stdout. */
static size_t write_drops(const struct log_stream *stream, char *line, size_t size)
{
    char prefix[PREFIX_BYTES] = "";

    if (stream == &err)
        write_prefix(LEVEL_WARNING, prefix);
    return (size_t)snprintf(line, size, "%s%llu line%s dropped, because %s was not read\n", prefix,
                            stream->drops, stream->drops == 1 ? " was" : "s were",
                            stream == &err ? "stderr" : "stdout");
}

/* With the mutex. */
static void report_drops(struct log_stream *stream, size_t room_kept)
{
    char line[2 * PREFIX_BYTES + 64];

    if (stream->drops == 0)
        return;
    size_t size = write_drops(stream, line, sizeof line);
    if (!has_room(stream, size + room_kept))
        return;
    append(stream, line, size);
    stream->drops = 0;
}

/* With the mutex. If lines were dropped before, their count comes first. If the queue has no room
 * for the count and the line, the line is dropped as well. */
static void add_line(struct log_stream *stream, const char *line, size_t size)
{
    report_drops(stream, size);
    if (stream->drops > 0 || !has_room(stream, size))
        stream->drops++;
    else
        append(stream, line, size);
}

/* ---- the writers ------------------------------------------------------------------------- */

/* Waits until some bytes are written. The descriptor may be non-blocking, if another process that
 * shares it has set that. Returns 0 if the bytes cannot be written, for instance because the disk
 * is full or the reader has ended. */
static size_t write_some(int fd, const char *bytes, size_t size)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};

    for (;;) {
        ssize_t written = write(fd, bytes, size);
        if (written > 0)
            return (size_t)written;
        if (written == -1 && errno == EAGAIN)
            poll(&item, 1, -1);
        else if (written == 0 || errno != EINTR)
            return 0;
    }
}

static const char *line_end(const char *bytes, size_t size)
{
    const char *newline = memchr(bytes, '\n', size);

    return newline ? newline + 1 : bytes + size;
}

/* Writes each line with a call of its own, because a pipe keeps up to PIPE_BUF bytes together if
 * several processes write into it. Returns the number of lines that could not be written. */
static unsigned long long write_lines(int fd, const char *bytes, size_t size)
{
    const char *end = bytes + size;
    unsigned long long failed = 0;

    while (bytes < end) {
        const char *next = line_end(bytes, (size_t)(end - bytes));
        size_t written = 1;
        while (bytes < next && written > 0)
            bytes += written = write_some(fd, bytes, (size_t)(next - bytes));
        failed += bytes < next;
        bytes = next;
    }
    return failed;
}

/* With the mutex; releases it meanwhile. */
static void write_queue(struct log_stream *stream)
{
    size_t size = stream->queued;

    memcpy(stream->taken, stream->queue, size);
    stream->queued = 0;
    stream->writing = true;
    pthread_mutex_unlock(&stream->mutex);
    unsigned long long failed = write_lines(stream->fd, stream->taken, size);
    pthread_mutex_lock(&stream->mutex);
    stream->writing = false;
    if (failed == 0 && stream->queued == 0)
        report_drops(stream, 0);
    stream->drops += failed;
    pthread_cond_broadcast(&stream->changed);
}

static void *run_writer(void *argument)
{
    struct log_stream *stream = argument;

    pthread_mutex_lock(&stream->mutex);
    for (;;)
        if (stream->queued > 0)
            write_queue(stream);
        else
            pthread_cond_wait(&stream->changed, &stream->mutex);
    return NULL;
}

/* After "stty tostop" a terminal stops each background process that writes to it. The writer blocks
 * SIGTTOU, so its process is not stopped. */
static bool start_writer(struct log_stream *stream)
{
    errno = thread_detached(run_writer, stream, STACK_BYTES);
    stream->open = errno == 0;
    return stream->open;
}

/* ---- life -------------------------------------------------------------------------------- */

void log_set_level(enum log_level most)
{
    level_most = most;
    journal = stderr_is_journal();
    tzset();
}

bool log_open(void)
{
    return start_writer(&err) && start_writer(&out);
}

/* The writers use the same clock. */
static struct timespec deadline(int patience_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += (patience_ms % 1000) * NS_PER_MS;
    at.tv_sec += patience_ms / 1000 + at.tv_nsec / NS_PER_S;
    at.tv_nsec %= NS_PER_S;
    return at;
}

static void close_stream(struct log_stream *stream, const struct timespec *until)
{
    int error = 0;

    pthread_mutex_lock(&stream->mutex);
    while ((stream->queued > 0 || stream->writing) && error == 0)
        error = pthread_cond_timedwait(&stream->changed, &stream->mutex, until);
    pthread_mutex_unlock(&stream->mutex);
}

void log_close(int patience_ms)
{
    struct timespec until = deadline(patience_ms);

    if (err.open)
        close_stream(&err, &until);
    if (out.open)
        close_stream(&out, &until);
}

/* ---- lines ------------------------------------------------------------------------------- */

static void stream_line(struct log_stream *stream, const char *line, size_t size)
{
    if (!stream->open) { /* at the start, before the loop runs */
        FILE *file = stream == &err ? stderr : stdout;
        fwrite(line, 1, size, file);
        fflush(file);
        return;
    }
    pthread_mutex_lock(&stream->mutex);
    add_line(stream, line, size);
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

/* A text from a peer must not make a second line, or control a terminal. */
static void replace_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void write_line(struct log_stream *stream, const char *prefix, const char *format,
                       va_list values)
{
    char text[LOG_LINE_BYTES], line[PREFIX_BYTES + LOG_LINE_BYTES + 1];

    vsnprintf(text, sizeof text, format, values);
    replace_controls(text);
    int size = snprintf(line, sizeof line, "%s%s\n", prefix, text);
    stream_line(stream, line, (size_t)size);
}

void log_line(enum log_level level, const char *format, ...)
{
    char prefix[PREFIX_BYTES];
    va_list values;

    if (!log_wants(level))
        return;
    write_prefix(level, prefix);
    va_start(values, format);
    write_line(&err, prefix, format, values);
    va_end(values);
}

void log_print(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    write_line(&out, "", format, values);
    va_end(values);
}

/* ---- czmq -------------------------------------------------------------------------------- */

static enum log_level czmq_level(char letter)
{
    return letter == 'E' ? LEVEL_ERROR : letter == 'W' ? LEVEL_WARNING : LEVEL_DEBUG;
}

/* czmq writes lines such as "W: 26-11-29 01:09:36 text". */
static ssize_t on_czmq_line(void *cookie, const char *bytes, size_t size)
{
    static const size_t skip = sizeof "W: 26-11-29 01:09:36 " - 1;
    int length = (int)size - (size > 0 && bytes[size - 1] == '\n');

    (void)cookie;
    if (length > (int)skip)
        log_line(czmq_level(bytes[0]), "czmq: %.*s", length - (int)skip, bytes + skip);
    return (ssize_t)size;
}

bool log_take_czmq(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = on_czmq_line});

    zsys_set_logstream(stream);
    zsys_set_logsystem(false);
    return stream;
}
