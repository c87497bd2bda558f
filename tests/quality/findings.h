/* Findings: the statistic and the p-value of each test, and the verdicts. */
#ifndef MEANTIME_TESTS_QUALITY_FINDINGS_H
#define MEANTIME_TESTS_QUALITY_FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#define FINDINGS_MAX 200

/* The probability that any finding fails although nothing is wrong. Each finding gets an equal
 * share (C. E. Bonferroni, 1936), half of it at either end of its p-values. */
#define FALSE_ALARM 1e-6

struct finding {
    char text[120]; /* name: statistic */
    double p;       /* probability of a larger statistic */
};

struct findings {
    unsigned count;
    struct finding list[FINDINGS_MAX];
};

/* text: "name: statistic", as with printf. */
void findings_add(struct findings *findings, double p, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns true if the p-value is inside the limits. A fit that is better than chance fails as well,
 * and so does a NaN. Call it after all findings have been added, because the limits depend on their
 * number. */
bool findings_pass(const struct findings *findings, const struct finding *finding);

/* Returns the number of findings that fail. */
unsigned findings_failures(const struct findings *findings);

/* Prints a line for each finding: name, statistic, p-value, verdict. markdown: as a table. */
void findings_print(const struct findings *findings, bool markdown, FILE *file);

#endif
