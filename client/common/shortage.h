/* Says what a program lacks, and how to raise the limit. */
#ifndef MEANTIME_CLIENT_COMMON_SHORTAGE_H
#define MEANTIME_CLIENT_COMMON_SHORTAGE_H

/* Returns the text for an errno of meantime_new() or rehearse_context(), without a full stop. */
const char *shortage_text(int error);

#endif
