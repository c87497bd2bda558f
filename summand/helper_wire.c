/* Packs the totals of a span into a message, and unpacks them; moves descriptors. */
#include "summand/helper_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "proto/outputs.h"

int helper_descriptor_move(int file)
{
    int high = file == -1 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, HELPER_DESCRIPTORS);
    if (file != -1)
        ERRNO_SAVED(close(file));
    return high;
}

struct total_head {
    int32_t unit_log2;
    uint16_t length;
} __attribute__((packed));

static size_t total_pack(const struct exact_total *total, uint8_t *bytes)
{
    struct total_head head = {total->unit_log2, total->length};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, total->units, total->length);
    return sizeof head + total->length;
}

size_t output_pack(const struct helper_output *output, uint8_t *bytes)
{
    size_t name = strlen(output->name) + 1, size = name;
    memcpy(bytes, output->name, name);
    bytes[size++] = output->has_squares;
    size += total_pack(&output->sum, bytes + size);
    if (output->has_squares)
        size += total_pack(&output->squares, bytes + size);
    return size;
}

static size_t total_unpack(struct exact_total *total, enum exact_form form, uint64_t count,
                           const uint8_t *bytes, size_t size)
{
    struct total_head head;
    if (size < sizeof head)
        return 0;
    memcpy(&head, bytes, sizeof head);
    if (head.length > sizeof total->units || head.length > size - sizeof head)
        return 0;
    total->unit_log2 = head.unit_log2;
    total->length = head.length;
    memcpy(total->units, bytes + sizeof head, head.length);
    return exact_total_valid(total, form, count) ? sizeof head + head.length : 0;
}

size_t output_unpack(struct helper_output *output, uint64_t count, const uint8_t *bytes,
                     size_t size)
{
    size_t name = strnlen((const char *)bytes, size), at = name + 2, part;
    if (name == 0 || name > MEANTIME_NAME_MAX || at > size || bytes[name + 1] > 1)
        return 0;
    memcpy(output->name, bytes, name + 1);
    if (!output_name_valid(output->name))
        return 0;
    output->has_squares = bytes[name + 1];
    if (!(part = total_unpack(&output->sum, EXACT_SUM, count, bytes + at, size - at)))
        return 0;
    at += part;
    if (!output->has_squares)
        return at;
    part = total_unpack(&output->squares, EXACT_SQUARES, count, bytes + at, size - at);
    return part ? at + part : 0;
}
