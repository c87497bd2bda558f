/* Restricts a helper process. */
#include "summand/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* sanitizers reserve terabytes */
#else
#define SANITIZED 0
#endif

static void end_with_parent(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before prctl() */
        _exit(EXIT_FAILURE);
}

/* Before PR_SET_DUMPABLE, which gives the file to root. */
static void die_first_without_memory(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file == -1)
        return;
    if (write(file, "1000", 4) == -1)
        errno = 0; /* the system forbids it */
    close(file);
}

static void limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit limit = {most, most};
    setrlimit(resource, &limit);
}

#ifdef FILTER_ARCHITECTURE
#define LOAD(field)       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value)   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS_BIT(value) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (value), 1, 0)
#define RETURN(action)    BPF_STMT(BPF_RET | BPF_K, (action))
#define KILL              RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW             RETURN(SECCOMP_RET_ALLOW)

/* Kills the process at this system call. */
#define FORBID(call) IF_EQUAL(SYS_##call), KILL

/* Kills the process at this system call, unless its first argument is `own`. abort() and raise()
 * signal the process itself. */
#define FORBID_UNLESS(call, own)                                                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 4), LOAD(args[0]),                          \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (own), 0, 1), ALLOW, KILL

/* glibc uses clone() instead if clone3() does not exist. clone() may start threads. */
static void forbid_processes(void)
{
    pid_t self = getpid();
    struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCHITECTURE, 1, 0),
        KILL,
        LOAD(nr),
#ifdef SYS_fork
        FORBID(fork),
        FORBID(vfork),
#endif
        FORBID(execve),
        FORBID(execveat),
        FORBID(ptrace),
        FORBID(process_vm_writev),
        FORBID(setpgid),
        FORBID(setsid),
        FORBID(tkill),
        FORBID(pidfd_send_signal),
        FORBID(rt_sigqueueinfo),
        IF_EQUAL(SYS_clone3),
        RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        FORBID_UNLESS(kill, (uint32_t)self),
        FORBID_UNLESS(tgkill, (uint32_t)self),
        FORBID_UNLESS(rt_tgsigqueueinfo, (uint32_t)self),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        LOAD(args[0]),
        UNLESS_BIT(CLONE_THREAD),
        KILL,
        ALLOW,
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* Without SPEC_ALLOW, old kernels slow down all code of a process with a filter. */
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}
#else
static void forbid_processes(void)
{
}
#endif

void sandbox_enter(pid_t parent, uint64_t memory_bytes)
{
    end_with_parent(parent);
    die_first_without_memory();
    prctl(PR_SET_DUMPABLE, 0);
    limit(RLIMIT_CORE, 0);
    if (!SANITIZED)
        limit(RLIMIT_DATA, memory_bytes);
    forbid_processes();
}
