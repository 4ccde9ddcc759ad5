/*
 * imapd/uid_batches.c - UIDBATCHES (RFC 10022): the UIDs at which a mailbox splits into equal
 * parts.
 */
#include "imapd/command.h"
#include "imapd/updates.h"

enum {
    BATCH_MIN = 500,   /* messages: section 3.1.3.2 */
    SPAN_MAX = 100000, /* messages in the batches that a range asks for: section 3.1.5 */
    OUT_PART = 4096    /* bytes collected before they go to the stream */
};

struct batches {
    uint32_t size;
    uint32_t first, last; /* batches from 1, which has the highest UIDs */
    bool has_range;
};

static bool
parse_batches(struct parser *p, struct batches *out)
{
    *out = (struct batches){.first = 1, .last = UINT32_MAX};
    if (!parser_space(p) || !parser_nz_number(p, &out->size))
        return false;
    if (parser_optional(p, ' ')) {
        out->has_range = true;
        if (!parser_nz_number(p, &out->first) || !parser_char(p, ':') ||
            !parser_nz_number(p, &out->last))
            return false;
    }
    return parser_end(p);
}

/* One batch ends where the next one begins, and the last one at 1: a client that adds them up
 * misses nothing (section 3.1.4). */
static void
send_batches(struct session *s, const struct batches *b)
{
    uint32_t total = mailbox_count(s->mailbox);
    const char *separator = " ";

    (void)strbuf_printf(&s->out, "* UIDBATCHES (TAG \"%.*s\")", (int)s->tag.len, s->tag.ptr);
    for (uint64_t i = b->first; i <= b->last && (i - 1) * b->size < total; i++) {
        uint32_t highest = total - (uint32_t)((i - 1) * b->size);
        uint32_t below = highest > b->size ? highest - b->size : 0; /* number of the next batch's */

        (void)strbuf_printf(&s->out, "%s%u:%u", separator,
                            mailbox_message(s->mailbox, highest)->uid,
                            below == 0 ? 1 : mailbox_message(s->mailbox, below)->uid + 1);
        separator = ",";
        if (s->out.len >= OUT_PART)
            updates_put_out(s);
    }
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

struct reply
uid_batches_uidbatches(struct session *s, struct parser *p, unsigned flags)
{
    struct batches b;

    (void)flags;
    if (!parse_batches(p, &b))
        return reply_bad(p->error);
    if (b.first > b.last)
        return (struct reply){REPLY_BAD, "CLIENTBUG", "Invalid batch range"};
    if (b.size < BATCH_MIN)
        return reply_no("TOOFEW", "Minimum batch size is 500");
    if (b.has_range && ((uint64_t)b.last - b.first + 1) * b.size > SPAN_MAX)
        return reply_no("TOOMANY", "Too many messages");
    send_batches(s, &b);
    return reply_ok("Uidbatches completed");
}
