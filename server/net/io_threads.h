/* libzmq's I/O threads. It looks names up in the thread that dials, and a name server may be
 * silent: whom this server dials has a thread of its own, so that whoever connects to it is served
 * meanwhile. */
#ifndef MEANTIME_SERVER_NET_IO_THREADS_H
#define MEANTIME_SERVER_NET_IO_THREADS_H

#define IO_THREADS 2

/* For ZMQ_AFFINITY. */
enum io {
    IO_LISTENERS = 1 << 0,
    IO_PARENT_LINKS = 1 << 1,
};

#endif
