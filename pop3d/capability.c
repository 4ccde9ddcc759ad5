/*
 * pop3d/capability.c - CAPA (RFC 2449), UTF8 and LANG (RFC 6856).
 */
#include "pop3d/capability.h"

#include "pop3d/login.h"

/* RFC 2449 section 6.5: before the login the largest that may hold, then what does. */
static void
put_login_delay(struct session *s)
{
    int64_t seconds = (s->server->login_delay_ms + 999) / 1000;

    if (seconds > 0 && s->user == NULL)
        (void)stream_printf(s->stream, "LOGIN-DELAY %lld USER\r\n", (long long)seconds);
    else if (seconds > 0)
        (void)stream_printf(s->stream, "LOGIN-DELAY %lld\r\n",
                            s->login_is_delayed ? (long long)seconds : 0LL);
}

enum session_state
capability_run(struct session *s, struct slice args)
{
    const char *mechanisms = login_mechanisms(s);

    (void)args;
    session_ok(s, "capabilities");
    /* RFC 2449 section 5: the ones for AUTHORIZATION are listed in both states. */
    (void)stream_write(s->stream, SLICE("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
                                        "PIPELINING\r\nEXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\n"));
    if (login_plain_allowed(s))
        (void)stream_write(s->stream, SLICE("USER\r\n"));
    if (mechanisms != NULL && mechanisms[0] != '\0')
        (void)stream_printf(s->stream, "SASL %s\r\n", mechanisms);
    if (login_stls_allowed(s))
        (void)stream_write(s->stream, SLICE("STLS\r\n"));
    put_login_delay(s);
    if (s->server->banner[0] == '\0')
        (void)stream_write(s->stream, SLICE("IMPLEMENTATION Posthorn\r\n"));
    (void)stream_write(s->stream, SLICE(".\r\n")); /* an error of the stream sticks */
    return s->state;
}

enum session_state
capability_utf8_run(struct session *s, struct slice args)
{
    if (args.len > 0) {
        session_error(s, NULL, "UTF8 takes no argument");
        return s->state;
    }
    s->utf8 = true;
    session_ok(s, "UTF-8 mode");
    return s->state;
}

/* There is one language. "*" and its own name choose it (RFC 6856 section 3.2). */
enum session_state
capability_language_run(struct session *s, struct slice args)
{
    if (args.len == 0) {
        session_ok(s, "languages");
        (void)stream_write(s->stream, SLICE("en English\r\n.\r\n")); /* an error sticks */
    } else if (slice_eq(args, SLICE("*")) || slice_eq_nocase(args, SLICE("en"))) {
        session_ok(s, "en the language is English");
    } else {
        session_error(s, NULL, "there is English alone");
    }
    return s->state;
}
