/* Does the job with MPI: rank 1 answers. Rank 0 sums in slices and calls MPI_Iprobe() after each.
 * Arguments: as in job.h; the table below lists the ways. The way `local` uses only rank 0.
 * SERVER is `sums` or `sleeps`. With `sleeps`, rank 1 computes nothing: it answers GAUSSIAN units
 * after GAUSSIAN microseconds. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/overlap/job.h"

/* Blocks per slice. With AVX-512 a slice takes 0.7 ms. */
#define SLICE_BLOCKS 64

#define TAG      0
#define CLIENT   0
#define SERVER   1
#define US_PER_S UINT64_C(1000000)

/* ---- rank 1 ------------------------------------------------------------------------------ */

static struct total answer_of(const struct overlap_job *job, uint64_t count)
{
    struct total total = {0};
    struct stream stream;

    if (strcmp(job->server, "sleeps") == 0) {
        struct timespec pause = {(time_t)(count / US_PER_S), (long)(count % US_PER_S) * 1000};
        nanosleep(&pause, NULL);
        total.units = count;
        return total;
    }
    stream_init(&stream, job->seed, STREAM_GAUSSIAN);
    sum_range(job->kernel, &stream, 0, count, &total);
    return total;
}

static void serve(const struct overlap_job *job)
{
    uint64_t count;

    MPI_Recv(&count, 1, MPI_UINT64_T, CLIENT, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    struct total total = answer_of(job, count);
    MPI_Send(&total, sizeof total, MPI_BYTE, CLIENT, TAG, MPI_COMM_WORLD);
}

/* ---- rank 0 ------------------------------------------------------------------------------ */

static void ask(const struct overlap_job *job)
{
    MPI_Send(&job->gaussian, 1, MPI_UINT64_T, SERVER, TAG, MPI_COMM_WORLD);
}

static void receive(struct overlap_job *job)
{
    struct total total;

    MPI_Recv(&total, sizeof total, MPI_BYTE, SERVER, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    job->answer = total_value(total.units, stream_unit_log2(STREAM_GAUSSIAN));
}

static void remote(struct overlap_job *job)
{
    overlap_begin(job);
    ask(job);
    receive(job);
    overlap_end(job);
}

static void local(struct overlap_job *job)
{
    overlap_begin(job);
    overlap_local(job);
    overlap_end(job);
}

static void iprobe(struct overlap_job *job)
{
    int here = 0;

    overlap_begin(job);
    ask(job);
    while (overlap_slice(job, SLICE_BLOCKS) > 0) {
        if (here)
            continue;
        MPI_Iprobe(SERVER, TAG, MPI_COMM_WORLD, &here, MPI_STATUS_IGNORE);
        if (here)
            receive(job);
    }
    if (!here)
        receive(job);
    overlap_end(job);
}

int main(int argc, char **argv)
{
    static const struct overlap_way ways[] = {
        {"remote", remote}, {"local", local}, {"iprobe", iprobe}, {NULL, NULL}};
    struct overlap_job job;
    int rank;

    MPI_Init(&argc, &argv);
    overlap_parse(&job, argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == SERVER)
        serve(&job);
    else
        overlap_run(&job, ways);
    MPI_Finalize();
    return EXIT_SUCCESS;
}
