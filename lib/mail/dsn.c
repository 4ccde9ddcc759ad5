/*
 * lib/mail/dsn.c - writes delivery status notifications.
 *
 * Addresses, diagnostics and remote names come from outside: each goes on one line, without control
 * characters, cut to TEXT_MAX bytes, and without bytes above 0x7f unless the notification is
 * internationalized. No I/O; overflow is remembered by the buffer.
 */
#include "lib/mail/dsn.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/mail/encoded_text.h"
#include "lib/mail/xtext.h"

#define TEXT_MAX 900            /* a line has 998 bytes at most (RFC 5322 section 2.1.1) */
#define SENDER_MAX 320          /* in the text: a template's line is around it */
#define DSN_TEXT_MAX (4u << 20) /* the text for DSN_RCPTS_MAX recipients fits */
#define BASE64_LINE 57          /* bytes that make 76 letters (RFC 2045 section 6.8) */

static const char *const actions[] = {
    /* RFC 3464 section 2.3.3 */
    [DSN_FAILED] = "failed",   [DSN_DELAYED] = "delayed",   [DSN_DELIVERED] = "delivered",
    [DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded",
};

const char *const dsn_value_names[] = {"recipients",  "hostname", "sender",
                                       "postmaster",  "queue_id", "arrival",
                                       "retry_until", "words",    NULL};

bool
dsn_needs_utf8(const struct dsn *dsn)
{
    bool needed = dsn->smtputf8 || !parse_is_ascii(dsn->to) || !parse_is_ascii(dsn->sender);

    for (uint32_t i = 0; i < dsn->rcpt_count && !needed; i++)
        needed = !parse_is_ascii(dsn->rcpts[i].address) || !parse_is_ascii(dsn->rcpts[i].member);
    return needed;
}

bool
dsn_needs_8bit(const struct dsn *dsn)
{
    return dsn->returned_8bit || dsn_needs_utf8(dsn);
}

static void
put_text(struct strbuf *out, struct slice text, bool utf8)
{
    bool keep_8bit;

    text = slice_trim(slice_sub(text, 0, TEXT_MAX));
    keep_8bit = utf8 && parse_is_utf8(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f)
            c = ' ';
        else if (c > 0x7f && !keep_8bit)
            c = '?';
        (void)strbuf_char(out, (char)c); /* overflow is remembered */
    }
}

static void
put_field(struct strbuf *out, const char *name, const char *type, struct slice value, bool utf8)
{
    (void)strbuf_printf(out, "%s: %s", name, type);
    put_text(out, value, utf8);
    (void)strbuf_str(out, "\r\n");
}

static void
put_date(struct strbuf *out, const char *name, int64_t ms)
{
    (void)strbuf_printf(out, "%s: ", name);
    (void)clock_rfc5322(ms, out);
    (void)strbuf_str(out, "\r\n");
}

/* xtext as received, decoded (RFC 3461 section 4); what is not xtext goes as it is. */
static void
put_xtext_field(struct strbuf *out, const char *name, struct slice text, bool utf8)
{
    struct strbuf plain = strbuf_new(TEXT_MAX);

    put_field(out, name, "", xtext_decode(text, &plain) == 0 ? strbuf_slice(&plain) : text, utf8);
    strbuf_free(&plain);
}

/* "rfc822;xtext" becomes "rfc822; address". The utf-8 type has an encoding of its own that is 7-bit
 * safe (RFC 6533 section 3), and goes as it is. */
static void
put_original(struct strbuf *out, struct slice orcpt, bool utf8)
{
    struct slice address = orcpt;
    struct slice type = slice_split(&address, ';');
    struct strbuf plain = strbuf_new(TEXT_MAX);

    (void)strbuf_str(out, "Original-Recipient: ");
    put_text(out, type, utf8);
    (void)strbuf_str(out, "; ");
    if (!slice_eq_nocase(type, SLICE("utf-8")) && xtext_decode(address, &plain) == 0)
        address = strbuf_slice(&plain);
    put_text(out, address, utf8);
    (void)strbuf_str(out, "\r\n");
    strbuf_free(&plain);
}

/* ---- the text ---- */

static void
put_detail(struct strbuf *out, const char *before, struct slice text, const char *behind, bool utf8)
{
    if (text.len == 0)
        return;
    (void)strbuf_str(out, before);
    put_text(out, text, utf8);
    (void)strbuf_str(out, behind);
}

/* One recipient; each detail on a line of its own, for the length of lines. */
static void
put_listed(struct strbuf *out, const struct dsn_rcpt *r, bool utf8)
{
    bool bad = r->action == DSN_FAILED || r->action == DSN_DELAYED;

    put_detail(out, "\r\n<", r->address, ">\r\n", utf8);
    put_detail(out, "    member: <", r->member, ">\r\n", utf8);
    put_detail(out, "    host: ", r->remote, "\r\n", utf8);
    put_detail(out, "    ", bad ? r->diagnostic : slice_of(actions[r->action]), "\r\n", utf8);
}

/* The template's values, made: the strings of `struct wording` behind them. */
struct wording {
    struct strbuf recipients, sender, arrival, retry_until;
    struct template_value values[8];
};

static void
wording_make(struct wording *w, const struct dsn *dsn, bool utf8)
{
    *w = (struct wording){strbuf_new(DSN_TEXT_MAX), strbuf_new(SENDER_MAX), strbuf_new(64),
                          strbuf_new(64), .values = {{.name = NULL}}};
    for (uint32_t i = 0; i < dsn->rcpt_count; i++)
        put_listed(&w->recipients, &dsn->rcpts[i], utf8);
    put_text(&w->sender, slice_sub(dsn->sender, 0, SENDER_MAX), utf8);
    (void)clock_rfc5322(dsn->arrival_ms, &w->arrival);
    if (dsn->retry_until_ms != 0)
        (void)clock_rfc5322(dsn->retry_until_ms, &w->retry_until);
    w->values[0] = (struct template_value){"recipients", slice_trim(strbuf_slice(&w->recipients))};
    w->values[1] = (struct template_value){"hostname", slice_of(dsn->hostname)};
    w->values[2] = (struct template_value){"sender", strbuf_slice(&w->sender)};
    w->values[3] = (struct template_value){"postmaster", slice_of(dsn->from)};
    w->values[4] = (struct template_value){"queue_id", slice_of(dsn->queue_id)};
    w->values[5] = (struct template_value){"arrival", strbuf_slice(&w->arrival)};
    w->values[6] = (struct template_value){"retry_until", strbuf_slice(&w->retry_until)};
    w->values[7] = (struct template_value){"words", dsn->words};
}

static void
wording_free(struct wording *w)
{
    strbuf_free(&w->recipients);
    strbuf_free(&w->sender);
    strbuf_free(&w->arrival);
    strbuf_free(&w->retry_until);
}

static void
put_subject(struct strbuf *out, const struct dsn *dsn, const struct wording *w)
{
    struct strbuf subject = strbuf_new(TEXT_MAX);

    if (!template_fill(dsn->wording->subject, w->values, ARRAY_LEN(w->values), &subject))
        strbuf_clear(&subject); /* too long with its values: none is better than a broken one */
    (void)strbuf_str(out, "Subject: ");
    (void)encoded_text_write(strbuf_slice(&subject), out);
    (void)strbuf_str(out, "\r\n");
    strbuf_free(&subject);
}

static void
put_header(struct strbuf *out, const struct dsn *dsn, const struct wording *w, const char *boundary,
           bool utf8)
{
    put_date(out, "Date", dsn->now_ms);
    (void)strbuf_printf(out, "From: Mail Delivery System <%s>\r\nTo: <", dsn->from);
    put_text(out, dsn->to, utf8);
    (void)strbuf_str(out, ">\r\n");
    put_subject(out, dsn, w);
    (void)strbuf_printf(out,
                        "Message-ID: <%s>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                        "\tboundary=\"%s\"\r\n",
                        dsn->message_id, boundary);
    if (dsn_needs_8bit(dsn))
        (void)strbuf_str(out, "Content-Transfer-Encoding: 8bit\r\n");
    (void)strbuf_str(out, "\r\nThis is a MIME-encapsulated message.\r\n");
}

static void
put_base64(struct strbuf *out, struct slice text)
{
    for (size_t at = 0; at < text.len; at += BASE64_LINE) {
        (void)base64_encode(slice_sub(text, at, at + BASE64_LINE), out);
        (void)strbuf_str(out, "\r\n");
    }
}

/* A template beyond ASCII does not make the notification need more than the mail did. */
static void
put_explanation(struct strbuf *out, const struct dsn *dsn, const struct wording *w,
                const char *boundary, bool utf8)
{
    struct strbuf text = strbuf_new(DSN_TEXT_MAX + TEMPLATE_MAX);
    bool ascii;

    (void)template_fill(dsn->wording->body, w->values, ARRAY_LEN(w->values), &text);
    ascii = parse_is_ascii(strbuf_slice(&text));
    (void)strbuf_printf(out,
                        "\r\n--%s\r\nContent-Type: text/plain; charset=%s\r\n"
                        "Content-Transfer-Encoding: %s\r\n\r\n",
                        boundary, ascii ? "us-ascii" : "utf-8",
                        ascii  ? "7bit"
                        : utf8 ? "8bit"
                               : "base64");
    if (ascii || utf8)
        (void)strbuf_append(out, strbuf_slice(&text));
    else
        put_base64(out, strbuf_slice(&text));
    strbuf_free(&text);
}

/* ---- the status ---- */

static void
put_rcpt(struct strbuf *out, const struct dsn *dsn, const struct dsn_rcpt *r, bool utf8)
{
    (void)strbuf_str(out, "\r\n");
    if (r->original.len > 0)
        put_original(out, r->original, utf8);
    put_field(out, "Final-Recipient", parse_is_ascii(r->address) ? "rfc822; " : "utf-8; ",
              r->address, utf8);
    put_field(out, "Action", "", slice_of(actions[r->action]), false);
    put_field(out, "Status", "", r->status, false);
    if (r->remote.len > 0)
        put_field(out, "Remote-MTA", "dns; ", r->remote, false);
    if (r->diagnostic.len > 0)
        put_field(out, "Diagnostic-Code", r->remote.len > 0 ? "smtp; " : "x-posthorn; ",
                  r->diagnostic, utf8);
    put_date(out, "Last-Attempt-Date", dsn->now_ms);
    if (r->remote.len == 0) /* we were the last to have it (RFC 3464 section 2.3.8) */
        put_field(out, "Final-Log-ID", "", slice_of(dsn->queue_id), false);
    if (r->action == DSN_DELAYED && dsn->retry_until_ms != 0)
        put_date(out, "Will-Retry-Until", dsn->retry_until_ms);
}

static void
put_status(struct strbuf *out, const struct dsn *dsn, const char *boundary, bool utf8)
{
    (void)strbuf_printf(out, "\r\n--%s\r\nContent-Type: message/%sdelivery-status\r\n", boundary,
                        utf8 ? "global-" : "");
    if (utf8)
        (void)strbuf_str(out, "Content-Transfer-Encoding: 8bit\r\n");
    (void)strbuf_str(out, "\r\n");
    if (dsn->envid.len > 0)
        put_xtext_field(out, "Original-Envelope-Id", dsn->envid, utf8);
    (void)strbuf_printf(out, "Reporting-MTA: dns; %s\r\nX-Posthorn-Queue-ID: %s\r\n", dsn->hostname,
                        dsn->queue_id);
    put_date(out, "Arrival-Date", dsn->arrival_ms);
    if (dsn->deliver_by_ms != 0)
        put_date(out, "Deliver-By-Date", dsn->deliver_by_ms); /* RFC 2852 section 5 */
    if (dsn->hold_request.len > 0)                            /* RFC 4865 section 5.1.2 */
        put_field(out, "Future-Release-Request", "", dsn->hold_request, false);
    for (uint32_t i = 0; i < dsn->rcpt_count; i++)
        put_rcpt(out, dsn, &dsn->rcpts[i], utf8);
}

static void
put_returned_type(struct strbuf *out, const struct dsn *dsn, const char *boundary, bool utf8)
{
    const char *type = dsn->full ? (utf8 ? "message/global" : "message/rfc822")
                                 : (utf8 ? "message/global-headers" : "text/rfc822-headers");

    (void)strbuf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n", boundary, type);
    if (dsn->returned_8bit)
        (void)strbuf_str(out, "Content-Transfer-Encoding: 8bit\r\n");
    (void)strbuf_str(out, "\r\n");
}

void
dsn_begin(struct strbuf *out, const struct dsn *dsn, char boundary[DSN_BOUNDARY_SIZE])
{
    bool utf8 = dsn_needs_utf8(dsn);
    struct wording wording;
    char name[20];

    random_name(name, sizeof(name) - 1);
    (void)snprintf(boundary, DSN_BOUNDARY_SIZE, "report-%s", name);
    wording_make(&wording, dsn, utf8);
    put_header(out, dsn, &wording, boundary, utf8);
    put_explanation(out, dsn, &wording, boundary, utf8);
    wording_free(&wording);
    put_status(out, dsn, boundary, utf8);
    put_returned_type(out, dsn, boundary, utf8);
}

void
dsn_end(struct strbuf *out, const char *boundary)
{
    (void)strbuf_printf(out, "\r\n--%s--\r\n", boundary);
}
