/* Watches the allow-list of a folder of keys, in a thread of its own, because a network file system
 * may answer late. The thread compares the files several times a second: inotify does not see
 * changes of other machines. */
#ifndef MEANTIME_SERVER_ACCESS_KEY_WATCH_H
#define MEANTIME_SERVER_ACCESS_KEY_WATCH_H

#include "keys/key_folder.h"

struct key_watch;

/* Loads the list and starts the thread. folder: kept, not copied. first: the caller's list. NULL
 * after a line in the log. */
struct key_watch *key_watch_new(const char *folder, struct allowed_keys **first);

/* Waits for the thread. Accepts NULL, leaves NULL. */
void key_watch_destroy(struct key_watch **watch);

/* Readable while key_watch_take() has a list to return. */
int key_watch_fd(const struct key_watch *watch);

/* The newest list, once, if it differs from the one before. Owner: the caller, who calls free().
 * NULL: nothing has changed. */
struct allowed_keys *key_watch_take(struct key_watch *watch);

/* Reads all files again now, even if they look unchanged. Does not wait for that. */
void key_watch_hurry(struct key_watch *watch);

#endif
