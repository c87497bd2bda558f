/* Puts what happens in a run into its record. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_RECORD_H
#define MEANTIME_CLIENT_LESSON_LESSON_RECORD_H

#include "client/lesson/lesson.h"

/* What has just happened in `run`, which has a record. */
void lesson_record(struct lesson *run, enum note what);

/* The run is over. */
void lesson_record_end(struct lesson *run);

#endif
