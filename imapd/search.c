/*
 * imapd/search.c - SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 9051 6.4.4).
 */
#include "imapd/command.h"
#include "imapd/search_run.h"
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

static void
send_plain(struct session *s, const struct search_found *found, bool is_uid)
{
    (void)strbuf_str(&s->out, "* SEARCH");
    for (uint32_t i = 0; i < found->count; i++) {
        uint32_t seq = found->seqs[i];

        (void)strbuf_char(&s->out, ' ');
        (void)strbuf_u64(&s->out, is_uid ? mailbox_message(s->mailbox, seq)->uid : seq);
        if (s->out.len >= OUT_PART)
            updates_put_out(s);
    }
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

struct reply
search_search(struct session *s, struct parser *p, unsigned flags)
{
    struct search_answer answer = {s->tag, "", (flags & COMMAND_UID) != 0, false};
    struct search_return r;
    struct search_args args;
    struct search_found found;

    if (!search_return_parse(p, &r))
        return reply_bad(p->error);
    if (!search_args_parse(p, &args)) {
        if (!args.bad_charset)
            return reply_bad(p->error);
        if (r.options & SEARCH_RETURN_SAVE) /* RFC 5182 section 2.1: a NO empties it */
            saved_result_clear(&s->saved);
        return reply_bad_charset(s);
    }
    if (s->enabled & ENABLED_REV2 && !r.extended)
        search_return_extend(&r);
    search_run(s, s->mailbox, args.root, &r, &s->arena, &found);
    search_return_save(s, &r, &found);
    if (r.extended) {
        search_return_write(&r, &found, &answer, &s->arena, &s->out);
        updates_put_out(s);
    } else {
        send_plain(s, &found, answer.is_uid);
    }
    return reply_ok("Search completed");
}
