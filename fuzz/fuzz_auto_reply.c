/*
 * fuzz/fuzz_auto_reply.c - a stranger's header: any bytes are answered or not, and what is answered
 * gives a 7-bit message of short lines that end as they should.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/auto_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct auto_reply reply = {.from = SLICE("alice@d.test"),
                                     .to = SLICE("bob@far.test"),
                                     .header = slice_make(data, size),
                                     .no_subject = SLICE("x"),
                                     .text = SLICE("y"),
                                     .message_id = "x@d.test"};
    struct strbuf out = strbuf_new(1u << 20), named = strbuf_new(4096);
    size_t width = 0;

    (void)auto_reply_refusal(reply.header, reply.to, reply.from);
    auto_reply_named(reply.header, &named);
    auto_reply_write(&reply, &out);
    assert_always(!out.overflow);
    for (size_t i = 0; i < out.len; i++) {
        width = out.ptr[i] == '\n' ? 0 : width + 1;
        assert_always((unsigned char)out.ptr[i] < 0x80 && width <= 998 + 1);
        assert_always(out.ptr[i] != '\n' || (i > 0 && out.ptr[i - 1] == '\r'));
    }
    strbuf_free(&out);
    strbuf_free(&named);
    return 0;
}
