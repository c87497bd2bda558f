/* A summand of a later version of the interface. */
#include <meantime_summand.h>

const struct meantime_summand meantime_summand = {2, 0, "later", NULL, NULL, NULL, NULL};
