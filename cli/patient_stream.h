/* Streams stdout and stderr that do not block the program for ever if their reader does not read.
 *
 * These functions replace the C stream, but not the descriptor, whose flags stay as they are: other
 * processes may share it. libzmq and assert() print on the new stderr, too. Call them once, before
 * the first thread starts. If memory is short, the stream stays as it is. */
#ifndef MEANTIME_CLI_PATIENT_STREAM_H
#define MEANTIME_CLI_PATIENT_STREAM_H

#include <stdbool.h>

/* If the reader does not read for a second, what the program prints on stderr is dropped, until the
 * reader reads again. Printing never fails. */
void patient_stderr_open(void);

/* `hurries` says whether the program has to end soon: NULL means always. While the program is in no
 * hurry, printing waits for the reader. In a hurry, it waits for half a second at most and then
 * fails with EAGAIN. */
void patient_stdout_open(bool (*hurries)(void));

/* The errno of the first write to stdout that failed; 0: none has failed. */
int patient_stdout_error(void);

#endif
