/*
 * fuzz/fuzz_smtp_reply.c - what a remote server may say to us, and what content may leave us.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/smtp/smtp_dot.h"
#include "lib/smtp/smtp_limits.h"
#include "lib/smtp/smtp_reply.h"
#include "lib/smtp/smtp_terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_limits(struct slice value)
{
    struct smtp_limits limits;

    if (smtp_limits_parse(value, &limits) < 0)
        assert_always(limits.mails == 0 && limits.rcpts == 0 && limits.rcpt_domains == 0);
    assert_always(limits.mails <= 999999 && limits.rcpts <= 999999);
}

static void
read_replies(struct slice rest)
{
    struct smtp_reply reply = smtp_reply_new();
    char dsn[SMTP_DSN_MAX], text[200];
    struct slice value;

    while (rest.len > 0) {
        enum smtp_reply_status status = smtp_reply_line(&reply, slice_cut_after(&rest, '\n'));

        if (status == SMTP_REPLY_MORE)
            continue;
        if (status == SMTP_REPLY_DONE) {
            assert_always(reply.code >= 200 && reply.code < 600);
            smtp_reply_dsn(&reply, dsn);
            assert_always(dsn[0] == (char)('0' + reply.code / 100));
            smtp_reply_text(&reply, text, sizeof(text));
            assert_always(strlen(text) < sizeof(text));
            (void)smtp_reply_keyword(&reply, "SIZE", &value);
            if (smtp_reply_keyword(&reply, "LIMITS", &value))
                read_limits(value);
            if (smtp_reply_keyword(&reply, "DELIVERBY", &value))
                assert_always(smtp_terms_min_by(value) >= 0);
        }
        smtp_reply_clear(&reply);
    }
    smtp_reply_free(&reply);
}

/* The end of data stands at the very end and nowhere before, and no CR or LF is alone. */
static void
send_content(struct slice content)
{
    struct strbuf sent = strbuf_new(3 * content.len + 16);
    struct smtp_dot dot = {.inside_line = false};
    struct slice piece, all;

    while (smtp_dot_next(&dot, &content, &piece))
        assert_always(piece.len > 0 && strbuf_append(&sent, piece));
    assert_always(strbuf_append(&sent, smtp_dot_end(&dot)));
    all = strbuf_slice(&sent);
    if (all.len > 3)
        assert_always(slice_find(all, SLICE("\r\n.\r\n")) == all.len - 5);
    for (size_t i = 0; i < all.len; i++) {
        if (all.ptr[i] == '\n')
            assert_always(i > 0 && all.ptr[i - 1] == '\r');
        if (all.ptr[i] == '\r')
            assert_always(i + 1 < all.len && all.ptr[i + 1] == '\n');
    }
    strbuf_free(&sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_replies(slice_make(data, size));
    send_content(slice_make(data, size));
    return 0;
}
