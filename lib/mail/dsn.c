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
#include "lib/base/parse.h"
#include "lib/base/random.h"
#include "lib/mail/xtext.h"

#define TEXT_MAX 900 /* a line has 998 bytes at most (RFC 5322 section 2.1.1) */

static const struct wording {
    const char *action; /* RFC 3464 section 2.3.3 */
    const char *subject, *text;
} wordings[] = {
    [DSN_FAILED] = {"failed", "Undelivered mail: returned to sender",
                    "Your message could not be delivered to the recipients below. No further\r\n"
                    "attempts will be made.\r\n"},
    [DSN_DELAYED] = {"delayed", "Delayed mail: still being tried",
                     "Your message could not be delivered to the recipients below so far. You\r\n"
                     "need not send it again: further attempts will be made.\r\n"},
    [DSN_DELIVERED] = {"delivered", "Successful mail delivery report",
                       "Your message was delivered to the recipients below, as you asked to be\r\n"
                       "told. This does not mean that it has been read.\r\n"},
    [DSN_RELAYED] = {"relayed", "Successful mail delivery report",
                     "Your message was passed on for the recipients below. Their mail system\r\n"
                     "does not send reports, so this is the last one about it.\r\n"},
    [DSN_EXPANDED] = {"expanded", "Successful mail delivery report",
                      "Your message was delivered to the groups below and goes to their\r\n"
                      "members.\r\n"},
};

static bool
is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 0x7f)
            return false;
    return true;
}

bool
dsn_needs_utf8(const struct dsn *dsn)
{
    bool needed = dsn->smtputf8 || !is_ascii(dsn->to);

    for (uint32_t i = 0; i < dsn->rcpt_count && !needed; i++)
        needed = !is_ascii(dsn->rcpts[i].address) || !is_ascii(dsn->rcpts[i].member);
    return needed;
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

static void
put_header(struct strbuf *out, const struct dsn *dsn, const struct wording *wording,
           const char *boundary, bool utf8)
{
    put_date(out, "Date", dsn->now_ms);
    (void)strbuf_printf(out, "From: Mail Delivery System <%s>\r\nTo: <", dsn->from);
    put_text(out, dsn->to, utf8);
    (void)strbuf_printf(out,
                        ">\r\nSubject: %s\r\nMessage-ID: <%s>\r\n"
                        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                        "\tboundary=\"%s\"\r\n",
                        wording->subject, dsn->message_id, boundary);
    if (utf8 || dsn->returned_8bit)
        (void)strbuf_str(out, "Content-Transfer-Encoding: 8bit\r\n");
    (void)strbuf_str(out, "\r\nThis is a MIME-encapsulated message.\r\n");
}

static void
put_explanation(struct strbuf *out, const struct dsn *dsn, const struct wording *wording,
                const char *boundary, bool utf8)
{
    (void)strbuf_printf(out,
                        "\r\n--%s\r\nContent-Type: text/plain; charset=%s\r\n"
                        "Content-Transfer-Encoding: %s\r\n\r\n"
                        "This is the mail system at %s.\r\n\r\n%s",
                        boundary, utf8 ? "utf-8" : "us-ascii", utf8 ? "8bit" : "7bit",
                        dsn->hostname, wording->text);
    if (dsn->retry_until_ms != 0)
        put_date(out, "They end", dsn->retry_until_ms);
    for (uint32_t i = 0; i < dsn->rcpt_count; i++) {
        const struct dsn_rcpt *r = &dsn->rcpts[i];

        (void)strbuf_str(out, "\r\n<");
        put_text(out, r->address, utf8);
        (void)strbuf_str(out, ">");
        if (r->member.len > 0) {
            (void)strbuf_str(out, ", member <");
            put_text(out, r->member, utf8);
            (void)strbuf_str(out, ">");
        }
        if (r->remote.len > 0) {
            (void)strbuf_str(out, ", host ");
            put_text(out, r->remote, utf8);
        }
        if (r->diagnostic.len > 0) {
            (void)strbuf_str(out, ":\r\n    ");
            put_text(out, r->diagnostic, utf8);
        }
        (void)strbuf_str(out, "\r\n");
    }
}

static void
put_rcpt(struct strbuf *out, const struct dsn *dsn, const struct dsn_rcpt *r, bool utf8)
{
    (void)strbuf_str(out, "\r\n");
    if (r->original.len > 0)
        put_original(out, r->original, utf8);
    put_field(out, "Final-Recipient", is_ascii(r->address) ? "rfc822; " : "utf-8; ", r->address,
              utf8);
    put_field(out, "Action", "", slice_of(wordings[r->action].action), false);
    put_field(out, "Status", "", r->status, false);
    if (r->remote.len > 0)
        put_field(out, "Remote-MTA", "dns; ", r->remote, false);
    if (r->diagnostic.len > 0)
        put_field(out, "Diagnostic-Code", r->remote.len > 0 ? "smtp; " : "x-posthorn; ",
                  r->diagnostic, utf8);
    put_date(out, "Last-Attempt-Date", dsn->now_ms);
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
    const struct wording *wording = &wordings[dsn->rcpts[0].action];
    bool utf8 = dsn_needs_utf8(dsn);
    char name[20];

    random_name(name, sizeof(name) - 1);
    (void)snprintf(boundary, DSN_BOUNDARY_SIZE, "report-%s", name);
    put_header(out, dsn, wording, boundary, utf8);
    put_explanation(out, dsn, wording, boundary, utf8);
    put_status(out, dsn, boundary, utf8);
    put_returned_type(out, dsn, boundary, utf8);
}

void
dsn_end(struct strbuf *out, const char *boundary)
{
    (void)strbuf_printf(out, "\r\n--%s--\r\n", boundary);
}
