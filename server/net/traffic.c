/* The bytes of one connection that libzmq holds. */
#include "server/net/traffic.h"

/* Bytes of a frame's header: for up to UINT8_MAX bytes, and for more. */
#define HEADER_BYTES      2
#define LONG_HEADER_BYTES 9

/* Bytes of a PING without context, as libzmq sends it, and of the PONG that answers it. A context
 * adds as many bytes to both. */
#define PING_BYTES 9
#define PONG_BYTES 7

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

size_t traffic_frame_bytes(const struct traffic_totals *totals, size_t size)
{
    size += totals->frame_overhead;
    return size + (size > UINT8_MAX ? LONG_HEADER_BYTES : HEADER_BYTES);
}

/* ---- totals ------------------------------------------------------------------------------ */

static bool is_unended(const struct traffic *traffic)
{
    return traffic->unread_bytes >
           (traffic->settled ? UNREAD_BYTES_TOLERATED : HANDSHAKE_BYTES_MAX);
}

/* Adds the connection to the totals, or removes it. */
static void total_unread(struct traffic_totals *totals, const struct traffic *traffic, int sign)
{
    if (traffic->abandoned)
        return;
    totals->unread_bytes += (uint64_t)sign * traffic->unread_bytes;
    totals->unread_count += (uint32_t)sign * is_unended(traffic);
    totals->sharers += (uint32_t)sign * (traffic->unread_bytes > UNREAD_BYTES_FAIR);
}

static void set_pending(struct traffic_totals *totals, struct traffic *traffic, uint64_t bytes)
{
    totals->pending_bytes += bytes - traffic->pending_bytes;
    traffic->pending_bytes = bytes;
}

void traffic_end(struct traffic_totals *totals, struct traffic *traffic)
{
    total_unread(totals, traffic, -1);
    set_pending(totals, traffic, 0);
    if (!traffic->abandoned)
        totals->residue_bytes += traffic->unread_bytes;
    *traffic = (struct traffic){.settled = false};
}

void traffic_all_read(struct traffic_totals *totals)
{
    totals->round++;
    totals->residue_bytes = 0;
}

void traffic_read(const struct traffic_totals *totals, struct traffic *traffic, size_t bytes)
{
    traffic->read_bytes += bytes;
    traffic->read_in = totals->round;
    traffic->unended_since_ns = 0;
}

/* ---- inspection -------------------------------------------------------------------------- */

/* Bytes of PINGs, as the PONGs tell. */
static uint64_t ping_bytes(const struct traffic_totals *totals, const struct traffic *traffic)
{
    uint64_t pongs = less(traffic->counts.written, traffic->written_before + traffic->handed_bytes);

    return pongs * (PING_BYTES + totals->frame_overhead) / (PONG_BYTES + totals->frame_overhead);
}

/* After the first message, when all messages are read, the rest is the handshake. */
static void settle(const struct traffic_totals *totals, struct traffic *traffic)
{
    if (traffic->settled || traffic->read_in == 0 || traffic->read_in == totals->round ||
        less(traffic->unread_bytes, ping_bytes(totals, traffic)) > HANDSHAKE_BYTES_MAX)
        return;
    traffic->read_bytes += traffic->unread_bytes;
    traffic->unread_bytes = 0;
    traffic->written_before = less(traffic->counts.written, traffic->handed_bytes);
    traffic->settled = true;
}

static void inspect_unread(const struct traffic_totals *totals, struct traffic *traffic,
                           int64_t now_ns)
{
    uint64_t before = traffic->unread_bytes;

    if (traffic->read_bytes > traffic->counts.received)
        traffic->read_bytes = traffic->counts.received;
    traffic->unread_bytes = traffic->counts.received - traffic->read_bytes;
    settle(totals, traffic);
    traffic->unread_bytes = less(traffic->unread_bytes, ping_bytes(totals, traffic));
    if (traffic->unread_bytes != before) {
        traffic->changed_at_ns = now_ns;
        traffic->changed_in = totals->round;
    }
    if (!is_unended(traffic))
        traffic->unended_since_ns = 0;
    else if (traffic->unended_since_ns == 0) {
        traffic->unended_since_ns = now_ns;
        traffic->unended_in = totals->round;
    }
}

/* If more bytes are acknowledged than the messages have, the others are the handshake and PONGs. */
static void inspect_pending(struct traffic_totals *totals, struct traffic *traffic)
{
    uint64_t acked = less(traffic->counts.acked, traffic->acked_before);

    if (acked > traffic->handed_bytes) {
        traffic->acked_before += acked - traffic->handed_bytes;
        acked = traffic->handed_bytes;
    }
    set_pending(totals, traffic, traffic->handed_bytes - acked);
}

void traffic_inspect(struct traffic_totals *totals, struct traffic *traffic,
                     const struct tcp_counts *counts, int64_t now_ns)
{
    total_unread(totals, traffic, -1);
    traffic->counts = *counts;
    inspect_unread(totals, traffic, now_ns);
    inspect_pending(totals, traffic);
    total_unread(totals, traffic, 1);
}

bool traffic_is_active(const struct traffic *traffic)
{
    return traffic->throttled || traffic->abandoned || traffic->pending_bytes > 0 ||
           is_unended(traffic) || (!traffic->settled && traffic->read_in > 0);
}

/* ---- unread bytes ------------------------------------------------------------------------ */

static uint64_t held_bytes(const struct traffic_totals *totals)
{
    return totals->unread_bytes + totals->residue_bytes;
}

/* The connections with more than UNREAD_BYTES_FAIR unread bytes share UNREAD_BYTES_MAX. */
uint64_t traffic_limit(const struct traffic_totals *totals)
{
    if (held_bytes(totals) <= UNREAD_BYTES_MAX || totals->sharers == 0)
        return UINT64_MAX;
    uint64_t share = UNREAD_BYTES_MAX / totals->sharers;
    return share > UNREAD_BYTES_FAIR ? share : UNREAD_BYTES_FAIR;
}

/* All messages were read since then, and these bytes are still unread. */
static bool is_stuck(const struct traffic_totals *totals, const struct traffic *traffic)
{
    return traffic->unended_since_ns != 0 && traffic->unended_in + 1 < totals->round;
}

/* While too many bytes are unread, UNENDED_MANY_NS applies to connections that have as many as the
 * average, or more. */
static bool does_not_end(const struct traffic_totals *totals, const struct traffic *traffic,
                         int64_t now_ns)
{
    bool many = totals->unread_bytes > UNREAD_BYTES_MAX &&
                traffic->unread_bytes <= UNENDED_MANY_BYTES &&
                traffic->unread_bytes * totals->unread_count >= totals->unread_bytes;
    bool unchanged = traffic->throttled && traffic->changed_in < totals->round &&
                     traffic->changed_at_ns + UNCHANGED_NS <= now_ns;

    return is_stuck(totals, traffic) &&
           ((many && traffic->unended_since_ns + UNENDED_MANY_NS <= now_ns) || unchanged ||
            traffic->unended_since_ns + UNENDED_NS <= now_ns);
}

static bool may_resume(const struct traffic_totals *totals, const struct traffic *traffic)
{
    return traffic->unread_bytes <= UNREAD_BYTES_FAIR &&
           (traffic->read_in > 0 || held_bytes(totals) <= UNREAD_BYTES_MAX);
}

static enum verdict judge(const struct traffic_totals *totals, const struct traffic *traffic,
                          uint64_t limit, int64_t now_ns)
{
    if (traffic->abandoned)
        return traffic->throttled && traffic->throttled_in < totals->round ? VERDICT_DISCONNECT
                                                                           : VERDICT_NONE;
    if (does_not_end(totals, traffic, now_ns))
        return VERDICT_ABANDON;
    if (!traffic->throttled)
        return traffic->unread_bytes > limit ? VERDICT_THROTTLE : VERDICT_NONE;
    return may_resume(totals, traffic) ? VERDICT_RESUME : VERDICT_NONE;
}

static void throttle(const struct traffic_totals *totals, struct traffic *traffic)
{
    traffic->throttled = true;
    traffic->throttled_in = totals->round;
}

void traffic_abandon(struct traffic_totals *totals, struct traffic *traffic)
{
    if (!traffic->abandoned) {
        total_unread(totals, traffic, -1);
        totals->residue_bytes += traffic->unread_bytes;
    }
    traffic->abandoned = true;
    throttle(totals, traffic);
}

enum verdict traffic_judge(struct traffic_totals *totals, struct traffic *traffic, uint64_t limit,
                           int64_t now_ns)
{
    enum verdict verdict = judge(totals, traffic, limit, now_ns);

    switch (verdict) {
    case VERDICT_NONE: break;
    case VERDICT_THROTTLE: throttle(totals, traffic); break;
    case VERDICT_ABANDON: traffic_abandon(totals, traffic); break;
    case VERDICT_RESUME:
    case VERDICT_DISCONNECT: traffic->throttled = false; break;
    }
    return verdict;
}

bool traffic_throttle_new(const struct traffic_totals *totals, struct traffic *traffic)
{
    if (held_bytes(totals) <= UNREAD_BYTES_MAX)
        return false;
    throttle(totals, traffic);
    return true;
}

/* ---- pending bytes ----------------------------------------------------------------------- */

bool traffic_has_room(const struct traffic_totals *totals, const struct traffic *traffic,
                      size_t bytes)
{
    return traffic->pending_bytes == 0 || (traffic->pending_bytes + bytes <= PENDING_BYTES_FAIR &&
                                           totals->pending_bytes + bytes <= PENDING_BYTES_MAX);
}

void traffic_hand(struct traffic_totals *totals, struct traffic *traffic, size_t bytes, bool status)
{
    traffic->handed_bytes += bytes;
    set_pending(totals, traffic, traffic->pending_bytes + bytes);
    if (status)
        traffic->status_bytes_handed = traffic->handed_bytes;
}

bool traffic_status_is_pending(const struct traffic *traffic)
{
    return traffic->handed_bytes - traffic->pending_bytes < traffic->status_bytes_handed;
}
