/* The names of the kinds of streams. */
#ifndef MEANTIME_TESTS_QUALITY_KINDS_H
#define MEANTIME_TESTS_QUALITY_KINDS_H

#include "sums/stream.h"

static inline const char *kind_name(enum stream_kind kind)
{
    return kind == STREAM_GAUSSIAN ? "gaussian" : "uniform";
}

#endif
