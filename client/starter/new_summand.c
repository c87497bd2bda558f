/* Writes the starter file of a summand. */
#include "client/starter/new_summand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/common/exit_status.h"
#include "proto/bounds.h"

/* @ stands for the name. */
static const char starter[] =
    "/* @: the mean of a function of random numbers.\n"
    " *\n"
    " * Build:  cc -O3 -fPIC -shared $(pkg-config --cflags meantime-summand) -o @.so @.c\n"
    " * Check:  meantime-server --check ./@.so\n"
    " * Serve:  meantime-server --summand ./@.so\n"
    " * Sum:    meantime sum 100M --summand @ --parameters \"strike=1.1\"\n"
    " *\n"
    " * The example is a call option: the mean of max(price - strike, 0). Replace it by a\n"
    " * function of your own. It must depend on nothing but its samples and parameters: no\n"
    " * clock, no rand(), no static variable that changes. The functions of meantime_math.h\n"
    " * have the same bits on each processor, those of math.h do not. */\n"
    "#include <meantime_math.h>\n"
    "#include <meantime_summand.h>\n"
    "\n"
    "struct parameters {\n"
    "    double strike, volatility;\n"
    "};\n"
    "\n"
    "/* Name, place, standard value, least and largest value. */\n"
    "static const struct meantime_parameter table[] = {\n"
    "    {\"strike\", offsetof(struct parameters, strike), 1, 0, 100},\n"
    "    {\"volatility\", offsetof(struct parameters, volatility), 0.2, 0, 5},\n"
    "    {NULL, 0, 0, 0, 0},\n"
    "};\n"
    "\n"
    "/* One term. samples: first the Gaussian ones (mean 0, variance 1), then the uniform\n"
    " * ones (from 0 to below 1). */\n"
    "static double term(const double *samples, const struct parameters *p)\n"
    "{\n"
    "    double price = meantime_exp(p->volatility * (samples[0] - 0.5 * p->volatility));\n"
    "\n"
    "    return price > p->strike ? price - p->strike : 0;\n"
    "}\n"
    "\n"
    "/* Each term needs 1 Gaussian and 0 uniform samples. */\n"
    "MEANTIME_TERM(\"@\", term, struct parameters, table, 1, 0)\n";

static void print_starter(FILE *out, const char *name)
{
    for (const char *c = starter; *c; c++)
        if (*c == '@')
            fputs(name, out);
        else
            fputc(*c, out);
}

static int fail(const char *file)
{
    const char *advice = errno == EEXIST ? "; remove it, or choose another name" : "";

    fprintf(stderr, "meantime: cannot write %s: %s%s\n", file, strerror(errno), advice);
    return EXIT_FAILURE;
}

/* Removes a file that is incomplete. */
static bool write_starter(const char *file, const char *name)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *out = fd == -1 ? NULL : fdopen(fd, "w");

    if (!out)
        return false;
    print_starter(out, name);
    bool good = fflush(out) == 0;
    int error = errno;
    good = fclose(out) == 0 && good;
    if (!good)
        unlink(file);
    errno = good ? 0 : error;
    return good;
}

int new_summand_command(const char *name)
{
    char file[SUMMAND_NAME_BYTES_MAX + sizeof ".c"];

    snprintf(file, sizeof file, "%s.c", name);
    if (!write_starter(file, name))
        return fail(file);
    printf("Wrote %s. Its first lines say how to build, check, serve and sum it.\n", file);
    return EXIT_SUCCESS;
}
