/* The job over libmeantime: by meantime_overlap(), in two threads, and each sum alone.
 * Arguments: as in job.h; the ways are in the table below. */
#include <pthread.h>
#include <stdlib.h>

#include "client/lib/meantime.h"
#include "tests/bench/overlap/job.h"

static struct meantime *session;

static uint64_t ask(const struct job *job)
{
    struct meantime_question question = {
        .seed = job->seed, .kind = MEANTIME_GAUSSIAN, .count = job->gaussian};
    uint64_t request;
    int error = meantime_ask(session, &question, &request);

    if (error != MEANTIME_OK)
        job_fail(meantime_error_text(error));
    return request;
}

static void take(struct job *job, uint64_t request)
{
    struct meantime_result result = {.error = MEANTIME_OK};

    if (meantime_take(session, request, &result) != 1)
        job_fail("the request has not ended");
    if (result.error != MEANTIME_OK)
        job_fail(result.text);
    job->answer = result.sum;
}

/* ---- ways -------------------------------------------------------------------------------- */

static void remote(struct job *job)
{
    job_begin(job);
    uint64_t request = ask(job);
    meantime_wait(session, request, -1);
    take(job, request);
    job_end(job);
}

static void local(struct job *job)
{
    job_begin(job);
    job_local(job);
    job_end(job);
}

static void overlap(struct job *job)
{
    job_begin(job);
    uint64_t request = ask(job);
    meantime_overlap(session, request, job_slice, job, 0);
    take(job, request);
    job_end(job);
}

static void *ask_and_wait(void *argument)
{
    struct job *job = argument;
    uint64_t request = ask(job);

    meantime_wait(session, request, -1);
    take(job, request);
    return NULL;
}

static void threads(struct job *job)
{
    pthread_t thread;

    job_begin(job);
    if (pthread_create(&thread, NULL, ask_and_wait, job) != 0)
        job_fail("cannot start a thread");
    job_local(job);
    pthread_join(thread, NULL);
    job_end(job);
}

int main(int argc, char **argv)
{
    static const struct job_named ways[] = {
        {"remote", remote},   {"local", local}, {"overlap", overlap},
        {"threads", threads}, {NULL, NULL},
    };
    struct job job;

    (void)argc;
    job_parse(&job, argv);
    session = meantime_new();
    if (!session || meantime_connect(session, job.server) != MEANTIME_OK)
        job_fail("cannot open a session");
    job_run(&job, ways);
    meantime_close(&session);
    return EXIT_SUCCESS;
}
