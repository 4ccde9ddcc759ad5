/*
 * lib/ipc/blocked.c - encoder and decoder of the list of blocked addresses.
 */
#include "lib/ipc/blocked.h"

#include <string.h>

int
blocked_encode(struct strbuf *out, uint16_t type, const struct blocked_part *part)
{
    struct writer w = frame_begin(out, type, 0);

    writer_u8(&w, part->anew);
    writer_u8(&w, part->whole);
    writer_u32(&w, part->count);
    for (uint32_t i = 0; i < part->count; i++) {
        writer_bytes(&w, slice_make(part->items[i].ip.bytes, sizeof(part->items[i].ip.bytes)));
        writer_u64(&w, (uint64_t)part->items[i].logins_until_ms);
        writer_u64(&w, (uint64_t)part->items[i].admins_until_ms);
    }
    return frame_end(&w);
}

static void
read_item(struct reader *r, struct blocked_item *item)
{
    struct slice ip = reader_bytes(r, sizeof(item->ip.bytes));

    *item = (struct blocked_item){.logins_until_ms = (int64_t)reader_u64(r),
                                  .admins_until_ms = (int64_t)reader_u64(r)};
    if (ip.len == sizeof(item->ip.bytes))
        memcpy(item->ip.bytes, ip.ptr, ip.len);
    if (!blocked_address_is_valid(&item->ip) || item->logins_until_ms < 0 ||
        item->admins_until_ms < 0)
        r->failed = true;
}

int
blocked_decode(struct slice payload, struct blocked_part *part,
               struct blocked_item items[BLOCKED_ITEMS_MAX])
{
    struct reader r = reader_begin(payload);
    uint8_t anew = reader_u8(&r), whole = reader_u8(&r);

    *part = (struct blocked_part){.anew = anew == 1, .whole = whole == 1, .items = items};
    part->count = reader_count(&r, BLOCKED_ITEMS_MAX);
    for (uint32_t i = 0; i < part->count && !r.failed; i++)
        read_item(&r, &items[i]);
    return reader_end(&r) < 0 || anew > 1 || whole > 1 ? -1 : 0;
}
