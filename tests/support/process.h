/* Programs under test: started, listened to, signalled, waited for, and ended with the test
 * whatever becomes of it. What takes longer than PROCESS_PATIENCE_MS fails the test. One thread. */
#ifndef MEANTIME_TESTS_SUPPORT_PROCESS_H
#define MEANTIME_TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Far beyond what anything here takes, even under ThreadSanitizer on a busy machine. */
#define PROCESS_PATIENCE_MS 100000

/* Exit status of a process that a signal has ended, as a shell has it. */
#define PROCESS_SIGNALLED(signal) (128 + (signal))

/* An argument list, such as process_start() wants it. */
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

/* What a process sees of the world. network: a process of which it is to share the network
 * namespace; PROCESS_NETWORK_OURS and _NEW say themselves. */
#define PROCESS_NETWORK_OURS 0
#define PROCESS_NETWORK_NEW  (-1)

/* Starts words[0], a path, with those arguments. Its stdin is empty; its stdout and stderr come
 * here through pipes. It is killed when this process ends. Never NULL. */
struct process *process_start(const char *const *words);
struct process *process_start_in(pid_t network, const char *const *words);

/* The same with stdout and stderr on one terminal of 80 columns, read as PROCESS_OUT. */
struct process *process_start_on_terminal(const char *const *words);

pid_t process_pid(const struct process *process);

/* Waits for the next line that matches the pattern of fnmatch(3), and takes what is up to it. Lives
 * until the next call, without its newline. */
const char *process_line(struct process *process, enum process_stream stream, const char *pattern);

/* Waits no longer than that. False where there was no such line; what was read is taken. */
bool process_says(struct process *process, enum process_stream stream, const char *pattern,
                  int64_t patience_ms);

/* Waits until the process has written these words, anywhere. For what comes without a newline. */
void process_await_words(struct process *process, enum process_stream stream, const char *words);

/* Waits for the end. Exit status, or PROCESS_SIGNALLED(). */
int process_wait(struct process *process);

/* All that the process has written, as far as it was read: whole after process_wait(). */
const char *process_text(const struct process *process, enum process_stream stream);

void process_signal(const struct process *process, int signal);

/* Processor time that it has used so far. Unlike the time on a clock, another's work adds nothing.
 */
int64_t process_cpu_ms(const struct process *process);

/* Waits until the process has used more processor time than anything but computing takes. */
void process_await_computing(const struct process *process);

/* Kills what still runs, and prints all that the processes have written to stderr, for ctest looks
 * there for reports of sanitizers. */
void processes_end(void);

/* A clock for limits. */
int64_t process_now_ms(void);

#endif
