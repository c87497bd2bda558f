/* The command line of `quality`. */
#ifndef MEANTIME_TESTS_QUALITY_OPTIONS_H
#define MEANTIME_TESTS_QUALITY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct quality_options {
    uint64_t seed;
    uint64_t samples; /* of each kind */
    uint64_t sums;    /* of blocks, of each kind */
    unsigned threads;
    bool markdown;
    const char *raw; /* the name of a raw stream; NULL: run the tests */
    uint64_t bytes;  /* of the raw stream, at least; 0: without end */
};

/* Ends the program with exit code 2 if an argument is wrong, and with 0 after --help. */
void quality_options_parse(struct quality_options *options, int argc, char **argv);

#endif
