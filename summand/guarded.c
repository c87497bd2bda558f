/* Memory between two pages without access rights. */
#include "summand/guarded.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whole pages. */
static size_t room_of(size_t bytes)
{
    return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

void *guarded_init(struct guarded *guarded, size_t bytes)
{
    size_t page = page_bytes(), room = room_of(bytes);
    assert(bytes % ALIGNMENT == 0);
    *guarded = (struct guarded){0};
    char *start = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (mprotect(start + page, room, PROT_READ | PROT_WRITE) == -1) {
        munmap(start, room + 2 * page);
        return NULL;
    }
    guarded->data = start + page + room - bytes;
    guarded->bytes = bytes;
    return guarded->data;
}

void guarded_clear(struct guarded *guarded)
{
    size_t page = page_bytes(), room = room_of(guarded->bytes);
    if (guarded->data)
        munmap((char *)guarded->data + guarded->bytes - room - page, room + 2 * page);
    *guarded = (struct guarded){0};
}
