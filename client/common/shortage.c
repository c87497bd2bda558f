/* Says what a program lacks, and how to raise the limit. */
#include "client/common/shortage.h"

#include <errno.h>
#include <zmq.h>

const char *shortage_text(int error)
{
    switch (error) {
    case EAGAIN:
        return "no more threads can be started; raise \"ulimit -u\" or pids.max of the control "
               "group";
    case EPERM: return "this process may not start threads";
    case EMFILE: return "Too many open files; raise \"ulimit -n\"";
    case ENFILE: return "Too many open files in system; raise fs.file-max";
    case ENOMEM: return "too little memory; raise \"ulimit -v\", or end other programs";
    default: return zmq_strerror(error);
    }
}
