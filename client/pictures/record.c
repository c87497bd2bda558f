/* Records when the two tasks of a lesson were busy. */
#include "client/pictures/record.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/instant.h"
#include "proto/printable.h"

bool record_init(struct record *record)
{
    *record = (struct record){.slices_per_pass = 1, .near_end = UINT64_MAX};
    record->passes = malloc(RECORD_PASSES_MAX * sizeof *record->passes);
    return record->passes;
}

void record_clear(struct record *record)
{
    free(record->passes);
    record->passes = NULL;
}

static struct interval since_begin(const struct record *record, int64_t began_at_ns,
                                   int64_t ended_at_ns)
{
    assert(began_at_ns <= ended_at_ns);
    return (struct interval){began_at_ns - record->began_at_ns, ended_at_ns - record->began_at_ns};
}

/* Appends `from` to the first `used` bytes of `text`. Names from the command line may have any
 * bytes; the picture files need printable text. */
static size_t append_printable(char *text, size_t used, const char *from)
{
    for (; *from && used < RECORD_TEXT_BYTES - 1; from++)
        text[used++] = printable_or_mark(*from);
    text[used] = '\0';
    return used;
}

/* ---- passes ------------------------------------------------------------------------------ */

/* Merges `next`, which follows `pass`, into `pass`. */
static void merge(struct loop_pass *pass, const struct loop_pass *next)
{
    pass->interval.end_ns = next->interval.end_ns;
    pass->slice_ns += next->slice_ns;
    pass->look_ns += next->look_ns;
    pass->slices += next->slices;
    pass->looks += next->looks;
}

/* Every pass has slices_per_pass slices, and the number of passes is even. */
static void merge_neighbours(struct record *record)
{
    for (size_t i = 0; i < record->pass_count / 2; i++) {
        record->passes[i] = record->passes[2 * i];
        merge(&record->passes[i], &record->passes[2 * i + 1]);
    }
    record->pass_count /= 2;
    record->slices_per_pass *= 2;
}

static struct loop_pass *last_pass(struct record *record)
{
    assert(record->pass_count > 0);
    return &record->passes[record->pass_count - 1];
}

static void add_pass(struct record *record, const struct loop_pass *pass)
{
    if (record->pass_count > 0 && last_pass(record)->slices < record->slices_per_pass) {
        merge(last_pass(record), pass);
        return;
    }
    if (record->pass_count == RECORD_PASSES_MAX)
        merge_neighbours(record);
    record->passes[record->pass_count++] = *pass;
}

void record_slice(struct record *record, int64_t began_at_ns, int64_t ended_at_ns)
{
    struct loop_pass pass = {.interval = since_begin(record, began_at_ns, ended_at_ns),
                             .slices = 1};

    pass.slice_ns = interval_ns(pass.interval);
    add_pass(record, &pass);
    if (record->near_written < record->near_end)
        record->near[record->near_written++ % RECORD_NEAR_MAX] = pass;
}

static void add_look(struct loop_pass *pass, struct interval look)
{
    pass->interval.end_ns = look.end_ns;
    pass->look_ns += interval_ns(look);
    pass->looks++;
}

void record_look(struct record *record, int64_t began_at_ns, int64_t ended_at_ns)
{
    struct interval look = since_begin(record, began_at_ns, ended_at_ns);

    assert(record->near_end == UINT64_MAX); /* after the reply there are no looks */
    add_look(last_pass(record), look);
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

void record_request_sent(struct record *record, int64_t at_ns)
{
    record->sent_ns = at_ns - record->began_at_ns;
}

static void add_mark(struct record *record, const struct mark *mark)
{
    if (record->mark_count < RECORD_MARKS_MAX)
        record->marks[record->mark_count++] = *mark;
}

static void add_lost(struct record *record, int64_t at_ns, const struct meantime_progress *progress)
{
    struct mark mark = {.type = MARK_LOST, .at_ns = at_ns};
    size_t used = append_printable(mark.text, 0, progress->left_endpoint);

    used = append_printable(mark.text, used, " ");
    append_printable(mark.text, used, progress->left_because);
    add_mark(record, &mark);
}

/* The progress counts attempts and outages, without times. An attempt gets the start of the look as
 * its time. If the look also finds an outage, the attempt follows the outage, at the look's end. */
void record_progress(struct record *record, int64_t began_at_ns, int64_t ended_at_ns,
                     const struct meantime_progress *progress)
{
    struct interval look = since_begin(record, began_at_ns, ended_at_ns);
    bool is_lost = progress->outages > record->outages;

    if (is_lost)
        add_lost(record, look.end_ns, progress);
    if (progress->attempts > record->attempts)
        add_mark(record, &(struct mark){.type = MARK_ATTEMPT,
                                        .at_ns = is_lost ? look.end_ns : look.begin_ns});
    record->attempts = progress->attempts;
    record->outages = progress->outages;
}

void record_request_over(struct record *record, int64_t at_ns, const char *reason)
{
    record->outcome = reason ? RECORD_FAILED : RECORD_ANSWERED;
    record->over_ns = at_ns - record->began_at_ns;
    record->near_end = record->near_written + RECORD_NEAR_MAX / 2;
    if (reason)
        append_printable(record->reason, 0, reason);
}

void record_end(struct record *record, int64_t at_ns)
{
    record->ended_ns = at_ns - record->began_at_ns;
    if (record->outcome == RECORD_OPEN)
        record->over_ns = record->ended_ns;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* When phase `number` begins. The look that finds a mark may end after the request is over. */
static int64_t phase_begin_ns(const struct record *record, size_t number)
{
    int64_t begin_ns = number > 0 ? record->marks[number - 1].at_ns : record->sent_ns;

    return earlier(begin_ns, record->over_ns);
}

static uint64_t attempt_of(const struct record *record, size_t number)
{
    uint64_t attempt = 0;

    if (number == 0 || record->marks[number - 1].type == MARK_LOST)
        return 0;
    for (size_t i = 0; i < number; i++)
        attempt += record->marks[i].type == MARK_ATTEMPT;
    return attempt;
}

struct request_phase record_phase(const struct record *record, size_t number)
{
    bool last = number == record->mark_count;
    struct request_phase phase = {.attempt = attempt_of(record, number)};

    assert(number <= record->mark_count);
    phase.interval.begin_ns = phase_begin_ns(record, number);
    phase.interval.end_ns = last ? record->over_ns : phase_begin_ns(record, number + 1);
    phase.answered = last && phase.attempt > 0 && record->outcome == RECORD_ANSWERED;
    if (!last && record->marks[number].type == MARK_LOST)
        phase.lost = record->marks[number].text;
    return phase;
}

struct loop_pass record_all_passes(const struct record *record)
{
    struct loop_pass all = {0};

    if (record->pass_count > 0)
        all.interval = record->passes[0].interval;
    for (size_t i = 0; i < record->pass_count; i++)
        merge(&all, &record->passes[i]);
    return all;
}

size_t record_near_count(const struct record *record)
{
    return record->near_written < RECORD_NEAR_MAX ? record->near_written : RECORD_NEAR_MAX;
}

const struct loop_pass *record_near(const struct record *record, size_t number)
{
    assert(number < record_near_count(record));
    uint64_t oldest = record->near_written - record_near_count(record);
    return &record->near[(oldest + number) % RECORD_NEAR_MAX];
}
