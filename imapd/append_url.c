/*
 * imapd/append_url.c - CATENATE's URLs.
 *
 * Input:  URLs from the client. Untrusted. Only references without a server are taken ("/mailbox
 *         ;UIDVALIDITY=n/;UID=n/;SECTION=s/;PARTIAL=n.n"): they mean what the session can read
 *         anyway, through the same calls as FETCH. RFC 5092 section 7.2 forbids those that do not
 *         begin with a slash.
 */
#include "imapd/append_url.h"

#include "imapd/places.h"
#include "lib/mail/imap_url.h"
#include "lib/mail/section_text.h"

static bool
collect(void *arg, struct slice piece)
{
    return strbuf_append(arg, piece);
}

bool
append_url_parse(struct append_text *text, struct slice *url)
{
    struct strbuf literal = strbuf_new(APPEND_URL_MAX);
    struct session *s = text->s;
    bool alive;

    if (parser_peek(text->p) != '{')
        return parser_astring(text->p, url);
    if (!append_text_announced(text, false))
        return false;
    if (text->literal.size > APPEND_URL_MAX) {
        text->literal_ahead = true;
        return parser_fail(text->p, "URL is too long");
    }
    alive = append_text_receive(text, collect, &literal) && append_text_next_line(text);
    *url = arena_copy(&s->arena, strbuf_slice(&literal));
    strbuf_free(&literal);
    return alive;
}

/* ---- what it means ---- */

static bool
copy_from(struct mailbox *mb, const struct imap_url *url, struct append_sink *sink)
{
    struct strbuf fields = strbuf_new(MIME_HEADER_MAX + 2);
    struct message_data data = {.uid = 0};
    struct section_text section;
    struct mailbox_info info;
    struct slice text;
    uint32_t seq = mailbox_seq_of_uid(mb, url->uid);
    bool ok;

    mailbox_get_info(mb, &info);
    ok = seq != 0 && (url->uidvalidity == 0 || url->uidvalidity == info.uidvalidity) &&
         section_text_parse(url->section, &section) == 0 && message_load(&data, mb, seq) == 0 &&
         section_text_find(&section, data.bytes, &fields, &text);
    if (ok && url->partial)
        text = slice_sub(text, url->offset, url->offset + url->length);
    ok = ok && append_sink_copy(sink, text);
    message_release(&data);
    strbuf_free(&fields);
    return ok;
}

static bool
copy_url(struct session *s, const struct imap_url *url, struct append_sink *sink)
{
    struct target target;
    struct mailbox *mb;
    bool ok;

    if (url->host.len > 0 || url->access != IMAP_URL_ACCESS_NONE)
        return false;
    mb = place_find(s, url->mailbox, RIGHT_READ, &target) < 0
             ? NULL
             : mailbox_open(target.store, target.name, true, false);
    if (mb == NULL)
        return false;
    ok = copy_from(mb, url, sink);
    mailbox_close(&mb);
    return ok;
}

bool
append_url_copy(struct session *s, struct slice text, struct append_sink *sink)
{
    struct imap_url url;
    bool ok = imap_url_parse(text, &url) == 0 && copy_url(s, &url, sink);

    imap_url_free(&url);
    return ok;
}

/* url-resp-text: what may not stand there is percent-encoded. */
void
append_url_code(struct slice url, struct strbuf *out)
{
    url = slice_sub(url, 0, APPEND_URL_MAX);
    (void)strbuf_str(out, "BADURL ");
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];

        if (c <= 0x20 || c >= 0x7f || c == ']')
            (void)strbuf_printf(out, "%%%02X", c);
        else
            (void)strbuf_char(out, (char)c);
    }
}
