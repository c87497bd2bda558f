/* A program on libmeantime that is always at work: asks for random sums of a table, a few at once,
 * and looks whether each ends as it should. tests/chaos/session.py runs it beside servers that are
 * killed, frozen and started again.
 *
 * usage: asker TABLE SEED ENDPOINTS    TABLE: lines of KIND SEED FIRST COUNT UNITS-HIGH UNITS-LOW
 *
 * At the end of stdin all servers are there for good: it asks once more, and that must be answered.
 * Prints "WRONG: ..." for what is wrong, and at last how many requests ended how. */
#include <inttypes.h>
#include <meantime.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS INT64_C(1000000)

#define ENTRIES_MAX 256
#define WINDOW_MAX  4

/* What a busy machine may add to a timeout, and how long the last request may take. */
#define SLACK_NS (20000 * MS)
#define LAST_NS  (120000 * MS)

struct entry {
    struct meantime_question question;
    int64_t high;
    uint64_t low;
};

struct asker {
    struct meantime *m;
    struct entry entries[ENTRIES_MAX];
    size_t count;
    uint64_t chance;
    int in_flight, wrong;
    uint64_t answered, again, cancelled, timed_out, no_server, lost;
};

/* splitmix64 */
static uint64_t below(struct asker *asker, uint64_t limit)
{
    uint64_t x = asker->chance += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 31) % limit;
}

static bool read_table(struct asker *asker, const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned kind;

    if (!file)
        return false;
    while (asker->count < ENTRIES_MAX) {
        struct entry *entry = &asker->entries[asker->count];
        struct meantime_question *question = &entry->question;
        if (fscanf(file, "%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNu64, &kind,
                   &question->seed, &question->first, &question->count, &entry->high,
                   &entry->low) != 6)
            break;
        question->kind = (enum meantime_kind)kind;
        question->user = entry;
        asker->count++;
    }
    fclose(file);
    return asker->count > 0;
}

/* ---- asking ------------------------------------------------------------------------------- */

static void ask(struct asker *asker, int64_t timeout_ns)
{
    struct meantime_question *question = &asker->entries[below(asker, asker->count)].question;
    uint64_t request;

    question->timeout_ns = timeout_ns;
    question->server = (unsigned)below(asker, 3);
    if (meantime_ask(asker->m, question, &request) != MEANTIME_OK) {
        printf("WRONG: a question cannot be asked\n");
        asker->wrong++;
        return;
    }
    asker->in_flight++;
    if (below(asker, 20) == 0)
        meantime_cancel(asker->m, request);
}

static void wrong(struct asker *asker, const struct meantime_result *result, const char *why)
{
    const struct entry *entry = result->user;

    printf("WRONG: %s: %" PRIu64 " samples of seed %" PRIu64 ", after %" PRId64
           " ms, error %d: %s\n",
           why, entry->question.count, entry->question.seed, result->elapsed_ns / MS,
           (int)result->error, result->text);
    asker->wrong++;
}

static void check_sum(struct asker *asker, const struct meantime_result *result)
{
    const struct entry *entry = result->user;

    asker->answered++;
    asker->again += result->attempts - 1;
    if (result->sum_high != entry->high || result->sum_low != entry->low ||
        result->count != entry->question.count)
        wrong(asker, result, "other bits");
}

/* timeout_ns: of all that is asked at a time. must: an error will not do. */
static void check(struct asker *asker, const struct meantime_result *result, int64_t timeout_ns,
                  bool must)
{
    asker->in_flight--;
    if (result->elapsed_ns > timeout_ns + SLACK_NS)
        wrong(asker, result, "late");
    switch ((int)result->error) {
    case MEANTIME_OK: check_sum(asker, result); return;
    case MEANTIME_CANCELLED: asker->cancelled++; return;
    case MEANTIME_TIMED_OUT:
        asker->timed_out++;
        if (result->elapsed_ns < timeout_ns)
            wrong(asker, result, "early");
        break;
    case MEANTIME_NO_SERVER: asker->no_server++; break;
    case MEANTIME_SERVER_LOST: asker->lost++; break;
    default: wrong(asker, result, "not to be expected");
    }
    if (must)
        wrong(asker, result, "no answer, and all servers are there");
}

/* A few at once, until all have ended. */
static void round_of(struct asker *asker, uint64_t window, int64_t timeout_ns, bool must)
{
    struct meantime_result result;

    while (window-- > 0)
        ask(asker, timeout_ns);
    while (asker->in_flight > 0) {
        if (meantime_wait(asker->m, MEANTIME_ANY, timeout_ns + 2 * SLACK_NS) != 1) {
            printf("WRONG: a request does not end\n");
            exit(1);
        }
        while (meantime_take(asker->m, MEANTIME_ANY, &result) == 1)
            check(asker, &result, timeout_ns, must);
    }
}

static bool stdin_has_ended(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&fd, 1, 0) != 0;
}

int main(int count, char **arguments)
{
    static struct asker asker;

    if (count != 4 || !read_table(&asker, arguments[1]) || !(asker.m = meantime_new()) ||
        meantime_connect(asker.m, arguments[3]) != MEANTIME_OK) {
        fprintf(stderr, "usage: asker TABLE SEED ENDPOINTS\n");
        return 2;
    }
    asker.chance = strtoull(arguments[2], NULL, 10);
    while (!stdin_has_ended())
        round_of(&asker, 1 + below(&asker, WINDOW_MAX), (int64_t)(200 + below(&asker, 8000)) * MS,
                 false);
    round_of(&asker, WINDOW_MAX, LAST_NS, true);
    meantime_close(&asker.m);
    printf("answered %" PRIu64 " again %" PRIu64 " cancelled %" PRIu64 " timed_out %" PRIu64
           " no_server %" PRIu64 " lost %" PRIu64 "\n",
           asker.answered, asker.again, asker.cancelled, asker.timed_out, asker.no_server,
           asker.lost);
    return asker.wrong ? 1 : 0;
}
