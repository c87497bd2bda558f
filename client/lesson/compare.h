/* The command compare: runs the lesson serial, then async, and shows the difference. */
#ifndef MEANTIME_CLIENT_LESSON_COMPARE_H
#define MEANTIME_CLIENT_LESSON_COMPARE_H

#include "client/lesson/lesson_command.h"

/* Returns the exit status of the program. */
int compare_command(const struct lesson_setting *setting);

#endif
