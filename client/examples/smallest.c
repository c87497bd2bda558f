/* The smallest overlap: this program counts primes while a server sums. Usage: smallest ENDPOINT */
#include <meantime.h>
#include <stdio.h>

struct primes {
    uint64_t at, end, found;
};

/* Tests `units` numbers, or as many as are left. Returns how many. */
static uint64_t count_primes(void *state, uint64_t units)
{
    struct primes *primes = state;
    uint64_t tried = 0, divisor;

    for (; tried < units && primes->at < primes->end; tried++, primes->at++) {
        for (divisor = 2; divisor * divisor <= primes->at && primes->at % divisor;)
            divisor++;
        primes->found += divisor * divisor > primes->at;
    }
    return tried;
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = 10000000};
    struct meantime_result result = {.error = MEANTIME_INVALID};
    struct primes primes = {.at = 2, .end = 500000};
    struct meantime *m = meantime_new();
    uint64_t request;
    int error = argc == 2 && m ? meantime_connect(m, argv[1]) : MEANTIME_INVALID;

    if (error == MEANTIME_OK)
        error = meantime_ask(m, &question, &request);
    if (error == MEANTIME_OK)
        error = meantime_overlap(m, request, count_primes, &primes, 0);
    if (error == MEANTIME_OK)
        meantime_take(m, request, &result);
    if (result.error == MEANTIME_OK)
        printf("%d primes, sum %.17g\n", (int)primes.found, result.sum);
    else
        fprintf(stderr, "no sum: %s\n", error ? meantime_error_text(error) : result.text);
    meantime_close(&m);
    return result.error != MEANTIME_OK;
}
