/* The sums of a function of yours: asks for two ranges of terms at once, adds their exact totals,
 * and estimates the mean. Usage: summand ENDPOINT NAME [PARAMETERS]
 *
 * A server offers the function: meantime-server --summand ./NAME.so */
#include <meantime.h>
#include <stdio.h>

#define PARTS          2
#define TERMS_PER_PART 500000

/* Adds the totals of a part to those of the parts before it. */
static int add(struct meantime_output *into, const struct meantime_output *part)
{
    if (meantime_total_add(&into->sum, &part->sum))
        return MEANTIME_INVALID;
    return into->has_squares ? meantime_total_add(&into->squares, &part->squares) : MEANTIME_OK;
}

/* Takes the results of all parts in any order. The first output of the function is enough here.
 * Parts of different builds of the function do not belong together. */
static int take_all(struct meantime *m, struct meantime_output *whole)
{
    struct meantime_result result;
    uint64_t build = 0;

    for (int part = 0; part < PARTS; part++) {
        meantime_wait(m, MEANTIME_ANY, -1);
        if (meantime_take(m, MEANTIME_ANY, &result) != 1 || result.error != MEANTIME_OK) {
            fprintf(stderr, "no sum: %s\n", result.text);
            return MEANTIME_REFUSED;
        }
        if (part == 0)
            *whole = result.outputs[0];
        else if (result.build != build || add(whole, &result.outputs[0]))
            return MEANTIME_NONSENSE;
        build = result.build;
    }
    return MEANTIME_OK;
}

int main(int argc, char **argv)
{
    struct meantime_question question = {.seed = 42, .count = TERMS_PER_PART};
    struct meantime *m = meantime_new();
    struct meantime_output whole;
    struct meantime_estimate mean;
    uint64_t request;
    int error = argc >= 3 && m ? meantime_connect(m, argv[1]) : MEANTIME_INVALID;

    question.summand = argc >= 3 ? argv[2] : NULL;
    question.parameters = argc >= 4 ? argv[3] : NULL;
    for (int part = 0; error == MEANTIME_OK && part < PARTS; part++) {
        question.first = (uint64_t)part * TERMS_PER_PART;
        error = meantime_ask(m, &question, &request);
    }
    if (error == MEANTIME_OK)
        error = take_all(m, &whole);
    if (error == MEANTIME_OK)
        error = meantime_estimate(PARTS * TERMS_PER_PART, &whole.sum,
                                  whole.has_squares ? &whole.squares : NULL, &mean);
    if (error == MEANTIME_OK)
        printf("%s: mean %.17g, standard error %.2g\n", whole.name, mean.mean, mean.standard_error);
    else
        fprintf(stderr, "%s\n", meantime_error_text(error));
    meantime_close(&m);
    return error != MEANTIME_OK;
}
