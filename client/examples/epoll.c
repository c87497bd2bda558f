/* A session in an epoll loop of one's own, beside a clock that ticks. Usage: epoll ENDPOINT */
#include <meantime.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct program {
    struct meantime *m;
    int clock;
    int ticks;
    int left; /* requests in flight */
};

/* What is to be done when a descriptor is readable. */
struct source {
    void (*wake)(struct program *program);
};

static void tick(struct program *program)
{
    uint64_t times;

    if (read(program->clock, &times, sizeof times) == sizeof times)
        program->ticks += (int)times;
}

/* After a look, all that has ended is to be taken: the descriptor tells of it once. */
static void look(struct program *program)
{
    struct meantime_result result;

    meantime_look(program->m);
    while (meantime_take(program->m, MEANTIME_ANY, &result) == 1) {
        program->left--;
        if (result.error == MEANTIME_OK)
            printf("request %d: sum %.17g\n", (int)result.request, result.sum);
        else
            printf("request %d: %s\n", (int)result.request, result.text);
    }
}

static bool add(int epoll, int fd, struct source *source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void loop(struct program *program, int epoll)
{
    struct epoll_event events[2];

    while (program->left > 0) {
        int count = epoll_wait(epoll, events, 2, -1);
        for (int i = 0; i < count; i++)
            ((struct source *)events[i].data.ptr)->wake(program);
    }
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 10000000};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    struct program program = {.m = meantime_new(),
                              .clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
    struct source clock = {tick}, session = {look};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t request;

    if (argc != 2 || !program.m || meantime_connect(program.m, argv[1]) != MEANTIME_OK ||
        timerfd_settime(program.clock, 0, &every, NULL) != 0 ||
        !add(epoll, program.clock, &clock) || !add(epoll, meantime_fd(program.m), &session)) {
        fprintf(stderr, "usage: epoll ENDPOINT\n");
        return 1;
    }
    for (; question.seed < 3; question.seed++)
        program.left += meantime_ask(program.m, &question, &request) == MEANTIME_OK;
    loop(&program, epoll);
    printf("%d ticks meanwhile\n", program.ticks);
    meantime_close(&program.m);
    close(program.clock);
    close(epoll);
    return 0;
}
