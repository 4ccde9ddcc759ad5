/*
 * lib/mail/system_mail.c - writes a message of the suite's own from a template. No I/O.
 */
#include "lib/mail/system_mail.h"

#include "lib/base/clock.h"
#include "lib/mail/encoded_text.h"

#define SUBJECT_MAX 1000

static void
put_subject(const struct system_mail *mail, struct strbuf *out)
{
    struct strbuf subject = strbuf_new(SUBJECT_MAX);

    (void)strbuf_str(out, "Subject: ");
    if (template_fill(mail->wording->subject, mail->values, mail->value_count, &subject))
        (void)encoded_text_write(strbuf_slice(&subject), out); /* else none: it is too long */
    (void)strbuf_str(out, "\r\n");
    strbuf_free(&subject);
}

void
system_mail_write(const struct system_mail *mail, struct strbuf *out)
{
    (void)strbuf_str(out, "Return-Path: <>\r\nDate: "); /* overflow: as the header says */
    (void)clock_rfc5322(mail->now_ms, out);
    (void)strbuf_printf(out, "\r\nFrom: %s <%.*s>\r\nTo: <%.*s>\r\nMessage-ID: <%s@%s>\r\n",
                        mail->from_name, (int)mail->from.len, mail->from.ptr, (int)mail->to.len,
                        mail->to.ptr, mail->queue_id, mail->hostname);
    put_subject(mail, out);
    (void)strbuf_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: 8bit\r\n\r\n");
    (void)template_fill(mail->wording->body, mail->values, mail->value_count, out);
    if (!strbuf_ends_with(out, "\r\n"))
        (void)strbuf_str(out, "\r\n");
}
