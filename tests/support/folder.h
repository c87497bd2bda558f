/* A folder of its own for each test of a suite, for example for a checkpoint. */
#ifndef MEANTIME_TESTS_SUPPORT_FOLDER_H
#define MEANTIME_TESTS_SUPPORT_FOLDER_H

/* The folder. Valid between folder_begin() and folder_end(). */
extern const char *const folder;

/* The name of the file "sum" in it, which folder_begin() does not create. */
extern const char *const folder_file;

/* The .init of the suite. */
void folder_begin(void);

/* The .fini of the suite: story_end(), then removes the folder with all files. */
void folder_end(void);

#endif
