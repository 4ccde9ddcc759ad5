/*
 * fuzz/fuzz_template.c - a template file: any bytes are taken or refused, and what was taken gives
 * a notification whose lines are short enough and end as they should.
 */
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/mail/dsn.h"
#include "lib/mail/template_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dsn_rcpt rcpt = {.address = SLICE("bob@far.test"), .status = SLICE("5.1.1")};
    struct template_text text;
    struct dsn dsn = {.wording = &text,
                      .hostname = "mail.d.test",
                      .from = "postmaster@d.test",
                      .message_id = "x@mail.d.test",
                      .queue_id = "abc",
                      .to = SLICE("alice@d.test"),
                      .sender = SLICE("alice@d.test"),
                      .rcpts = &rcpt,
                      .rcpt_count = 1};
    char boundary[DSN_BOUNDARY_SIZE];
    struct strbuf out = strbuf_new(64u << 20);
    struct template_fault fault = {.line = 0};

    if (template_parse(slice_make(data, size), &template_kinds[TEMPLATE_BOUNCE], &text, &fault) ==
        0) {
        dsn_begin(&out, &dsn, boundary);
        assert_always(!out.overflow);
        for (size_t i = 0; i < out.len; i++)
            assert_always(out.ptr[i] != '\n' || (i > 0 && out.ptr[i - 1] == '\r'));
    } else {
        assert_always(fault.why[0] != '\0');
    }
    strbuf_free(&out);
    return 0;
}
