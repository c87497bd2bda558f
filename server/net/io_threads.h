/* libzmq's I/O threads. libzmq resolves host names in the I/O thread that dials, and a name server
 * may not answer. So the links that this server dials have a thread of their own, and peers that
 * connect to the listeners are served meanwhile. */
#ifndef MEANTIME_SERVER_NET_IO_THREADS_H
#define MEANTIME_SERVER_NET_IO_THREADS_H

#define IO_THREADS 2

/* Bits for ZMQ_AFFINITY. */
enum io {
    IO_LISTENERS = 1 << 0,
    IO_PARENT_LINKS = 1 << 1,
};

#endif
