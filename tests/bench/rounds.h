/* What programs share that measure their rows in turn, round after round. */
#ifndef MEANTIME_BENCH_ROUNDS_H
#define MEANTIME_BENCH_ROUNDS_H

#define ROUNDS_MAX 1000

/* Reads the number of rounds from the command line: argv[1], or 15. Exits with 2 if it is not from
 * 1 to ROUNDS_MAX. */
int rounds_of(int argc, char **argv);

/* The processor time of this process. */
double cpu_ns(void);

/* Sorts the values. count: 1 or more. */
double median(double *values, int count);

#endif
