/*
 * smtpd/misc.c - the commands that move no message: NOOP, RSET, QUIT, HELP.
 */
#include "lib/log/log.h"
#include "smtpd/command.h"

enum session_state
misc_run_noop(struct session *s, struct slice args)
{
    (void)args; /* ignored (RFC 5321 section 4.1.1.9) */
    session_reply(s, 250, "2.0.0", "ok");
    return s->state;
}

enum session_state
misc_run_rset(struct session *s, struct slice args)
{
    uint64_t limit = s->settings->max_rset;
    enum session_state next;

    (void)args;
    if (limit > 0 && ++s->rsets > limit) {
        session_shut(s, "4.7.0", "too many RSET commands");
        return s->state;
    }
    next = session_reset(s); /* before the reply: the log has the one before */
    session_reply(s, 250, "2.0.0", "ok");
    return next;
}

enum session_state
misc_run_quit(struct session *s, struct slice args)
{
    (void)args;
    session_reply(s, 221, "2.0.0", "%s closing the connection", s->settings->hostname);
    s->closing = true;
    return s->state;
}

enum session_state
misc_run_help(struct session *s, struct slice args)
{
    (void)args;
    session_reply(s, 214, "2.0.0",
                  "commands: %s MAIL RCPT DATA BDAT RSET VRFY EXPN HELP NOOP QUIT%s",
                  s->is_lmtp ? "LHLO" : "EHLO HELO", s->is_lmtp ? "" : " STARTTLS AUTH");
    return s->state;
}
