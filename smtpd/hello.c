/*
 * smtpd/hello.c - EHLO and HELO (RFC 5321 section 4.1.1.1), LHLO, which is EHLO in LMTP (RFC 2033
 * section 4.1), and what we announce.
 */
#include <string.h>

#include "lib/ipc/authd.h"
#include "smtpd/auth.h"
#include "smtpd/command.h"
#include "smtpd/xclient.h"

/* Syntax says domain or literal, yet many honest clients give names with underscores or the like,
 * and no message may be refused for its HELO name (RFC 5321 section 4.1.4): any word of printable
 * ASCII will do. Text behind it was once a custom (section 4.1.1.1) and is not looked at. */
static int
take_name(struct session *s, struct slice args)
{
    struct slice name = slice_sub(args, 0, slice_index(args, ' '));

    if (name.len == 0 || name.len > SESSION_HELO_MAX)
        return -1;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= 0x20 || name.ptr[i] >= 0x7f)
            return -1;
    (void)session_reset(s); /* RFC 5321 section 4.1.4; the log has the name of before */
    memcpy(s->helo, name.ptr, name.len);
    s->helo[name.len] = '\0';
    return 0;
}

static bool
refused_by_filter(struct session *s)
{
    const struct refusal *why = filter_helo(s);

    if (why != NULL)
        session_refuse(s, why);
    return why != NULL;
}

enum session_state
hello_run_helo(struct session *s, struct slice args)
{
    if (take_name(s, args) < 0) {
        session_error(s, 501, "5.5.4", "syntax: HELO hostname");
        return s->state;
    }
    s->is_extended = false;
    if (refused_by_filter(s))
        return s->state;
    session_reply(s, 250, "", "%s", s->settings->hostname);
    return ST_GREETED;
}

/* Two spellings of the mechanisms: "AUTH=" is what some old clients look for (AUT-01). */
static void
announce_auth(struct session *s)
{
    const char *mechanisms = auth_mechanisms(s);

    if (mechanisms == NULL || mechanisms[0] == '\0')
        return;
    (void)stream_printf(s->stream, "250-AUTH %s\r\n250-AUTH=%s\r\n", mechanisms, mechanisms);
}

static bool
offers_tls(const struct session *s)
{
    return s->settings->starttls && !s->is_lmtp && s->server->tls != NULL &&
           stream_tls(s->stream) == NULL;
}

/* RFC 2645 section 5.1.1: AUTH and ATRN; nothing of what sends mail here. */
static void
announce_fetching(struct session *s)
{
    (void)stream_printf(s->stream, "250-%s\r\n", s->settings->hostname); /* sticks, as below */
    if (offers_tls(s))
        (void)stream_write(s->stream, SLICE("250-STARTTLS\r\n"));
    announce_auth(s);
    (void)stream_write(s->stream, SLICE("250-ENHANCEDSTATUSCODES\r\n250 ATRN\r\n"));
}

static enum session_state
greet_extended(struct session *s, const char *verb, struct slice args)
{
    const struct settings *set = s->settings;

    if (take_name(s, args) < 0) {
        session_error(s, 501, "5.5.4", "syntax: %s hostname", verb);
        return s->state;
    }
    s->is_extended = true;
    if (refused_by_filter(s))
        return s->state;
    if (s->is_odmr) {
        announce_fetching(s);
        return ST_GREETED;
    }
    /* errors of the stream stick and end the session at its next read */
    (void)stream_printf(s->stream, "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n", set->hostname,
                        (unsigned long long)session_size_limit(s));
    if (offers_tls(s))
        (void)stream_write(s->stream, SLICE("250-STARTTLS\r\n"));
    announce_auth(s);
    if (set->allow_vrfy_expn)
        (void)stream_write(s->stream, SLICE("250-VRFY\r\n250-EXPN\r\n"));
    extensions_announce(s);
    xclient_announce(s);
    (void)stream_write(s->stream, SLICE("250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
                                        "250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
                                        "250-HELP\r\n250 SMTPUTF8\r\n"));
    return ST_GREETED;
}

enum session_state
hello_run_ehlo(struct session *s, struct slice args)
{
    return greet_extended(s, "EHLO", args);
}

enum session_state
hello_run_lhlo(struct session *s, struct slice args)
{
    return greet_extended(s, "LHLO", args);
}
