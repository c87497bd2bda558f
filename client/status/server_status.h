/* Asks a server for its status, page by page, and prints the whole status. */
#ifndef MEANTIME_CLIENT_STATUS_SERVER_STATUS_H
#define MEANTIME_CLIENT_STATUS_SERVER_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "keys/identity.h"
#include "proto/status.h"

struct server_status {
    const char *endpoint;          /* kept, not copied */
    struct status_reply head;      /* the first page, without its lists */
    struct worker_status *workers; /* of all pages */
    uint32_t worker_count;
    struct request_status *requests; /* of all pages */
    uint32_t request_count;
    char error_text[TEXT_BYTES_MAX + 256]; /* after a failure: a sentence without its full stop */
};

/* Waits up to timeout_ns for each page; 0: 5 seconds. On failure sets error_text and returns false.
 * In both cases the caller must call server_status_clear(). */
bool server_status_ask(struct server_status *status, const char *endpoint,
                       const struct identity *identity, int64_t timeout_ns);
void server_status_clear(struct server_status *status);

/* As text for users. */
void server_status_print(FILE *out, const struct server_status *status);

/* As one JSON object on one line. */
void server_status_report(FILE *out, const struct server_status *status);
void server_status_report_error(FILE *out, const struct server_status *status);

#endif
