/*
 * smtpd/verify.c - VRFY and EXPN (RFC 5321 section 3.5): who gets mail for an address of ours.
 *
 * Switched off, as shipped, they tell nothing about who exists (RFC 5321 section 7.3). Switched on,
 * accountd is asked where mail for the address would go.
 *
 * Input: a command line from the network. Untrusted.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/parse.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "smtpd/command.h"

enum {
    MEMBERS_MAX = 1000, /* that EXPN tells */
    MEMBERS_BYTES_MAX = MEMBERS_MAX * (ACCOUNTD_ADDRESS_MAX + 1),
    EXPAND_TIMEOUT_MS = 10000,
    REASON_MAX = 200
};

static const struct refusal away = {451, "4.3.0", "account database away, try again"};
static const struct refusal needs_utf8 = {550, "5.6.8", "the answer needs SMTPUTF8"};
static const struct refusal other_server = {252, "2.5.0",
                                            "another server's, will take mail and try to deliver"};

/* What accountd says of one address. */
struct findings {
    struct strbuf members; /* addresses, each with a LF; a group's or the mailbox */
    uint32_t count;
    bool is_foreign, is_group, is_utf8;
    bool failed; /* somebody gets nothing; the first reason: */
    char dsn[12], reason[REASON_MAX];
    struct refusal refusal;
};

/* Printable ASCII only: replies hold nothing else (RFC 6531 section 3.7.4.2). */
static void
copy_text(char *out, size_t room, struct slice text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?';
    out[len] = '\0';
}

static void
take_failure(struct findings *f, const struct accountd_target *target)
{
    bool later = !slice_starts(target->dsn, SLICE("5."));

    if (f->failed)
        return;
    f->failed = true;
    copy_text(f->dsn, sizeof(f->dsn), later ? SLICE("4.3.0") : target->dsn);
    copy_text(f->reason, sizeof(f->reason), target->text);
    f->refusal = (struct refusal){later ? 451 : 550, f->dsn, f->reason};
}

static int
take_target(void *arg, const struct accountd_target *target)
{
    struct findings *f = arg;

    if (target->kind == ACCOUNTD_TO_FAILURE) {
        take_failure(f, target);
        return 0;
    }
    if (target->kind == ACCOUNTD_TO_NOBODY || target->kind == ACCOUNTD_SHOWN)
        return 0;
    f->count++;
    f->is_foreign = target->kind == ACCOUNTD_TO_REMOTE && target->via.len == 0;
    f->is_group = f->is_group || slice_starts(target->via, SLICE("group "));
    f->is_utf8 = f->is_utf8 || !parse_is_ascii(target->address);
    if (f->count <= MEMBERS_MAX) {
        (void)strbuf_append(&f->members, target->address); /* fits, see above */
        (void)strbuf_char(&f->members, '\n');
    }
    return 0;
}

/* 0, or -1: accountd did not answer. */
static int
ask(struct session *s, struct slice address, struct findings *f)
{
    const struct accountd_recipient who = {.address = address, .auth_user = slice_of(s->auth_user)};
    struct strbuf question = strbuf_new(ACCOUNTD_REQUEST_MAX);
    struct ipc_reply reply = {.fd = -1};
    int rc = -1;

    if (s->pool->backend != NULL && accountd_expand_encode(&question, &who, 1) == 0)
        rc = ipc_client_call(s->pool->backend, &question, -1, EXPAND_TIMEOUT_MS, &reply);
    if (rc == 0 && (reply.type != ACCOUNTD_EXPAND_REPLY ||
                    accountd_expand_reply_decode(reply.payload, take_target, f) < 0))
        rc = -1;
    close_keep_errno(reply.fd); /* accountd sends none */
    strbuf_free(&question);
    if (rc < 0) {
        log_event(LOG_WARN, "accountd_away", KV_ERRNO());
        s->is_stale = true;
    }
    return rc;
}

static enum session_state
refuse(struct session *s, const struct refusal *why)
{
    if (why->code >= 500)
        session_error(s, why->code, why->dsn, "%s", why->text);
    else
        session_reply(s, why->code, why->dsn, "%s", why->text);
    return s->state;
}

/* String [SP "SMTPUTF8"] (RFC 6531 section 3.7.4.2): an address, in angle brackets or without. 0,
 * or -1: it is none. */
static int
parse(struct slice args, struct address *address, bool *utf8)
{
    *utf8 = slice_ends(args, SLICE(" SMTPUTF8")) || slice_ends(args, SLICE(" smtputf8"));
    if (*utf8)
        args = slice_sub(args, 0, args.len - sizeof(" SMTPUTF8") + 1);
    if (slice_starts(args, SLICE("<")) && slice_ends(args, SLICE(">")))
        args = slice_sub(args, 1, args.len - 1);
    return address_parse(args, ADDRESS_POSTMASTER | ADDRESS_UTF8, address) == ADDRESS_OK ? 0 : -1;
}

/* Why the address cannot be shown, or NULL. */
static const struct refusal *
look_up(struct session *s, const struct address *address, bool utf8, struct findings *f)
{
    if (ask(s, address->text, f) < 0)
        return &away;
    if (f->count == 0)
        return f->failed ? &f->refusal : &away; /* a group without members fails */
    if (f->is_foreign)
        return &other_server;
    return f->is_utf8 && !utf8 ? &needs_utf8 : NULL;
}

/* ---- VRFY ---- */

/* A group is shown by its own name (RFC 5321 section 3.5.1), who is in it tells EXPN. */
static void
reply_verified(struct session *s, const struct address *address, const struct findings *f)
{
    struct slice rest = strbuf_slice(&f->members);
    struct slice shown = f->is_group ? address->text : slice_split(&rest, '\n');

    session_reply(s, 250, "2.1.5", "<%.*s>", (int)shown.len, shown.ptr);
}

enum session_state
verify_run_vrfy(struct session *s, struct slice args)
{
    struct findings f = {.members = strbuf_new(MEMBERS_BYTES_MAX)};
    const struct refusal *why = NULL;
    struct address address;
    bool utf8;

    if (args.len == 0)
        session_error(s, 501, "5.5.4", "syntax: VRFY address");
    else if (!s->settings->allow_vrfy_expn || parse(args, &address, &utf8) < 0)
        session_reply(s, 252, "2.5.0", "cannot verify, but will take mail and try to deliver it");
    else if ((why = look_up(s, &address, utf8, &f)) != NULL)
        (void)refuse(s, why);
    else
        reply_verified(s, &address, &f);
    strbuf_free(&f.members);
    return s->state;
}

/* ---- EXPN ---- */

static void
reply_members(struct session *s, const struct findings *f)
{
    struct slice rest = strbuf_slice(&f->members);

    for (uint32_t i = 1; i < f->count; i++) {
        struct slice member = slice_split(&rest, '\n');

        /* an error sticks and ends the next read */
        (void)stream_printf(s->stream, "250-2.1.5 <%.*s>\r\n", (int)member.len, member.ptr);
    }
    rest = slice_split(&rest, '\n');
    session_reply(s, 250, "2.1.5", "<%.*s>", (int)rest.len, rest.ptr);
}

enum session_state
verify_run_expn(struct session *s, struct slice args)
{
    static const struct refusal off = {502, "5.5.1", "EXPN is not offered"};
    static const struct refusal syntax = {501, "5.5.4", "syntax: EXPN address"};
    static const struct refusal not_ours = {550, "5.1.2", "not one of our lists"};
    static const struct refusal too_many = {550, "5.5.3", "too many members to be told"};
    struct findings f = {.members = strbuf_new(MEMBERS_BYTES_MAX)};
    const struct refusal *why;
    struct address address;
    bool utf8;

    if (!s->settings->allow_vrfy_expn)
        why = &off;
    else if (parse(args, &address, &utf8) < 0)
        why = &syntax;
    else
        why = look_up(s, &address, utf8, &f);
    if (why == &other_server)
        why = &not_ours;
    if (why == NULL && f.count > MEMBERS_MAX)
        why = &too_many;
    if (why == NULL)
        reply_members(s, &f);
    else if (why == &off) /* counts as no error, as ever */
        session_reply(s, off.code, off.dsn, "%s", off.text);
    else
        (void)refuse(s, why);
    strbuf_free(&f.members);
    return s->state;
}
