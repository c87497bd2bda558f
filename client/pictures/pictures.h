/* The pictures of lessons that the command line asks for: their records and their files. */
#ifndef MEANTIME_CLIENT_PICTURES_PICTURES_H
#define MEANTIME_CLIENT_PICTURES_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

#include "client/pictures/record.h"

#define PICTURES_LESSONS_MAX 2

struct pictures {
    const char *timeline; /* name of the SVG file; NULL: none */
    const char *trace;    /* name of the JSON file; NULL: none */
    struct record records[PICTURES_LESSONS_MAX];
    size_t count; /* records in use */
};

/* Allocates memory and checks that both files can be written, before hours of work. Does not change
 * existing files. On failure prints a sentence on stderr and returns false. */
bool pictures_begin(struct pictures *pictures, const char *timeline, const char *trace);

/* The record for the next lesson, which has this name. NULL: no picture is wanted. */
struct record *pictures_record(struct pictures *pictures, const char *name);

/* Writes the files, each one atomically. On failure prints a sentence on stderr and returns
 * false. */
bool pictures_write(const struct pictures *pictures);

/* Frees the memory. */
void pictures_clear(struct pictures *pictures);

#endif
