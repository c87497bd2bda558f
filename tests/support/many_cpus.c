/* For LD_PRELOAD: a kernel with room for 4,096 CPUs, of which the process may use the CPUs 2000 to
 * 2002. Such a kernel refuses room for fewer. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#define KERNEL_CPUS 4096
#define FIRST_CPU   2000
#define LAST_CPU    2002

int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *cpus)
{
    (void)pid;
    if (bytes < KERNEL_CPUS / 8) {
        errno = EINVAL;
        return -1;
    }
    memset(cpus, 0, bytes);
    for (size_t cpu = FIRST_CPU; cpu <= LAST_CPU; cpu++)
        CPU_SET_S(cpu, bytes, cpus);
    return 0;
}
