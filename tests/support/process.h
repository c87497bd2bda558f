/* Programs under test: start them, read what they print, send them signals, wait for their end. All
 * of them are killed when the test ends. A call that takes longer than PROCESS_PATIENCE_MS fails
 * the test. Use from one thread. */
#ifndef MEANTIME_TESTS_SUPPORT_PROCESS_H
#define MEANTIME_TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Far longer than any step of a test takes, even under ThreadSanitizer on a busy machine. */
#define PROCESS_PATIENCE_MS 100000

/* The time between two checks of a condition that no descriptor signals. */
#define PROCESS_POLL_MS 5

/* The exit status of a process that a signal has ended, as a shell reports it. */
#define PROCESS_SIGNALLED(signal) (128 + (signal))

/* An argument list for process_start(), or a list of patterns for lines_are(). */
#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

struct process;

enum process_stream {
    PROCESS_OUT,
    PROCESS_ERR,
    PROCESS_STREAMS,
};

/* The network namespace of a process: that of the test, a new one, or that of the process whose pid
 * is given. */
#define PROCESS_NETWORK_OURS 0
#define PROCESS_NETWORK_NEW  (-1)

/* Starts the program with the path words[0]. Its stdin is empty. Pipes carry its stdout and stderr
 * to this process. The kernel kills the program when this process ends. Never NULL. */
struct process *process_start(const char *const *words);
struct process *process_start_in(pid_t network, const char *const *words);

/* The same, with stdout and stderr on one terminal of 80 columns. Read both as PROCESS_OUT. */
struct process *process_start_on_terminal(const char *const *words);

pid_t process_pid(const struct process *process);

/* Waits for the next line that matches `pattern` (fnmatch(3)) and skips the lines before that line.
 * Returns the line without its newline. The text lives until the next call. */
const char *process_line(struct process *process, enum process_stream stream, const char *pattern);

/* The same, but waits `patience_ms` at most. Returns false if no line matched; then all lines that
 * were read are skipped. */
bool process_try_line(struct process *process, enum process_stream stream, const char *pattern,
                      int64_t patience_ms);

/* Waits until the output contains `words`. For text that does not end with a newline. */
void process_await_words(struct process *process, enum process_stream stream, const char *words);

/* Waits for the end of the process. Returns its exit status, or PROCESS_SIGNALLED(). */
int process_wait(struct process *process);

/* All output that was read so far. After process_wait() the output is complete. */
const char *process_text(const struct process *process, enum process_stream stream);

void process_signal(const struct process *process, int signal);

/* The processor time that the process has used. Unlike elapsed time, it does not depend on how busy
 * the machine is. */
int64_t process_cpu_ms(const struct process *process);

/* Waits until the process has used more processor time than idling or a few messages need. */
void process_await_computing(const struct process *process);

/* Kills the processes that still run. Prints the stderr of all processes, because ctest searches it
 * for reports of sanitizers. */
void processes_end(void);

/* The time of a monotonic clock. */
int64_t process_now_ms(void);

/* For a loop that waits for a condition which no descriptor signals: set the limit before the loop,
 * and pause after each check. The pause fails with the text `failure` when the limit has passed. */
int64_t process_limit_at_ms(void);
void process_pause(int64_t limit_at_ms, const char *failure);

#endif
