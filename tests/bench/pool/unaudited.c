/* The dispatcher's audits for a front that audits only the first totals of each worker. Only the
 * benchmark uses it: the difference to the real server is the price of the audits. */
#include "server/core/audits.h"

#undef AUDIT_ONE_IN
#define AUDIT_ONE_IN UINT64_MAX
#include "server/core/audits.c"
