/*
 * ldapd/extended.c - extended operations: StartTLS (RFC 4511 section 4.14), who am I (RFC 4532);
 * password modify is in ldapd/password.c.
 */
#include "ldapd/operations.h"
#include "ldapd/sorted.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

enum { TAG_REQUEST_NAME = 0x80, TAG_REQUEST_VALUE = 0x81, TAG_NAME = 0x8a, TAG_VALUE = 0x8b };

#define IDENTITY_MAX 1024

void
extended_respond(struct session *s, enum ldap_result result, const char *text, const char *oid,
                 const struct slice *value)
{
    size_t op, start = session_begin(s, LDAP_OP_EXTENDED_RESPONSE, &op);

    session_put_result(s, result, SLICE(""), slice_of(text));
    if (oid != NULL)
        ber_put(&s->out, TAG_NAME, slice_of(oid));
    if (value != NULL)
        ber_put(&s->out, TAG_VALUE, *value);
    ber_end(&s->out, op);
    session_send(s, start);
}

/* What was read behind the request was said in clear: it never happened. */
static void
start_tls(struct session *s)
{
    size_t discarded = 0;

    if (stream_tls(s->stream) != NULL || s->server->tls == NULL || s->sasl_under_way ||
        s->ahead.len > 0) {
        extended_respond(s, s->server->tls == NULL ? LDAP_UNAVAILABLE : LDAP_OPERATIONS_ERROR,
                         "StartTLS is not possible now", LDAP_OID_START_TLS, NULL);
        return;
    }
    extended_respond(s, LDAP_SUCCESS, NULL, LDAP_OID_START_TLS, NULL);
    if (stream_start_tls(s->stream, s->server->tls, clock_mono_ms() + s->server->tls_ms,
                         &discarded) < 0) {
        log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
        s->end_reason = "no TLS";
        s->is_over = true;
        return;
    }
    session_table_tls();
    if (discarded > 0)
        log_event(LOG_WARN, "starttls_injection", KV_U64("bytes", discarded));
}

static void
who_am_i(struct session *s)
{
    struct strbuf identity = strbuf_new(IDENTITY_MAX);
    struct slice value;

    if (s->may_write)
        (void)strbuf_printf(&identity, "dn:cn=" TARGET_WRITER ",%s", s->server->names.base_text);
    else if (s->user != NULL)
        (void)strbuf_printf(&identity, "u:%s", s->user);
    value = strbuf_slice(&identity);
    extended_respond(s, LDAP_SUCCESS, NULL, NULL, &value);
    strbuf_free(&identity);
}

void
extended_run(struct session *s)
{
    struct slice rest = s->message.body, oid, value = SLICE("");

    if (ber_take(&rest, TAG_REQUEST_NAME, &oid) < 0 ||
        (rest.len > 0 && (ber_take(&rest, TAG_REQUEST_VALUE, &value) < 0 || rest.len > 0)))
        extended_respond(s, LDAP_PROTOCOL_ERROR, "malformed request", NULL, NULL);
    else if (slice_eq(oid, SLICE(LDAP_OID_START_TLS)))
        start_tls(s);
    else if (slice_eq(oid, SLICE(LDAP_OID_WHO_AM_I)))
        who_am_i(s);
    else if (slice_eq(oid, SLICE(LDAP_OID_PASSWORD)))
        password_run(s, value);
    else
        extended_respond(s, LDAP_PROTOCOL_ERROR, "there is no such operation", NULL, NULL);
}
