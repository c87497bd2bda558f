/* Puts what happens in a run into its record. */
#ifndef MEANTIME_CLIENT_OBSERVE_H
#define MEANTIME_CLIENT_OBSERVE_H

#include "client/run.h"

/* What has just happened in `run`, which has a record. */
void observe(struct run *run, enum note what);

/* The run is over. */
void observe_end(struct run *run);

#endif
