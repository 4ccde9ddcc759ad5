/*
 * stsd/report.c - writes a TLS report and the mail that carries it.
 *
 * Input: what strangers' servers and DNS said; every text of theirs goes through the encoder of
 * JSON strings.
 */
#include "stsd/report.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/base/random.h"

enum { DAY_S = 24 * 60 * 60, BOUNDARY_MAX = 24, BASE64_BYTES = 57 /* make a line of 76 */ };

void
report_name(struct report *r)
{
    const struct report_author *a = r->author;
    long long begin = (long long)r->tally->begin_s, end = begin + DAY_S - 1;
    char part[32] = "";

    if (!r->whole_day)
        (void)snprintf(part, sizeof(part), ".%lld", (long long)(r->now_ms / 1000));
    (void)snprintf(r->id, sizeof(r->id), "%s%s.%s@%s", r->tally->day, part, r->domain->name,
                   a->submitter);
    (void)snprintf(r->file, sizeof(r->file), "%s!%s!%lld!%lld.json.gz", a->submitter,
                   r->domain->name, begin, end);
}

/* ---- JSON (section 4.4) ---- */

/* `,"name": "value"`; what is not known is left out. */
static void
add_text(struct strbuf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    (void)strbuf_printf(out, ", \"%s\": ", name);
    json_quote(out, slice_of(value));
}

/* The lines that begin with `prefix`, without it, as an array. */
static void
add_lines(struct strbuf *out, struct slice text, struct slice prefix)
{
    bool first = true;

    (void)strbuf_char(out, '[');
    while (text.len > 0) {
        struct slice line = slice_trim(slice_split(&text, '\n'));

        if (line.len == 0 || !slice_starts(line, prefix))
            continue;
        (void)strbuf_str(out, first ? "" : ", ");
        json_quote(out, slice_trim(slice_sub(line, prefix.len, line.len)));
        first = false;
    }
    (void)strbuf_char(out, ']');
}

static void
add_failures(struct strbuf *out, const struct tally_policy *p)
{
    const struct tally_failure *f;
    bool first = true;

    (void)strbuf_str(out, ", \"failure-details\": [");
    for (f = STAILQ_FIRST(&p->kinds); f != NULL; f = STAILQ_NEXT(f, link)) {
        (void)strbuf_printf(out, "%s{\"result-type\": \"%s\"", first ? "" : ", ",
                            outcome_result_word((enum outcome_result)f->result));
        add_text(out, "sending-mta-ip", f->sending_ip);
        add_text(out, "receiving-mx-hostname", f->mx_host);
        add_text(out, "receiving-mx-helo", f->mx_helo);
        add_text(out, "receiving-ip", f->receiving_ip);
        (void)strbuf_printf(out, ", \"failed-session-count\": %llu",
                            (unsigned long long)f->sessions);
        add_text(out, "failure-reason-code", f->reason);
        (void)strbuf_char(out, '}');
        first = false;
    }
    (void)strbuf_char(out, ']');
}

static void
add_policy(struct strbuf *out, const struct tally_policy *p)
{
    (void)strbuf_printf(out, "{\"policy\": {\"policy-type\": \"%s\"",
                        outcome_policy_word((enum outcome_policy)p->type));
    if (p->type != OUTCOME_NO_POLICY) {
        (void)strbuf_str(out, ", \"policy-string\": ");
        add_lines(out, slice_of(p->text), SLICE(""));
    }
    add_text(out, "policy-domain", p->domain);
    if (p->type == OUTCOME_STS) {
        (void)strbuf_str(out, ", \"mx-host\": ");
        add_lines(out, slice_of(p->text), SLICE("mx:"));
    }
    (void)strbuf_printf(out,
                        "}, \"summary\": {\"total-successful-session-count\": %llu, "
                        "\"total-failure-session-count\": %llu}",
                        (unsigned long long)p->successes, (unsigned long long)p->failures);
    if (!STAILQ_EMPTY(&p->kinds))
        add_failures(out, p);
    (void)strbuf_char(out, '}');
}

void
report_json(const struct report *r, struct strbuf *out)
{
    const struct tally_policy *p;
    bool first = true;

    (void)strbuf_str(out, "{\"organization-name\": "); /* the caller looks for overflow */
    json_quote(out, slice_of(r->author->organization));
    (void)strbuf_printf(out,
                        ", \"date-range\": {\"start-datetime\": \"%sT00:00:00Z\", "
                        "\"end-datetime\": \"%sT23:59:59Z\"}",
                        r->tally->day, r->tally->day);
    add_text(out, "contact-info", r->author->contact);
    add_text(out, "report-id", r->id);
    (void)strbuf_str(out, ", \"policies\": [");
    for (p = STAILQ_FIRST(&r->domain->policies); p != NULL; p = STAILQ_NEXT(p, link)) {
        (void)strbuf_str(out, first ? "" : ", ");
        add_policy(out, p);
        first = false;
    }
    (void)strbuf_str(out, "]}\n");
}

/* ---- mail (section 5.3) ---- */

static void
add_base64(struct strbuf *out, struct slice bytes)
{
    while (bytes.len > 0) {
        (void)base64_encode(slice_sub(bytes, 0, BASE64_BYTES), out);
        (void)strbuf_str(out, "\r\n");
        bytes = slice_sub(bytes, BASE64_BYTES, bytes.len);
    }
}

/* "TLS-Required: No" tells the servers behind the first one too that nothing may hold a report up
 * (section 5.3, RFC 8689 section 5). */
static void
add_header(struct strbuf *out, const struct report *r, struct slice to, const char *queue_id,
           const char *boundary)
{
    const struct report_author *a = r->author;

    (void)strbuf_printf(out, "Return-Path: <%s>\r\nReceived: by %s (Posthorn) id %s;\r\n\t",
                        a->contact, a->hostname, queue_id);
    (void)clock_rfc5322(r->now_ms, out);
    (void)strbuf_printf(out, "\r\nFrom: <%s>\r\nTo: <%.*s>\r\nDate: ", a->contact, (int)to.len,
                        to.ptr);
    (void)clock_rfc5322(r->now_ms, out);
    (void)strbuf_printf(out,
                        "\r\nMessage-ID: <%s@%s>\r\nSubject: Report Domain: %s\r\n\tSubmitter: "
                        "%s\r\n\tReport-ID: <%s>\r\nTLS-Report-Domain: %s\r\n"
                        "TLS-Report-Submitter: %s\r\nTLS-Required: No\r\n"
                        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
                        "\tboundary=\"%s\"\r\n\r\n",
                        queue_id, a->hostname, r->domain->name, a->submitter, r->id,
                        r->domain->name, a->submitter, boundary);
}

void
report_mail(const struct report *r, struct slice gzipped, struct slice to, const char *queue_id,
            struct strbuf *out)
{
    char boundary[BOUNDARY_MAX + 1];

    random_name(boundary, BOUNDARY_MAX);
    add_header(out, r, to, queue_id, boundary);
    (void)strbuf_printf(out,
                        "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
                        "This is an aggregate TLS report (RFC 8460) from %s\r\nabout mail to %s on "
                        "%s (UTC).\r\n\r\n"
                        "--%s\r\nContent-Type: application/tlsrpt+gzip\r\n"
                        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
                        "\tfilename=\"%s\"\r\n\r\n",
                        boundary, r->author->submitter, r->domain->name, r->tally->day, boundary,
                        r->file);
    add_base64(out, gzipped);
    (void)strbuf_printf(out, "--%s--\r\n", boundary);
}
