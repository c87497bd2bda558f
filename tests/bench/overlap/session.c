/* Does the job with libmeantime: by meantime_overlap(), in two threads, and each sum alone.
 * Arguments: as in job.h; the table below lists the ways. */
#include <pthread.h>
#include <stdlib.h>

#include "client/lib/meantime.h"
#include "tests/bench/overlap/job.h"

static struct meantime *session;

static uint64_t ask(const struct overlap_job *job)
{
    struct meantime_question question = {
        .seed = job->seed, .kind = MEANTIME_GAUSSIAN, .count = job->gaussian};
    uint64_t request;
    int error = meantime_ask(session, &question, &request);

    if (error != MEANTIME_OK)
        overlap_fail(meantime_error_text(error));
    return request;
}

static void take(struct overlap_job *job, uint64_t request)
{
    struct meantime_result result = {.error = MEANTIME_OK};

    if (meantime_take(session, request, &result) != 1)
        overlap_fail("the request has not ended");
    if (result.error != MEANTIME_OK)
        overlap_fail(result.text);
    job->answer = result.sum;
}

/* ---- ways -------------------------------------------------------------------------------- */

static void remote(struct overlap_job *job)
{
    overlap_begin(job);
    uint64_t request = ask(job);
    meantime_wait(session, request, -1);
    take(job, request);
    overlap_end(job);
}

static void local(struct overlap_job *job)
{
    overlap_begin(job);
    overlap_local(job);
    overlap_end(job);
}

static void overlap(struct overlap_job *job)
{
    overlap_begin(job);
    uint64_t request = ask(job);
    meantime_overlap(session, request, overlap_slice, job, 0);
    take(job, request);
    overlap_end(job);
}

static void *ask_and_wait(void *argument)
{
    struct overlap_job *job = argument;
    uint64_t request = ask(job);

    meantime_wait(session, request, -1);
    take(job, request);
    return NULL;
}

static void threads(struct overlap_job *job)
{
    pthread_t thread;

    overlap_begin(job);
    if (pthread_create(&thread, NULL, ask_and_wait, job) != 0)
        overlap_fail("cannot start a thread");
    overlap_local(job);
    pthread_join(thread, NULL);
    overlap_end(job);
}

int main(int argc, char **argv)
{
    static const struct overlap_way ways[] = {
        {"remote", remote},   {"local", local}, {"overlap", overlap},
        {"threads", threads}, {NULL, NULL},
    };
    struct overlap_job job;

    (void)argc;
    overlap_parse(&job, argv);
    session = meantime_new();
    if (!session || meantime_connect(session, job.server) != MEANTIME_OK)
        overlap_fail("cannot open a session");
    overlap_run(&job, ways);
    meantime_close(&session);
    return EXIT_SUCCESS;
}
