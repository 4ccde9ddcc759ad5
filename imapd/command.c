/*
 * imapd/command.c - the table of commands, and what runs one.
 *
 * Input:  the text of one command. Untrusted.
 */
#include "imapd/command.h"

#include "imapd/compress.h"
#include "imapd/filters.h"
#include "imapd/metadata_news.h"
#include "imapd/notify.h"
#include "imapd/updates.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

enum { COMMANDS_BEFORE_LOGIN = 50 /* that a client may send without logging in */ };

#define ANY (STATE_NOT_AUTHENTICATED | STATE_AUTHENTICATED | STATE_SELECTED)
#define LOGGED_IN (STATE_AUTHENTICATED | STATE_SELECTED)
#define BY_NUMBER (COMMAND_NO_EXPUNGE | COMMAND_NUMBERS)

static const struct command commands[] = {
    {"CAPABILITY", ANY, 0, any_capability},                           /* RFC 3501 6.1.1 */
    {"NOOP", ANY, 0, any_noop},                                       /* RFC 3501 6.1.2 */
    {"LOGOUT", ANY, 0, any_logout},                                   /* RFC 3501 6.1.3 */
    {"ID", ANY, 0, any_id},                                           /* RFC 2971 */
    {"LANGUAGE", ANY, 0, language_language},                          /* RFC 5255 */
    {"STARTTLS", STATE_NOT_AUTHENTICATED, 0, login_starttls},         /* RFC 3501 6.2.1 */
    {"AUTHENTICATE", STATE_NOT_AUTHENTICATED, 0, login_authenticate}, /* 6.2.2 */
    {"LOGIN", STATE_NOT_AUTHENTICATED, 0, login_login},               /* RFC 3501 6.2.3 */
    {"UNAUTHENTICATE", LOGGED_IN, 0, unauthenticate_unauthenticate},  /* RFC 8437 */
    {"ENABLE", LOGGED_IN, 0, any_enable},                             /* RFC 5161 */
    {"COMPRESS", LOGGED_IN, 0, compress_compress},                    /* RFC 4978 */
    {"SELECT", LOGGED_IN, 0, select_select},                          /* RFC 3501 6.3.1 */
    {"EXAMINE", LOGGED_IN, 0, select_examine},                        /* RFC 3501 6.3.2 */
    {"CREATE", LOGGED_IN, 0, folder_create},                          /* RFC 3501 6.3.3 */
    {"DELETE", LOGGED_IN, 0, folder_delete},                          /* RFC 3501 6.3.4 */
    {"RENAME", LOGGED_IN, 0, folder_rename},                          /* RFC 3501 6.3.5 */
    {"SUBSCRIBE", LOGGED_IN, 0, folder_subscribe},                    /* RFC 3501 6.3.6 */
    {"UNSUBSCRIBE", LOGGED_IN, 0, folder_unsubscribe},                /* RFC 3501 6.3.7 */
    {"LIST", LOGGED_IN, 0, list_list},                                /* RFC 3501 6.3.8, 5258 */
    {"LSUB", LOGGED_IN, 0, list_lsub},                                /* RFC 3501 6.3.9 */
    {"NAMESPACE", LOGGED_IN, 0, list_namespace},                      /* RFC 2342 */
    {"STATUS", LOGGED_IN, 0, status_status},                          /* RFC 3501 6.3.10 */
    {"APPEND", LOGGED_IN, COMMAND_OWN_NEWS | COMMAND_WAITS, append_append}, /* RFC 3501 6.3.11 */
    {"REPLACE", STATE_SELECTED, COMMAND_OWN_NEWS | COMMAND_WAITS,
     replace_replace}, /* RFC 8508; refuses numbers by itself, with its message */
    {"IDLE", LOGGED_IN, COMMAND_WAITS, idle_idle},                           /* RFC 2177 */
    {"NOTIFY", LOGGED_IN, 0, notify_notify},                                 /* RFC 5465 */
    {"GETQUOTA", LOGGED_IN, 0, quota_getquota},                              /* RFC 9208 4.1.1 */
    {"GETQUOTAROOT", LOGGED_IN, 0, quota_getquotaroot},                      /* RFC 9208 4.1.2 */
    {"SETQUOTA", LOGGED_IN, 0, quota_setquota},                              /* RFC 9208 4.1.3 */
    {"GETMETADATA", LOGGED_IN, 0, metadata_getmetadata},                     /* RFC 5464 4.2 */
    {"SETMETADATA", LOGGED_IN, 0, metadata_setmetadata},                     /* RFC 5464 4.3 */
    {"UIDBATCHES", STATE_SELECTED, 0, uid_batches_uidbatches},               /* RFC 10022 */
    {"SETACL", LOGGED_IN, 0, acl_setacl},                                    /* RFC 4314 3.1 */
    {"DELETEACL", LOGGED_IN, 0, acl_deleteacl},                              /* RFC 4314 3.2 */
    {"GETACL", LOGGED_IN, 0, acl_getacl},                                    /* RFC 4314 3.3 */
    {"LISTRIGHTS", LOGGED_IN, 0, acl_listrights},                            /* RFC 4314 3.4 */
    {"MYRIGHTS", LOGGED_IN, 0, acl_myrights},                                /* RFC 4314 3.5 */
    {"URLFETCH", LOGGED_IN, 0, urlfetch_urlfetch},                           /* RFC 4467 7 */
    {"GENURLAUTH", LOGGED_IN, 0, urlauth_genurlauth},                        /* RFC 4467 7 */
    {"RESETKEY", LOGGED_IN, 0, urlauth_resetkey},                            /* RFC 4467 7 */
    {"CHECK", STATE_SELECTED, 0, any_check},                                 /* RFC 3501 6.4.1 */
    {"CLOSE", STATE_SELECTED, 0, select_close},                              /* RFC 3501 6.4.2 */
    {"UNSELECT", STATE_SELECTED, 0, select_unselect},                        /* RFC 3691 */
    {"EXPUNGE", STATE_SELECTED, 0, expunge_expunge},                         /* RFC 3501 6.4.3 */
    {"SEARCH", STATE_SELECTED, BY_NUMBER, search_search},                    /* RFC 3501 6.4.4 */
    {"ESEARCH", LOGGED_IN, COMMAND_UID, multisearch_esearch},                /* RFC 7377 */
    {"CANCELUPDATE", STATE_SELECTED, 0, search_context_cancelupdate},        /* RFC 5267 4.3.5 */
    {"SORT", STATE_SELECTED, BY_NUMBER, sort_sort},                          /* RFC 5256 */
    {"THREAD", STATE_SELECTED, BY_NUMBER, thread_thread},                    /* RFC 5256 */
    {"FETCH", STATE_SELECTED, BY_NUMBER, fetch_fetch},                       /* RFC 3501 6.4.5 */
    {"STORE", STATE_SELECTED, BY_NUMBER, store_store},                       /* RFC 3501 6.4.6 */
    {"COPY", STATE_SELECTED, COMMAND_NUMBERS | COMMAND_OWN_NEWS, copy_copy}, /* RFC 3501 6.4.7 */
    {"MOVE", STATE_SELECTED, COMMAND_NUMBERS | COMMAND_OWN_NEWS, copy_move}, /* RFC 6851 */
};

/* Behind "UID" (RFC 3501 section 6.4.8, RFC 4315, RFC 6851). */
static const struct command uid_commands[] = {
    {"SEARCH", STATE_SELECTED, COMMAND_UID, search_search},
    {"SORT", STATE_SELECTED, COMMAND_UID, sort_sort},
    {"THREAD", STATE_SELECTED, COMMAND_UID, thread_thread},
    {"FETCH", STATE_SELECTED, COMMAND_UID, fetch_fetch},
    {"STORE", STATE_SELECTED, COMMAND_UID, store_store},
    {"COPY", STATE_SELECTED, COMMAND_UID | COMMAND_OWN_NEWS, copy_copy},
    {"MOVE", STATE_SELECTED, COMMAND_UID | COMMAND_OWN_NEWS, copy_move},
    {"EXPUNGE", STATE_SELECTED, COMMAND_UID, expunge_expunge},
    {"REPLACE", STATE_SELECTED, COMMAND_UID | COMMAND_OWN_NEWS | COMMAND_WAITS,
     replace_replace}, /* RFC 8508 */
};

static const struct command *
find(const struct command *table, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(name, slice_of(table[i].name)))
            return &table[i];
    return NULL;
}

/* Takes the command's name, with "UID" in front of it where it has one. */
static const struct command *
find_command(struct parser *p)
{
    struct slice name;

    if (!parser_atom(p, &name))
        return NULL;
    if (!slice_eq_nocase(name, SLICE("UID")))
        return find(commands, ARRAY_LEN(commands), name);
    if (!parser_space(p) || !parser_atom(p, &name))
        return NULL;
    return find(uid_commands, ARRAY_LEN(uid_commands), name);
}

static struct reply
run(struct session *s, const struct command *c, struct parser *p)
{
    if (c == NULL)
        return reply_bad("Unknown command");
    if (!(c->states & s->state))
        return reply_bad(s->state == STATE_NOT_AUTHENTICATED ? "Log in first"
                                                             : "Command is not allowed now");
    if ((c->flags & COMMAND_NUMBERS) != 0 && !parser_numbers(p))
        return reply_bad(p->error);
    return c->run(s, p, c->flags);
}

static void
send_tagged(struct session *s, const struct reply *reply, const struct parser *p)
{
    static const char *const words[] = {
        [REPLY_OK] = "OK", [REPLY_NO] = "NO", [REPLY_BAD] = "BAD", [REPLY_LAST] = "NO"};
    const char *text = reply->text;

    const char *code = reply->code;

    if (reply->kind == REPLY_BAD && p->error != NULL)
        text = p->error;
    if (reply->kind == REPLY_BAD && p->uid_only && p->has_numbers)
        code = "UIDREQUIRED"; /* RFC 9586 section 3 */
    (void)strbuf_printf(&s->out, "%.*s %s ", (int)s->tag.len, s->tag.ptr, words[reply->kind]);
    if (code != NULL)
        (void)strbuf_printf(&s->out, "[%s] ", code);
    (void)strbuf_str(&s->out, text);
    (void)strbuf_str(&s->out, "\r\n");
    updates_put_out(s);
}

/* Too many mistakes in a row, or too many commands of a stranger, end the session. */
static void
count_errors(struct session *s, const struct reply *reply)
{
    if (reply->kind == REPLY_OK && s->state != STATE_NOT_AUTHENTICATED)
        s->errors = 0;
    if (reply->kind == REPLY_BAD && ++s->errors >= s->server->settings.errors_max)
        session_bye(s, "Too many wrong commands");
    if (s->state == STATE_NOT_AUTHENTICATED && ++s->commands_before_login >= COMMANDS_BEFORE_LOGIN)
        session_bye(s, "Too many commands without login");
}

/* UID SEARCH and its kin with numbers among the search keys (RFC 9051 section 7.5.1). */
static bool
names_numbers(const struct command *c, const struct parser *p)
{
    return (c->flags & COMMAND_UID) != 0 && p->has_numbers;
}

static unsigned
how_to_update(const struct command *c, const struct parser *p)
{
    unsigned how = UPDATES_KEEP;

    if (!(c->flags & COMMAND_NO_EXPUNGE) && !names_numbers(c, p))
        how |= UPDATES_EXPUNGE;
    if (c->flags & COMMAND_UID)
        how |= UPDATES_UID;
    return how | ((c->flags & COMMAND_OWN_NEWS) != 0 ? UPDATES_OWN : 0);
}

/* Runs it, tells of what others did, and replies. */
static void
answer(struct session *s, const struct command *c, struct parser *p)
{
    struct reply reply = run(s, c, p);

    if (reply.kind == REPLY_SENT)
        return;
    if (s->mailbox != NULL && s->state == STATE_SELECTED && reply.kind != REPLY_BAD)
        updates_send(s, how_to_update(c, p));
    if (s->state != STATE_LOGOUT) {
        notify_tell_others(s);
        metadata_news_send(s);
    }
    send_tagged(s, &reply, p);
    if (reply.kind == REPLY_LAST)
        session_bye(s, reply.text);
    compress_start(s);
    count_errors(s, &reply);
}

static void
refuse(struct session *s, struct parser *p, const char *why)
{
    const struct reply reply = reply_bad(why);

    send_tagged(s, &reply, p);
    count_errors(s, &reply);
}

void
command_run(struct session *s)
{
    struct parser p = parser_begin(strbuf_slice(&s->command), &s->arena);
    const struct filter_source filters = filters_of(s);
    const struct command *c;
    int64_t began;

    p.utf8 = session_takes_utf8(s);
    p.filters = &filters;
    p.uid_only = (s->enabled & ENABLED_UIDONLY) != 0;
    stats_add(s->server->counters.commands, 1);
    if (!parser_tag(&p, &s->tag)) {
        s->tag = SLICE("*"); /* RFC 3501 section 7.1.3 */
        refuse(s, &p, "Wrong tag");
    } else if (!parser_space(&p)) {
        refuse(s, &p, "No command");
    } else {
        c = find_command(&p);
        began = clock_mono_us();
        answer(s, c, &p);
        if (c != NULL)
            work_add(&s->work, c->name,
                     (c->flags & COMMAND_WAITS) != 0 ? 0 : (uint64_t)(clock_mono_us() - began));
    }
}
