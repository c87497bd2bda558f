#include "client/pictures/record.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/printable.h"

bool record_init(struct record *record)
{
    *record = (struct record){.grain = 1, .near_end = UINT64_MAX};
    record->turns = malloc(RECORD_TURNS_MAX * sizeof *record->turns);
    return record->turns;
}

void record_clear(struct record *record)
{
    free(record->turns);
    record->turns = NULL;
}

static struct lapse since_begin(const struct record *record, int64_t began_at_ns,
                                int64_t ended_at_ns)
{
    assert(began_at_ns <= ended_at_ns);
    return (struct lapse){began_at_ns - record->began_at_ns, ended_at_ns - record->began_at_ns};
}

/* Names come from the command line and may be any bytes; files want text. */
static size_t copy_printable(char *words, size_t used, const char *from)
{
    for (; *from && used < RECORD_WORDS_BYTES - 1; from++)
        words[used++] = printable_or_mark(*from);
    words[used] = '\0';
    return used;
}

/* ---- turns ------------------------------------------------------------------------------- */

/* `later` is the next neighbour. */
static void join(struct turn *turn, const struct turn *later)
{
    turn->lapse.end_ns = later->lapse.end_ns;
    turn->slice_ns += later->slice_ns;
    turn->look_ns += later->look_ns;
    turn->slices += later->slices;
    turn->looks += later->looks;
}

/* All turns hold `grain` slices, and are an even number. */
static void merge_neighbours(struct record *record)
{
    for (size_t i = 0; i < record->turn_count / 2; i++) {
        record->turns[i] = record->turns[2 * i];
        join(&record->turns[i], &record->turns[2 * i + 1]);
    }
    record->turn_count /= 2;
    record->grain *= 2;
}

static struct turn *last_turn(struct record *record)
{
    assert(record->turn_count > 0);
    return &record->turns[record->turn_count - 1];
}

static void add_turn(struct record *record, const struct turn *turn)
{
    if (record->turn_count > 0 && last_turn(record)->slices < record->grain) {
        join(last_turn(record), turn);
        return;
    }
    if (record->turn_count == RECORD_TURNS_MAX)
        merge_neighbours(record);
    record->turns[record->turn_count++] = *turn;
}

void record_slice(struct record *record, int64_t began_at_ns, int64_t ended_at_ns)
{
    struct turn turn = {.lapse = since_begin(record, began_at_ns, ended_at_ns), .slices = 1};

    turn.slice_ns = lapse_ns(turn.lapse);
    add_turn(record, &turn);
    if (record->near_written < record->near_end)
        record->near[record->near_written++ % RECORD_NEAR_MAX] = turn;
}

static void add_look(struct turn *turn, struct lapse look)
{
    turn->lapse.end_ns = look.end_ns;
    turn->look_ns += lapse_ns(look);
    turn->looks++;
}

void record_look(struct record *record, int64_t began_at_ns, int64_t ended_at_ns)
{
    struct lapse look = since_begin(record, began_at_ns, ended_at_ns);

    assert(record->near_end == UINT64_MAX); /* nobody looks for what is there */
    add_look(last_turn(record), look);
    add_look(&record->near[(record->near_written - 1) % RECORD_NEAR_MAX], look);
}

void record_wait(struct record *record, int64_t began_at_ns, int64_t ended_at_ns)
{
    record->wait = since_begin(record, began_at_ns, ended_at_ns);
}

/* ---- the request ------------------------------------------------------------------------- */

void record_begin(struct record *record, int64_t at_ns)
{
    record->began_at_ns = at_ns;
}

void record_asked(struct record *record, int64_t at_ns)
{
    record->asked_ns = at_ns - record->began_at_ns;
}

static void add_mark(struct record *record, const struct mark *mark)
{
    if (record->mark_count < RECORD_MARKS_MAX)
        record->marks[record->mark_count++] = *mark;
}

static void left(struct record *record, int64_t at_ns, const struct meantime_progress *progress)
{
    struct mark mark = {.type = MARK_LEFT, .at_ns = at_ns};
    size_t used = copy_printable(mark.words, 0, progress->left_endpoint);

    used = copy_printable(mark.words, used, " ");
    copy_printable(mark.words, used, progress->left_because);
    add_mark(record, &mark);
}

/* A server was asked at the begin of what was heard, as far as anybody knows; but not before
 * another one was left. */
void record_heard(struct record *record, int64_t began_at_ns, int64_t ended_at_ns,
                  const struct meantime_progress *progress)
{
    struct lapse heard = since_begin(record, began_at_ns, ended_at_ns);
    bool is_left = progress->outages > record->outages;

    if (is_left)
        left(record, heard.end_ns, progress);
    if (progress->attempts > record->attempts)
        add_mark(record, &(struct mark){.type = MARK_ASKED,
                                        .at_ns = is_left ? heard.end_ns : heard.begin_ns});
    record->attempts = progress->attempts;
    record->outages = progress->outages;
}

void record_over(struct record *record, int64_t at_ns, const char *trouble)
{
    record->outcome = trouble ? OUTCOME_FAILED : OUTCOME_ANSWERED;
    record->over_ns = at_ns - record->began_at_ns;
    record->near_end = record->near_written + RECORD_NEAR_MAX / 2;
    if (trouble)
        copy_printable(record->trouble, 0, trouble);
}

void record_end(struct record *record, int64_t at_ns)
{
    record->ended_ns = at_ns - record->began_at_ns;
    if (record->outcome == OUTCOME_OPEN)
        record->over_ns = record->ended_ns;
}

/* ---- for reading ------------------------------------------------------------------------- */

/* When stretch `number` begins. News of a last moment may be heard after it. */
static int64_t stretch_begin(const struct record *record, size_t number)
{
    int64_t begin_ns = number > 0 ? record->marks[number - 1].at_ns : record->asked_ns;
    return begin_ns < record->over_ns ? begin_ns : record->over_ns;
}

static uint64_t attempt_of(const struct record *record, size_t number)
{
    uint64_t attempt = 0;

    if (number == 0 || record->marks[number - 1].type == MARK_LEFT)
        return 0;
    for (size_t i = 0; i < number; i++)
        attempt += record->marks[i].type == MARK_ASKED;
    return attempt;
}

struct stretch record_stretch(const struct record *record, size_t number)
{
    bool last = number == record->mark_count;
    struct stretch stretch = {.attempt = attempt_of(record, number)};

    assert(number <= record->mark_count);
    stretch.lapse.begin_ns = stretch_begin(record, number);
    stretch.lapse.end_ns = last ? record->over_ns : stretch_begin(record, number + 1);
    stretch.answered = last && stretch.attempt > 0 && record->outcome == OUTCOME_ANSWERED;
    if (!last && record->marks[number].type == MARK_LEFT)
        stretch.left = record->marks[number].words;
    return stretch;
}

struct turn record_whole(const struct record *record)
{
    struct turn whole = {0};

    if (record->turn_count > 0)
        whole.lapse = record->turns[0].lapse;
    for (size_t i = 0; i < record->turn_count; i++)
        join(&whole, &record->turns[i]);
    return whole;
}

size_t record_near_count(const struct record *record)
{
    return record->near_written < RECORD_NEAR_MAX ? record->near_written : RECORD_NEAR_MAX;
}

const struct turn *record_near(const struct record *record, size_t number)
{
    assert(number < record_near_count(record));
    uint64_t oldest = record->near_written - record_near_count(record);
    return &record->near[(oldest + number) % RECORD_NEAR_MAX];
}
