/*
 * authd/mail_login.c - has a password checked by a login to another IMAP, POP3 or SMTP server.
 *
 * Input:  the server's lines, untrusted: at most LINES_MAX of LINE_BYTES_MAX each, all before one
 *         deadline. Whether a refusal is about the password, the server's code has to say; where it
 *         does not, there is no verdict and the user is told to try later.
 */
#include "authd/mail_login.h"

#include "lib/base/encode.h"
#include "lib/base/mem.h"

enum {
    LINE_BYTES_MAX = 8192,
    LINES_MAX = 200,
    SECRET_MAX = EXTERNAL_NAME_MAX + PASSWORD_MAX + 2,
    ENCODED_MAX = 2 * SECRET_MAX
};

/* A line without its end. */
static int
read_line(struct talk *t, struct slice *line)
{
    if (stream_read_line(t->stream, LINE_BYTES_MAX, t->deadline_mono_ms, line) != STREAM_OK) {
        (void)talk_no_verdict(t, "the server does not answer");
        return -1;
    }
    *line = slice_trim(*line);
    return 0;
}

/* NUL name NUL password in base64, on a line of its own (RFC 4616 section 2). */
static void
write_secret(struct talk *t, struct slice name, struct slice password)
{
    struct strbuf secret = strbuf_new(SECRET_MAX), text = strbuf_new(ENCODED_MAX);

    (void)strbuf_room(&secret, SECRET_MAX); /* neither moves and leaves a copy */
    (void)strbuf_room(&text, ENCODED_MAX);
    (void)strbuf_char(&secret, '\0');
    (void)strbuf_append(&secret, name);
    (void)strbuf_char(&secret, '\0');
    (void)strbuf_append(&secret, password);
    (void)base64_encode(strbuf_slice(&secret), &text);
    (void)stream_write(t->stream, strbuf_slice(&text)); /* an error sticks */
    (void)stream_write(t->stream, SLICE("\r\n"));
    mem_wipe(secret.ptr, secret.cap);
    mem_wipe(text.ptr, text.cap);
    strbuf_free(&secret);
    strbuf_free(&text);
}

/* ---- IMAP (RFC 9051) ---- */

/* Up to the line with the tag, or one that asks to go on; what follows tag or plus in *rest. */
static int
imap_answer(struct talk *t, const char *tag, bool *go_on, struct slice *rest)
{
    for (unsigned i = 0; i < LINES_MAX; i++) {
        struct slice line, word;

        if (read_line(t, &line) < 0)
            return -1;
        *rest = line;
        word = slice_split(rest, ' ');
        *go_on = slice_eq(word, SLICE("+"));
        if (*go_on || slice_eq(word, slice_of(tag)))
            return 0;
    }
    (void)talk_no_verdict(t, "the server does not come to an end");
    return -1;
}

/* RFC 5530 section 3: what is not about the password. */
static bool
imap_is_for_now(struct slice refusal)
{
    static const char *const codes[] = {"[UNAVAILABLE]", "[CONTACTADMIN]", "[SERVERBUG]",
                                        "[PRIVACYREQUIRED]", "[LIMIT]"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (slice_starts_nocase(refusal, slice_of(codes[i])))
            return true;
    return false;
}

static enum password_verdict
imap_check(struct talk *t, bool start_tls, struct slice name, struct slice password)
{
    struct slice line;
    bool go_on;

    if (read_line(t, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (!slice_starts_nocase(line, SLICE("* OK")))
        return talk_no_verdict(t, "no greeting of IMAP");
    if (start_tls) {
        (void)stream_write(t->stream, SLICE("a STARTTLS\r\n"));
        if (imap_answer(t, "a", &go_on, &line) < 0)
            return PASSWORD_NO_MEMORY;
        if (go_on || !slice_starts_nocase(line, SLICE("OK")))
            return talk_no_verdict(t, "the server refuses STARTTLS");
        if (talk_start_tls(t) < 0)
            return PASSWORD_NO_MEMORY;
    }
    (void)stream_write(t->stream, SLICE("b AUTHENTICATE PLAIN\r\n"));
    if (imap_answer(t, "b", &go_on, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (!go_on)
        return talk_no_verdict(t, "the server refuses AUTHENTICATE PLAIN");
    write_secret(t, name, password);
    if (imap_answer(t, "b", &go_on, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (!go_on && slice_starts_nocase(line, SLICE("OK"))) {
        (void)stream_write(t->stream, SLICE("c LOGOUT\r\n"));
        return PASSWORD_RIGHT;
    }
    if (!go_on && slice_starts_nocase(line, SLICE("NO ")) &&
        !imap_is_for_now(slice_trim(slice_sub(line, 3, line.len))))
        return PASSWORD_WRONG;
    return talk_no_verdict(t, "the server cannot check passwords now");
}

/* ---- POP3 (RFC 1939, 2449, 5034) ---- */

static enum password_verdict
pop3_check(struct talk *t, bool start_tls, struct slice name, struct slice password)
{
    struct slice line;

    if (read_line(t, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (!slice_starts_nocase(line, SLICE("+OK")))
        return talk_no_verdict(t, "no greeting of POP3");
    if (start_tls) {
        (void)stream_write(t->stream, SLICE("STLS\r\n"));
        if (read_line(t, &line) < 0)
            return PASSWORD_NO_MEMORY;
        if (!slice_starts_nocase(line, SLICE("+OK")))
            return talk_no_verdict(t, "the server refuses STLS");
        if (talk_start_tls(t) < 0)
            return PASSWORD_NO_MEMORY;
    }
    (void)stream_write(t->stream, SLICE("AUTH PLAIN\r\n"));
    if (read_line(t, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (!slice_eq(slice_split(&line, ' '), SLICE("+")))
        return talk_no_verdict(t, "the server refuses AUTH PLAIN");
    write_secret(t, name, password);
    if (read_line(t, &line) < 0)
        return PASSWORD_NO_MEMORY;
    if (slice_starts_nocase(line, SLICE("+OK")) ||
        slice_starts_nocase(line,
                            SLICE("-ERR [IN-USE]"))) { /* RFC 2449 section 8.1.2: it was right */
        (void)stream_write(t->stream, SLICE("QUIT\r\n"));
        return PASSWORD_RIGHT;
    }
    if (slice_starts_nocase(line, SLICE("-ERR [SYS/")) || /* RFC 3206 */
        slice_starts_nocase(line, SLICE("-ERR [LOGIN-DELAY]")) ||
        !slice_starts_nocase(line, SLICE("-ERR")))
        return talk_no_verdict(t, "the server cannot check passwords now");
    return PASSWORD_WRONG;
}

/* ---- SMTP (RFC 5321, 4954) ---- */

/* The code of a reply, all its lines read; 0: none came. */
static unsigned
smtp_reply(struct talk *t)
{
    for (unsigned i = 0; i < LINES_MAX; i++) {
        struct slice line;
        unsigned code = 0;

        if (read_line(t, &line) < 0)
            return 0;
        for (size_t d = 0; d < 3 && d < line.len && line.ptr[d] >= '0' && line.ptr[d] <= '9'; d++)
            code = code * 10 + (unsigned)(line.ptr[d] - '0');
        if (code < 100)
            break;
        if (line.len == 3 || line.ptr[3] != '-')
            return code;
    }
    (void)talk_no_verdict(t, "no reply of SMTP");
    return 0;
}

static unsigned
smtp_command(struct talk *t, const char *command)
{
    (void)stream_write(t->stream, slice_of(command));
    return smtp_reply(t);
}

static enum password_verdict
smtp_check(struct talk *t, bool start_tls, struct slice name, struct slice password)
{
    static const char ehlo[] = "EHLO [127.0.0.1]\r\n"; /* RFC 5321 section 4.1.4: any client may */
    unsigned code;

    if (smtp_reply(t) != 220)
        return talk_no_verdict(t, "no greeting of SMTP");
    if (start_tls) {
        if (smtp_command(t, ehlo) != 250 || smtp_command(t, "STARTTLS\r\n") != 220)
            return talk_no_verdict(t, "the server refuses STARTTLS");
        if (talk_start_tls(t) < 0)
            return PASSWORD_NO_MEMORY;
    }
    if (smtp_command(t, ehlo) != 250 || smtp_command(t, "AUTH PLAIN\r\n") != 334)
        return talk_no_verdict(t, "the server refuses AUTH PLAIN");
    write_secret(t, name, password);
    code = smtp_reply(t);
    if (code == 235)
        (void)stream_write(t->stream, SLICE("QUIT\r\n"));
    if (code == 235 || code == 535) /* RFC 4954 section 6 */
        return code == 235 ? PASSWORD_RIGHT : PASSWORD_WRONG;
    return talk_no_verdict(t, "the server cannot check passwords now");
}

enum password_verdict
mail_login_check(struct talk *t, const struct external_method *method, struct slice name,
                 struct slice password)
{
    bool start_tls = !method->tls_at_once;

    if (!start_tls && talk_start_tls(t) < 0)
        return PASSWORD_NO_MEMORY;
    switch (method->kind) {
    case EXTERNAL_IMAP:
        return imap_check(t, start_tls, name, password);
    case EXTERNAL_POP3:
        return pop3_check(t, start_tls, name, password);
    case EXTERNAL_SMTP:
        return smtp_check(t, start_tls, name, password);
    case EXTERNAL_PAM:
    case EXTERNAL_LDAP:
        break;
    }
    return talk_no_verdict(t, "this is no mail server");
}
