/* libzmq's I/O threads. The links that this server dials have a thread of their own, so that many
 * clients do not delay the messages of a parent. */
#ifndef MEANTIME_SERVER_NET_IO_THREADS_H
#define MEANTIME_SERVER_NET_IO_THREADS_H

#define IO_THREADS 2

/* Bits for ZMQ_AFFINITY. */
enum io {
    IO_LISTENERS = 1 << 0,
    IO_PARENT_LINKS = 1 << 1,
};

#endif
