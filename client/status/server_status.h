/* How a server is: asking it, page by page, until all of its workers and requests are known. */
#ifndef MEANTIME_CLIENT_STATUS_SERVER_STATUS_H
#define MEANTIME_CLIENT_STATUS_SERVER_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/status.h"

/* endpoint: kept, not copied. head: of the first page; its own lists are not used. */
struct server_status {
    const char *endpoint;
    struct status_reply head;
    struct worker_status *workers;
    uint32_t worker_count;
    struct request_status *requests;
    uint32_t request_count;
    char error_text[TEXT_BYTES_MAX + 256]; /* a sentence */
};

/* Waits up to timeout_ns for each page; 0: some seconds. False with `trouble`. To be cleared in
 * either case. */
bool server_status_ask(struct server_status *status, const char *endpoint, int64_t timeout_ns);
void server_status_clear(struct server_status *status);

/* For people, and as one JSON object. */
void server_status_print(FILE *out, const struct server_status *status);
void server_status_report(FILE *out, const struct server_status *status);
void server_status_report_error(FILE *out, const struct server_status *status);

#endif
