/*
 * smtpd/starttls.c - STARTTLS (RFC 3207): what came before the handshake never happened.
 */
#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"
#include "smtpd/command.h"

enum session_state
starttls_run(struct session *s, struct slice args)
{
    size_t discarded = 0;

    (void)args;
    if (!s->settings->starttls || s->server->tls == NULL) {
        session_error(s, 502, "5.5.1", "STARTTLS is not offered");
        return s->state;
    }
    if (stream_tls(s->stream) != NULL || s->auth_user != NULL) {
        session_error(s, 503, "5.5.1", "TLS is active or too late");
        return s->state;
    }
    session_reply(s, 220, "2.0.0", "ready to start TLS");
    if (stream_start_tls(s->stream, s->server->tls, clock_mono_ms() + s->settings->tls_timeout_ms,
                         &discarded) < 0) {
        stats_add(s->server->counters.tls_failures, 1);
        log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
        s->closing = true;
        return s->state;
    }
    if (discarded > 0)
        log_event(LOG_WARN, "starttls_injection", KV_U64("bytes", discarded));
    session_table_tls();
    session_forget(s);
    return ST_NEW;
}
