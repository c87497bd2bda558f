/* How outputs and offers are read and written. Only message.c and status.c include this header,
 * like proto/wire.h. */
#ifndef MEANTIME_PROTO_OUTPUTS_WIRE_H
#define MEANTIME_PROTO_OUTPUTS_WIRE_H

#include "proto/outputs.h"
#include "proto/wire.h"

/* The structs that protobuf-c requires: they must live until the message is packed. */
struct wire_outputs {
    Meantime__Output outputs[OUTPUTS_MAX];
    Meantime__Total sums[OUTPUTS_MAX];
    Meantime__Total squares[OUTPUTS_MAX];
    Meantime__Output *pointers[OUTPUTS_MAX];
};

struct wire_offers {
    Meantime__Summand summands[OFFERS_MAX];
    Meantime__Summand *pointers[OFFERS_MAX];
};

/* Returns the reason why an output is out of range, or NULL. count: terms that the outputs sum. */
const char *outputs_wrong(const struct outputs *outputs, uint64_t count);

/* Fills in `outputs`, whose list and names are in the arena. Returns a reason if the arena is full,
 * or NULL. The caller then calls outputs_wrong(). */
const char *outputs_read(struct decode_arena *arena, Meantime__Output *const *wire, size_t count,
                         struct outputs *outputs);

void outputs_write(const struct outputs *outputs, struct wire_outputs *wire);

/* The same for offers. */
extern const char offers_too_many[];
const char *offer_wrong(const struct offer *offer);
const char *offers_wrong(const struct offers *offers);
void offer_read(const Meantime__Summand *wire, struct offer *offer);
const char *offers_read(struct decode_arena *arena, Meantime__Summand *const *wire, size_t count,
                        struct offers *offers);
void offers_write(const struct offers *offers, struct wire_offers *wire);

#endif
