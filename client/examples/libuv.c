/* A session in a libuv loop. Usage: libuv ENDPOINT */
#include <meantime.h>
#include <stdio.h>
#include <uv.h>

struct program {
    struct meantime *m;
    uv_poll_t session;
    uv_timer_t clock;
    int ticks;
    int left; /* requests in flight */
};

static void tick(uv_timer_t *clock)
{
    struct program *program = clock->data;

    program->ticks++;
}

/* After a look, all that has ended is to be taken. Without handles, the loop ends. */
static void look(uv_poll_t *session, int status, int events)
{
    struct program *program = session->data;
    struct meantime_result result;

    (void)status, (void)events;
    meantime_look(program->m);
    while (meantime_take(program->m, MEANTIME_ANY, &result) == 1) {
        program->left--;
        if (result.error == MEANTIME_OK)
            printf("request %d: sum %.17g\n", (int)result.request, result.sum);
        else
            printf("request %d: %s\n", (int)result.request, result.text);
    }
    if (program->left == 0) {
        uv_close((uv_handle_t *)&program->session, NULL);
        uv_close((uv_handle_t *)&program->clock, NULL);
    }
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 10000000};
    struct program program = {.m = meantime_new()};
    uv_loop_t *loop = uv_default_loop();
    uint64_t request;

    if (argc != 2 || !program.m || meantime_connect(program.m, argv[1]) != MEANTIME_OK) {
        fprintf(stderr, "usage: libuv ENDPOINT\n");
        return 1;
    }
    uv_poll_init(loop, &program.session, meantime_fd(program.m));
    uv_timer_init(loop, &program.clock);
    program.session.data = program.clock.data = &program;
    for (; question.seed < 3; question.seed++)
        program.left += meantime_ask(program.m, &question, &request) == MEANTIME_OK;
    uv_poll_start(&program.session, UV_READABLE, look);
    uv_timer_start(&program.clock, tick, 1, 1);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("%d ticks meanwhile\n", program.ticks);
    meantime_close(&program.m);
    return uv_loop_close(loop) != 0;
}
