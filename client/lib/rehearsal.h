/* Tries out what a libzmq context needs. libzmq aborts the program if it cannot start its threads,
 * or if it cannot get a descriptor or memory. */
#ifndef MEANTIME_CLIENT_LIB_REHEARSAL_H
#define MEANTIME_CLIENT_LIB_REHEARSAL_H

#include <stdbool.h>

/* Opens and closes the descriptors, allocates and frees the memory, and starts and joins threads as
 * libzmq starts its own. Call it before zmq_ctx_new().
 * more_descriptors: descriptors that the caller needs besides, 0 or more.
 * Returns false and sets errno if something is missing. EAGAIN: threads; EMFILE, ENFILE:
 * descriptors; ENOMEM: memory; EPERM: threads are forbidden.
 * Cost: about 0.1 ms. */
bool rehearse_context(int more_descriptors);

#endif
