/* Collects, judges and prints the findings. */
#include "tests/quality/findings.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

void findings_add(struct findings *findings, double p, const char *text, ...)
{
    assert(findings->count < FINDINGS_MAX);
    struct finding *finding = &findings->list[findings->count++];
    va_list arguments;
    va_start(arguments, text);
    int length = vsnprintf(finding->text, sizeof finding->text, text, arguments);
    va_end(arguments);
    assert(length > 0 && length < (int)sizeof finding->text);
    assert(strstr(finding->text, ": "));
    finding->p = p;
}

bool findings_pass(const struct findings *findings, const struct finding *finding)
{
    double limit = FALSE_ALARM / findings->count / 2;
    return finding->p >= limit && finding->p <= 1 - limit;
}

unsigned findings_failures(const struct findings *findings)
{
    unsigned failures = 0;
    for (unsigned i = 0; i < findings->count; i++)
        failures += !findings_pass(findings, &findings->list[i]);
    return failures;
}

static void print(const struct finding *finding, const char *verdict, bool markdown, FILE *file)
{
    const char *colon = strstr(finding->text, ": ");
    int length = (int)(colon - finding->text);
    if (markdown)
        fprintf(file, "| %.*s | %s | %.4g | %s |\n", length, finding->text, colon + 2, finding->p,
                verdict);
    else
        fprintf(file, "%-42.*s %-40s p = %-10.4g %s\n", length, finding->text, colon + 2,
                finding->p, verdict);
}

void findings_print(const struct findings *findings, bool markdown, FILE *file)
{
    if (markdown)
        fputs("| test | statistic | p | verdict |\n|---|---|---|---|\n", file);
    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        print(finding, findings_pass(findings, finding) ? "pass" : "FAIL", markdown, file);
    }
}
