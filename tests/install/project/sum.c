/* Another project's program, which compiles as C and as C++. Usage: sum ENDPOINT */
#include <meantime.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct meantime *m = meantime_new();
    struct meantime_question question;
    struct meantime_result result;
    uint64_t request;

    memset(&question, 0, sizeof question);
    question.kind = MEANTIME_GAUSSIAN;
    question.count = 65536;
    if (argc != 2 || !m || meantime_connect(m, argv[1]) != MEANTIME_OK ||
        meantime_ask(m, &question, &request) != MEANTIME_OK || meantime_wait(m, request, -1) != 1 ||
        meantime_take(m, request, &result) != 1)
        return 1;
    if (result.error == MEANTIME_OK)
        printf("%.16g\n", result.sum);
    else
        fprintf(stderr, "%s: %s\n", meantime_error_text(result.error), result.text);
    meantime_close(&m);
    return result.error == MEANTIME_OK ? 0 : 1;
}
