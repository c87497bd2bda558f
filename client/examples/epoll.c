/* A session in the program's own epoll loop, beside a timer. Usage: epoll ENDPOINT */
#include <meantime.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct example {
    struct meantime *m;
    int clock;
    int ticks;
    int left; /* requests in flight */
};

/* A descriptor, and what to do when it is readable. */
struct source {
    void (*wake)(struct example *example);
};

static void tick(struct example *example)
{
    uint64_t times;

    if (read(example->clock, &times, sizeof times) == sizeof times)
        example->ticks += (int)times;
}

/* Looks, and takes all results: the descriptor reports each result only once. */
static void look(struct example *example)
{
    struct meantime_result result;

    meantime_look(example->m);
    while (meantime_take(example->m, MEANTIME_ANY, &result) == 1) {
        example->left--;
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

static void loop(struct example *example, int epoll)
{
    struct epoll_event events[2];

    while (example->left > 0) {
        int count = epoll_wait(epoll, events, 2, -1);
        for (int i = 0; i < count; i++)
            ((struct source *)events[i].data.ptr)->wake(example);
    }
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 10000000};
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    struct example example = {.m = meantime_new(),
                              .clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
    struct source clock = {tick}, session = {look};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t request;

    if (argc != 2 || !example.m || meantime_connect(example.m, argv[1]) != MEANTIME_OK ||
        timerfd_settime(example.clock, 0, &every, NULL) != 0 ||
        !add(epoll, example.clock, &clock) || !add(epoll, meantime_fd(example.m), &session)) {
        fprintf(stderr, "usage: epoll ENDPOINT\n");
        return 1;
    }
    for (; question.seed < 3; question.seed++)
        example.left += meantime_ask(example.m, &question, &request) == MEANTIME_OK;
    loop(&example, epoll);
    printf("%d ticks meanwhile\n", example.ticks);
    meantime_close(&example.m);
    close(example.clock);
    close(epoll);
    return 0;
}
