/* Composes the messages that end a request or a membership. Part of the dispatcher. */
#ifndef MEANTIME_SERVER_CORE_ANSWERS_H
#define MEANTIME_SERVER_CORE_ANSWERS_H

#include "server/core/dispatcher_state.h"

/* Puts a refusal into d->answer, as the effect `type` to the client or worker `peer`. At most one
 * answer a step. id: of the request, or 0. retry_after_ms: 0 if a retry is of no use. */
__attribute__((format(printf, 7, 8))) void answer_refuse(struct dispatcher *d,
                                                         enum effect_type type, uint32_t peer,
                                                         uint64_t id, enum refusal_code code,
                                                         uint32_t retry_after_ms, const char *text,
                                                         ...);

/* Writes the answer to a request that has ended: the sum reply if its code is REFUSAL_NONE, else
 * the refusal. */
void answer_request(struct dispatcher *d, const struct request *r, struct message *message);

#endif
