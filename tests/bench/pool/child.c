/* Child processes of a benchmark: see child.h. */
#include "tests/bench/pool/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/instant.h"

#define OPTIONS_MAX 12

/* Below the ports that the kernel gives to outgoing connections. */
#define PORT_FIRST 20000
#define PORT_END   32000

static bool verbose_;
static int stderr_ = -1; /* of children; -1: see children_verbose() */

void bench_fail(const char *what)
{
    fprintf(stderr, "bench_pool: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

void children_verbose(bool verbose)
{
    verbose_ = verbose;
}

void children_stderr(int fd)
{
    stderr_ = fd;
}

/* Between fork() and exec(), only system calls are safe: libzmq has threads. */
_Noreturn static void child_become(const char *const *arguments, int in, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (stderr_ != -1)
        dup2(stderr_, STDERR_FILENO);
    else if (!verbose_)
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    execv(arguments[0], (char *const *)arguments);
    _exit(EXIT_FAILURE);
}

void child_start(struct child *child, const char *const *arguments)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
        bench_fail("pipe");
    child->pid = fork();
    if (child->pid == -1)
        bench_fail("fork");
    if (child->pid == 0)
        child_become(arguments, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    child->to = fdopen(in[1], "w");
    child->from = fdopen(out[0], "r");
}

void child_start_role(struct child *child, const char *role, const char *argument,
                      const char *other_argument)
{
    const char *arguments[] = {"/proc/self/exe", "--as", role, argument, other_argument, NULL};

    child_start(child, arguments);
}

/* The child first prints its introduction. */
static void contestant_start(struct child *plain, const char *role, const char *argument)
{
    char line[128];

    child_start_role(plain, role, argument, NULL);
    while (fgets(line, sizeof line, plain->from) && line[0] != '\n')
        ;
}

void child_start_plain(struct child *plain, const char *nice)
{
    contestant_start(plain, "plain", nice);
}

void child_start_plain_terms(struct child *plain, const char *summand)
{
    contestant_start(plain, "plain-terms", summand);
}

void child_plain_ask(struct child *plain, uint64_t samples)
{
    fprintf(plain->to, "0 %" PRIu64 "\n", samples);
    fflush(plain->to);
}

uint32_t loads_start(struct child *loads, uint32_t a_core)
{
    uint32_t wanted = a_core * (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t count = wanted < LOADS_MAX ? wanted : LOADS_MAX;

    for (uint32_t i = 0; i < count; i++) {
        child_start_plain(&loads[i], NULL);
        child_plain_ask(&loads[i], COUNT_ENDLESS);
    }
    return count;
}

void loads_end(struct child *loads, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        child_end(&loads[i]);
}

int64_t child_cpu_ns(const struct child *child)
{
    struct timespec taken;
    clockid_t clock;

    if (clock_getcpuclockid(child->pid, &clock) != 0 || clock_gettime(clock, &taken) == -1)
        bench_fail("the CPU time of a child");
    return (int64_t)taken.tv_sec * NS_PER_S + taken.tv_nsec;
}

/* Fields 14 to 17 of /proc/PID/stat: times of the process, and of its children that have ended. The
 * second field, the name in parentheses, may contain spaces. */
static int64_t family_ticks(pid_t pid, bool with_dead)
{
    char name[64], line[1024] = "";
    long long own, kernel, dead, dead_kernel;

    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(name, "r");
    if (!file)
        return 0; /* it has ended, and its parent has its time */
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *rest = strrchr(line, ')');
    if (!rest ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld", &own,
               &kernel, &dead, &dead_kernel) != 4)
        return 0;
    return own + kernel + (with_dead ? dead + dead_kernel : 0);
}

int64_t child_family_cpu_ns(const struct child *child)
{
    int64_t ticks = family_ticks(child->pid, true);
    char pattern[64];
    glob_t found;

    /* Each thread of the child has children of its own. */
    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/children", (int)child->pid);
    if (glob(pattern, 0, NULL, &found) != 0)
        return ticks * (NS_PER_S / sysconf(_SC_CLK_TCK));
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *file = fopen(found.gl_pathv[i], "r");
        int pid;
        while (file && fscanf(file, "%d", &pid) == 1)
            ticks += family_ticks(pid, false);
        if (file)
            fclose(file);
    }
    globfree(&found);
    return ticks * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static double child_mib(const struct child *child, const char *field)
{
    char name[64], line[256];
    double kib = 0;

    snprintf(name, sizeof name, "/proc/%d/status", (int)child->pid);
    FILE *file = fopen(name, "r");
    if (!file)
        bench_fail(name);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            sscanf(line + strlen(field), ": %lf", &kib);
    fclose(file);
    return kib / 1024;
}

void child_print_memory(const char *what, const struct child *child, const char *field,
                        const struct wanted *wanted)
{
    struct figures mib = {.count = 0};

    figures_add(&mib, child_mib(child, field));
    figures_print(what, "MiB", &mib, wanted);
}

void child_scan(struct child *child, int fields, const char *format, ...)
{
    char line[ENDPOINT_BYTES + 64];
    va_list arguments;

    if (!fgets(line, sizeof line, child->from))
        bench_fail("a child ended before it printed its line");
    va_start(arguments, format);
    if (vsscanf(line, format, arguments) != fields)
        bench_fail(line);
    va_end(arguments);
}

void child_end(struct child *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    fclose(child->to);
    fclose(child->from);
}

/* ---- servers ----------------------------------------------------------------------------- */

static bool told(const char *const *options, const char *option)
{
    while (*options && strcmp(*options, option) != 0)
        options++;
    return *options;
}

void bench_server_start(struct bench_server *server, const char *program,
                        const char *const *options)
{
    const char *arguments[OPTIONS_MAX + 2] = {program};

    for (int i = 0; i < OPTIONS_MAX && options[i]; i++)
        arguments[i + 1] = options[i];
    *server = (struct bench_server){.clients = ""};
    child_start(&server->child, arguments);
    if (told(options, "--bind"))
        child_scan(&server->child, 1, "Listening on %127s", server->clients);
    if (told(options, "--workers"))
        child_scan(&server->child, 1, "Workers join at %127[^ \n]", server->workers);
    char *stop = strrchr(server->workers, '.');
    if (stop && stop[1] == '\0')
        *stop = '\0';
}

static bool port_free(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return free;
}

void endpoint_pick(char *endpoint)
{
    static int next;

    if (next == 0)
        next = PORT_FIRST + (int)getpid() * 8 % (PORT_END - PORT_FIRST);
    while (!port_free(next))
        next++;
    snprintf(endpoint, ENDPOINT_BYTES, "tcp://127.0.0.1:%d", next++);
}
