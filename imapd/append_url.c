/*
 * imapd/append_url.c - CATENATE's URLs.
 *
 * Input:  URLs from the client. Untrusted. Only references without a server are taken ("/mailbox
 *         ;UIDVALIDITY=n/;UID=n/;SECTION=s/;PARTIAL=n.n"): they mean what the session can read
 *         anyway, through the same calls as FETCH. RFC 5092 section 7.2 forbids those that do not
 *         begin with a slash.
 */
#include "imapd/append_url.h"

#include "imapd/fetch_section.h"
#include "imapd/places.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"

struct url {
    struct slice mailbox; /* UTF-8 */
    uint32_t uidvalidity; /* 0: not said */
    uint32_t uid;
    struct fetch_section section;
};

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

/* ---- syntax ---- */

/* Appends the text without its percent-encoding. False: wrong, or a control character. */
static bool
decode(struct slice text, struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.ptr[i];

        if (c == '%') {
            if (text.len - i < 3 || hex_value(text.ptr[i + 1]) < 0 ||
                hex_value(text.ptr[i + 2]) < 0)
                return false;
            c = hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || !strbuf_char(out, (char)c))
            return false;
    }
    return true;
}

static bool
take_prefix(struct slice *rest, struct slice prefix)
{
    if (!slice_starts_nocase(*rest, prefix))
        return false;
    *rest = slice_sub(*rest, prefix.len, rest->len);
    return true;
}

static bool
take_number64(struct slice *rest, uint64_t min, uint64_t max, uint64_t *out)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
        len++;
    if (parse_u64(slice_sub(*rest, 0, len), max, out) < 0 || *out < min)
        return false;
    *rest = slice_sub(*rest, len, rest->len);
    return true;
}

static bool
take_nz_number(struct slice *rest, uint32_t *out)
{
    uint64_t value;

    if (!take_number64(rest, 1, UINT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* enc-mailbox [uidvalidity] "/;UID=" nz-number */
static bool
take_message(struct slice *rest, struct arena *arena, struct url *out)
{
    struct strbuf name = strbuf_new(APPEND_URL_MAX);
    size_t len = slice_index(*rest, ';');
    struct slice written = slice_sub(*rest, 0, len);
    bool ok = slice_index(written, '?') == written.len;

    *rest = slice_sub(*rest, len, rest->len);
    if (take_prefix(rest, SLICE(";UIDVALIDITY=")))
        ok = ok && take_nz_number(rest, &out->uidvalidity) && take_prefix(rest, SLICE("/"));
    else if (slice_ends(written, SLICE("/")))
        written.len--;
    else
        ok = false;
    ok = ok && take_prefix(rest, SLICE(";UID=")) && take_nz_number(rest, &out->uid) &&
         written.len > 0 && decode(written, &name);
    out->mailbox = arena_copy(arena, strbuf_slice(&name));
    strbuf_free(&name);
    return ok;
}

/* [isection] [ipartial] */
static bool
take_section(struct slice *rest, struct arena *arena, struct url *out)
{
    struct strbuf text = strbuf_new(APPEND_URL_MAX);
    bool ok = true;

    if (take_prefix(rest, SLICE("/;SECTION="))) {
        size_t len = slice_index(*rest, ';'); /* no section has one */
        struct parser p;

        len -= len < rest->len && len > 0 ? 1 : 0; /* the slash before ";PARTIAL" */
        (void)strbuf_char(&text, '[');
        ok = len > 0 && decode(slice_sub(*rest, 0, len), &text) && strbuf_char(&text, ']');
        *rest = slice_sub(*rest, len, rest->len);
        p = parser_begin(arena_copy(arena, strbuf_slice(&text)), arena);
        ok = ok && fetch_args_parse_section(&p, &out->section) && parser_end(&p);
    }
    strbuf_free(&text);
    if (!ok || !take_prefix(rest, SLICE("/;PARTIAL=")))
        return ok;
    out->section.partial = true;
    out->section.length = UINT32_MAX;
    return take_number64(rest, 0, INT64_MAX, &out->section.offset) &&
           (!take_prefix(rest, SLICE(".")) ||
            take_number64(rest, 1, INT64_MAX, &out->section.length));
}

static bool
parse(struct slice text, struct arena *arena, struct url *out)
{
    *out = (struct url){.uid = 0};
    return text.len <= APPEND_URL_MAX && take_prefix(&text, SLICE("/")) &&
           !slice_starts(text, SLICE("/")) && take_message(&text, arena, out) &&
           take_section(&text, arena, out) && text.len == 0;
}

/* ---- what it means ---- */

static bool
copy_from(struct mailbox *mb, const struct url *url, struct append_sink *sink)
{
    struct strbuf fields = strbuf_new(FETCH_SECTION_FIELDS_MAX);
    struct message_data data = {.uid = 0};
    struct mailbox_info info;
    struct slice text;
    uint32_t seq = mailbox_seq_of_uid(mb, url->uid);
    bool ok;

    mailbox_get_info(mb, &info);
    ok = seq != 0 && (url->uidvalidity == 0 || url->uidvalidity == info.uidvalidity) &&
         message_load(&data, mb, seq) == 0 &&
         fetch_section_text(&data, &url->section, &fields, &text) && append_sink_copy(sink, text);
    message_release(&data);
    strbuf_free(&fields);
    return ok;
}

bool
append_url_copy(struct session *s, struct slice text, struct append_sink *sink)
{
    struct target target;
    struct mailbox *mb;
    struct url url;
    bool ok;

    if (!parse(text, &s->arena, &url))
        return false;
    mb = place_find(s, url.mailbox, RIGHT_READ, &target) < 0
             ? NULL
             : mailbox_open(target.store, target.name, true, false);
    if (mb == NULL)
        return false;
    ok = copy_from(mb, &url, sink);
    mailbox_close(&mb);
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
