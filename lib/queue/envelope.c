/*
 * lib/queue/envelope.c - the record of an envelope. Input may be damaged in any way. No I/O.
 */
#include "lib/queue/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/ipc/frame.h"

#define ENVELOPE_VERSION 5
#define ADDRESS_MAX 1024
#define FOOTER_CRC_AT 16         /* offset of record_crc in the footer */
#define FOOTER_MAGIC 0x50685131u /* "PhQ1", the file's last four bytes */

enum {
    ENVELOPE_SMTPUTF8 = 1,
    ENVELOPE_8BIT = 2,
    ENVELOPE_BINARY = 4,
    ENVELOPE_FLAGS_V1 = 7, /* all that version 1 has */
    ENVELOPE_REQUIRETLS = 8,
    ENVELOPE_TLS_OPTIONAL = 16,
    ENVELOPE_BY_TRACE = 32,
    ENVELOPE_FLAGS_ALL = 63,
};

static void
put_be32(char *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * (3 - i)));
}

static uint32_t
get_be32(const char *at)
{
    uint32_t value = 0;

    for (size_t i = 0; i < 4; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* Appends the footer of a record whose body is what follows `start` in `out`. */
static void
append_footer(struct strbuf *out, size_t start, uint64_t content_size, uint32_t content_crc)
{
    char footer[ENVELOPE_FOOTER];
    struct slice body = slice_sub(strbuf_slice(out), start, out->len);
    uint32_t crc = crc32c(0, body);

    put_be32(footer, (uint32_t)body.len);
    put_be32(footer + 4, (uint32_t)(content_size >> 32));
    put_be32(footer + 8, (uint32_t)content_size);
    put_be32(footer + 12, content_crc);
    put_be32(footer + FOOTER_CRC_AT, crc32c(crc, slice_make(footer, FOOTER_CRC_AT)));
    put_be32(footer + 20, FOOTER_MAGIC);
    (void)strbuf_append(out, slice_make(footer, sizeof(footer))); /* overflow is remembered */
}

static uint8_t
flags_of(const struct queue_envelope *e)
{
    return (uint8_t)((e->smtputf8 ? ENVELOPE_SMTPUTF8 : 0) | (e->body_8bit ? ENVELOPE_8BIT : 0) |
                     (e->body_binary ? ENVELOPE_BINARY : 0) |
                     (e->requiretls ? ENVELOPE_REQUIRETLS : 0) |
                     (e->tls_optional ? ENVELOPE_TLS_OPTIONAL : 0) |
                     (e->by_trace ? ENVELOPE_BY_TRACE : 0));
}

int
envelope_encode(struct strbuf *out, const struct queue_envelope *e)
{
    size_t start = out->len;
    struct writer w = {.out = out, .start = start};

    writer_u8(&w, ENVELOPE_VERSION);
    writer_str(&w, e->id);
    writer_u64(&w, (uint64_t)e->received_ms);
    writer_bytes(&w, e->sender);
    writer_bytes(&w, e->envid);
    writer_u8(&w, e->ret);
    writer_u8(&w, flags_of(e));
    writer_bytes(&w, e->auth_user);
    writer_bytes(&w, e->client);
    writer_u32(&w, e->hops);
    writer_u64(&w, (uint64_t)e->hold_until_ms);
    writer_u64(&w, (uint64_t)e->deliver_by_ms);
    writer_u8(&w, e->by_mode);
    writer_u8(&w, (uint8_t)(e->priority + QUEUE_PRIORITY_MAX));
    writer_bytes(&w, e->helo);
    writer_bytes(&w, e->hold_reason);
    writer_u8(&w, e->origin);
    writer_bytes(&w, e->approved_by);
    writer_bytes(&w, e->hold_request);
    writer_u32(&w, e->rcpt_count);
    for (uint32_t i = 0; i < e->rcpt_count; i++) {
        writer_bytes(&w, e->rcpts[i].address);
        writer_bytes(&w, e->rcpts[i].original);
        writer_u8(&w, e->rcpts[i].notify);
    }
    append_footer(out, start, e->content_size, e->content_crc);
    if (!out->overflow && out->len - start <= QUEUE_ENVELOPE_MAX)
        return 0;
    strbuf_truncate(out, start);
    return -1;
}

void
envelope_encode_beside(struct strbuf *out, uint64_t content_size, uint32_t content_crc)
{
    append_footer(out, out->len, content_size, content_crc);
}

int
envelope_footer_decode(const char *bytes, struct envelope_footer *footer)
{
    if (get_be32(bytes + 20) != FOOTER_MAGIC)
        return -1;
    footer->body_length = get_be32(bytes);
    footer->content_size = (uint64_t)get_be32(bytes + 4) << 32 | get_be32(bytes + 8);
    footer->content_crc = get_be32(bytes + 12);
    footer->record_crc = get_be32(bytes + FOOTER_CRC_AT);
    if (footer->body_length > QUEUE_ENVELOPE_MAX || footer->content_size > INT64_MAX)
        return -1;
    return 0;
}

bool
envelope_intact(struct slice record)
{
    struct envelope_footer footer;
    size_t at = record.len - ENVELOPE_FOOTER;

    if (record.len < ENVELOPE_FOOTER || envelope_footer_decode(record.ptr + at, &footer) < 0)
        return false;
    return footer.body_length == at &&
           footer.record_crc == crc32c(0, slice_sub(record, 0, at + FOOTER_CRC_AT));
}

/* A time is never negative. */
static int64_t
read_time(struct reader *r)
{
    uint64_t value = reader_u64(r);

    if (value > INT64_MAX)
        r->failed = true;
    return (int64_t)value;
}

/* The flags that this version has; any other is damage. */
static void
read_flags(struct reader *r, uint8_t version, struct queue_envelope *e)
{
    uint8_t flags = reader_u8(r);

    if (flags > (version == 1 ? ENVELOPE_FLAGS_V1 : ENVELOPE_FLAGS_ALL))
        r->failed = true;
    e->smtputf8 = (flags & ENVELOPE_SMTPUTF8) != 0;
    e->body_8bit = (flags & ENVELOPE_8BIT) != 0;
    e->body_binary = (flags & ENVELOPE_BINARY) != 0;
    e->requiretls = (flags & ENVELOPE_REQUIRETLS) != 0;
    e->tls_optional = (flags & ENVELOPE_TLS_OPTIONAL) != 0;
    e->by_trace = (flags & ENVELOPE_BY_TRACE) != 0;
}

/* What versions 2 to 4 brought. */
static void
read_extensions(struct reader *r, uint8_t version, struct queue_envelope *e)
{
    uint8_t priority;

    e->hold_until_ms = read_time(r);
    e->deliver_by_ms = read_time(r);
    e->by_mode = reader_u8(r);
    priority = reader_u8(r);
    if (e->by_mode > QUEUE_BY_NOTIFY || priority > 2 * QUEUE_PRIORITY_MAX)
        r->failed = true;
    e->priority = (int8_t)(priority - QUEUE_PRIORITY_MAX);
    e->helo = reader_bytes(r, ADDRESS_MAX);
    if (version > 2)
        e->hold_reason = reader_bytes(r, ADDRESS_MAX);
    if (version > 3) {
        e->origin = reader_u8(r);
        e->approved_by = reader_bytes(r, ADDRESS_MAX);
        e->hold_request = reader_bytes(r, ADDRESS_MAX);
    }
    if (e->origin > QUEUE_ORIGIN_SYSTEM)
        r->failed = true;
}

static void
read_rcpts(struct reader *r, uint8_t version, struct queue_envelope *e)
{
    e->rcpt_count = reader_count(r, QUEUE_RCPTS_MAX);
    if (e->rcpt_count == 0) {
        r->failed = true;
        return;
    }
    e->rcpts = xcalloc(e->rcpt_count, sizeof(*e->rcpts));
    for (uint32_t i = 0; i < e->rcpt_count && !r->failed; i++) {
        e->rcpts[i].address = reader_bytes(r, ADDRESS_MAX);
        e->rcpts[i].original = reader_bytes(r, ADDRESS_MAX);
        e->rcpts[i].notify = reader_u8(r);
        if (version > 1 && version < 5)
            (void)reader_u64(r); /* a time that nobody ever wrote */
    }
}

int
envelope_decode(struct slice record, struct queue_envelope *e)
{
    struct envelope_footer footer;
    struct reader r;
    struct slice id;
    uint8_t version;

    *e = (struct queue_envelope){.rcpt_count = 0};
    if (!envelope_intact(record) ||
        envelope_footer_decode(record.ptr + record.len - ENVELOPE_FOOTER, &footer) < 0)
        return -1;
    e->content_size = footer.content_size;
    e->content_crc = footer.content_crc;
    r = reader_begin(slice_sub(record, 0, footer.body_length));
    version = reader_u8(&r);
    if (version == 0 || version > ENVELOPE_VERSION)
        return -1;
    id = reader_bytes(&r, sizeof(e->id) - 1);
    (void)snprintf(e->id, sizeof(e->id), "%.*s", (int)id.len, id.ptr);
    e->received_ms = (int64_t)reader_u64(&r);
    e->sender = reader_bytes(&r, ADDRESS_MAX);
    e->envid = reader_bytes(&r, ADDRESS_MAX);
    e->ret = reader_u8(&r);
    read_flags(&r, version, e);
    e->auth_user = reader_bytes(&r, ADDRESS_MAX);
    e->client = reader_bytes(&r, ADDRESS_MAX);
    e->hops = reader_u32(&r);
    if (version > 1)
        read_extensions(&r, version, e);
    read_rcpts(&r, version, e);
    if (reader_end(&r) == 0 && e->ret <= 2)
        return 0;
    envelope_clear(e);
    return -1;
}

void
envelope_clear(struct queue_envelope *e)
{
    xfree(&e->rcpts);
    e->rcpt_count = 0;
}
