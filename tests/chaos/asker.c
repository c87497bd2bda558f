/* Sends random requests of a table with libmeantime, a few at a time, and checks every result.
 * tests/chaos/session.py runs it while it kills, freezes and restarts the servers.
 *
 * usage: asker TABLE SEED ENDPOINTS    TABLE: lines of KIND SEED FIRST COUNT UNITS-HIGH UNITS-LOW
 *
 * At the end of stdin all servers are up and stay up. The program then sends its last requests,
 * which must be answered. It prints "WRONG: ..." for each failure, and counts of all results at the
 * end. */
#include <inttypes.h>
#include <meantime.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/instant.h"
#include "tests/support/chance.h"

#define ENTRIES_MAX 256
#define WINDOW_MAX  4

/* A busy machine may be this late after a timeout. The last requests may take LAST_NS. */
#define SLACK_NS (20000 * NS_PER_MS)
#define LAST_NS  (120000 * NS_PER_MS)

struct entry {
    struct meantime_question question;
    int64_t high;
    uint64_t low;
};

struct asker {
    struct meantime *m;
    struct entry entries[ENTRIES_MAX];
    size_t count;
    struct chance chance;
    int in_flight, wrong;
    uint64_t answered, retries, cancelled, timed_out, no_server, lost;
};

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

/* ---- requests ------------------------------------------------------------------------------- */

static void ask(struct asker *asker, int64_t timeout_ns)
{
    struct meantime_question *question =
        &asker->entries[chance_below(&asker->chance, asker->count)].question;
    uint64_t request;

    question->timeout_ns = timeout_ns;
    question->server = (unsigned)chance_below(&asker->chance, 3);
    if (meantime_ask(asker->m, question, &request) != MEANTIME_OK) {
        printf("WRONG: meantime_ask() fails\n");
        asker->wrong++;
        return;
    }
    asker->in_flight++;
    if (chance_below(&asker->chance, 20) == 0)
        meantime_cancel(asker->m, request);
}

static void wrong(struct asker *asker, const struct meantime_result *result, const char *why)
{
    const struct entry *entry = result->user;

    printf("WRONG: %s: %" PRIu64 " samples of seed %" PRIu64 ", after %" PRId64
           " ms, error %d: %s\n",
           why, entry->question.count, entry->question.seed, result->elapsed_ns / NS_PER_MS,
           (int)result->error, result->text);
    asker->wrong++;
}

static void check_sum(struct asker *asker, const struct meantime_result *result)
{
    const struct entry *entry = result->user;

    asker->answered++;
    asker->retries += result->attempts - 1;
    if (result->sum_high != entry->high || result->sum_low != entry->low ||
        result->count != entry->question.count)
        wrong(asker, result, "wrong bits");
}

/* timeout_ns: of these requests. must: every request must be answered. */
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
    default: wrong(asker, result, "unexpected error");
    }
    if (must)
        wrong(asker, result, "no answer although all servers are up");
}

/* Sends `window` requests and waits for their results. */
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
    asker.chance.state = strtoull(arguments[2], NULL, 10);
    while (!stdin_has_ended())
        round_of(&asker, 1 + chance_below(&asker.chance, WINDOW_MAX),
                 (int64_t)(200 + chance_below(&asker.chance, 8000)) * NS_PER_MS, false);
    round_of(&asker, WINDOW_MAX, LAST_NS, true);
    meantime_close(&asker.m);
    printf("answered %" PRIu64 " retries %" PRIu64 " cancelled %" PRIu64 " timed_out %" PRIu64
           " no_server %" PRIu64 " lost %" PRIu64 "\n",
           asker.answered, asker.retries, asker.cancelled, asker.timed_out, asker.no_server,
           asker.lost);
    return asker.wrong ? 1 : 0;
}
