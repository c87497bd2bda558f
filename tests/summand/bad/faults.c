/* A summand with any fault that a test asks for: "fault=segv", at term 5,000 unless the fault is
 * one of begin(). */
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <math.h>
#include <meantime_summand.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

#define TERM  5000
#define FILES 64

#define MEMORY_PIECE ((size_t)16 << 20)
#define PIECES_MAX   1024

static void be_right(double *cell UNUSED)
{
}

static void segv(double *cell UNUSED)
{
    static volatile uintptr_t address = 8;
    *(volatile int *)address = 1;
}

static void divide(double *cell UNUSED)
{
    raise(SIGFPE);
}

static void loop(double *cell UNUSED)
{
    for (volatile int always = 1; always;)
        ;
}

static void leave(double *cell UNUSED)
{
    exit(3);
}

static void start_process(double *cell UNUSED)
{
    if (fork() == 0)
        for (;;)
            pause();
}

static void start_program(double *cell UNUSED)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void kill_parent(double *cell UNUSED)
{
    kill(getppid(), SIGKILL);
}

static void close_files(double *cell UNUSED)
{
    for (int file = 0; file < FILES; file++)
        close(file);
}

/* And goes on for ever. */
static void close_files_and_sleep(double *cell)
{
    close_files(cell);
    for (;;)
        pause();
}

static void take_memory(double *cell UNUSED)
{
    for (int piece = 0; piece < PIECES_MAX; piece++) {
        char *memory = malloc(MEMORY_PIECE);
        if (!memory)
            abort();
        memset(memory, 1, MEMORY_PIECE);
    }
}

static void write_garbage(double *cell UNUSED)
{
    static const char garbage[3000] = "garbage";
    for (int file = 3; file < FILES; file++)
        if (send(file, garbage, sizeof garbage, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
            errno = 0;
}

/* Writes after the end of an array. */
static void overflow(double *cell)
{
    for (int k = 0; k < MEANTIME_TERMS_MAX + 8; k++)
        cell[k] = 1;
}

static void round_up(double *cell UNUSED)
{
    fesetround(FE_UPWARD);
}

static void be_nan(double *cell)
{
    *cell = NAN;
}

static void be_infinite(double *cell)
{
    *cell = -INFINITY;
}

static void print(double *cell UNUSED)
{
    printf("one\n\ttwo\n");
    fflush(stdout);
    fprintf(stderr, "three\n");
}

static void print_much(double *cell UNUSED)
{
    for (int line = 0; line < 100000; line++)
        fprintf(stderr, "line %d\n", line);
}

static void stop(double *cell UNUSED)
{
    raise(SIGSTOP);
}

static void print_and_loop(double *cell)
{
    printf("process %d\n", (int)getpid());
    fflush(stdout);
    loop(cell);
}

/* Another name in each process. */
static char changing_name[24];

static void change_name(double *cell UNUSED)
{
    snprintf(changing_name, sizeof changing_name, "value-%d", (int)getpid());
}

static const struct fault {
    const char *name;
    void (*commit)(double *cell); /* the output of the term */
    int in_begin;
} faults[] = {
    {"", be_right, 0},
    {"segv", segv, 0},
    {"signal", divide, 0},
    {"loop", loop, 0},
    {"begin-loop", loop, 1},
    {"begin-segv", segv, 1},
    {"exit", leave, 0},
    {"fork", start_process, 0},
    {"exec", start_program, 0},
    {"kill", kill_parent, 0},
    {"close", close_files, 0},
    {"close-sleep", close_files_and_sleep, 0},
    {"memory", take_memory, 0},
    {"garbage", write_garbage, 0},
    {"overflow", overflow, 0},
    {"mode", round_up, 0},
    {"nan", be_nan, 0},
    {"inf", be_infinite, 0},
    {"print", print, 0},
    {"print-loop", print_and_loop, 0},
    {"print-much", print_much, 0},
    {"stop", stop, 0},
    {"names", change_name, 1},
};

#define FAULTS (sizeof faults / sizeof *faults)

static const struct fault *find(const char *name)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    return NULL;
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    static const char *const names[] = {"value"};
    static const char *const changing[] = {changing_name};
    const struct fault *fault =
        find(strncmp(parameters, "fault=", 6) == 0 ? parameters + 6 : parameters);
    if (!fault)
        return "There is no such fault.";
    if (fault->in_begin)
        fault->commit(NULL);
    shape->uniforms = 1;
    shape->outputs = 1;
    shape->names = changing_name[0] ? changing : names;
    *state = (void *)fault;
    return NULL;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    const struct fault *fault = state;
    for (uint32_t i = 0; i < terms->count; i++)
        out[0][i] = terms->uniform[0][i];
    for (uint32_t i = 0; i < terms->count; i++)
        if (terms->first + i == TERM)
            fault->commit(&out[0][i]);
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "faults", "fault=NAME", begin, value, NULL};
