/* Writes what happens in a lesson into its record, from which pictures are drawn. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_RECORD_H
#define MEANTIME_CLIENT_LESSON_LESSON_RECORD_H

#include "client/lesson/lesson_state.h"

/* Each function is called after the step that it records. Does nothing if there is no record. */
void lesson_record_begin(struct lesson *lesson); /* the request is made */
void lesson_record_begin_sum(struct lesson *lesson);
void lesson_record_slice(struct lesson *lesson);
void lesson_record_look(struct lesson *lesson);
void lesson_record_wait(struct lesson *lesson);
void lesson_record_end(struct lesson *lesson);

#endif
