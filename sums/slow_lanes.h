/* Lists the numbers of slow draws without branches. */
#ifndef MEANTIME_SUMS_SLOW_LANES_H
#define MEANTIME_SUMS_SLOW_LANES_H

#include <stdint.h>
#include <string.h>

/* The compiler computes the table: for each mask of 8 lanes, the numbers of the lanes whose bits
 * are set, one in each byte, in ascending order. The byte of a lane follows those of the lanes
 * below. */
#define LANE_BIT(mask, lane)         ((uint64_t)(mask) >> (lane)&1)
#define LANES_BELOW_2(mask)          (LANE_BIT(mask, 0) + LANE_BIT(mask, 1))
#define LANES_BELOW_4(mask)          (LANES_BELOW_2(mask) + LANE_BIT(mask, 2) + LANE_BIT(mask, 3))
#define LANES_BELOW_6(mask)          (LANES_BELOW_4(mask) + LANE_BIT(mask, 4) + LANE_BIT(mask, 5))
#define LANE_BYTE(mask, lane, below) (LANE_BIT(mask, lane) * (lane) << 8 * (below))
#define LANES_OF(mask)                                                                             \
    (LANE_BYTE(mask, 1, LANE_BIT(mask, 0)) | LANE_BYTE(mask, 2, LANES_BELOW_2(mask)) |             \
     LANE_BYTE(mask, 3, LANES_BELOW_2(mask) + LANE_BIT(mask, 2)) |                                 \
     LANE_BYTE(mask, 4, LANES_BELOW_4(mask)) |                                                     \
     LANE_BYTE(mask, 5, LANES_BELOW_4(mask) + LANE_BIT(mask, 4)) |                                 \
     LANE_BYTE(mask, 6, LANES_BELOW_6(mask)) |                                                     \
     LANE_BYTE(mask, 7, LANES_BELOW_6(mask) + LANE_BIT(mask, 6)))
#define LANES_IN(mask)  (LANES_BELOW_6(mask) + LANE_BIT(mask, 6) + LANE_BIT(mask, 7))
#define OF_4(f, mask)   f(mask), f(mask + 1), f(mask + 2), f(mask + 3)
#define OF_16(f, mask)  OF_4(f, mask), OF_4(f, mask + 4), OF_4(f, mask + 8), OF_4(f, mask + 12)
#define OF_64(f, mask)  OF_16(f, mask), OF_16(f, mask + 16), OF_16(f, mask + 32), OF_16(f, mask + 48)
#define OF_ALL_MASKS(f) OF_64(f, 0), OF_64(f, 64), OF_64(f, 128), OF_64(f, 192)

#define NTH_LANE(mask, n) (LANES_OF(mask) >> 8 * (n)&0xff)
#define LANE_LIST(mask)                                                                            \
    {                                                                                              \
        NTH_LANE(mask, 0), NTH_LANE(mask, 1), NTH_LANE(mask, 2), NTH_LANE(mask, 3),                \
            NTH_LANE(mask, 4), NTH_LANE(mask, 5), NTH_LANE(mask, 6), NTH_LANE(mask, 7)             \
    }

typedef uint16_t draw_numbers __attribute__((vector_size(16)));

static const draw_numbers slow_lanes[256] = {OF_ALL_MASKS(LANE_LIST)};
static const uint8_t slow_counts[256] = {OF_ALL_MASKS(LANES_IN)};

/* Appends the numbers of the slow draws of a row to a list. Writes up to 8 entries beyond the new
 * end of the list. first: number of the row's first draw. mask: a bit for each slow draw of the
 * row. Returns the new length of the list. */
static inline uint32_t slow_append(uint16_t *list, uint32_t length, uint32_t first, uint32_t mask)
{
    for (unsigned i = 0; i < 32; i += 8) {
        draw_numbers numbers = slow_lanes[mask >> i & 0xff] + (uint16_t)(first + i);
        memcpy(list + length, &numbers, sizeof numbers);
        length += slow_counts[mask >> i & 0xff];
    }
    return length;
}

#endif
