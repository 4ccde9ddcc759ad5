/*
 * imapd/search.c - SEARCH and UID SEARCH (RFC 3501 section 6.4.4).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/search_eval.h"
#include "imapd/updates.h"
#include "lib/mail/charset.h"

enum { OUT_PART = 4096 /* bytes of numbers collected before they go to the stream */ };

/* RFC 3501 section 7.1: a charset that we don't know. */
static struct reply
reply_bad_charset(struct session *s)
{
    (void)strbuf_str(&s->code, "BADCHARSET (");
    for (size_t i = 0; charset_names[i] != NULL; i++)
        (void)strbuf_printf(&s->code, i == 0 ? "%s" : " %s", charset_names[i]);
    (void)strbuf_char(&s->code, ')');
    return (struct reply){REPLY_NO, strbuf_cstr(&s->code), "Unknown charset"};
}

/* With the highest MODSEQ among them behind it, if one was asked about (RFC 7162 section 3.1.6). */
static void
send_matches(struct session *s, const struct search_args *args, bool is_uid)
{
    uint32_t count = mailbox_count(s->mailbox);
    uint64_t highest = 0;

    (void)strbuf_str(&s->out, "* SEARCH");
    for (uint32_t seq = 1; seq <= count; seq++) {
        if (!search_eval_match(args->root, s->mailbox, seq, &s->message))
            continue;
        if (mailbox_message(s->mailbox, seq)->modseq > highest)
            highest = mailbox_message(s->mailbox, seq)->modseq;
        (void)strbuf_char(&s->out, ' ');
        (void)strbuf_u64(&s->out, is_uid ? mailbox_message(s->mailbox, seq)->uid : seq);
        if (s->out.len >= OUT_PART)
            updates_put_out(s);
    }
    if (args->has_modseq && highest > 0)
        (void)strbuf_printf(&s->out, " (MODSEQ %llu)", (unsigned long long)highest);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

struct reply
search_search(struct session *s, struct parser *p, unsigned flags)
{
    struct search_args args;

    if (!search_args_parse(p, &args))
        return args.bad_charset ? reply_bad_charset(s) : reply_bad(p->error);
    if (args.has_modseq)
        condstore_enable(s);
    search_eval_prepare(args.root, s->mailbox);
    send_matches(s, &args, (flags & COMMAND_UID) != 0);
    return reply_ok("Search completed");
}
