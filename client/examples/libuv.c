/* A session in a libuv loop. Usage: libuv ENDPOINT */
#include <meantime.h>
#include <stdio.h>
#include <uv.h>

struct uv_example {
    struct meantime *m;
    uv_poll_t session;
    uv_timer_t clock;
    int ticks;
    int left; /* requests in flight */
};

static void tick(uv_timer_t *clock)
{
    struct uv_example *example = clock->data;

    example->ticks++;
}

/* Looks, and takes all results. After the last result, closes the handles, which ends the loop. */
static void look(uv_poll_t *session, int status, int events)
{
    struct uv_example *example = session->data;
    struct meantime_result result;

    (void)status, (void)events;
    meantime_look(example->m);
    while (meantime_take(example->m, MEANTIME_ANY, &result) == 1) {
        example->left--;
        if (result.error == MEANTIME_OK)
            printf("request %d: sum %.17g\n", (int)result.request, result.sum);
        else
            printf("request %d: %s\n", (int)result.request, result.text);
    }
    if (example->left == 0) {
        uv_close((uv_handle_t *)&example->session, NULL);
        uv_close((uv_handle_t *)&example->clock, NULL);
    }
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 10000000};
    struct uv_example example = {.m = meantime_new()};
    uv_loop_t *loop = uv_default_loop();
    uint64_t request;

    if (argc != 2 || !example.m || meantime_connect(example.m, argv[1]) != MEANTIME_OK) {
        fprintf(stderr, "usage: libuv ENDPOINT\n");
        return 1;
    }
    uv_poll_init(loop, &example.session, meantime_fd(example.m));
    uv_timer_init(loop, &example.clock);
    example.session.data = example.clock.data = &example;
    for (; question.seed < 3; question.seed++)
        example.left += meantime_ask(example.m, &question, &request) == MEANTIME_OK;
    uv_poll_start(&example.session, UV_READABLE, look);
    uv_timer_start(&example.clock, tick, 1, 1);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("%d ticks meanwhile\n", example.ticks);
    meantime_close(&example.m);
    return uv_loop_close(loop) != 0;
}
