/*
 * lib/mail/auto_reply.c - automatic replies of persons.
 *
 * The header is a stranger's: what is taken over from it into the reply is looked at byte by byte.
 * No I/O.
 */
#include "lib/mail/auto_reply.h"

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"
#include "lib/mail/address_list.h"
#include "lib/mail/encoded_text.h"
#include "lib/mail/header.h"

#define FIELDS_MAX 1000
#define VALUE_MAX 8192 /* of a field that is looked into */
#define SUBJECT_MAX_BYTES 800
#define ID_MAX_BYTES 250  /* of one message identifier */
#define REFERENCES_MAX 20 /* the last ones */
#define BASE64_LINE 57    /* bytes that make 76 letters (RFC 2045 section 6.8) */
#define PLAIN_LINE 900

/* ---- which mail ---- */

/* The first word of a field, up to white space, ';' or a comment. */
static struct slice
first_word(struct slice body)
{
    struct slice text = slice_trim(body);
    size_t len = 0;

    while (len < text.len && strchr(" \t\r\n;(", text.ptr[len]) == NULL)
        len++;
    return slice_sub(text, 0, len);
}

static const char *
field_refusal(const struct header_field *f)
{
    struct slice word = first_word(f->body);

    if (slice_eq_nocase(f->name, SLICE("Auto-Submitted")) && !slice_eq_nocase(word, SLICE("no")))
        return "it is automatic itself"; /* section 5 */
    if (slice_starts_nocase(f->name, SLICE("List-")))
        return "it comes from a mailing list"; /* RFC 2369, RFC 2919 */
    if (slice_eq_nocase(f->name, SLICE("Precedence")) &&
        (slice_eq_nocase(word, SLICE("bulk")) || slice_eq_nocase(word, SLICE("junk")) ||
         slice_eq_nocase(word, SLICE("list"))))
        return "its precedence is that of bulk mail";
    return NULL;
}

/* Addresses that only programs send from (section 2). */
static bool
is_program(struct slice local)
{
    return slice_eq_nocase(local, SLICE("mailer-daemon")) ||
           slice_starts_nocase(local, SLICE("owner-")) ||
           slice_ends_nocase(local, SLICE("-owner")) ||
           slice_ends_nocase(local, SLICE("-request")) ||
           slice_ends_nocase(local, SLICE("-bounces"));
}

const char *
auto_reply_refusal(struct slice header, struct slice sender, struct slice user)
{
    struct header_field field;
    const char *why = NULL;

    if (sender.len == 0)
        return "it has the null sender";
    if (is_program(slice_sub(sender, 0, slice_rindex(sender, '@'))))
        return "a program sent it";
    if (slice_eq_nocase(sender, user))
        return "it is the user's own";
    for (int i = 0; i < FIELDS_MAX && why == NULL; i++) {
        if (header_next(&header, &field) != HEADER_FIELD)
            return NULL;
        why = field_refusal(&field);
    }
    return why == NULL ? "it has too many header fields" : why;
}

/* ---- whom it names ---- */

static bool
names_recipients(struct slice name)
{
    if (slice_starts_nocase(name, SLICE("Resent-")))
        name = slice_sub(name, 7, name.len);
    return slice_eq_nocase(name, SLICE("To")) || slice_eq_nocase(name, SLICE("Cc")) ||
           slice_eq_nocase(name, SLICE("Bcc"));
}

static bool
is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return text.len > 0;
}

static void
put_named(struct slice body, unsigned *count, struct strbuf *out)
{
    struct address_list list = address_list_begin(body);
    struct address_entry entry;

    while (*count < AUTO_REPLY_NAMED_MAX && address_list_next(&list, &entry)) {
        if (entry.kind != ADDRESS_MAILBOX || !is_line(entry.local) || !is_line(entry.domain))
            continue;
        (*count)++;
        if (!strbuf_printf(out, "%.*s@%.*s\n", (int)entry.local.len, entry.local.ptr,
                           (int)entry.domain.len, entry.domain.ptr))
            break;
    }
    address_list_end(&list);
}

void
auto_reply_named(struct slice header, struct strbuf *out)
{
    struct header_field field;
    unsigned count = 0;

    for (int i = 0; i < FIELDS_MAX && header_next(&header, &field) == HEADER_FIELD; i++)
        if (names_recipients(field.name))
            put_named(field.body, &count, out);
}

/* ---- the reply ---- */

static void
put_address_field(struct strbuf *out, const char *name, struct slice display, struct slice address)
{
    bool plain = parse_is_ascii_print(display);

    (void)strbuf_printf(out, "%s: ", name);
    for (size_t i = 0; plain && i < display.len; i++) { /* quoted-string, RFC 5322 section 3.2.4 */
        if (i == 0)
            (void)strbuf_char(out, '"');
        if (display.ptr[i] == '"' || display.ptr[i] == '\\')
            (void)strbuf_char(out, '\\');
        (void)strbuf_char(out, display.ptr[i]);
    }
    if (!plain)
        (void)encoded_text_write(display, out);
    if (display.len > 0)
        (void)strbuf_str(out, plain ? "\" " : "\r\n ");
    (void)strbuf_printf(out, "<%.*s>\r\n", (int)address.len, address.ptr);
}

/* "Auto: " and the subject (section 3.1.5), its encoded words as they are. */
static void
put_subject(struct strbuf *out, const struct auto_reply *r)
{
    struct strbuf subject = strbuf_new(SUBJECT_MAX_BYTES);
    struct header_field field;
    bool taken = header_find(r->header, "Subject", &field) && header_unfold(field.body, &subject) &&
                 subject.len > 0 && is_line(strbuf_slice(&subject)) &&
                 parse_is_utf8(strbuf_slice(&subject));

    (void)strbuf_str(out, "Subject: Auto: ");
    (void)encoded_text_write(taken ? strbuf_slice(&subject) : r->no_subject, out);
    (void)strbuf_str(out, "\r\n");
    strbuf_free(&subject);
}

/* Takes the next "<...>" of a field that is safe to repeat. Empty: there is none. */
static struct slice
next_id(struct slice *text)
{
    while (text->len > 0) {
        struct slice id;

        (void)slice_cut_after(text, '<');
        id = slice_sub(*text, 0, slice_index(*text, '>'));
        if (id.len == text->len)
            return SLICE("");
        *text = slice_sub(*text, id.len + 1, text->len);
        if (id.len > 0 && id.len <= ID_MAX_BYTES && parse_is_ascii_print(id) &&
            slice_index(id, ' ') == id.len && slice_index(id, '<') == id.len)
            return id;
    }
    return SLICE("");
}

/* The field's body on one line; empty if there is none. */
static void
read_field(struct slice header, const char *name, struct strbuf *out)
{
    struct header_field field;

    if (header_find(header, name, &field) && !header_unfold(field.body, out))
        strbuf_clear(out);
}

/* In-Reply-To and References (section 3.1.6, RFC 5322 section 3.6.4). */
static void
put_thread(struct strbuf *out, struct slice header)
{
    struct strbuf field = strbuf_new(VALUE_MAX), references = strbuf_new(VALUE_MAX);
    struct slice rest, parent, id, ids[REFERENCES_MAX];
    size_t count = 0;

    read_field(header, "Message-ID", &field);
    rest = strbuf_slice(&field);
    parent = next_id(&rest);
    if (parent.len == 0)
        goto out;
    (void)strbuf_printf(out, "In-Reply-To: <%.*s>\r\nReferences:", (int)parent.len, parent.ptr);
    read_field(header, "References", &references);
    rest = strbuf_slice(&references);
    while ((id = next_id(&rest)).len > 0)
        ids[count++ % REFERENCES_MAX] = id;
    for (size_t i = count > REFERENCES_MAX ? count - REFERENCES_MAX : 0; i < count; i++)
        (void)strbuf_printf(out, " <%.*s>\r\n", (int)ids[i % REFERENCES_MAX].len,
                            ids[i % REFERENCES_MAX].ptr);
    (void)strbuf_printf(out, " <%.*s>\r\n", (int)parent.len, parent.ptr);
out:
    strbuf_free(&field);
    strbuf_free(&references);
}

static bool
is_plain(struct slice text)
{
    bool plain = parse_is_ascii(text);

    while (plain && text.len > 0)
        plain = slice_split(&text, '\n').len <= PLAIN_LINE;
    return plain;
}

static void
put_text(struct strbuf *out, struct slice text)
{
    bool plain = is_plain(text);

    (void)strbuf_printf(out,
                        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\n"
                        "Content-Transfer-Encoding: %s\r\n\r\n",
                        plain ? "us-ascii" : "utf-8", plain ? "7bit" : "base64");
    if (plain)
        (void)strbuf_append(out, text);
    for (size_t at = 0; !plain && at < text.len; at += BASE64_LINE) {
        (void)base64_encode(slice_sub(text, at, at + BASE64_LINE), out);
        (void)strbuf_str(out, "\r\n");
    }
    if (!strbuf_ends_with(out, "\r\n"))
        (void)strbuf_str(out, "\r\n");
}

void
auto_reply_write(const struct auto_reply *r, struct strbuf *out)
{
    (void)strbuf_str(out, "Date: "); /* overflow: as the header says */
    (void)clock_rfc5322(r->now_ms, out);
    (void)strbuf_str(out, "\r\n");
    put_address_field(out, "From", r->full_name, r->from);
    put_address_field(out, "To", SLICE(""), r->to);
    put_subject(out, r);
    (void)strbuf_printf(out, "Message-ID: <%s>\r\n", r->message_id);
    put_thread(out, r->header);
    (void)strbuf_str(out, "Auto-Submitted: auto-replied\r\n"); /* section 3.1.7 */
    put_text(out, r->text);
}
