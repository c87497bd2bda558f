/* Findings: what each test has found, and the verdict over all of them. */
#ifndef MEANTIME_TESTS_QUALITY_FINDINGS_H
#define MEANTIME_TESTS_QUALITY_FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#define FINDINGS_MAX 200

/* Chance of a failure if nothing is wrong, over all findings together, of which each gets an equal
 * share (C. E. Bonferroni, 1936), and half of that at either end. */
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

/* Better than chance is as bad as worse. A p-value that is no number fails. To be asked when all
 * findings are there. */
bool findings_pass(const struct findings *findings, const struct finding *finding);

/* Number of findings that fail. */
unsigned findings_failures(const struct findings *findings);

/* A line each: name, statistic, p-value, verdict; as a table in Markdown if wanted. */
void findings_print(const struct findings *findings, bool markdown, FILE *file);

#endif
