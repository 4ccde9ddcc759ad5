/*
 * fuzz/fuzz_envelope.c - queue records: an envelope with its footer, and a recipients' log.
 *
 * The first byte chooses. Checksums are mended first, so that the fuzzer gets behind them; what is
 * taken must come out the same when it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/queue/envelope.h"
#include "lib/queue/queue_log.h"

#define LOG_HEAD 8

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

static void
try_envelope(struct slice record)
{
    struct strbuf again = strbuf_new(QUEUE_ENVELOPE_MAX + ENVELOPE_FOOTER);
    struct queue_envelope e, second;

    if (envelope_decode(record, &e) == 0) {
        assert_always(envelope_encode(&again, &e) == 0);
        assert_always(envelope_decode(strbuf_slice(&again), &second) == 0);
        assert_always(second.rcpt_count == e.rcpt_count && slice_eq(second.sender, e.sender));
        assert_always(second.origin == e.origin && slice_eq(second.approved_by, e.approved_by));
        envelope_clear(&second);
        envelope_clear(&e);
    }
    strbuf_free(&again);
}

static void
mend_envelope(char *bytes, size_t len)
{
    if (len < ENVELOPE_FOOTER)
        return;
    put_be32(bytes + len - ENVELOPE_FOOTER, (uint32_t)(len - ENVELOPE_FOOTER));
    put_be32(bytes + len - 8, crc32c(0, slice_make(bytes, len - 8)));
    memcpy(bytes + len - 4, "PhQ1", 4);
}

static void
mend_log(char *bytes, size_t len)
{
    for (size_t at = 0; at + LOG_HEAD <= len;) {
        uint32_t size = get_be32(bytes + at);

        if (size > len - at - LOG_HEAD)
            return;
        put_be32(bytes + at + 4, crc32c(0, slice_make(bytes + at + LOG_HEAD, size)));
        at += LOG_HEAD + size;
    }
}

static void
try_log(struct slice data)
{
    struct queue_log_entry e, second;

    while (queue_log_next(&data, &e)) {
        struct strbuf again = strbuf_new(QUEUE_LOG_MAX);
        struct slice rest;

        queue_log_encode(&again, &e);
        rest = strbuf_slice(&again);
        assert_always(queue_log_next(&rest, &second) && rest.len == 0);
        assert_always(second.kind == e.kind && slice_eq(second.address, e.address));
        strbuf_free(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes;

    if (size < 2)
        return 0;
    bytes = xmalloc(size - 1);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 2)
        (void)(data[0] & 1 ? mend_log(bytes, size - 1) : mend_envelope(bytes, size - 1));
    if (data[0] & 1)
        try_log(slice_make(bytes, size - 1));
    else
        try_envelope(slice_make(bytes, size - 1));
    xfree(&bytes);
    return 0;
}
