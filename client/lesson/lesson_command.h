/* The commands serial and async, and the tasks that the command compare also runs. */
#ifndef MEANTIME_CLIENT_LESSON_LESSON_COMMAND_H
#define MEANTIME_CLIENT_LESSON_LESSON_COMMAND_H

#include "client/lesson/lesson_state.h"
#include "client/options.h"
#include "client/pictures/pictures.h"

/* What all lessons of one command have in common. */
struct lesson_setting {
    const struct client_options *options;
    struct request_target target;
    struct pictures *pictures;
};

/* Run one lesson and print its result. Return the exit status of the program. */
int lesson_command_serial(const struct lesson_setting *setting);
int lesson_command_async(const struct lesson_setting *setting);

/* Prints the seed, which repeats the lesson. Prints nothing if the user wants JSON. */
void lesson_command_print_seed(const struct lesson_setting *setting);

/* Runs one lesson. mode: its name. order: lesson_serial or lesson_async. */
void lesson_command_run(const struct lesson_setting *setting, const char *mode,
                        void (*order)(struct lesson *), struct lesson *lesson);

#endif
