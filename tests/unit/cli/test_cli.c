/* The leaves of the command line: suggestions for misspelt names, and variables of options. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "cli/environment.h"
#include "cli/suggestion.h"

static const char *suggest(const char *word)
{
    static const char *const names[] = {"serial", "async",   "compare",  "sum",   "status",
                                        "help",   "timeout", "timeline", "trace", "for"};
    struct suggestion suggestion;

    suggestion_init(&suggestion, word);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        suggestion_try(&suggestion, names[i]);
    return suggestion.name ? suggestion.name : "-";
}

Test(suggestion, the_distance_counts_insertions_deletions_replacements_and_swaps)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"async", "async", 0},
        {"asyncc", "async", 1},
        {"aync", "async", 1},
        {"asynk", "async", 1},
        {"asnyc", "async", 1},
        {"ASYNC", "async", 0},
        {"kitten", "sitting", 3},
        {"ab", "ba", 1},
        {"abc", "", 3},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(suggestion_distance(rows[i].a, rows[i].b) == rows[i].distance, "row %zu", i);
        cr_expect(suggestion_distance(rows[i].b, rows[i].a) == rows[i].distance, "row %zu", i);
    }
}

Test(suggestion, a_similar_word_finds_the_name)
{
    static const char *const rows[][2] = {
        {"asnyc", "async"},      {"asinc", "async"},      {"ASYNC", "async"},
        {"asyncc", "async"},     {"a-sync", "async"},     {"comp", "compare"},
        {"cmopare", "compare"},  {"stat", "status"},      {"statsu", "status"},
        {"sume", "sum"},         {"smu", "sum"},          {"su", "sum"},
        {"timline", "timeline"}, {"time-out", "timeout"}, {"fro", "for"},
        {"halp", "help"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(suggest(rows[i][0]), rows[i][1], "%s", rows[i][0]);
}

Test(suggestion, a_word_that_is_not_similar_finds_nothing)
{
    static const char *const words[] = {
        "",       "x",
        "idle",   "fast",
        "10M",    "run",
        "server", "a word that is much longer than every name of a command or an option"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_expect_str_eq(suggest(words[i]), "-", "%s", words[i]);
}

Test(environment, a_variable_has_the_name_of_its_option_in_capitals)
{
    char variable[VARIABLE_BYTES_MAX];

    cr_assert_str_eq(variable_name("connect", variable), "MEANTIME_CONNECT");
    cr_assert_str_eq(variable_name("span-us", variable), "MEANTIME_SPAN_US");
}

Test(environment, an_empty_variable_is_not_set)
{
    setenv("MEANTIME_SPAN_US", "", 1);
    cr_assert(variable_text("span-us") == NULL);
    setenv("MEANTIME_SPAN_US", "7", 1);
    cr_assert_str_eq(variable_text("span-us"), "7");
    unsetenv("MEANTIME_SPAN_US");
    cr_assert(variable_text("span-us") == NULL);
}

Test(environment, a_switch_is_on_or_off)
{
    static const struct {
        const char *text;
        bool valid, on;
    } rows[] = {
        {"1", true, true},  {"true", true, true},   {"yes", true, true},     {"On", true, true},
        {"0", true, false}, {"FALSE", true, false}, {"no", true, false},     {"off", true, false},
        {"", false, false}, {"2", false, false},    {"maybe", false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool on = false;
        cr_expect(variable_switch(rows[i].text, &on) == rows[i].valid, "row %zu", i);
        cr_expect(on == rows[i].on, "row %zu", i);
    }
}
