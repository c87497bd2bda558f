/* The pictures of runs that the command line asks for: what they are made of, and their files. */
#ifndef MEANTIME_CLIENT_PICTURES_PICTURES_H
#define MEANTIME_CLIENT_PICTURES_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

#include "client/pictures/record.h"

#define PICTURES_RUNS_MAX 2

/* timeline, trace: files, or NULL for none. */
struct pictures {
    const char *timeline, *trace;
    struct record records[PICTURES_RUNS_MAX];
    size_t runs;
};

/* Finds out, before hours of work, whether there is memory and whether the files can be written;
 * leaves what is there as it is. False after a sentence on stderr. */
bool pictures_begin(struct pictures *pictures, const char *timeline, const char *trace);

/* Where to record the next run, which has this name; NULL: nobody wants a picture. */
struct record *pictures_record(struct pictures *pictures, const char *name);

/* Writes the files, each as a whole or not at all. False after a sentence on stderr. */
bool pictures_write(const struct pictures *pictures);

/* Leaves nothing. */
void pictures_clear(struct pictures *pictures);

#endif
