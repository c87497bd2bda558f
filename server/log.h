/* The log of the server on stderr, and its lines on stdout. No call waits for a reader.
 *
 * Each stream has a queue in memory and a thread that writes. If the reader of a stream does not
 * read, only this thread waits. If the queue is full, further lines are dropped and counted; the
 * next line that fits is preceded by one with the count. The process may exit at any time: nothing
 * waits for the threads longer than log_close() allows.
 *
 * A line on stderr starts with the time and the level:
 *     2026-11-29T01:09:36.123+01:00 warning: text
 * If stderr is the journal of systemd, it starts with a priority such as <4> instead.
 *
 * log_set_level(), log_open() and log_close() by one thread; the others by any thread. */
#ifndef MEANTIME_SERVER_LOG_H
#define MEANTIME_SERVER_LOG_H

#include <stdbool.h>

enum log_level {
    LEVEL_ERROR,
    LEVEL_WARNING,
    LEVEL_INFO,
    LEVEL_DEBUG,
    LEVELS,
};

/* Threads that log_open() starts. */
#define LOG_THREADS 2

/* The level with that name: error, warning, info or debug. False if there is none. */
bool log_level_parse(const char *name, enum log_level *level);

/* Lines of `most` and of more serious levels are written. Also checks whether stderr is the
 * journal. Call it first. */
void log_set_level(enum log_level most);

/* Starts the threads. Lines before log_open() are written directly. False with errno set if the
 * threads cannot start. */
bool log_open(void);

/* Gives the queued lines `patience_ms` to leave, and drops the rest. Threads that still wait end
 * with the process. Later lines are dropped. */
void log_close(int patience_ms);

/* True if lines of this level are written. */
bool log_wants(enum log_level level);

/* Writes one line. `format` has no newline at its end. Longer lines than LOG_LINE_BYTES are cut. */
#define LOG_LINE_BYTES 1024
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...)   log_line(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LEVEL_DEBUG, __VA_ARGS__)

/* Writes one line to stdout, as it is. */
__attribute__((format(printf, 1, 2))) void log_print(const char *format, ...);

/* Redirects what czmq logs into this log. After zsys_init(). False if memory is short; czmq then
 * logs nothing. */
bool log_take_czmq(void);

#endif
