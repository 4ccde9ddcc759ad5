/*
 * lib/store/record.c - the bytes of a mailbox journal. No I/O, no allocation but the caller's
 * buffer.
 *
 * Input: whatever a journal file holds, after a power cut or from an enemy; every length is held
 * against what is there before it is used.
 */
#include "lib/store/record.h"

#include <errno.h>
#include <string.h>

#include "lib/base/crc32c.h"

#define RECORD_MAGIC 0x72634850u  /* "PHcr" */
#define TRAILER_MAGIC 0x74634850u /* "PHct" */
#define RECORD_OVERHEAD (sizeof(struct record_header) + sizeof(struct record_trailer))

struct item_header {
    uint32_t length; /* with this header, a multiple of 8 */
    uint16_t type;
    uint16_t zero;
};
struct flags_head {
    uint32_t off, on;
    uint64_t keywords_off, keywords_on;
};
struct origin_head {
    uint32_t range_count, name_len;
    char mailbox_id[24];
};
struct arrival_head {
    struct message m;
    int64_t saved_ms;
    uint32_t crc;
    uint8_t name_len, key_len, email_id_len, unique_len;
};
_Static_assert(sizeof(struct arrival_head) == 56, "on disk");

void
journal_header_seal(struct journal_header *h)
{
    memcpy(h->magic, JOURNAL_MAGIC, sizeof(h->magic));
    h->version = JOURNAL_VERSION;
    h->header_size = sizeof(*h);
    memset(h->zero, 0, sizeof(h->zero));
    h->crc = crc32c(0, slice_make(h, offsetof(struct journal_header, crc)));
}

int
journal_header_check(const struct journal_header *h)
{
    bool good = memcmp(h->magic, JOURNAL_MAGIC, sizeof(h->magic)) == 0 &&
                h->header_size == sizeof(*h) && h->mailbox_id[sizeof(h->mailbox_id) - 1] == '\0' &&
                h->uidvalidity != 0 &&
                h->crc == crc32c(0, slice_make(h, offsetof(struct journal_header, crc)));

    if (good && h->version == JOURNAL_VERSION)
        return 0;
    errno = good ? EPROTONOSUPPORT : EBADMSG;
    return -1;
}

bool
record_name_valid(struct slice name)
{
    if (name.len == 0 || name.len > RECORD_NAME_MAX || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == '/')
            return false;
    return true;
}

bool
record_email_id_valid(struct slice id)
{
    if (id.len == 0 || id.len > MAILBOX_EMAIL_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

bool
record_unique_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= 0x20 || (unsigned char)name.ptr[i] >= 0x7f)
            return false;
    return name.len > 0 && name.len <= MAILBOX_UNIQUE_NAME_MAX;
}

/* ---- writing ---- */

static void
put(struct strbuf *out, const void *bytes, size_t len)
{
    (void)strbuf_append(out, slice_make(bytes, len)); /* overflow is remembered by the buffer */
}

void
record_begin(struct strbuf *out, uint32_t flags, int64_t written_ms)
{
    struct record_header h = {.magic = RECORD_MAGIC, .flags = flags, .written_ms = written_ms};

    strbuf_clear(out);
    put(out, &h, sizeof(h));
}

static size_t
item_begin(struct strbuf *out, enum item_type type)
{
    struct item_header h = {.type = (uint16_t)type};
    size_t start = out->len;

    put(out, &h, sizeof(h));
    return start;
}

static void
item_end(struct strbuf *out, size_t start)
{
    static const char zeros[8];
    uint32_t length;

    if (out->len % 8 != 0)
        put(out, zeros, 8 - out->len % 8);
    if (out->overflow)
        return;
    length = (uint32_t)(out->len - start);
    memcpy(out->ptr + start, &length, sizeof(length));
}

void
record_add_arrival(struct strbuf *out, const struct arrival *a)
{
    struct arrival_head head = {.m = a->m,
                                .saved_ms = a->saved_ms,
                                .crc = a->crc,
                                .name_len = (uint8_t)a->name.len,
                                .key_len = (uint8_t)a->key.len,
                                .email_id_len = (uint8_t)a->email_id.len,
                                .unique_len = (uint8_t)a->unique.len};
    size_t start = item_begin(out, ITEM_ARRIVE);

    if (a->name.len > RECORD_NAME_MAX || a->key.len > RECORD_KEY_MAX ||
        a->email_id.len > MAILBOX_EMAIL_ID_MAX || a->unique.len > MAILBOX_UNIQUE_NAME_MAX ||
        a->m.size > RECORD_SIZE_MAX)
        out->overflow = true;
    head.m.flags &= MESSAGE_RECENT - 1;
    put(out, &head, sizeof(head));
    put(out, a->name.ptr, a->name.len);
    put(out, a->key.ptr, a->key.len);
    put(out, a->email_id.ptr, a->email_id.len);
    put(out, a->unique.ptr, a->unique.len);
    item_end(out, start);
}

void
record_add_ranges(struct strbuf *out, enum item_type type, const struct uid_range *ranges,
                  uint32_t count)
{
    size_t start = item_begin(out, type);

    put(out, ranges, count * sizeof(*ranges));
    item_end(out, start);
}

void
record_add_flags(struct strbuf *out, uint32_t off, uint32_t on, uint64_t keywords_off,
                 uint64_t keywords_on, const struct uid_range *ranges, uint32_t count)
{
    struct flags_head head = {off, on, keywords_off, keywords_on};
    size_t start = item_begin(out, ITEM_FLAGS);

    put(out, &head, sizeof(head));
    put(out, ranges, count * sizeof(*ranges));
    item_end(out, start);
}

void
record_add_keyword(struct strbuf *out, uint32_t bit, struct slice name)
{
    uint32_t head[2] = {bit, (uint32_t)name.len};
    size_t start = item_begin(out, ITEM_KEYWORD);

    put(out, head, sizeof(head));
    put(out, name.ptr, name.len);
    item_end(out, start);
}

void
record_add_gone(struct strbuf *out, const struct gone_range *ranges, uint32_t count)
{
    size_t start = item_begin(out, ITEM_GONE);

    put(out, ranges, count * sizeof(*ranges));
    item_end(out, start);
}

void
record_add_key(struct strbuf *out, int64_t saved_ms, struct slice key)
{
    uint64_t len = key.len;
    size_t start = item_begin(out, ITEM_KEY);

    put(out, &saved_ms, sizeof(saved_ms));
    put(out, &len, sizeof(len));
    put(out, key.ptr, key.len);
    item_end(out, start);
}

void
record_add_origin(struct strbuf *out, const char mailbox_id[24], struct slice folder,
                  const struct uid_range *ranges, uint32_t count)
{
    struct origin_head head = {.range_count = count, .name_len = (uint32_t)folder.len};
    size_t start = item_begin(out, ITEM_ORIGIN);

    memcpy(head.mailbox_id, mailbox_id, sizeof(head.mailbox_id));
    put(out, &head, sizeof(head));
    put(out, ranges, count * sizeof(*ranges));
    put(out, folder.ptr, folder.len);
    item_end(out, start);
}

int
record_finish(struct strbuf *out, const struct record_state *state, uint64_t settled)
{
    struct record_trailer t = {.state = *state, .settled = settled, .magic = TRAILER_MAGIC};

    t.length = (uint32_t)(out->len + sizeof(t));
    if (!out->overflow)
        memcpy(out->ptr + offsetof(struct record_header, length), &t.length, sizeof(t.length));
    put(out, &t, offsetof(struct record_trailer, crc));
    if (out->overflow || t.length > RECORD_MAX) {
        errno = E2BIG;
        return -1;
    }
    t.crc = crc32c(0, strbuf_slice(out));
    put(out, &t.crc, sizeof(t.crc));
    put(out, &t.mark, sizeof(t.mark));
    if (!out->overflow)
        return 0;
    errno = E2BIG;
    return -1;
}

void
record_set_mark(struct strbuf *out)
{
    uint32_t mark = RECORD_DURABLE;

    memcpy(out->ptr + out->len - sizeof(mark), &mark, sizeof(mark));
}

/* ---- reading ---- */

/* Sums that can be taken away again: nothing that we write is higher. */
static bool
sums_possible(const struct record_state *s)
{
    return s->bytes <= INT64_MAX && s->user_bytes <= INT64_MAX && s->user_messages <= INT64_MAX;
}

enum record_status
record_parse(struct slice bytes, uint64_t offset, struct record *rec, uint32_t *need)
{
    struct record_header h;
    struct record_trailer t;
    size_t checked;

    *need = RECORD_OVERHEAD;
    if (bytes.len < sizeof(h))
        return RECORD_SHORT;
    memcpy(&h, bytes.ptr, sizeof(h));
    if (h.magic != RECORD_MAGIC || h.length < RECORD_OVERHEAD || h.length > RECORD_MAX ||
        h.length % 8 != 0)
        return RECORD_BAD;
    *need = h.length;
    if (bytes.len < h.length)
        return RECORD_SHORT;
    memcpy(&t, bytes.ptr + h.length - sizeof(t), sizeof(t));
    checked = h.length - sizeof(t) + offsetof(struct record_trailer, crc);
    if (t.magic != TRAILER_MAGIC || t.length != h.length || t.settled > offset ||
        !sums_possible(&t.state) || crc32c(0, slice_sub(bytes, 0, checked)) != t.crc)
        return RECORD_BAD;
    *rec = (struct record){
        .offset = offset,
        .end = offset + h.length,
        .flags = h.flags,
        .written_ms = h.written_ms,
        .settled = t.settled,
        .marked = t.mark == RECORD_DURABLE,
        .state = t.state,
        .items = slice_sub(bytes, sizeof(h), h.length - sizeof(t)),
    };
    return RECORD_OK;
}

uint32_t
record_last_length(struct slice tail)
{
    struct record_trailer t;

    if (tail.len < sizeof(t))
        return 0;
    memcpy(&t, tail.ptr + tail.len - sizeof(t), sizeof(t));
    if (t.magic != TRAILER_MAGIC || t.length < RECORD_OVERHEAD || t.length > RECORD_MAX ||
        t.length % 8 != 0)
        return 0;
    return t.length;
}

static int
parse_arrival(struct slice body, struct arrival *a)
{
    struct arrival_head head;
    size_t key_at, email_id_at, unique_at;

    if (body.len < sizeof(head))
        return -1;
    memcpy(&head, body.ptr, sizeof(head));
    key_at = sizeof(head) + (size_t)head.name_len;
    email_id_at = key_at + head.key_len;
    unique_at = email_id_at + head.email_id_len;
    if (unique_at + head.unique_len > body.len || head.key_len > RECORD_KEY_MAX ||
        head.m.uid == 0 || head.m.size > RECORD_SIZE_MAX)
        return -1;
    a->m = head.m;
    a->m.flags &= MESSAGE_RECENT - 1;
    if (head.unique_len > 0)
        a->m.flags |= MESSAGE_NAMED;
    a->saved_ms = head.saved_ms;
    a->crc = head.crc;
    a->name = slice_sub(body, sizeof(head), key_at);
    a->key = slice_sub(body, key_at, email_id_at);
    a->email_id = slice_sub(body, email_id_at, unique_at);
    a->unique = slice_sub(body, unique_at, unique_at + head.unique_len);
    return record_name_valid(a->name) && record_email_id_valid(a->email_id) &&
                   (a->unique.len == 0 || record_unique_valid(a->unique))
               ? 0
               : -1;
}

/* Ranges ascend and do not touch each other's UIDs: applying them costs at most one pass. */
static int
parse_ranges(struct slice body, size_t size, struct item *item)
{
    uint32_t before = 0;

    if (body.len % size != 0)
        return -1;
    item->ranges = body;
    item->range_count = (uint32_t)(body.len / size);
    for (size_t at = 0; at < body.len; at += size) {
        struct uid_range r;

        memcpy(&r, body.ptr + at, sizeof(r));
        if (r.first <= before || r.last < r.first)
            return -1;
        before = r.last;
    }
    return 0;
}

static int
parse_flags(struct slice body, struct item *item)
{
    struct flags_head head;

    if (body.len < sizeof(head))
        return -1;
    memcpy(&head, body.ptr, sizeof(head));
    item->off = head.off;
    item->on = head.on & (MESSAGE_RECENT - 1);
    item->keywords_off = head.keywords_off;
    item->keywords_on = head.keywords_on;
    return parse_ranges(slice_sub(body, sizeof(head), body.len), sizeof(struct uid_range), item);
}

static int
parse_keyword(struct slice body, struct item *item)
{
    uint32_t head[2];

    if (body.len < sizeof(head))
        return -1;
    memcpy(head, body.ptr, sizeof(head));
    item->bit = head[0];
    item->text = slice_sub(body, sizeof(head), sizeof(head) + (size_t)head[1]);
    if (head[0] >= MAILBOX_KEYWORDS_MAX || head[1] == 0 || head[1] > MAILBOX_KEYWORD_LEN_MAX ||
        item->text.len != head[1] || memchr(item->text.ptr, 0, item->text.len) != NULL)
        return -1;
    return 0;
}

static int
parse_key(struct slice body, struct item *item)
{
    uint64_t len;

    if (body.len < 16)
        return -1;
    memcpy(&item->saved_ms, body.ptr, 8);
    memcpy(&len, body.ptr + 8, 8);
    if (len > RECORD_KEY_MAX || len > body.len - 16)
        return -1;
    item->text = slice_sub(body, 16, 16 + (size_t)len);
    return 0;
}

static int
parse_origin(struct slice body, struct item *item)
{
    struct origin_head head;
    size_t ranges;

    if (body.len < sizeof(head))
        return -1;
    memcpy(&head, body.ptr, sizeof(head));
    body = slice_sub(body, sizeof(head), body.len);
    if (head.range_count > body.len / sizeof(struct uid_range))
        return -1;
    ranges = head.range_count * sizeof(struct uid_range);
    if (head.name_len > body.len - ranges || head.mailbox_id[sizeof(head.mailbox_id) - 1] != '\0')
        return -1;
    memcpy(item->mailbox_id, head.mailbox_id, sizeof(item->mailbox_id));
    item->text = slice_sub(body, ranges, ranges + head.name_len);
    return parse_ranges(slice_sub(body, 0, ranges), sizeof(struct uid_range), item);
}

static int
parse_body(struct slice body, struct item *item)
{
    switch (item->type) {
    case ITEM_ARRIVE:
        return parse_arrival(body, &item->arrival);
    case ITEM_EXPUNGE:
    case ITEM_VOID:
        return parse_ranges(body, sizeof(struct uid_range), item);
    case ITEM_FLAGS:
        return parse_flags(body, item);
    case ITEM_KEYWORD:
        return parse_keyword(body, item);
    case ITEM_GONE:
        return parse_ranges(body, sizeof(struct gone_range), item);
    case ITEM_KEY:
        return parse_key(body, item);
    case ITEM_ORIGIN:
        return parse_origin(body, item);
    }
    return -1;
}

int
item_parse(struct slice bytes, uint64_t offset, struct item *item)
{
    struct item_header h;

    if (bytes.len < sizeof(h))
        return -1;
    memcpy(&h, bytes.ptr, sizeof(h));
    if (h.length < sizeof(h) || h.length % 8 != 0 || h.length > bytes.len)
        return -1;
    item->type = (enum item_type)h.type;
    item->offset = offset;
    return parse_body(slice_sub(bytes, sizeof(h), h.length), item);
}

int
record_next_item(const struct record *rec, size_t *at, struct item *item)
{
    uint32_t length;

    if (*at >= rec->items.len)
        return 0;
    if (item_parse(slice_sub(rec->items, *at, rec->items.len),
                   rec->offset + sizeof(struct record_header) + *at, item) < 0)
        return -1;
    memcpy(&length, rec->items.ptr + *at, sizeof(length));
    *at += length;
    return 1;
}

struct uid_range
item_range(const struct item *item, uint32_t i)
{
    struct uid_range r;

    memcpy(&r, item->ranges.ptr + i * sizeof(r), sizeof(r));
    return r;
}

struct gone_range
item_gone(const struct item *item, uint32_t i)
{
    struct gone_range r;

    memcpy(&r, item->ranges.ptr + i * sizeof(r), sizeof(r));
    return r;
}
