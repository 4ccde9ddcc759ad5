/*
 * smtpd/command.c - which command is legal when, and who runs it (RFC 5321 section 4.1.1, 4.1.4).
 *
 * Input: command lines from the network. Untrusted.
 */
#include "smtpd/command.h"

#include "lib/log/log.h"
#include "smtpd/line.h"

enum { IDLE_COMMANDS_MAX = 100 }; /* NOOPs and the like between two messages before they count */

enum command_flag {
    CMD_NO_ARGS = 1 << 0,    /* 501 with any argument (RFC 5321 section 4.3.2) */
    CMD_FLUSH = 1 << 1,      /* the reply leaves at once (RFC 2920 section 3.2) */
    CMD_NEEDS_AUTH = 1 << 2, /* on the submission ports */
    CMD_IDLE = 1 << 3,       /* moves no message along */
    CMD_LONG = 1 << 4,       /* may be longer than SESSION_COMMAND_MAX */
    CMD_SMTP = 1 << 5,       /* not in LMTP */
    CMD_LMTP = 1 << 6,       /* in LMTP alone */
    CMD_ODMR = 1 << 7,       /* also on the port of On-Demand Mail Relay (RFC 2645), */
    CMD_ODMR_ALONE = 1 << 8, /* on no other */
};

struct command {
    const char *verb;
    unsigned legal_in; /* enum session_state */
    unsigned flags;
    unsigned extension; /* without which it is not known; 0: always there */
    enum session_state (*run)(struct session *s, struct slice args);
};

static const struct command commands[] = {
    {"EHLO", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_SMTP | CMD_ODMR, 0,
     hello_run_ehlo},                                                     /* RFC 5321 4.1.1.1 */
    {"HELO", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_SMTP, 0, hello_run_helo}, /* RFC 5321 4.1.1.1 */
    {"LHLO", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_LMTP, 0, hello_run_lhlo}, /* RFC 2033 4.1 */
    {"MAIL", ST_GREETED, CMD_NEEDS_AUTH, 0, mail_run},                    /* RFC 5321 4.1.1.2 */
    {"RCPT", ST_SENDER | ST_RECIPIENT, CMD_NEEDS_AUTH, 0, rcpt_run},      /* RFC 5321 4.1.1.3 */
    {"DATA", ST_SENDER | ST_RECIPIENT, CMD_NO_ARGS, 0, data_run},         /* RFC 5321 4.1.1.4 */
    {"BDAT", ST_ANY, 0, 0, bdat_run},                                     /* RFC 3030 2 */
    {"BURL", ST_SENDER | ST_RECIPIENT | ST_CHUNKS, CMD_NEEDS_AUTH | CMD_LONG, EXTENSION_BURL,
     burl_run},                                      /* RFC 4468 3 */
    {"RSET", ST_ANY, CMD_NO_ARGS, 0, misc_run_rset}, /* RFC 5321 4.1.1.5 */
    {"VRFY", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_NEEDS_AUTH, 0,
     verify_run_vrfy}, /* RFC 5321 4.1.1.6 */
    {"EXPN", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_NEEDS_AUTH, 0,
     verify_run_expn},                                                      /* RFC 5321 4.1.1.7 */
    {"HELP", ST_ANY, CMD_FLUSH | CMD_IDLE, 0, misc_run_help},               /* RFC 5321 4.1.1.8 */
    {"NOOP", ST_ANY, CMD_FLUSH | CMD_IDLE | CMD_ODMR, 0, misc_run_noop},    /* RFC 5321 4.1.1.9 */
    {"QUIT", ST_ANY, CMD_NO_ARGS | CMD_FLUSH | CMD_ODMR, 0, misc_run_quit}, /* RFC 5321 4.1.1.10 */
    {"STARTTLS", ST_NEW | ST_GREETED, CMD_NO_ARGS | CMD_SMTP | CMD_ODMR, 0,
     starttls_run},                                                                /* RFC 3207 4 */
    {"AUTH", ST_GREETED, CMD_FLUSH | CMD_LONG | CMD_SMTP | CMD_ODMR, 0, auth_run}, /* RFC 4954 4 */
    {"ATRN", ST_GREETED, CMD_FLUSH | CMD_IDLE | CMD_NEEDS_AUTH | CMD_ODMR | CMD_ODMR_ALONE, 0,
     atrn_run},                                                           /* RFC 2645 5.2.1 */
    {"ETRN", ST_GREETED, CMD_FLUSH | CMD_IDLE, EXTENSION_ETRN, etrn_run}, /* RFC 1985 5 */
    {"XCLIENT", ST_NEW | ST_GREETED, CMD_SMTP, 0, xclient_run}, /* Postfix's XCLIENT_README */
    {"XFORWARD", ST_NEW | ST_GREETED, 0, 0, xforward_run},      /* and XFORWARD_README */
};

static bool
is_known(const struct session *s, const struct command *c)
{
    return (c->flags & (s->is_lmtp ? CMD_SMTP : CMD_LMTP)) == 0 &&
           ((c->flags & CMD_ODMR_ALONE) == 0 || s->is_odmr) &&
           (c->extension & ~extensions_offered(s)) == 0;
}

static const struct command *
find_command(const struct session *s, struct slice verb)
{
    const struct command *c = NULL;

    for (size_t i = 0; i < ARRAY_LEN(commands) && c == NULL; i++)
        if (slice_eq_nocase(verb, slice_of(commands[i].verb)))
            c = &commands[i];
    return c != NULL && is_known(s, c) ? c : NULL;
}

/* MAIL and RCPT in the wrong place are told what is missing. */
static const char *
sequence_text(const struct session *s)
{
    if (s->state == ST_NEW)
        return s->is_lmtp ? "send LHLO first" : "send EHLO first";
    if (s->state == ST_BROKEN)
        return "the transaction has failed, send RSET";
    return "bad sequence of commands";
}

static bool
is_idle_too_long(struct session *s, const struct command *c)
{
    return (c->flags & CMD_IDLE) && ++s->idle_commands > IDLE_COMMANDS_MAX;
}

static void
run_unknown(struct session *s, struct slice line)
{
    const struct refusal *why = filter_unknown(s, line);

    if (why != NULL)
        session_error(s, why->code, why->dsn, "%s", why->text);
    else
        session_error(s, 500, "5.5.2", "command not recognized, this is %s",
                      s->is_lmtp ? "LMTP: send LHLO" : "SMTP");
}

/* RFC 2920 section 3.1: what has to be the last command of a group, but has more behind it. */
static bool
is_pipelined_wrongly(const struct session *s, const struct command *c)
{
    return s->settings->reject_pipelining && ((c->flags & CMD_FLUSH) || c->run == data_run) &&
           stream_has_input(s->stream);
}

static void
reject_pipelining(struct session *s, const struct command *c)
{
    log_event(LOG_INFO, "early_pipelining", KV_STR("command", c->verb));
    session_reply(s, 554, "5.5.1", "%s: you went on before the reply (RFC 2920)", c->verb);
    s->closing = true;
}

void
command_run(struct session *s, struct slice line)
{
    struct slice verb, args;
    const struct command *c = NULL;

    if (line.len <= SESSION_LINE_MAX && line_parse(line, &verb, &args) == 0)
        c = find_command(s, verb);
    if (c == NULL || c->run != rcpt_run)
        rcpt_settle(s); /* what is legal now depends on it */
    if (s->closing)
        return;
    if (s->filter.shut && (c == NULL || c->run != misc_run_quit))
        session_refuse(s, &s->filter.refusal); /* as the connection was */
    else if (c == NULL)
        run_unknown(s, line);
    else if (s->is_odmr && !(c->flags & CMD_ODMR)) /* RFC 2645 section 5.4 */
        session_error(s, 502, "5.5.1", "%s: mail is fetched here (ATRN), nothing else", c->verb);
    else if (line.len > SESSION_COMMAND_MAX && !(c->flags & CMD_LONG))
        session_error(s, 500, "5.5.2", "line too long");
    else if ((c->flags & CMD_NO_ARGS) && args.len > 0)
        session_error(s, 501, "5.5.4", "%s takes no argument", c->verb);
    else if ((c->flags & CMD_NEEDS_AUTH) && s->is_submission && s->auth_user == NULL)
        session_error(s, 530, "5.7.0", "authentication required"); /* RFC 4954 section 6 */
    else if (!(c->legal_in & s->state))
        session_error(s, 503, "5.5.1", "%s", sequence_text(s));
    else if (is_pipelined_wrongly(s, c))
        reject_pipelining(s, c);
    else if (is_idle_too_long(s, c))
        session_shut(s, "4.7.0", "too many commands without a message");
    else
        s->state = c->run(s, args);
    if (c == NULL || (c->flags & CMD_FLUSH))
        (void)stream_flush(s->stream); /* a failure sticks and ends the next read */
}
