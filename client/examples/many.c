/* Many requests at once over two servers. Each server sums every second part of a range. If one
 * server is lost, the other one sums its parts. Usage: many ENDPOINT ENDPOINT */
#include <math.h>
#include <meantime.h>
#include <stdio.h>

#define PARTS        100
#define PART_SAMPLES 1000000

/* The parts are 128-bit integers in the same unit, so their sum is exact in any order. */
struct sum_of_parts {
    __int128 units;
    int unit_log2;
    int parts;
};

static void add(struct sum_of_parts *sum, const struct meantime_result *part)
{
    if (part->error != MEANTIME_OK) {
        fprintf(stderr, "%s\n", part->text);
        return;
    }
    sum->units += (__int128)((unsigned __int128)part->sum_high << 64 | part->sum_low);
    sum->unit_log2 = part->unit_log2;
    sum->parts++;
}

static int ask_all(struct meantime *m)
{
    struct meantime_question question = {.kind = MEANTIME_GAUSSIAN, .count = PART_SAMPLES};
    uint64_t request;
    int asked = 0;

    for (unsigned i = 0; i < PARTS; i++) {
        question.first = (uint64_t)i * PART_SAMPLES;
        question.server = i; /* alternates between the two servers */
        asked += meantime_ask(m, &question, &request) == MEANTIME_OK;
    }
    return asked;
}

int main(int argc, char **argv)
{
    struct meantime *m = meantime_new();
    struct meantime_result result;
    struct sum_of_parts sum = {.parts = 0};

    if (argc != 3 || !m || meantime_connect(m, argv[1]) != MEANTIME_OK ||
        meantime_connect(m, argv[2]) != MEANTIME_OK) {
        fprintf(stderr, "usage: many ENDPOINT ENDPOINT\n");
        return 1;
    }
    for (int left = ask_all(m); left > 0 && meantime_wait(m, MEANTIME_ANY, -1) == 1;)
        for (; meantime_take(m, MEANTIME_ANY, &result) == 1; left--)
            add(&sum, &result);
    printf("%d parts, sum %.17g\n", sum.parts, ldexp((double)sum.units, sum.unit_log2));
    meantime_close(&m);
    return sum.parts == PARTS ? 0 : 1;
}
