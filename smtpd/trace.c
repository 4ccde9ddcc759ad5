/*
 * smtpd/trace.c - writes Return-Path and Received (RFC 5321 section 4.4) and, for submitted mail
 * that lacks them, Date and Message-ID (RFC 6409 section 8).
 *
 * All values are syntax-checked before they come here, but for the HELO name: one that is neither
 * domain nor literal is left out, so that no client writes into our header field.
 */
#include "smtpd/trace.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/address.h"

const char *
trace_protocol(const struct trace *trace)
{
    static const char *const extended[] = {"ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA"};
    static const char *const utf8[] = {"UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"};
    unsigned which = (trace->is_authenticated ? 1u : 0u) + (trace->tls_version != NULL ? 2u : 0u);

    if (trace->is_lmtp)
        return trace->is_utf8 ? "UTF8LMTP" : "LMTP";
    if (trace->is_utf8)
        return utf8[which];
    return !trace->is_extended && which == 0 ? "SMTP" : extended[which];
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3) */
static void
write_literal(const char *ip, struct strbuf *out)
{
    (void)strbuf_printf(out, strchr(ip, ':') != NULL ? "[IPv6:%s]" : "[%s]", ip);
}

static void
write_client(const struct trace *trace, struct strbuf *out)
{
    struct slice helo = slice_of(trace->helo);

    if (address_is_domain(helo, false) || address_is_literal(helo))
        (void)strbuf_append(out, helo);
    else
        write_literal(trace->client_ip, out);
    (void)strbuf_str(out, " (");
    write_literal(trace->client_ip, out);
    (void)strbuf_str(out, ")\r\n");
}

static void
write_from(const struct trace *trace, struct strbuf *out)
{
    (void)strbuf_str(out, "Received: from ");
    if (trace->hides_client) /* what the client calls itself may be its address, too */
        (void)strbuf_str(out, "unknown (client hidden)\r\n");
    else
        write_client(trace, out);
    if (trace->tls_version != NULL)
        (void)strbuf_printf(out, "\t(using %s with cipher %s)\r\n", trace->tls_version,
                            trace->tls_cipher);
}

/* What a user's mail may get besides (RFC 6409 section 8, SMTP-26 to SMTP-28). */
static void
write_submission_fields(const struct trace *trace, struct strbuf *out)
{
    if (trace->add_date) {
        (void)strbuf_str(out, "Date: ");
        (void)clock_rfc5322(trace->received_ms, out);
        (void)strbuf_str(out, "\r\n");
    }
    if (trace->add_message_id)
        (void)strbuf_printf(out, "Message-ID: <%s@%s>\r\n", trace->queue_id, trace->hostname);
    if (trace->added_sender.len > 0)
        (void)strbuf_printf(out, "Sender: <%.*s>\r\n", (int)trace->added_sender.len,
                            trace->added_sender.ptr);
    if (trace->add_originating_ip && !trace->hides_client)
        (void)strbuf_printf(out, "X-Originating-IP: [%s]\r\n", trace->client_ip);
    if (trace->auth_user.len > 0)
        (void)strbuf_printf(out, "X-AuthUser: %.*s\r\n", (int)trace->auth_user.len,
                            trace->auth_user.ptr);
}

bool
trace_write(const struct trace *trace, struct strbuf *out)
{
    /* every append's overflow is remembered by the buffer and told at the end */
    (void)strbuf_printf(out, "Return-Path: <%.*s>\r\n", (int)trace->sender.len, trace->sender.ptr);
    write_from(trace, out);
    (void)strbuf_printf(out, "\tby %s with %s id %s", trace->hostname, trace_protocol(trace),
                        trace->queue_id);
    if (trace->recipient.len > 0)
        (void)strbuf_printf(out, "\r\n\tfor <%.*s>", (int)trace->recipient.len,
                            trace->recipient.ptr);
    if (trace->priority != 0)
        (void)strbuf_printf(out, "\r\n\tPRIORITY %d", trace->priority);
    (void)strbuf_str(out, "; ");
    (void)clock_rfc5322(trace->received_ms, out);
    (void)strbuf_str(out, "\r\n");
    write_submission_fields(trace, out);
    if (trace->add_empty_line)
        (void)strbuf_str(out, "\r\n");
    return !out->overflow;
}
