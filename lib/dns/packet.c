/*
 * lib/dns/packet.c - takes a DNS response apart.
 *
 * Input:  what libunbound gives: made by it from what name servers sent, so every length, offset
 *         and name in it is checked as if they had sent it here. No I/O.
 */
#include "lib/dns/packet.h"

#include <string.h>

#include "lib/dns/name.h"

enum {
    HEADER_SIZE = 12,
    RR_FIXED_SIZE = 10, /* type, class, TTL, length */
    POINTERS_MAX = 64,  /* in one name: each has to lead backwards anyway */
    CNAMES_MAX = 16,
    RR_SOA = 6,
    SOA_SIZE_MIN = 22, /* two names of the root and five numbers */
    CLASS_IN = 1,
    RCODE_NOERROR = 0,
    RCODE_NXDOMAIN = 3
};

struct record {
    struct slice owner; /* text */
    uint16_t type, rr_class;
    uint32_t ttl;
    size_t data, end; /* offsets of its data in the packet */
};

/* ---- names (RFC 1035 section 4.1.4) ---- */

static unsigned
byte_at(struct slice packet, size_t offset)
{
    return (unsigned char)packet.ptr[offset];
}

static unsigned
u16_at(struct slice packet, size_t offset)
{
    return byte_at(packet, offset) << 8 | byte_at(packet, offset + 1);
}

static uint32_t
u32_at(struct slice packet, size_t offset)
{
    return (uint32_t)u16_at(packet, offset) << 16 | u16_at(packet, offset + 2);
}

static bool
append_label(struct strbuf *out, size_t start, struct slice label)
{
    if (!dns_name_valid(label) || slice_index(label, '.') < label.len)
        return false; /* a dot inside a label would make it two */
    if (out->len - start + label.len + 1 > DNS_NAME_TEXT_MAX)
        return false;
    return (out->len == start || strbuf_char(out, '.')) && strbuf_append(out, label);
}

static int
read_name(struct slice packet, size_t *offset, struct strbuf *out)
{
    size_t start = out->len, at = *offset, segment = at;
    bool jumped = false;

    for (unsigned pointers = 0; at < packet.len;) {
        unsigned length = byte_at(packet, at);

        if (length == 0) {
            if (!jumped)
                *offset = at + 1;
            return 0;
        }
        if ((length & 0xc0) == 0xc0) {
            size_t target;

            if (at + 1 >= packet.len || ++pointers > POINTERS_MAX)
                return -1;
            target = u16_at(packet, at) & 0x3fff;
            if (target >= segment) /* "a prior occurrence": loops cannot be */
                return -1;
            if (!jumped)
                *offset = at + 2;
            jumped = true;
            at = segment = target;
            continue;
        }
        if (length > DNS_LABEL_MAX || at + 1 + length > packet.len ||
            !append_label(out, start, slice_sub(packet, at + 1, at + 1 + length)))
            return -1;
        at += 1 + length;
    }
    return -1;
}

int
dns_packet_name(struct slice packet, size_t *offset, struct strbuf *out)
{
    size_t start = out->len;

    if (read_name(packet, offset, out) == 0)
        return 0;
    strbuf_truncate(out, start);
    return -1;
}

/* Behind the name at `offset`, whatever it holds. 0: the packet ends first. */
static size_t
skip_name(struct slice packet, size_t offset)
{
    while (offset < packet.len) {
        unsigned length = byte_at(packet, offset);

        if (length == 0)
            return offset + 1;
        if ((length & 0xc0) == 0xc0)
            return offset + 2 <= packet.len ? offset + 2 : 0;
        if (length > DNS_LABEL_MAX)
            return 0;
        offset += 1 + length;
    }
    return 0;
}

/* ---- records ---- */

/* The name at *offset as a slice of `text`, which never moves: its room is taken at the start. */
static int
take_name(struct slice packet, size_t *offset, struct strbuf *text, struct slice *name)
{
    size_t start = text->len;

    if (dns_packet_name(packet, offset, text) < 0)
        return -1;
    *name = slice_make(text->ptr + start, text->len - start);
    return 0;
}

/* The record at *offset. Its owner stays empty if it is a name we would not ask for. -1: damaged.
 */
static int
take_record(struct slice packet, size_t *offset, struct strbuf *text, struct record *record)
{
    size_t at = *offset, behind = skip_name(packet, at);

    record->owner = SLICE("");
    (void)take_name(packet, &at, text, &record->owner); /* an odd owner fits no question */
    if (behind == 0 || packet.len - behind < RR_FIXED_SIZE)
        return -1;
    record->type = (uint16_t)u16_at(packet, behind);
    record->rr_class = (uint16_t)u16_at(packet, behind + 2);
    record->ttl = u32_at(packet, behind + 4);
    if (record->ttl > INT32_MAX) /* RFC 2181 section 8 */
        record->ttl = 0;
    record->data = behind + RR_FIXED_SIZE;
    record->end = record->data + u16_at(packet, behind + 8);
    *offset = record->end;
    return record->end <= packet.len ? 0 : -1;
}

/* A name that fills the record's data from `offset` to its end. */
static bool
data_name(struct slice packet, const struct record *record, size_t offset, struct strbuf *text,
          struct slice *name)
{
    return take_name(slice_sub(packet, 0, record->end), &offset, text, name) == 0 &&
           offset == record->end;
}

/* Character strings, joined (RFC 7208 section 3.3 and others want them so). */
static bool
data_text(struct slice packet, const struct record *record, struct strbuf *text,
          struct slice *joined)
{
    size_t start = text->len;

    for (size_t at = record->data; at < record->end;) {
        size_t length = byte_at(packet, at);

        if (at + 1 + length > record->end ||
            !strbuf_append(text, slice_sub(packet, at + 1, at + 1 + length)))
            return false;
        at += 1 + length;
    }
    *joined = slice_make(text->ptr + start, text->len - start);
    return record->end > record->data;
}

/* The data of one record in our form. False: left out. */
static bool
take_data(struct slice packet, const struct record *record, struct strbuf *text,
          struct dns_record *out)
{
    size_t size = record->end - record->data, at = record->data;

    *out = (struct dns_record){.data = slice_sub(packet, at, record->end)};
    switch (record->type) {
    case DNS_A:
        return size == 4;
    case DNS_AAAA:
        return size == 16;
    case DNS_MX: /* RFC 1035 section 3.3.9 */
        if (size < 3)
            return false;
        out->preference = (uint16_t)u16_at(packet, at);
        return data_name(packet, record, at + 2, text, &out->data);
    case DNS_SRV: /* RFC 2782 */
        if (size < 7)
            return false;
        out->preference = (uint16_t)u16_at(packet, at);
        out->weight = (uint16_t)u16_at(packet, at + 2);
        out->port = (uint16_t)u16_at(packet, at + 4);
        return data_name(packet, record, at + 6, text, &out->data);
    case DNS_TLSA: /* RFC 6698 section 2.1 */
        if (size < 4)
            return false;
        out->preference = (uint16_t)u16_at(packet, at);
        out->weight = (uint16_t)byte_at(packet, at + 2);
        out->data = slice_sub(packet, at + 3, record->end);
        return true;
    case DNS_TXT:
        return data_text(packet, record, text, &out->data);
    case DNS_PTR:
    case DNS_CNAME:
        return data_name(packet, record, at, text, &out->data);
    default:
        return false;
    }
}

/* ---- the whole packet ---- */

struct sections {
    size_t answer; /* offset of the first answer record */
    unsigned answer_count, authority_count;
};

static int
open_packet(struct slice packet, struct strbuf *text, struct sections *sections,
            struct slice *question)
{
    size_t offset = HEADER_SIZE;

    strbuf_clear(text);
    if (packet.len < HEADER_SIZE || strbuf_room(text, text->max) == NULL)
        return -1;
    if (u16_at(packet, 4) != 1 || take_name(packet, &offset, text, question) < 0 ||
        packet.len - offset < 4)
        return -1;
    sections->answer = offset + 4;
    sections->answer_count = u16_at(packet, 6);
    sections->authority_count = u16_at(packet, 8);
    return 0;
}

static void
lower_ttl(struct dnsd_answer *answer, uint32_t ttl)
{
    if (ttl < answer->ttl_s)
        answer->ttl_s = ttl;
}

/* One pass over the answer section: collects the records of `rr` at answer->canonical, or finds
 * where its CNAME leads. 1: a CNAME, look again; 0: done; -1: damaged. Records that cannot be used
 * are left out; with nothing else there it is damaged, since "no record" would be a lie, after
 * which mail goes past the MX (RFC 5321 section 5.1). */
static int
collect(struct slice packet, const struct sections *sections, uint16_t rr, struct strbuf *text,
        struct dnsd_answer *answer)
{
    size_t offset = sections->answer;
    bool left_out = false;

    for (unsigned i = 0; i < sections->answer_count; i++) {
        size_t mark = text->len;
        struct record record;
        struct dns_record data;

        if (take_record(packet, &offset, text, &record) < 0)
            return -1;
        if (record.rr_class != CLASS_IN || !slice_eq_nocase(record.owner, answer->canonical) ||
            (record.type != rr && record.type != DNS_CNAME)) {
            strbuf_truncate(text, mark);
            continue;
        }
        if (!take_data(packet, &record, text, &data)) {
            strbuf_truncate(text, mark);
            left_out = true;
            continue;
        }
        lower_ttl(answer, record.ttl);
        if (record.type != rr) {
            answer->canonical = data.data;
            answer->count = 0;
            return 1;
        }
        if (answer->count < DNSD_RECORDS_MAX)
            answer->records[answer->count++] = data;
    }
    return left_out && answer->count == 0 ? -1 : 0;
}

/* RFC 2308 section 5: a negative answer lives as long as the lesser of the SOA's TTL and its last
 * field; without SOA it is not to be kept. -1: damaged. */
static int
negative_ttl(struct slice packet, const struct sections *sections, struct strbuf *text,
             uint32_t *ttl)
{
    size_t offset = sections->answer;

    *ttl = 0;
    for (unsigned i = 0; i < sections->answer_count + sections->authority_count; i++) {
        size_t mark = text->len;
        struct record record;

        if (take_record(packet, &offset, text, &record) < 0)
            return -1;
        strbuf_truncate(text, mark);
        if (i >= sections->answer_count && record.type == RR_SOA &&
            record.end - record.data >= SOA_SIZE_MIN) {
            uint32_t minimum = u32_at(packet, record.end - 4);

            *ttl = minimum < record.ttl ? minimum : record.ttl;
        }
    }
    return 0;
}

int
dns_packet_parse(struct slice packet, uint16_t rr, struct strbuf *text, struct dnsd_answer *answer)
{
    struct sections sections;
    uint32_t negative_s;
    unsigned rcode;
    int rc = 1;

    answer->count = 0;
    answer->ttl_s = UINT32_MAX;
    answer->secure = answer->bogus = false;
    if (open_packet(packet, text, &sections, &answer->canonical) < 0)
        return -1;
    for (unsigned i = 0; rc == 1 && i < CNAMES_MAX; i++)
        rc = collect(packet, &sections, rr, text, answer);
    if (rc != 0) /* damaged, or CNAMEs without end */
        return -1;
    rcode = byte_at(packet, 3) & 15;
    answer->status = DNS_TEMPORARY;
    if (answer->count > 0 && rcode == RCODE_NOERROR)
        answer->status = DNS_FOUND;
    else if (rcode == RCODE_NOERROR)
        answer->status = DNS_NODATA;
    else if (rcode == RCODE_NXDOMAIN)
        answer->status = DNS_NXDOMAIN;
    if (answer->status != DNS_FOUND) {
        if (negative_ttl(packet, &sections, text, &negative_s) < 0)
            return -1;
        lower_ttl(answer, negative_s);
        answer->count = 0;
    }
    return 0;
}
