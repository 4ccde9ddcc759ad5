/*
 * ldapd/password.c - password modify (RFC 3062): users change their own.
 *
 * It always takes the present password, which proves whose the new one is: so it also serves who
 * cannot log in because the password has to be changed first. Both pass through here on their way
 * to authd, which has the rules asked, are wiped, and are never logged.
 */
#include "ldapd/operations.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd_call.h"
#include "lib/ipc/authd_password.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"

enum { TAG_IDENTITY = 0x80, TAG_OLD = 0x81, TAG_NEW = 0x82, TAG_MADE_UP = 0x80 };

enum { FAILURES_MAX = 5, NAME_BYTES_MAX = 400, VALUE_MAX = AUTHD_PASSWORD_BYTES_MAX + 64 };

struct wish {
    bool has_identity, has_old, has_new;
    struct slice identity, old, wanted;
};

static int
take_part(struct slice *content, unsigned tag, bool *is_there, struct slice *part)
{
    *is_there = ber_next_is(*content, tag);
    return *is_there ? ber_take(content, tag, part) : 0;
}

/* RFC 3062 section 2.1; no value at all: of the session's user, with a password made up. */
static int
take_wish(struct slice value, struct wish *wish)
{
    struct slice content;

    *wish = (struct wish){.has_old = false};
    if (value.len == 0)
        return 0;
    if (ber_take(&value, BER_SEQUENCE, &content) < 0 || value.len > 0 ||
        take_part(&content, TAG_IDENTITY, &wish->has_identity, &wish->identity) < 0 ||
        take_part(&content, TAG_OLD, &wish->has_old, &wish->old) < 0 ||
        take_part(&content, TAG_NEW, &wish->has_new, &wish->wanted) < 0)
        return -1;
    return content.len > 0 ? -1 : 0;
}

static void
refuse(struct session *s, enum ldap_result result, const char *text)
{
    extended_respond(s, result, text, NULL, NULL);
}

/* Wrong passwords are counted with those of binds. */
static void
not_proved(struct session *s, const struct authd_fail *fail)
{
    const char *text;
    enum ldap_result result = bind_refusal(fail, &text);

    stats_add(s->server->count.bind_failures, 1);
    pool_session_login_failed(s->pool);
    log_event(LOG_INFO, "login_failed", KV_STR("mechanism", "password"), KV_STR("reason", text));
    refuse(s, result, text);
    if (++s->bind_failures < FAILURES_MAX)
        return;
    s->is_over = true;
    s->end_reason = "too many failed logins";
}

static void
done(struct session *s, struct slice made_up)
{
    struct strbuf value = strbuf_new(VALUE_MAX);
    struct slice bytes;
    size_t start;

    (void)strbuf_room(&value, VALUE_MAX); /* grows no more: no copy of the password stays */
    start = ber_begin(&value, BER_SEQUENCE);
    ber_put(&value, TAG_MADE_UP, made_up);
    ber_end(&value, start);
    bytes = strbuf_slice(&value);
    extended_respond(s, LDAP_SUCCESS, NULL, NULL, made_up.len > 0 ? &bytes : NULL);
    mem_wipe(value.ptr, value.cap);
    strbuf_free(&value);
    if (made_up.len > 0 && s->out.ptr != NULL)
        mem_wipe(s->out.ptr, s->out.cap);
}

static void
ask(struct session *s, struct slice name, const struct wish *wish)
{
    static const enum ldap_result results[] = {
        [AUTHD_PASSWORD_DONE] = LDAP_SUCCESS,
        [AUTHD_PASSWORD_REFUSED] = LDAP_CONSTRAINT_VIOLATION,
        [AUTHD_PASSWORD_NOT_OURS] = LDAP_UNWILLING_TO_PERFORM,
        [AUTHD_PASSWORD_LATER] = LDAP_BUSY,
    };
    const struct tls *tls = stream_tls(s->stream);
    const struct authd_password password = {.tls = tls != NULL,
                                            .host = tls_server_name(tls),
                                            .name = name,
                                            .old = wish->old,
                                            .wanted = wish->wanted};
    struct authd_password_reply reply;
    struct authd_fail fail;
    struct strbuf text;

    if (!authd_call_password(s->pool->auth, &password, &reply, &fail)) {
        not_proved(s, &fail);
    } else if (reply.result == AUTHD_PASSWORD_DONE) {
        stats_add(s->server->count.changes, 1);
        done(s, reply.made_up);
    } else {
        text = strbuf_new(AUTHD_PASSWORD_TEXT_MAX);
        (void)strbuf_append(&text, reply.text); /* the decoder's limit is the buffer's */
        refuse(s, results[reply.result], strbuf_cstr(&text));
        strbuf_free(&text);
    }
}

void
password_run(struct session *s, struct slice value)
{
    struct strbuf name = strbuf_new(NAME_BYTES_MAX);
    struct wish wish;

    if (take_wish(value, &wish) < 0)
        refuse(s, LDAP_PROTOCOL_ERROR, "malformed request");
    else if (!session_password_allowed(s)) /* section 3 */
        refuse(s, LDAP_CONFIDENTIALITY_REQUIRED, "passwords need encryption first: StartTLS");
    else if (s->sasl_under_way)
        refuse(s, LDAP_OPERATIONS_ERROR, "a bind is under way");
    else if (!wish.has_old || (!wish.has_identity && s->user == NULL))
        refuse(s, LDAP_UNWILLING_TO_PERFORM, "name your mailbox and its present password");
    else if (wish.has_new && wish.wanted.len == 0)
        refuse(s, LDAP_CONSTRAINT_VIOLATION, "a password cannot be empty");
    else if (wish.old.len > AUTHD_PASSWORD_BYTES_MAX || wish.wanted.len > AUTHD_PASSWORD_BYTES_MAX)
        refuse(s, LDAP_CONSTRAINT_VIOLATION, "the password is too long");
    else if (wish.has_identity && !bind_login_name(s, wish.identity, &name))
        not_proved(s, &(struct authd_fail){AUTHD_BAD_CREDENTIALS, SLICE("")});
    else
        ask(s, wish.has_identity ? strbuf_slice(&name) : slice_of(s->user), &wish);
    strbuf_free(&name);
}
