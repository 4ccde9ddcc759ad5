/*
 * authd/outcome.c - how a login ends.
 */
#include "authd/outcome.h"

#include "authd/code_use.h"
#include "authd/guard.h"
#include "authd/visits.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"

void
outcome_log(const struct session *s, enum log_level level, const char *event, struct slice user,
            const char *reason)
{
    const char *where = guard_location(s);

    log_event(level, event, KV_SLICE("user", user), KV_STR("service", session_service_name(s)),
              KV_STR("client", s->client_ip), KV_STR("session", s->session_id),
              KV_STR("mechanism", sasl_name(s->mechanism)), KV_STR("tls", s->tls ? "yes" : "no"),
              KV_STR("cached", s->cached ? "yes" : "no"), KV_STR("code", s->code),
              KV_STR("reason", reason), where[0] == '\0' ? KV_END : KV_STR("location", where));
}

void
outcome_refuse(struct session *s, enum authd_failure failure, const char *reason)
{
    int64_t delay_ms = 0;

    reason = s->closed != NULL ? s->closed : reason;
    outcome_log(s, failure == AUTHD_TEMPORARY ? LOG_WARN : LOG_INFO, "login_failed",
                sasl_user(s->sasl), reason);
    visits_note(s, false, reason);
    stats_add(s->server->failures, 1);
    if (failure == AUTHD_BAD_CREDENTIALS)
        guard_failed(s);
    if (failure == AUTHD_BAD_CREDENTIALS || failure == AUTHD_BLOCKED)
        delay_ms = throttle_failed(s->server->throttle, &s->address, clock_mono_ms());
    session_send_failure_later(s, failure, delay_ms);
}

void
outcome_succeed(struct session *s, int dir_fd)
{
    outcome_log(s, LOG_INFO, "login", slice_of(s->account.user), "ok");
    visits_note(s, true, "ok");
    if (s->code[0] != '\0')
        code_use_report(s->server, s->account.user, s->code, s->client_ip);
    if (s->service == SERVICE_POP3)
        login_delay_note(s->server->login_delay, slice_of(s->account.user), clock_mono_ms());
    stats_add(s->server->logins, 1);
    guard_succeeded(s);
    session_send_ok(s, dir_fd);
    close_keep_errno(dir_fd);
}
