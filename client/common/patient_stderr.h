/* A stderr that does not block the program for ever, for instance if its reader does not read. */
#ifndef MEANTIME_CLIENT_COMMON_PATIENT_STDERR_H
#define MEANTIME_CLIENT_COMMON_PATIENT_STDERR_H

/* Replaces the stream stderr, but not descriptor 2, whose flags stay as they are. If the reader of
 * descriptor 2 does not read for a second, what the program prints is dropped, until the reader
 * reads again. So a signal or a timeout still ends the program. If memory is short, stderr stays as
 * it is. Call it once, before the first thread starts. */
void patient_stderr_open(void);

#endif
