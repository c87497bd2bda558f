/* Which instructions the processor and the system let programs use. */
#ifndef MEANTIME_SUMS_CPU_H
#define MEANTIME_SUMS_CPU_H

#include <stdbool.h>

/* In test builds, MEANTIME_CPU_MASK in the environment hides features of the processor, for
 * instance "avx512f,fma". Returns true if it hides this one. */
#ifdef MEANTIME_TEST_HOOKS
bool cpu_masked(const char *feature);
#else
#define cpu_masked(feature) false
#endif

#if defined(__x86_64__)
/* True if the processor has the feature and the system lets programs use it. */
#define CPU_HAS(feature) (__builtin_cpu_supports(feature) && !cpu_masked(feature))
#endif

#endif
