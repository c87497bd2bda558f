/* Measures the costs of a libmeantime session: a look without a reply, and many requests of one
 * block. Usage: bench_session [REQUESTS] ENDPOINT Exit code 1: a look allocates memory, or a
 * request fails. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/meantime.h"

#define ROUNDS    9
#define IN_FLIGHT 1000
#define REQUESTS  100000

/* Looks in a round, for each request. */
#define LOOKS_PER_REQUEST 2

/* ---- allocations of all threads; sanitizers have their own malloc()
 * --------------------------------- */

static atomic_long allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}
#endif

/* ---- measuring --------------------------------------------------------------------------- */

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_session: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t ask(struct meantime *m, uint64_t count)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = count};
    uint64_t request;
    int error = meantime_ask(m, &question, &request);

    if (error != MEANTIME_OK)
        die(meantime_error_text(error));
    return request;
}

static void look_often(struct meantime *m, int looks, double *least_ns, long *least_allocations)
{
    double began_ns = now_ns();
    long began = allocations;

    for (int i = 0; i < looks; i++)
        meantime_look(m);
    double look_ns = (now_ns() - began_ns) / looks;
    long allocated = allocations - began;
    if (look_ns < *least_ns)
        *least_ns = look_ns;
    if (allocated < *least_allocations)
        *least_allocations = allocated;
}

/* Prints the fastest of some rounds. Other programs or incoming progress have slowed the others. */
static void measure_looks(struct meantime *m, int looks, const char *when)
{
    double look_ns = 1e9;
    long allocated = looks;

    for (int i = 0; i < ROUNDS; i++)
        look_often(m, looks, &look_ns, &allocated);
    printf("a look with %s: %.0f ns, %ld allocations\n", when, look_ns, allocated);
    if (allocated > 0)
        die("looks allocate");
}

static long resident_kib(void)
{
    char line[256];
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file && fgets(line, sizeof line, file))
        sscanf(line, "%*d %ld", &pages);
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* Sends `requests` requests, IN_FLIGHT at a time. Returns their sum, which is always the same. */
static double answer_many(struct meantime *m, int requests)
{
    struct meantime_result result = {.sum = 0};
    int asked = 0, taken = 0;

    while (taken < requests) {
        for (; asked < requests && asked - taken < IN_FLIGHT; asked++)
            ask(m, 65536);
        meantime_wait(m, MEANTIME_ANY, -1);
        for (; meantime_take(m, MEANTIME_ANY, &result) == 1; taken++)
            if (result.error != MEANTIME_OK)
                die(result.text);
    }
    return result.sum;
}

static void measure_requests(struct meantime *m, int requests)
{
    answer_many(m, requests / 10 + 1);
    long before_kib = resident_kib();
    double began_ns = now_ns();
    double sum = answer_many(m, requests);
    double us = (now_ns() - began_ns) / requests / 1000;
    printf("%d requests, %d in flight: %.1f us each, %ld KiB more memory than before, sum %.17g\n",
           requests, IN_FLIGHT, us, resident_kib() - before_kib, sum);
}

int main(int argc, char **argv)
{
    struct meantime *m = meantime_new();

    if (argc < 2 || argc > 3 || !m || meantime_connect(m, argv[argc - 1]) != MEANTIME_OK)
        die("usage: bench_session [REQUESTS] ENDPOINT");
    int requests = argc == 3 ? atoi(argv[1]) : REQUESTS;
    int looks = LOOKS_PER_REQUEST * requests;
    measure_looks(m, looks, "nothing in flight");
    uint64_t endless = ask(m, UINT64_C(1) << 60);
    meantime_wait(m, endless, 1000000000);
    measure_looks(m, looks, "a request in flight");
    meantime_cancel(m, endless);
    struct meantime_result result;
    meantime_take(m, endless, &result);
    measure_requests(m, requests);
    meantime_close(&m);
    return EXIT_SUCCESS;
}
